"""What people call the pages of a document, and the mark of those that OCR read."""

import pytest

from indexing.document import Document, Share
from indexing.stored import StoredDocument

SHARE = Share(channel="C1", file_id="F1", user="U1", ts="1.0", permalink="", name="a.pdf")


def document(labels: tuple[str, ...] = (), ocr: tuple[int, ...] = ()) -> Document:
    return StoredDocument(document_id="d", pages=3, labels=labels, ocr=ocr, complete=True).document([SHARE])


@pytest.mark.parametrize(
    ("labels", "page", "place"),
    [((), 2, "p. 2"), (("i", "ii", "1"), 2, "ii"), (("", "", "rates.pdf, p. 1"), 2, "p. 2"), (("i",), 2, "p. 2")],
)
def test_a_page_has_its_label_or_its_number(labels: tuple[str, ...], page: int, place: str) -> None:
    assert document(labels).place(page) == place
    assert document(labels, ocr=(page,)).place(page) == f"{place} (scan)"
    assert document(labels, ocr=(1, 3)).place(page) == place


def test_only_what_is_no_number_is_a_label() -> None:
    assert document().label(1) == ""
    assert document(ocr=(1,)).label(1) == "p. 1 (scan)"
