"""What every OpenDocument file has: its content, its title, its pictures; what is struck or hidden is taken out."""

import zipfile
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import etree

from indexing.reading.archive import check_unpacked, member, parsed
from indexing.reading.inner_pictures import InnerPictures
from indexing.reading.pages import CannotRead, Note, PageTexts

PARAGRAPH = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}p"
STRUCK = {
    "text-line-through-style": {"solid", "dotted", "dash", "wave"}, "text-line-through-type": {"single", "double"},
}  # fmt: skip
HIDDEN = {"display": {"none", "false"}, "visibility": {"hidden"}}  # of text and of sheets; of slides


@dataclass
class OpenDocumentFile:
    """The content of a file, its pictures marked, what is struck or hidden taken out."""

    root: Any
    title: str
    pictures: InnerPictures
    unseen: Set[str]  # styles of what a person does not see
    notes: list[Note]

    @classmethod
    def of(cls, path: Path) -> "OpenDocumentFile":
        """Open a file."""
        check_unpacked(path)
        pictures = InnerPictures()
        with zipfile.ZipFile(path) as archive:
            root = parsed(member(archive, "content.xml"))
            titles = parsed(member(archive, "meta.xml")).iter("{*}title") if "meta.xml" in archive.namelist() else ()
            mark_pictures(root, archive, pictures)
            title = next((str(title.text or "") for title in titles), "")
        struck, unseen = styles_with(root, STRUCK), styles_with(root, HIDDEN)
        notes: list[Note] = [("objects", str(count))] if (count := sum(1 for _ in root.iter("{*}object"))) else []
        notes += [("struck", "")] * without(root, struck) + [("hidden", "")] * without(root, unseen)
        return cls(root, title, pictures, unseen, notes)

    def body(self, kind: str) -> Any:
        """Return the body of a document."""
        for body in self.root.iter("{*}body"):
            for inner in children(body, kind):
                return inner
        raise CannotRead("damaged")

    def pages(self, texts: list[str], labels: Sequence[str] = (), notes: Sequence[Note] = ()) -> PageTexts:
        """Return the pages with what the receipt says about the file."""
        return PageTexts(
            texts, title=self.title, labels=labels, notes=[*self.notes, *notes], pictures=self.pictures
        )  # fmt: skip


def mark_pictures(root: Any, archive: zipfile.ZipFile, pictures: InnerPictures) -> None:
    """Put a paragraph with its mark into each picture; those that stand for a chart or lie elsewhere have none."""
    names = set(archive.namelist())
    for image in root.iter("{*}image"):
        name = attribute(image, "href").removeprefix("./")
        if name.startswith("ObjectReplacements/"):
            continue
        data = member(archive, name) if name in names else None
        etree.SubElement(image, PARAGRAPH).text = pictures.mark(name, data)


def styles_with(root: Any, properties: Mapping[str, Set[str]]) -> set[str]:
    """Return the names of the file's own styles that have one of these properties."""
    return {
        attribute(style, "name")
        for style in root.iter("{*}style")
        for inner in style
        if any(attribute(inner, name) in values for name, values in properties.items())
    }


def without(root: Any, styles: Set[str]) -> bool:
    """Empty the stretches of text in some styles; tell whether there were any with text."""
    emptied = False
    for element in list(root.iter("{*}span", "{*}p", "{*}h")):
        if attribute(element, "style-name") in styles and "".join(element.itertext()).strip():
            tail = element.tail
            element.clear()
            element.tail, emptied = tail, True
    return emptied


def name_of(element: Any) -> str:
    """Return a tag without its namespace; "" for comments."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def attribute(element: Any, name: str) -> str:
    """Return an attribute, whatever its namespace."""
    return next((str(value) for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")


def children(element: Any, name: str) -> Iterator[Any]:
    """Yield the children of that name."""
    return (child for child in element if name_of(child) == name)
