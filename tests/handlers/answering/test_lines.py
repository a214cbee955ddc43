"""Passages cut into lines: what can be quoted alone, with what it is said of."""

from handlers.answering.lines import lines_of
from indexing.document import Passage


def passage(text: str, page: int = 1, heading: str = "") -> Passage:
    return Passage(
        id=str(page), document_id="d", document="d.pdf", text=text, page=page, last_page=page, heading=heading,
        permalink="", score=1.0, relevance=1.0,
    )  # fmt: skip


def read(text: str, heading: str = "") -> list[tuple[str, str]]:
    return [(line.context, line.text) for line in lines_of([passage(text, heading=heading)])]


def test_a_row_stands_under_the_names_of_its_columns() -> None:
    rows = read("Our year\nFigure | 2024 | 2025\nRobots delivered | 312 | 427")
    assert rows[-1] == ("Our year – Figure | 2024 | 2025", "Robots delivered | 312 | 427")


def test_a_table_of_labels_has_no_names_of_columns() -> None:
    rows = read("Owner | Director of Resources, Malcolm Tresidder\nApplies to | All employees; not to volunteers")
    assert [context for context, _ in rows] == ["", ""]


def test_an_item_stands_under_what_its_list_is_about() -> None:
    assert read("We never pay:\n• fines\n• the mini-bar")[1:] == [
        ("We never pay", "• fines"), ("We never pay", "• the mini-bar"),
    ]  # fmt: skip


def test_wrapped_lines_are_one_sentence_and_short_ones_stay_apart() -> None:
    text = (
        "Core hours are 09:30 to 15:30 with an hour for lunch; outside them\nyou arrange your day.\nDraps 5 410\nTotal"
    )
    assert [line for _, line in read(text)] == [
        "Core hours are 09:30 to 15:30 with an hour for lunch; outside them you arrange your day.",
        "Draps 5 410",
        "Total",
    ]


def test_a_clause_stands_under_its_own_heading_and_not_the_passages() -> None:
    text = (
        "6.3 A monthly allowance of £26 is paid for heating.\n7 Information security\n7.1 Use only the laptop supplied."
    )
    assert read(text, "7 Information security") == [
        ("", "6.3 A monthly allowance of £26 is paid for heating."),
        ("7 Information security", "7.1 Use only the laptop supplied."),
    ]


def test_a_numbered_line_that_goes_on_is_no_heading() -> None:
    text = "2. Refund of the rental at Smith's, on presentation of the\ninvoice, within ten days.\nThe rest stays."
    assert read(text)[0][1].endswith("the invoice, within ten days.")


def test_the_sentence_before_is_kept_to_understand_the_next() -> None:
    lines = lines_of([passage("A monthly allowance is paid. It is taxable.")])
    assert [(line.text, line.before) for line in lines][1] == ("It is taxable.", "A monthly allowance is paid.")


def test_running_heads_and_page_numbers_are_no_lines() -> None:
    rules = ["Doors are locked.", "Windows are shut.", "Lamps are off."]
    pages = [passage(f"Housing Trust HR-14\n{rule}\nIn force from 1 March {n}/4", n) for n, rule in enumerate(rules, 1)]
    assert [line.text for line in lines_of(pages)] == rules


def test_pages_that_have_running_heads_alone_have_no_lines() -> None:
    """A figure on a page of its own, below the head that all pages have: an answer must not end there."""
    pages = [passage(f"Brightwater Hydraulics {page}", page) for page in range(1, 5)]
    assert lines_of(pages) == []
