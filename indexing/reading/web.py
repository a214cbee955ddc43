"""HTML as text: headings, lists, tables as rows, links with where they lead; scripts and styles never."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup
from bs4.element import Comment, NavigableString, Tag

from indexing.reading.decode import decode_text
from indexing.reading.pages import CannotRead, PageTexts
from indexing.reading.text_files import paginate

UNSEEN = ["script", "style", "template", "noscript", "head", "svg", "iframe", "object", "nav"]
BLOCKS = {
    "p", "div", "section", "article", "main", "header", "footer", "aside", "blockquote", "ul", "ol", "dl", "dt", "dd",
    "figure", "figcaption", "form", "fieldset", "address", "details", "summary", "body", "html",
}  # fmt: skip
HIDDEN_STYLES = ("display:none", "visibility:hidden")
DEEPEST = 200  # elements within elements
CELL = " | "


def web_file(path: Path) -> PageTexts:
    """Read a saved page; a sign-in page is none."""
    soup = soup_of(decode_text(path.read_bytes()))
    if soup.find("input", attrs={"type": "password"}):
        raise CannotRead("html")
    title = " ".join(soup.title.get_text().split()) if soup.title else ""
    return PageTexts(list(paginate(html_text(soup).split("\n\n"), "\n\n")), title=title)


def soup_of(text: str) -> BeautifulSoup:
    """Parse HTML; nothing is fetched."""
    return BeautifulSoup(text, "html.parser")


def text_of_html(text: str) -> str:
    """Return the text of a piece of HTML."""
    return html_text(soup_of(text))


def html_text(soup: BeautifulSoup) -> str:
    """Return what a browser would show."""
    for element in soup.find_all(UNSEEN):
        element.decompose()
    blocks = "".join(parts(soup, 0)).split("\n\n")
    lines = ("\n".join(" ".join(line.split()) for line in block.split("\n")).strip("\n") for block in blocks)
    return "\n\n".join(line for line in lines if line.strip())


def parts(element: Any, depth: int) -> Iterator[str]:
    """Yield the pieces of an element's text, blocks between blank lines."""
    for child in element.children if depth < DEEPEST else ():
        if isinstance(child, NavigableString):
            yield "" if isinstance(child, Comment) else str(child).replace("\n", " ")
        elif isinstance(child, Tag) and not is_hidden(child):
            yield from tag_parts(child, depth + 1)


def is_hidden(tag: Tag) -> bool:
    """Tell whether a browser does not show an element."""
    style = str(tag.get("style") or "").replace(" ", "").casefold()
    return (
        tag.has_attr("hidden") or any(hidden in style for hidden in HIDDEN_STYLES) or tag.name in {"del", "s", "strike"}
    )


def tag_parts(tag: Tag, depth: int) -> Iterator[str]:
    """Yield one element's pieces."""
    name = tag.name
    if name == "br":
        yield "\n"
    elif name == "table":
        yield "\n\n" + "\n".join(table_rows(tag, depth)) + "\n\n"
    elif name in {"h1", "h2", "h3", "h4", "h5", "h6"}:
        yield f"\n\n{'#' * int(name[1])} {' '.join(''.join(parts(tag, depth)).split())}\n\n"
    elif name == "li":
        yield "\n- " + "".join(parts(tag, depth)).strip()
    elif name == "pre":
        yield f"\n\n{tag.get_text()}\n\n"
    elif name == "a":
        yield link_text(tag, "".join(parts(tag, depth)))
    elif name in {"input"} and tag.get("type") in {"checkbox", "radio"}:
        yield "☒ " if tag.has_attr("checked") else "☐ "
    elif name == "sup":
        inside = "".join(parts(tag, depth))
        yield f"^{inside}" if inside.strip().isdigit() else inside
    elif name in BLOCKS:
        yield "\n\n" + "".join(parts(tag, depth)) + "\n\n"
    else:
        yield from parts(tag, depth)


def link_text(tag: Tag, inside: str) -> str:
    """Return a link's words with its address, unless they are that."""
    target = str(tag.get("href") or "")
    shown = target.removeprefix("https://").removeprefix("http://").rstrip("/")
    return f"{inside} ({target})" if target.startswith("http") and shown not in inside and inside.strip() else inside


def table_rows(table: Tag, depth: int) -> Iterator[str]:
    """Yield a table's rows; a cell that spans rows says in each what it says."""
    below: dict[int, tuple[int, str]] = {}
    for row in table.find_all("tr"):
        if row.find_parent("table") is not table:
            continue
        cells: list[str] = []
        for cell in row.find_all(["td", "th"], recursive=False):
            spanned(cells, below)
            text = " ".join("".join(parts(cell, depth + 1)).split())
            if (rows := span(cell, "rowspan")) > 1:
                below[len(cells)] = rows - 1, text
            cells += [text] + [""] * (span(cell, "colspan") - 1)
        spanned(cells, below)
        if any(cells):
            yield CELL.join(cells)


def spanned(cells: list[str], below: dict[int, tuple[int, str]]) -> None:
    """Append the cells of earlier rows that reach into this one here."""
    while (column := len(cells)) in below:
        rows, text = below.pop(column)
        if rows > 1:
            below[column] = rows - 1, text
        cells.append(text)


def span(cell: Tag, name: str) -> int:
    """Return over how many rows or columns a cell reaches."""
    text = str(cell.get(name) or "1")
    return min(int(text), 100) if text.isdigit() and int(text) else 1
