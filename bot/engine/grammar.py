"""A JSON schema becomes a grammar, by llama.cpp's own converter, made safe for any name, value and pattern."""

import json
import re
from functools import lru_cache
from typing import Any

from llama_cpp import llama_grammar

from bot.engine.gbnf import characters

MOST_REPETITIONS = 900  # llama.cpp refuses about a thousand optional parts in each other; fewer still fit the schema
SAFE = {
    "char": r'[^"\\\x00-\x1F\x7F] | "\\" (["\\/bfnrt] | "u" ([0-9a-cA-Ce-fE-F] [0-9a-fA-F] | [dD] [0-7])'
    r" [0-9a-fA-F] [0-9a-fA-F])",
    "dot": r'[^"\\\x00-\x1F\x7F]',
}  # the converter's own let through control characters, halves of surrogate pairs, and a bare quote for a dot
UNSAFE = ((0, 0x1F), (0x22, 0x22), (0x5C, 0x5C), (0x7F, 0x7F))  # inside a JSON string


LlamasConverter: Any = llama_grammar.SchemaConverter  # its types are not written down


class Converter(LlamasConverter):  # type: ignore[misc]
    """The converter; its own takes a quote, a backslash or an emoji in a name for something else."""

    def _format_literal(self, literal: str) -> str:
        written = json.dumps(json.loads(literal), ensure_ascii=False)
        return '"' + written.replace("\\", "\\\\").replace('"', '\\"') + '"'

    def _add_rule(self, name: str, rule: str) -> str:
        return str(super()._add_rule(name, SAFE.get(name, rule)))

    def _visit_pattern(self, pattern: str, name: str) -> str:
        if '"' in pattern or r"\\" in pattern:
            raise ValueError("a quote or a backslash in a pattern")
        return str(super()._visit_pattern(re.sub(r"\[(?:\\.|[^\]\\])*\]", _safe_set, pattern), name))


def _safe_set(match: re.Match[str]) -> str:
    safe = characters(match[0]).without(UNSAFE)
    if not safe.ranges:
        raise ValueError(f"no character of {match[0]} can stand in a JSON string")
    return safe.written()


@lru_cache(maxsize=32)
def grammar_of(schema: str) -> str:
    """Return the GBNF grammar of a JSON schema; raise ValueError for what the converter can't say."""
    converter = Converter(prop_order={}, allow_fetch=False, dotall=False, raw_pattern=False)
    try:
        converter.visit(converter.resolve_refs(bounded(json.loads(schema)), "schema"), "")
    except (AssertionError, AttributeError, KeyError, RecursionError, TypeError, ValueError) as failure:
        raise ValueError(f"llama.cpp makes no grammar of this schema: {failure}") from failure
    return str(converter.format_grammar())


def bounded(schema: Any) -> Any:
    """Return a schema that asks for no more repetitions than llama.cpp takes."""
    if isinstance(schema, list):
        return [bounded(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    result = {name: bounded(value) for name, value in schema.items()}
    for most, least in (("maxLength", "minLength"), ("maxItems", "minItems")):
        if isinstance(result.get(most), int):
            result[most] = min(result[most], MOST_REPETITIONS + int(result.get(least, 0)))
    return result
