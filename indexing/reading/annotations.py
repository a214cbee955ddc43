"""What lies on top of a PDF's pages or behind them: values of forms, notes, links."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pypdf

from indexing.reading.lines import AddedText
from indexing.reading.pages import BROKEN, Note
from indexing.reading.word.symbols import EMPTY, TICKED

HIDDEN, NO_VIEW, PASSWORD, PUSH_BUTTON = 1 << 1, 1 << 5, 1 << 13, 1 << 16  # flags of annotations and of fields
DEEPEST = 20  # fields within fields
MOST_ANNOTATIONS = 2000  # of a page
MARKUP = {"/Text", "/Highlight", "/Underline", "/StrikeOut", "/Squiggly", "/Stamp", "/Caret", "/Square", "/Circle",
          "/Ink", "/Line", "/Polygon", "/PolyLine"}  # fmt: skip
TAG = re.compile(r"<[^>]+>")


def added_texts(page: Any) -> tuple[list[AddedText], list[str]]:
    """Return what is typed onto a page, by its place, and the notes that people put on it."""
    added: list[AddedText] = []
    notes: list[str] = []
    for annotation in annotations_of(page):
        kind = annotation.get("/Subtype")
        if kind == "/Widget" and (value := field_value(annotation)):
            added.append(placed(annotation, value))
        elif kind == "/FreeText" and (text := contents(annotation)):
            added.append(placed(annotation, text))
        elif kind == "/Link" and (target := target_of(annotation)):
            added.append(placed(annotation, f"({target})", behind=True))
        elif kind in MARKUP and (text := contents(annotation)):
            author = string_of(annotation.get("/T"))
            notes.append(f"[{', '.join(part for part in ('note', author) if part)}: {text}]")
    return added, notes


def annotations_of(page: Any) -> Iterator[Mapping[str, Any]]:
    """Yield what is visible of a pypdf page's annotations."""
    listed = resolved(page.get("/Annots")) or []
    for reference in list(listed)[:MOST_ANNOTATIONS]:
        annotation = resolved(reference)
        if isinstance(annotation, Mapping) and not int(resolved(annotation.get("/F")) or 0) & (HIDDEN | NO_VIEW):
            yield annotation


def resolved(value: Any) -> Any:
    """Follow a reference."""
    return value.get_object() if hasattr(value, "get_object") else value


def string_of(value: Any) -> str:
    """Return a text on one line; "" for what is none."""
    value = resolved(value)
    return " ".join(value.split()) if isinstance(value, str) else ""


def contents(annotation: Mapping[str, Any]) -> str:
    """Return what an annotation says; its rich text where it has no plain one."""
    plain = string_of(annotation.get("/Contents"))
    return plain or " ".join(TAG.sub(" ", string_of(annotation.get("/RC"))).split())


def placed(annotation: Mapping[str, Any], text: str, *, behind: bool = False) -> AddedText:
    """Return a text with the place of its annotation."""
    corners = [float(resolved(number)) for number in resolved(annotation["/Rect"])]
    left, right = sorted((corners[0], corners[2]))
    bottom, top = sorted((corners[1], corners[3]))
    return AddedText(text, left, bottom, right, top, behind=behind)


def inherited(annotation: Mapping[str, Any], name: str) -> Any:
    """Return an entry of a field, its own or of the fields that it is in."""
    field: Any = annotation
    for _ in range(DEEPEST):
        if not isinstance(field, Mapping):
            return None
        if name in field:
            return resolved(field[name])
        field = resolved(field.get("/Parent"))
    return None


def field_value(annotation: Mapping[str, Any]) -> str:
    """Return what a person filled in, ticked or chose in a form's field; "" for an empty one."""
    kind, flags = inherited(annotation, "/FT"), int(inherited(annotation, "/Ff") or 0)
    if kind == "/Btn":
        if flags & PUSH_BUTTON:
            return ""
        state = resolved(annotation.get("/AS"))
        return EMPTY if state in {None, "/Off"} and not is_chosen(annotation) else TICKED
    if kind == "/Tx" and not flags & PASSWORD:
        return string_of(inherited(annotation, "/V"))
    if kind == "/Ch":
        return chosen(annotation)
    if kind == "/Sig":
        signature = inherited(annotation, "/V")
        return f"[signed: {string_of(signature.get('/Name')) or '✓'}]" if isinstance(signature, Mapping) else ""
    return ""


def is_chosen(annotation: Mapping[str, Any]) -> bool:
    """Tell whether a box without a state of its own is the one that its field's value names."""
    if "/AS" in annotation:
        return False
    appearance = resolved(annotation.get("/AP"))
    states = resolved(appearance.get("/N")) if isinstance(appearance, Mapping) else None
    value = inherited(annotation, "/V")
    return isinstance(states, Mapping) and value in states and value != "/Off"


def chosen(annotation: Mapping[str, Any]) -> str:
    """Return what was chosen from a list, as it is shown and not as it is exported."""
    value = inherited(annotation, "/V")
    values = [string_of(one) for one in (value if isinstance(value, list) else [value])]
    shown = {}
    for option in inherited(annotation, "/Opt") or ():
        pair = resolved(option)
        if isinstance(pair, list) and len(pair) > 1:
            shown[string_of(pair[0])] = string_of(pair[1])
    return ", ".join(shown.get(one, one) for one in values if one)


def target_of(annotation: Mapping[str, Any]) -> str:
    """Return where a link leads; "" for one within the document."""
    action = resolved(annotation.get("/A"))
    target = resolved(action.get("/URI")) if isinstance(action, Mapping) else None
    if isinstance(target, bytes):
        target = target.decode("latin-1")
    return string_of(target).removeprefix("mailto:")


def file_notes(reader: pypdf.PdfReader) -> list[Note]:
    """Return what of a PDF is not on its pages: a form that only one program shows."""
    try:
        form = resolved(reader.root_object.get("/AcroForm"))
        dynamic = isinstance(form, Mapping) and "/XFA" in form and not resolved(form.get("/Fields"))
        return [("xfa", "")] if dynamic else []
    except BROKEN:
        return []
