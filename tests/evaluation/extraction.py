"""How much of thirty documents and of real invoices is extracted right, and how much is invented.

As the handler does it, with grammar and check, and by the bare model.
"""

import asyncio
import json
import re
import sys
import time
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from langchain_core.language_models import BaseChatModel

from bot.settings import Settings
from handlers.extract import ANSWER_TOKENS, extract_prompt, of_material
from handlers.extraction import verify
from handlers.extraction.report import Material
from handlers.extraction.schema import Field, parse_fields
from handlers.extraction.values import NotAValue, read_value
from handlers.pieces import Attachment
from handlers.request import Request
from handlers.text.normalize import letters_only
from indexing.language import language_of
from indexing.library import Page
from tests.evaluation.extraction_documents import Case, cases
from tests.evaluation.real_invoices import real_cases

WAYS = ("checked", "unchecked")


def main() -> None:
    """Print a line for each document, then one line of JSON."""
    print(json.dumps(asyncio.run(evaluate(Settings())), ensure_ascii=False))


async def evaluate(settings: Settings) -> dict[str, Any]:
    """Return the figures of both ways on the same documents with the same model: of all, and of the real ones alone."""
    from bot.engine import open_chat_model
    from bot.models.fetch import fetch_llm

    real = await real_cases(settings.cache_dir / "invoices")
    path = None if settings.llm.url else fetch_llm(settings.llm.model, settings.cache_dir)
    model = await open_chat_model(settings.llm, path)
    try:
        own_tallies = await tallies_of(model, cases())
        real_tallies = await tallies_of(model, real)
    finally:
        await model.aclose()
    figures: dict[str, Any] = {"documents": len(cases()), "real_questions": len(real), "model": settings.llm.model}
    for way in WAYS:
        both = {name: own_tallies[way][name] + real_tallies[way][name] for name in own_tallies[way]}
        figures[way] = shares(both) | {"real": shares(real_tallies[way])}
    return figures


async def tallies_of(model: Any, documents: Sequence[Case]) -> dict[str, dict[str, float]]:
    """Return what was counted, by way; prints a line for each document."""
    tallies = {way: {"fields": 0, "right": 0, "invented": 0, "seconds": 0.0} for way in WAYS}
    for case in documents:
        before = {way: tally["right"] for way, tally in tallies.items()}
        for way, tally in tallies.items():
            started = time.monotonic()
            found = await (by_handler if way == "checked" else by_model)(model, case)
            tally["seconds"] += time.monotonic() - started
            score(found, case.records, tally)
        right = {way: f"{tally['right'] - before[way]:.0f}" for way, tally in tallies.items()}
        print(case.name, sum(map(len, case.records)), right, file=sys.stderr, flush=True)
    return tallies


async def by_handler(model: Any, case: Case) -> list[dict[str, Any]]:
    """Return the records of the JSON file that a person gets."""
    material = Material(case.name, tuple(Page(number=n, text=text) for n, text in enumerate(case.pages, start=1)))
    request = Request(id="", action="extract", team="", channel="", user="")
    services: Any = SimpleNamespace(model=model, count_tokens=model.count_tokens, context_tokens=model.context_tokens)
    pieces = [piece async for piece in of_material(material, parse_fields(case.fields), request, services)]
    files = [piece.data for piece in pieces if isinstance(piece, Attachment) and piece.name.endswith(".json")]
    records = json.loads(files[0])["records"] if files else []
    return [{name: found["value"] for name, found in record.items()} for record in records]


async def by_model(model: BaseChatModel, case: Case) -> list[dict[str, Any]]:
    """Return the records as the bare model writes them."""
    fields = parse_fields(case.fields)
    pages = [Page(number=number, text=text) for number, text in enumerate(case.pages, start=1)]
    answer = await model.bind(max_tokens=ANSWER_TOKENS // 2, temperature=0.0).ainvoke(extract_prompt(pages, fields))
    french = language_of(" ".join(case.pages)) == "fr"
    return [bare(record, fields, french) for record in loose_records(str(answer.content))]


def loose_records(answer: str) -> list[dict[str, Any]]:
    """Read what looks like JSON in an answer that followed no grammar."""
    found = verify.records_of(answer)
    block = re.search(r"[\[{].*[\]}]", answer, re.DOTALL)
    if found or not block:
        return found
    try:
        data = json.loads(block[0])
    except json.JSONDecodeError:
        return []
    return [record for record in (data if isinstance(data, list) else [data]) if isinstance(record, dict)]


def bare(record: Mapping[str, Any], fields: Sequence[Field], french: bool) -> dict[str, Any]:
    """Return the values of a record without a look at the source."""
    values: dict[str, Any] = {}
    for field in fields:
        said = record.get(field.name)
        try:
            values[field.name] = None if said in (None, "") else read_value(str(said), field, french=french)
        except NotAValue:
            values[field.name] = str(said)
    return values


def score(found: Sequence[Mapping[str, Any]], truth: Sequence[Mapping[str, Any]], tally: dict[str, float]) -> None:
    """Count the fields that are exactly right, and the values where there is none; records are compared in order."""
    for index, record in enumerate(truth):
        own = found[index] if index < len(found) else {}
        for name, value in record.items():
            tally["fields"] += 1
            tally["right"] += same(own.get(name), value)
            tally["invented"] += value is None and own.get(name) is not None
    extra = [value for record in found[len(truth) :] for value in record.values() if value is not None]
    tally["invented"] += len(extra)


def same(found: Any, truth: Any) -> bool:
    """Compare values: texts without case, accents, spaces and punctuation; all else exactly."""
    if isinstance(found, str) and isinstance(truth, str):
        return letters_only(found) == letters_only(truth)
    return bool(found == truth)


def shares(tally: Mapping[str, float]) -> dict[str, float]:
    """Return the figures."""
    return {
        "right": round(tally["right"] / tally["fields"], 3),
        "invented": round(tally["invented"] / tally["fields"], 3),
        "fields": tally["fields"],
        "seconds": round(tally["seconds"], 1),
    }
