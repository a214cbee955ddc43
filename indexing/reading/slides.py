"""Presentations: a slide is a page, its speaker's notes with it."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pptx import Presentation
from pptx.enum.shapes import MSO_SHAPE_TYPE, PP_PLACEHOLDER
from pptx.shapes.picture import Picture

from indexing.reading.archive import check_unpacked
from indexing.reading.inner_pictures import InnerPictures
from indexing.reading.pages import PageTexts

FURNITURE = {PP_PLACEHOLDER.SLIDE_NUMBER, PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.HEADER}
DEEPEST = 8  # groups within groups
ROW = 20_000  # EMU: shapes at nearly one height are read from left to right
CELL = " | "


def slides_file(path: Path) -> PageTexts:
    """Read a presentation; hidden slides are left out and named."""
    check_unpacked(path)
    presentation = Presentation(str(path))
    left_out: Counter[str] = Counter()
    pictures = InnerPictures()
    texts, labels, hidden = [], [], []
    for number, slide in enumerate(presentation.slides, start=1):
        if slide.element.get("show") in {"0", "false"}:
            hidden.append(str(number))
            continue
        texts.append(slide_text(slide, left_out, pictures))
        labels.append(f"slide {number}")
    notes = [(key, str(count)) for key, count in sorted(left_out.items())]
    if hidden:
        notes.append(("hidden_slides", " ".join(hidden)))
    title = str(presentation.core_properties.title or "")
    return PageTexts(texts, title=title, labels=labels, notes=notes, pictures=pictures)


def slide_text(slide: Any, left_out: Counter[str], pictures: InnerPictures) -> str:
    """Return a slide's title, what stands on it, and what its speaker says."""
    title = slide.shapes.title
    heading = " ".join(title.text_frame.text.split()) if title is not None and title.has_text_frame else ""
    rest = [shape for shape in slide.shapes if title is None or shape.shape_id != title.shape_id]
    parts = [f"# {heading}" if heading else "", *shapes_text(rest, left_out, pictures)]
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        parts.append(slide.notes_slide.notes_text_frame.text.strip())
    return "\n\n".join(part for part in parts if part)


def shapes_text(shapes: Any, left_out: Counter[str], pictures: InnerPictures, depth: int = 0) -> Iterator[str]:
    """Yield the texts of shapes, from top to bottom and from left to right."""
    for shape in sorted(shapes, key=lambda shape: ((shape.top or 0) // ROW, shape.left or 0)):
        if shape.shape_type == MSO_SHAPE_TYPE.GROUP and depth < DEEPEST:
            yield from shapes_text(shape.shapes, left_out, pictures, depth + 1)
        elif getattr(shape, "has_table", False):
            yield "\n".join(table_rows(shape.table))
        elif getattr(shape, "has_chart", False):
            yield "\n".join(chart_rows(shape.chart))
        elif shape.has_text_frame and not is_furniture(shape):
            yield frame_text(shape.text_frame)
        elif isinstance(shape, Picture):
            yield marked_picture(shape, pictures)
        elif shape.element.tag.endswith("}graphicFrame"):
            left_out["diagrams"] += 1


def marked_picture(shape: Picture, pictures: InnerPictures) -> str:
    """Return the mark of a picture; one that lies elsewhere is never fetched."""
    identity = shape._element.blip_rId
    if identity is None or identity not in shape.part.rels or shape.part.rels[identity].is_external:
        return pictures.mark(f"linked {shape.part.partname} {shape.shape_id}", None)
    target = shape.part.related_part(identity)
    return pictures.mark(str(target.partname), target.blob)


def is_furniture(shape: Any) -> bool:
    """Tell whether a shape is the number, the date or the foot of a slide."""
    return bool(shape.is_placeholder and shape.placeholder_format.type in FURNITURE)


def frame_text(frame: Any) -> str:
    """Return paragraphs, points indented by their level, links with where they lead."""
    lines = []
    for paragraph in frame.paragraphs:
        text = "".join(run_text(run) for run in paragraph.runs) or paragraph.text
        if text.strip():
            lines.append("  " * paragraph.level + text.replace("\v", "\n").strip())
    return "\n".join(lines)


def run_text(run: Any) -> str:
    """Return a run's text; struck text is left out."""
    if str(run.font._element.get("strike") or "noStrike") != "noStrike":
        return ""
    address = run.hyperlink.address or ""
    return f"{run.text} ({address})" if address and address not in run.text else str(run.text)


def table_rows(table: Any) -> Iterator[str]:
    """Yield a table's rows; a cell that is merged with the one above says again what that says."""
    above: dict[int, str] = {}
    for row in table.rows:
        cells = []
        for column, cell in enumerate(row.cells):
            if cell.is_spanned:
                text = above.get(column, "")
            else:
                text = " ".join(cell.text_frame.text.split())
                height, width = (cell.span_height, cell.span_width) if cell.is_merge_origin else (1, 1)
                above |= {column + step: text if height > 1 else "" for step in range(width)}
            cells.append(text)
        yield CELL.join(cells)


def chart_rows(chart: Any) -> Iterator[str]:
    """Yield a chart's figures as rows: its series beside its categories."""
    if chart.has_title and chart.chart_title.has_text_frame:
        yield chart.chart_title.text_frame.text
    for plot in chart.plots:
        series = list(plot.series)
        yield CELL.join(["", *(str(one.name) for one in series)])
        columns = [list(one.values) for one in series]
        for index, category in enumerate(plot.categories):
            values = [column[index] if index < len(column) else None for column in columns]
            yield CELL.join([str(category), *("" if value is None else f"{value:g}" for value in values)])
