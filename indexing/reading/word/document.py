"""A Word file as pages: paragraphs with their numbers, tables as rows, notes with their sentences."""

import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from docx.opc.constants import CONTENT_TYPE, RELATIONSHIP_TYPE
from docx.opc.part import PartFactory
from docx.oxml import parse_xml
from docx.oxml.ns import qn
from docx.package import Package
from docx.parts.document import DocumentPart

from indexing.reading.inner_pictures import InnerPictures
from indexing.reading.pages import CannotRead, Note, PageTexts
from indexing.reading.text_files import paginate
from indexing.reading.word.blocks import BlockReader
from indexing.reading.word.equations import local_name
from indexing.reading.word.numbering import Numbering
from indexing.reading.word.paragraph import PAGE, WordContext
from indexing.reading.word.styles import Styles

LONGEST_PAGE = 12_000  # characters of a page whose breaks a Word file has: dense print has about 6,000
UNPACKED_BYTES = 200 * 2**20  # a small zip can hold gigabytes
SIDE_PARTS = {
    "footnote": RELATIONSHIP_TYPE.FOOTNOTES, "endnote": RELATIONSHIP_TYPE.ENDNOTES,
    "comment": RELATIONSHIP_TYPE.COMMENTS,
}  # fmt: skip
NOT_READ = {
    "chart": "charts", "relIds": "diagrams", "OLEObject": "objects", "altChunk": "objects",
}  # fmt: skip
LEAST_LETTERS = 3  # of a head or foot that tells something

# Documents with macros and templates are documents all the same; nothing of a macro is ever run.
for kind in ("document.macroEnabled.main+xml", "template.macroEnabledTemplate.main+xml"):
    PartFactory.part_type_for[f"application/vnd.ms-word.{kind}"] = DocumentPart
PartFactory.part_type_for[CONTENT_TYPE.WML_DOCUMENT_MAIN.replace("document.main", "template.main")] = DocumentPart


def word_file(path: Path) -> PageTexts:
    """Read a Word file: its pages as Word last saw them, else about one printed page each."""
    with zipfile.ZipFile(path) as archive:
        if sum(member.file_size for member in archive.infolist()) > UNPACKED_BYTES:
            raise ValueError("the file unpacks to too much")
    part: Any = Package.open(str(path)).main_document_part
    if not isinstance(part, DocumentPart):
        raise CannotRead("damaged")
    body: Any = part.element.body
    pictures = InnerPictures()
    reader = block_reader(part, pictures, rendered=bool(body.xpath(".//w:lastRenderedPageBreak")))
    heads, feet = repeated_texts(part, reader.context)
    blocks = [*heads, *reader.texts(body), *feet]
    pages = "\n\n".join(block for block in blocks if block).split(PAGE)
    texts = [piece for page in pages if page.strip() for piece in long_page(page.strip("\n"))]
    properties = part.package.core_properties
    notes = notes_of(body, reader.context.left_out)
    return PageTexts(texts, title=str(properties.title or ""), notes=notes, pictures=pictures)


def block_reader(part: Any, pictures: InnerPictures, *, rendered: bool) -> BlockReader:
    """Return a reader of the file's paragraphs that knows its styles, lists and notes."""
    numbering = related(part, RELATIONSHIP_TYPE.NUMBERING)
    styles = Styles.of(related(part, RELATIONSHIP_TYPE.STYLES), numbering)
    left_out: Counter[str] = Counter()
    side_notes = {key: text for kind in SIDE_PARTS for key, text in side_texts(part, kind, styles, left_out)}
    context = WordContext(
        styles, targets_of(part), rendered, side_notes, left_out, partial(marked_picture, part, pictures)
    )
    return BlockReader(context, Numbering.of(numbering))


def marked_picture(part: Any, pictures: InnerPictures, identity: str) -> str:
    """Return the mark of a picture by its id in a part; one that lies elsewhere is never fetched."""
    relation = part.rels.get(identity)
    if relation is None or relation.is_external:
        return pictures.mark(f"linked {identity}", None)
    return pictures.mark(str(relation.target_part.partname), relation.target_part.blob)


def related(part: Any, relationship: str) -> Any:
    """Return the root of a part that belongs to another; None where there is none."""
    for relation in part.rels.values():
        if relation.reltype == relationship and not relation.is_external:
            target = relation.target_part
            return target.element if hasattr(target, "element") else parse_xml(target.blob)
    return None


def targets_of(part: Any) -> Mapping[str, str]:
    """Return where a part's links lead."""
    return {identity: str(relation.target_ref) for identity, relation in part.rels.items() if relation.is_external}


def side_texts(part: Any, kind: str, styles: Styles, left_out: Counter[str]) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield the footnotes, endnotes or comments of a file with their marks, as they are shown behind a sentence."""
    root = related(part, SIDE_PARTS[kind])
    number = 0
    for note in root if root is not None else ():
        if local_name(note) != kind or note.get(qn("w:type")) in {"separator", "continuationSeparator"}:
            continue
        context = WordContext(styles, {}, rendered=True, side_notes={}, left_out=left_out)
        text = " ".join(" ".join(BlockReader(context, Numbering()).texts(note)).split())
        number += 1
        author = str(note.get(qn("w:author")) or "")
        label = f"comment, {author}" if author else "comment" if kind == "comment" else f"note {number}"
        if text:
            yield (kind, str(note.get(qn("w:id")))), f"{label}: {text}"


def repeated_texts(part: Any, context: WordContext) -> tuple[list[str], list[str]]:
    """Return the texts of all heads and all feet, each once, without page numbers."""
    texts: dict[str, dict[str, None]] = {"hdr": {}, "ftr": {}}
    for relation in part.rels.values():
        if relation.is_external or relation.reltype not in {RELATIONSHIP_TYPE.HEADER, RELATIONSHIP_TYPE.FOOTER}:
            continue
        root = relation.target_part.element
        inside = WordContext(context.styles, targets_of(relation.target_part), True, {}, context.left_out)
        text = "\n".join(" ".join(block.split()) for block in BlockReader(inside, Numbering()).texts(root)).strip()
        if sum(map(str.isalpha, text)) >= LEAST_LETTERS:
            texts[local_name(root)][text] = None
    return list(texts["hdr"]), list(texts["ftr"])


def notes_of(body: Any, left_out: Counter[str]) -> list[Note]:
    """Return what of the file is not among its text."""
    counts = Counter(NOT_READ[name] for element in body.iter() if (name := local_name(element)) in NOT_READ)
    hidden: list[Note] = [(key, "") for key in sorted(left_out)]
    return [*hidden, *((key, str(count)) for key, count in sorted(counts.items()))]


def long_page(page: str) -> list[str]:
    """Cut a page that can't have been printed as one: the file does not say where its pages end."""
    return [page] if len(page) <= LONGEST_PAGE else paginate(page.split("\n\n"), "\n\n")
