"""One paragraph of a Word file as text: what a reader of the print sees, and what stands behind it as a mark."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from docx.oxml.ns import qn

from indexing.reading.cleanup import raised
from indexing.reading.word.equations import equation_text, local_name
from indexing.reading.word.styles import Styles, is_on, value_of
from indexing.reading.word.symbols import EMPTY, PRIVATE, TICKED, is_symbol_font, symbol
from indexing.sentences import is_abbreviated

PAGE = "\f"
SIGNS = {"tab": "\t", "ptab": "\t", "cr": "\n", "noBreakHyphen": "-", "softHyphen": ""}
MARK = re.compile("\x0e([a-z]+):([^\x0f]*)\x0f")  # where a note hangs; no XML can hold these characters
SENTENCE_END = re.compile("[.!?…]+[\"'’”»)\\]]*(?=[\\s\x0e]|$)")
HYPERLINK = re.compile(r'\bHYPERLINK\s+"([^"]+)"')
COUNTING = re.compile(r"^\s*(?:PAGE|NUMPAGES|SECTIONPAGES)\b")
ADDRESS = re.compile(r"https?://|ftp://|file://|mailto:|tel:", re.IGNORECASE)
PICTURE_ID = {"blip": "r:embed", "imagedata": "r:id"}
# What is inside is text like any other; fields and boxes of forms, insertions, smart tags.
TRANSPARENT = frozenset(
    ("ins", "moveTo", "smartTag", "sdtContent", "customXml", "Choice", "dir", "bdo", "ruby", "rubyBase", "drawing",
     "pict", "object", "inline", "anchor", "graphic", "graphicData", "wsp", "wgp", "grpSp", "wpc", "txbx", "shape",
     "group", "rect", "roundrect", "oval", "textbox", "AlternateContent", "pic", "blipFill")
)  # fmt: skip


@dataclass
class WordContext:
    """What a paragraph needs of its file."""

    styles: Styles
    targets: Mapping[str, str]  # of links, by their ids in the part that is read
    rendered: bool  # Word noted where its pages end; else only breaks that people set count
    side_notes: Mapping[tuple[str, str], str]  # footnote, endnote, comment: its text by its id
    left_out: Counter[str] = field(default_factory=Counter)  # keys of notes on the receipt
    picture: Callable[[str], str] = lambda _identity: ""  # the mark of a picture by its id; none in heads and notes


@dataclass
class _Field:
    """A field that is begun: its code, then its result."""

    start: int  # among the pieces
    data: Any
    code: str = ""


@dataclass
class ParagraphText:
    """The pieces of a paragraph while it is read."""

    context: WordContext
    pieces: list[str] = field(default_factory=list)
    boxes: list[Any] = field(default_factory=list)  # text boxes: read after the paragraph
    _fields: list[_Field] = field(default_factory=list)
    _raised: str = ""  # superscript characters that wait for the next plain one

    def text(self) -> str:
        """Return what was read, notes behind the sentences that they hang on."""
        self._lower()
        return with_notes("".join(self.pieces), self.context.side_notes)

    def read(self, element: Any) -> None:
        """Read all that is inside an element."""
        for child in element:
            self._part(child, local_name(child))

    def _part(self, child: Any, name: str) -> None:
        if name == "r":
            self._run(child)
        elif name == "txbxContent":
            self.boxes.append(child)
        elif name in {"oMath", "oMathPara"}:
            self._add(f" {equation_text(child)} ")
        elif name in {"hyperlink", "fldSimple", "sdt"}:
            getattr(self, f"_{name.lower()}")(child)
        elif name == "commentReference":
            self._note("comment", child)
        elif name in PICTURE_ID:
            self._add(self.context.picture(str(child.get(qn(PICTURE_ID[name])) or "")))
        elif name in TRANSPARENT:
            self.read(child)

    def _add(self, text: str) -> None:
        self._lower()
        self.pieces.append(text)

    def _lower(self) -> None:
        if self._raised:
            self.pieces.append(raised("".join(self.pieces[-3:]), self._raised))
            self._raised = ""

    def _run(self, run: Any) -> None:
        hidden = any(is_on(self.context.styles.run_property(run, name)) for name in ("w:vanish", "w:webHidden"))
        struck = any(is_on(self.context.styles.run_property(run, name)) for name in ("w:strike", "w:dstrike"))
        visible = not hidden and not struck
        if not visible and run.findtext(qn("w:t")):
            self.context.left_out["hidden" if hidden else "struck"] += 1
        above = value_of(self.context.styles.run_property(run, "w:vertAlign"))
        font = font_of(self.context.styles.run_property(run, "w:rFonts"))
        for child in run:
            name = local_name(child)
            if name == "fldChar":
                self._field(child)
            elif name == "instrText" and self._fields:
                self._fields[-1].code += child.text or ""
            elif name == "lastRenderedPageBreak" or (name == "br" and child.get(qn("w:type")) == "page"):
                self._add(PAGE if self.context.rendered == (name != "br") else "\n" * (name == "br"))
            elif visible:
                self._visible(child, name, above, font)

    def _visible(self, child: Any, name: str, above: str, font: str) -> None:
        if name == "t":
            self._written(str(child.text or ""), above, font)
        elif name == "sym":
            code = str(child.get(qn("w:char")) or "")
            self._add(symbol(str(child.get(qn("w:font")) or ""), int(code, 16) if code else 0))
        elif name in {"footnoteReference", "endnoteReference"}:
            self._note(name.removesuffix("Reference"), child)
        elif name == "br":
            self._add("\n")
        elif name in SIGNS:
            self._add(SIGNS[name])
        else:
            self._part(child, name)

    def _written(self, text: str, above: str, font: str) -> None:
        if is_symbol_font(font):
            text = "".join(symbol(font, PRIVATE + ord(sign)) if sign.isascii() or ord(sign) < 256 else sign
                           for sign in text)  # fmt: skip
        if above == "superscript":
            self._raised += text
            return
        before = "".join(self.pieces[-1:])
        self._add("_" * (above == "subscript" and before[-1:].isdigit() and text[:1].isdigit()) + text)

    def _note(self, kind: str, reference: Any) -> None:
        self._add(f"\x0e{kind}:{reference.get(qn('w:id'))}\x0f")

    def _field(self, mark: Any) -> None:
        kind = mark.get(qn("w:fldCharType"))
        if kind == "begin":
            self._lower()
            self._fields.append(_Field(len(self.pieces), mark.find(qn("w:ffData"))))
        elif kind == "end" and self._fields:
            self._lower()
            self._end_field(self._fields.pop())

    def _end_field(self, ended: _Field) -> None:
        result = "".join(self.pieces[ended.start :])
        chosen = form_value(ended.data) if ended.data is not None else ""
        if chosen or COUNTING.match(ended.code):
            self.pieces[ended.start :] = [chosen]
        elif match := HYPERLINK.search(ended.code):
            self.pieces.append(target_behind(match[1], result))

    def _hyperlink(self, link: Any) -> None:
        start = len(self.pieces)
        self.read(link)
        self._lower()
        target = self.context.targets.get(str(link.get(qn("r:id"))), "")
        self.pieces.append(target_behind(target, "".join(self.pieces[start:])))

    def _fldsimple(self, simple: Any) -> None:
        if not COUNTING.match(str(simple.get(qn("w:instr")) or "")):
            self.read(simple)

    def _sdt(self, control: Any) -> None:
        """Read a form's field; what Word shows while it is empty is no text."""
        if is_on(control.find(f"{qn('w:sdtPr')}/{qn('w:showingPlcHdr')}")):
            return
        for content in control.findall(qn("w:sdtContent")):
            self.read(content)


