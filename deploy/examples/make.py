"""Turns the texts beside this file into the PDFs of the first five minutes: `python deploy/examples/make.py`."""

from datetime import UTC, datetime
from pathlib import Path

from fpdf import FPDF
from fpdf.fonts import FontFace
from matplotlib import get_data_path

HERE = Path(__file__).parent
FONTS = Path(get_data_path()) / "fonts" / "ttf"
WRITTEN = datetime(2026, 9, 1, tzinfo=UTC)  # the same text gives the same bytes


class Page(FPDF):
    """A4 with the document's title above and the page's number below."""

    heading = ""

    def header(self) -> None:
        """Print the title, except on the cover."""
        if self.page_no() > 1:
            self.set_font("Text", size=8)
            self.cell(0, 6, self.heading, align="R", new_x="LMARGIN", new_y="NEXT")
            self.ln(4)

    def footer(self) -> None:
        """Print the page's number."""
        self.set_y(-14)
        self.set_font("Text", size=8)
        self.cell(0, 6, str(self.page_no()), align="C")


def make(source: Path) -> Path:
    """Write the PDF of one text: `# title`, `## chapter` (new page), `### section`, `- item`, `| table |`, the rest."""
    blocks = source.read_text(encoding="utf-8").strip().split("\n\n")
    page = Page(format="A4")
    page.heading = blocks[0].removeprefix("# ").splitlines()[0]
    page.set_title(page.heading)
    page.set_lang("fr" if source.stem == "manuel" else "en")
    page.set_creation_date(WRITTEN)
    page.add_font("Text", "", FONTS / "DejaVuSerif.ttf")
    page.add_font("Text", "B", FONTS / "DejaVuSerif-Bold.ttf")
    page.set_margins(24, 20)
    page.set_auto_page_break(True, 20)
    page.add_page()
    for block in blocks:
        write(page, block)
    target = source.with_suffix(".pdf")
    page.output(str(target))
    return target


def write(page: Page, block: str) -> None:
    """Add one block of the text."""
    if block.startswith("|"):
        table(page, block)
        return
    for mark, style, size, above in (("# ", "B", 22, 40), ("## ", "B", 15, 0), ("### ", "B", 11.5, 2)):
        if block.startswith(mark):
            if mark == "## ":
                page.add_page()
            page.ln(above)
            line(page, block.removeprefix(mark), style, size)
            return
    if block.startswith("- "):
        for item in block.removeprefix("- ").split("\n- "):
            line(page, f"•  {item}", "", 10, gap=1)
        page.ln(2)
    else:
        line(page, " ".join(block.split()), "", 10)


def line(page: Page, text: str, style: str, size: float, *, gap: float = 3) -> None:
    """Add a paragraph in one style."""
    page.set_font("Text", style, size)
    page.multi_cell(0, size * 0.5, text, align="L", new_x="LMARGIN", new_y="NEXT")
    page.ln(gap)


def table(page: Page, block: str) -> None:
    """Add a table; its first row is the heading."""
    page.set_font("Text", size=9)
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in block.splitlines()]
    with page.table(headings_style=FontFace(emphasis="BOLD"), line_height=6, text_align="LEFT", padding=1) as grid:
        for row in rows:
            grid.row(row)
    page.ln(4)


if __name__ == "__main__":
    for text in sorted(HERE.glob("*.md")):
        print(make(text).name)  # noqa: T201 - this is what the command is for
