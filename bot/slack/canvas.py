"""Canvases, which Slack hands over as web pages: their words as Markdown, so that they are read like any text."""

import re
from html.parser import HTMLParser

HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}
BLOCKS = frozenset({"p", "div", "section", "article", "ul", "ol", "table", "blockquote", "pre", "br", "hr", *HEADINGS})
SILENT = frozenset({"script", "style", "head", "template"})


class _Words(HTMLParser):
    """Gathers the lines of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = [""]
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a line where a block begins, with its mark."""
        if tag in SILENT:
            self._silent += 1
        elif tag in BLOCKS:
            self._begin(HEADINGS.get(tag, ""))
        elif tag == "li":
            self._begin("- " + {"checked": "[x] ", "unchecked": "[ ] "}.get(str(dict(attrs).get("class")), ""))
        elif tag == "tr":
            self._begin("| ")
        elif tag == "img":
            self.lines[-1] += str(dict(attrs).get("alt") or "")

    def handle_endtag(self, tag: str) -> None:
        """End a line where a block ends."""
        if tag in SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in {"td", "th"}:
            self.lines[-1] += " | "
        elif tag in BLOCKS or tag in {"li", "tr"}:
            self._begin("")

    def handle_data(self, data: str) -> None:
        """Add words to the line."""
        if not self._silent:
            self.lines[-1] += re.sub(r"\s+", " ", data)

    def _begin(self, mark: str) -> None:
        if self.lines[-1].strip(" -#|"):
            self.lines.append(mark)
        else:
            self.lines[-1] = mark


def canvas_text(page: str) -> str:
    """Return a canvas's words as Markdown: headings, lists and rows of tables in lines of their own."""
    words = _Words()
    words.feed(page)
    words.close()
    lines = [line.strip() for line in words.lines]
    return "\n\n".join(line for line in lines if line.strip(" -#|")) + "\n"
