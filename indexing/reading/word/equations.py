"""Equations of Word files (Office MathML) as one line of text: P = (9.81 · Q · H)/0.68."""

from collections.abc import Sequence
from typing import Any


def equation_text(element: Any) -> str:
    """Return an equation as people type it."""
    return " ".join("".join(map(part_text, element)).split())


def part_text(element: Any) -> str:
    """Return one part of an equation; a part of an unknown kind gives what is inside it."""
    name = local_name(element)
    if name == "t":
        return str(element.text or "")
    if name.endswith("Pr"):
        return ""
    write = PARTS.get(name)
    return write(element) if write else "".join(map(part_text, element))


def local_name(element: Any) -> str:
    """Return a tag without its namespace; "" for comments."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def child_text(element: Any, name: str) -> str:
    """Return the text of the child of that name."""
    return "".join(part_text(child) for child in element if local_name(child) == name).strip()


def bracketed(text: str) -> str:
    """Put brackets around more than one number or name."""
    return text if text.replace(".", "").replace(",", "").isalnum() or len(text) < 2 else f"({text})"


def property_of(element: Any, name: str, otherwise: str) -> str:
    """Return a property's value, such as the sign of a sum."""
    for properties in element:
        if local_name(properties).endswith("Pr"):
            for entry in properties:
                if local_name(entry) == name:
                    return str(next(iter(entry.attrib.values()), ""))
    return otherwise


def fraction(element: Any) -> str:
    return f"{bracketed(child_text(element, 'num'))}/{bracketed(child_text(element, 'den'))}"


def power(element: Any) -> str:
    return f"{bracketed(child_text(element, 'e'))}^{bracketed(child_text(element, 'sup'))}"


def index(element: Any) -> str:
    return f"{child_text(element, 'e')}_{bracketed(child_text(element, 'sub'))}"


def index_and_power(element: Any) -> str:
    return f"{index(element)}^{bracketed(child_text(element, 'sup'))}"


def root(element: Any) -> str:
    degree = child_text(element, "deg")
    return f"root({degree}, {child_text(element, 'e')})" if degree else f"√({child_text(element, 'e')})"


def delimited(element: Any) -> str:
    inside = [part_text(child).strip() for child in element if local_name(child) == "e"]
    return property_of(element, "begChr", "(") + ", ".join(inside) + property_of(element, "endChr", ")")


def repeated(element: Any) -> str:
    """Return a sum, a product or an integral with its bounds."""
    lower, upper = child_text(element, "sub"), child_text(element, "sup")
    sign = property_of(element, "chr", "∫") + (f"_({lower})" if lower else "") + (f"^({upper})" if upper else "")
    return f"{sign} {child_text(element, 'e')}"


def function(element: Any) -> str:
    return f"{child_text(element, 'fName')}({child_text(element, 'e')})"


def matrix(element: Any) -> str:
    rows: Sequence[Any] = [row for row in element if local_name(row) == "mr"]
    return "[" + "; ".join(", ".join(part_text(cell).strip() for cell in row) for row in rows) + "]"


PARTS = {
    "f": fraction, "sSup": power, "sSub": index, "sSubSup": index_and_power, "rad": root, "d": delimited,
    "nary": repeated, "func": function, "m": matrix,
}  # fmt: skip
