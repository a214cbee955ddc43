"""Answers within a schema are always whole, whatever the model wants and however few tokens it has."""

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bot.engine import gbnf
from bot.engine.errors import DecodeFailed
from bot.engine.forced_completion import Closer, machine_of
from bot.engine.grammar import grammar_of
from bot.engine.llama import Llama, Sampler
from bot.engine.sequence import Sampling
from bot.settings import LlmSettings

END = 256
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)  # shrinking a walk takes minutes


class Bytes:
    """A vocabulary of bytes, so that most characters take several tokens."""

    def piece(self, token: int) -> bytes:
        return bytes([token]) if token < END else b""

    def spell(self, text: bytes) -> list[int]:
        return list(text)


# Schemas as people write them, and what fits them.

names = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"]), min_size=1, max_size=6)
strings = st.builds(
    lambda least, more: {"type": "string", "minLength": least, "maxLength": least + more},
    st.integers(0, 4),
    st.integers(0, 2000),
)
leaves = st.one_of(
    st.sampled_from([{"type": name} for name in ("string", "number", "integer", "boolean", "null", "object")]),
    strings,
    st.builds(lambda values: {"enum": values}, st.lists(st.none() | st.integers() | names, min_size=1, max_size=3)),
    st.builds(lambda value: {"const": value}, names),
    st.sampled_from([{"type": "string", "pattern": pattern} for pattern in ("^[A-Z]{2}-[0-9]+$", "^[ -~]*$", "^.+$")]),
    st.sampled_from([{"type": "string", "format": form} for form in ("date", "time", "date-time", "uuid")]),
)


