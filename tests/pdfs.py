"""Small real PDFs for the tests, with sentences of our own."""

from collections.abc import Sequence
from pathlib import Path

from fpdf import FPDF


def make_pdf(path: Path, pages: Sequence[str]) -> Path:
    """Write one page for each text."""
    pdf = FPDF()
    pdf.set_font("Helvetica", size=12)
    for text in pages:
        pdf.add_page()
        pdf.multi_cell(0, 8, text.encode("latin-1", "replace").decode("latin-1"))
    pdf.output(str(path))
    return path
