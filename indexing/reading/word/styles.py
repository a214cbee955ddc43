"""What styles say about paragraphs and runs: hidden, struck, raised, which heading, which list."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from docx.oxml.ns import qn

OFF = {"0", "false", "off", "none"}
DEEPEST = 20  # styles that are based on each other
HEADING = "heading "


def value_of(element: Any) -> str:
    """Return an element's w:val; "" where there is no element."""
    return str(element.get(qn("w:val")) or "") if element is not None else ""


def is_on(element: Any) -> bool:
    """Tell whether a property that is switched on or off is on: <w:vanish/>, <w:vanish w:val="0"/>."""
    return element is not None and value_of(element).lower() not in OFF


@dataclass
class Styles:
    """The styles of a file by their ids."""

    by_id: dict[str, Any] = field(default_factory=dict)
    by_list_level: dict[str, int] = field(default_factory=dict)  # style: the level of its list that names it

    @classmethod
    def of(cls, root: Any, numbering: Any = None) -> "Styles":
        """Read styles.xml, and numbering.xml for the levels that are tied to a style."""
        styles = cls()
        if root is not None:
            styles.by_id = {str(style.get(qn("w:styleId"))): style for style in root.findall(qn("w:style"))}
        for level in numbering.iter(qn("w:lvl")) if numbering is not None else ():
            depth = str(level.get(qn("w:ilvl")) or "0")
            if (tied := level.find(qn("w:pStyle"))) is not None and depth.isdigit():
                styles.by_list_level[value_of(tied)] = int(depth)
        return styles

    def chain(self, style_id: str) -> Iterator[Any]:
        """Yield a style and what it is based on."""
        for _ in range(DEEPEST):
            style = self.by_id.get(style_id)
            if style is None:
                return
            yield style
            style_id = value_of(style.find(qn("w:basedOn")))

    def run_property(self, run: Any, name: str) -> Any:
        """Return a run's property, its own or its style's; None where neither has it."""
        properties = run.find(qn("w:rPr"))
        if properties is None:
            return None
        if (own := properties.find(qn(name))) is not None:
            return own
        for style in self.chain(value_of(properties.find(qn("w:rStyle")))):
            if (inherited := style.find(f"{qn('w:rPr')}/{qn(name)}")) is not None:
                return inherited
        return None

    def heading_level(self, paragraph: Any) -> int:
        """Return 1 to 9 for a heading, 0 for other paragraphs."""
        properties = paragraph.find(qn("w:pPr"))
        if properties is None:
            return 0
        for holder in (properties, *self._paragraph_properties(properties)):
            if (level := value_of(holder.find(qn("w:outlineLvl")))).isdigit():
                return int(level) + 1 if int(level) < 9 else 0
        for style in self.chain(value_of(properties.find(qn("w:pStyle")))):
            name = value_of(style.find(qn("w:name"))).casefold()
            if name.startswith(HEADING) and name.removeprefix(HEADING).isdigit():
                return int(name.removeprefix(HEADING))
        return 0

    def list_of(self, paragraph: Any) -> tuple[str, int]:
        """Return the id of a paragraph's list and its level in it; "" for none."""
        properties = paragraph.find(qn("w:pPr"))
        if properties is None:
            return "", 0
        own = properties.find(qn("w:numPr"))
        identity = value_of(own.find(qn("w:numId"))) if own is not None else ""
        depth = value_of(own.find(qn("w:ilvl"))) if own is not None else ""
        style_id = value_of(properties.find(qn("w:pStyle")))
        for inherited in self._paragraph_properties(properties):
            if (numbers := inherited.find(qn("w:numPr"))) is not None:
                identity = identity or value_of(numbers.find(qn("w:numId")))
                depth = depth or value_of(numbers.find(qn("w:ilvl")))
        if not depth and style_id in self.by_list_level:
            return identity, self.by_list_level[style_id]
        return identity, min(int(depth), 8) if depth.isdigit() else 0

    def _paragraph_properties(self, properties: Any) -> Iterator[Any]:
        for style in self.chain(value_of(properties.find(qn("w:pStyle")))):
            if (inherited := style.find(qn("w:pPr"))) is not None:
                yield inherited