def objects(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(
        lambda properties, required: {
            "type": "object",
            "properties": properties,
            "required": [name for name in properties if name in required or len(required) > 2],
            "additionalProperties": False,
        },
        st.dictionaries(names, parts, min_size=1, max_size=4),
        st.lists(names, max_size=4),
    )


def arrays(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(
        lambda items, least, more: {"type": "array", "items": items, "minItems": least, "maxItems": least + more},
        parts,
        st.integers(0, 2),
        st.integers(0, 60),
    )


schemas = st.recursive(
    leaves,
    lambda parts: st.one_of(
        objects(parts), arrays(parts), st.builds(lambda each: {"anyOf": each}, st.lists(parts, min_size=1, max_size=3))
    ),
    max_leaves=6,
)
FORMS = {
    "date": r"\d{4}-\d\d-\d\d",
    "time": r"\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)",
    "date-time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)",
    "uuid": r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
}
KINDS: dict[str, Any] = {
    "string": str, "number": (int, float), "integer": int, "boolean": bool, "null": type(None), "object": dict,
    "array": list,
}  # fmt: skip


def fits(value: Any, schema: Any) -> bool:
    """Tell whether a value fits a schema; written apart from any converter."""
    if "anyOf" in schema:
        return any(fits(value, each) for each in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return value in schema.get("enum", [schema.get("const")])
    if not isinstance(value, KINDS[schema["type"]]) or (isinstance(value, bool) and schema["type"] != "boolean"):
        return False
    if isinstance(value, dict) and "properties" in schema:
        known = schema["properties"]
        return set(schema["required"]) <= set(value) <= set(known) and all(fits(value[k], known[k]) for k in value)
    if isinstance(value, list):
        return schema["minItems"] <= len(value) <= schema["maxItems"] and all(fits(v, schema["items"]) for v in value)
    if isinstance(value, str):
        shape = FORMS.get(schema.get("format", ""), schema.get("pattern", "(?s).*"))
        long_enough = schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 10_000)
        return bool(re.fullmatch(shape, value)) and long_enough
    return True


def whole(text: bytes, schema: Any) -> bool:
    """Tell whether a text is JSON by the letter, and fits."""
    return fits(json.loads(text.decode("utf-8", "strict")), schema)


@settings(max_examples=300, deadline=None)
@given(schemas)
def test_the_shortest_answer_fits_the_schema(schema: Any) -> None:
    machine = machine_of(grammar_of(json.dumps(schema)))
    assert whole(min(map(machine.ending, machine.begin))[1].encode(), schema)


@settings(max_examples=300, deadline=None, phases=PHASES, suppress_health_check=[HealthCheck.too_slow])
@given(schemas, st.integers(0, 300), st.randoms(use_true_random=False))
def test_whatever_is_chosen_the_answer_ends_in_time(schema: Any, more: int, dice: random.Random) -> None:
    """A model that knows nothing takes any way that the grammar allows, byte by byte."""
    closer = Closer(grammar_of(json.dumps(schema)), Bytes(), END)
    assert whole(wander(closer, closer.least_tokens() + more, dice), schema)


def test_an_escape_has_four_digits() -> None:
    machine = machine_of(grammar_of('{"type": "string", "maxLength": 1}'))
    for text, allowed in ((r'"\ud7ff"', True), (r'"\ud7fff"', False), (r'"\ud800"', False), (r'"\u00e9"', True)):
        stacks = machine.begin
        for character in text:
            stacks = machine.step(stacks, character)
        assert bool(stacks) is allowed, text


def wander(closer: Closer, room: int, dice: random.Random) -> bytes:
    said, wanted = b"", b""
    for left in range(room, 0, -1):
        wanted = wanted or some_character(closer, dice)
        if not wanted and not closer.cut:
            return said
        token = closer.within_room(wanted[0] if wanted else 0, left)
        if token == END:
            return said
        said, wanted = said + bytes([token]), wanted[1:]
    return said


def some_character(closer: Closer, dice: random.Random) -> bytes:
    """Return one that may come next; nothing where the answer may end."""
    stacks = closer._position._stacks
    ways = sorted(stack[-1].ranges for stack in stacks if stack)
    if not ways or (() in stacks and dice.random() < 0.2):
        return b""
    first, last = dice.choice(dice.choice(ways))
    point = dice.choice([first, last, dice.randint(first, last), dice.randint(first, min(last, first + 300))])
    return chr(point if not 0xD800 <= point <= 0xDFFF else first).encode()


@pytest.fixture(scope="module")
def llama(small_model: Path) -> Iterator[Llama]:
    model = Llama(small_model, LlmSettings(slots=1, context_tokens=512, threads=1))
    yield model
    model.close()


@pytest.mark.model
@settings(max_examples=60, deadline=None, phases=PHASES, suppress_health_check=list(HealthCheck))
@given(schemas, st.integers(0, 40), st.integers(0, 2**32 - 1), st.sampled_from([0.0, 1.0]))
def test_a_real_vocabulary_under_llamas_grammar_says_whole_json(
    llama: Llama, schema: Any, more: int, seed: int, temperature: float
) -> None:
    """Logits are noise: the worst model there is, with llama.cpp's own samplers and tokens that are half characters."""
    grammar, dice = grammar_of(json.dumps(schema)), np.random.default_rng(seed)
    room = llama.check_grammar(grammar) + more
    sampling = Sampling(grammar=grammar, temperature=temperature, seed=seed)
    sampler = Sampler(llama._vocab, llama._candidates, sampling, llama.closer(grammar))
    said = b""
    for left in range(room, 0, -1):
        token = sampler.choose(dice.normal(0, 5, llama.vocabulary).astype(np.float32), left)
        if llama.is_end(token):
            break
        said += llama.piece(token)
    sampler.close()
    assert whole(said, schema), said


def test_names_and_values_may_hold_anything() -> None:
    odd = 'a"b\\c 🙂 é\n'
    schema = {"type": "object", "properties": {odd: {"enum": [odd]}}, "required": [odd], "additionalProperties": False}
    machine = machine_of(grammar_of(json.dumps(schema)))
    assert whole(min(map(machine.ending, machine.begin))[1].encode(), schema)


@pytest.mark.parametrize("bad", ['"\n"', '"\t"', '"\x00"', r'"\ud800"', r'"\x"'])
def test_what_json_does_not_allow_in_a_string_the_grammar_does_not_either(bad: str) -> None:
    closer = Closer(grammar_of('{"type": "string"}'), Bytes(), END)
    with pytest.raises(DecodeFailed):
        for byte in bad.encode():
            closer.within_room(byte, 100)


def test_null_is_rather_said_than_something_invented() -> None:
    schema = {"anyOf": [{"type": "string", "minLength": 1}, {"type": "null"}]}
    machine = machine_of(grammar_of(json.dumps(schema)))
    assert min(map(machine.ending, machine.begin))[1] == "null"


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "pattern": "no anchors"},
        {"type": "string", "pattern": '^"$'},
        {"type": "string", "pattern": "^[\\x00]$"},
        {"type": "colour"},
        {"$ref": "#/$defs/missing", "$defs": {}},
        {"$ref": "#/$defs/endless", "$defs": {"endless": {
            "type": "object", "properties": {"more": {"$ref": "#/$defs/endless"}}, "required": ["more"]}}},
    ],
)  # fmt: skip
def test_a_schema_that_no_grammar_can_say_is_refused(schema: Any) -> None:
    with pytest.raises(ValueError, match="grammar"):
        machine_of(grammar_of(json.dumps(schema)))


@pytest.mark.model
def test_long_bounds_are_no_trouble(llama: Llama) -> None:
    """llama.cpp refuses more than about a thousand optional parts."""
    schema = {"type": "array", "maxItems": 100_000, "items": {"type": "string", "minLength": 3, "maxLength": 100_000}}
    assert llama.check_grammar(grammar_of(json.dumps(schema))) == 2  # []


GBNF = r"""
root ::= greeting{2} [^a-y\x00-`\]] # a comment
greeting ::= "hi" ("!" | "?"){1,2} other* | "\u00e9"+ .
other ::= "\"" thing?
thing ::= [a-c0-]
"""


@pytest.mark.parametrize(
    ("text", "good"),
    [("hi!éé-z", True), ('hi?!""chi!"0z', True), ("ééxhi!z", True), ("hi!z", False), ("hihi!z", False),
     ("hi!hi!!!z", False), ("hi!hi!a", False), ("hi!hi!]", False), ('hi!"dhi!z', False)],
)  # fmt: skip
def test_grammars_are_read_as_llama_reads_them(text: str, good: bool) -> None:
    machine = machine_of(GBNF)
    stacks = machine.begin
    for character in text:
        stacks = machine.step(stacks, character)
    assert (() in stacks) == good


def test_what_only_llama_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="only llama"):
        gbnf.read("root ::= <[12]>")