def font_of(fonts: Any) -> str:
    """Return the font that a run's letters are set in; "" where it does not say."""
    return str(fonts.get(qn("w:ascii")) or fonts.get(qn("w:hAnsi")) or "") if fonts is not None else ""


def form_value(data: Any) -> str:
    """Return a form field's tick or choice; "" for a field of text, whose result is the text."""
    if (box := data.find(qn("w:checkBox"))) is not None:
        state = box.find(qn("w:checked"))
        return TICKED if is_on(state if state is not None else box.find(qn("w:default"))) else EMPTY
    if (choice := data.find(qn("w:ddList"))) is not None:
        entries = [value_of(entry) for entry in choice.findall(qn("w:listEntry"))]
        picked = value_of(choice.find(qn("w:result"))) or value_of(choice.find(qn("w:default"))) or "0"
        return entries[int(picked)] if picked.isdigit() and int(picked) < len(entries) else ""
    return ""


def target_behind(target: str, shown: str) -> str:
    """Return what stands behind a link: its address in brackets, unless it is shown anyway."""
    bare = re.sub(r"^(?:mailto:|tel:|https?://)", "", target.strip(), flags=re.IGNORECASE).rstrip("/")
    return f" ({target.strip()})" if ADDRESS.match(target.strip()) and bare not in shown else ""


def with_notes(text: str, side_notes: Mapping[tuple[str, str], str]) -> str:
    """Move each note from its mark to the end of its sentence: a sentence stays whole, and its note stays with it."""
    while match := MARK.search(text):
        note = side_notes.get((match[1], match[2]), "")
        before, after = text[: match.start()], text[match.end() :]
        end = sentence_end(before, after)
        head, tail = after[:end], after[end:]
        text = f"{before}{head}{f' [{note}]' if note else ''}{tail}"
    return text


def sentence_end(before: str, after: str) -> int:
    """Return where, in the text after a mark, its sentence ends: at once where the mark stands behind the full stop."""
    if before.rstrip("\"'’”»)]").endswith((".", "!", "?", "…")):
        return 0
    for end in SENTENCE_END.finditer(after):
        if not is_abbreviated((before + after[: end.end()])[-40:]):
            return end.end()
    return len(after.rstrip())
