"""How much of thirty documents is extracted right, and how much is invented: with grammar and check, and without."""

import asyncio
import json
import re
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel

from bot.settings import Settings
from handlers import evidence
from handlers.extract import ANSWER_TOKENS, prompt
from handlers.fields import Field, parse_fields, schema_of
from handlers.folding import folded
from handlers.values import Unreadable, read_value
from indexing.language import language_of
from indexing.library import Page
from tests.evaluation.extraction_documents import Case, cases


def main() -> None:
    """Print a line for each document, then one line of JSON."""
    print(json.dumps(asyncio.run(evaluate(Settings(), cases())), ensure_ascii=False))


async def evaluate(settings: Settings, documents: Sequence[Case]) -> dict[str, Any]:
    """Return the figures of both ways on the same documents with the same model."""
    from bot.engine import open_chat_model
    from bot.weights import fetch_llm

    path = None if settings.llm.url else fetch_llm(settings.llm.model, settings.cache_dir)
    model = await open_chat_model(settings.llm, path)
    tallies = {way: {"fields": 0, "right": 0, "invented": 0, "seconds": 0.0} for way in ("checked", "unchecked")}
    try:
        for case in documents:
            for way, tally in tallies.items():
                started = time.monotonic()
                found = await extract(model, case, checked=way == "checked")
                score(found, case.records, tally)
                tally["seconds"] += time.monotonic() - started
            print(
                case.name, {way: f"{t['right']:.0f}/{t['fields']:.0f}" for way, t in tallies.items()}, file=sys.stderr
            )
    finally:
        await model.aclose()
    return {"documents": len(documents), "model": settings.llm.model} | {way: shares(t) for way, t in tallies.items()}


async def extract(model: BaseChatModel, case: Case, *, checked: bool) -> list[dict[str, Any]]:
    """Return the records as the handler gives them, or as the bare model writes them."""
    fields, page = parse_fields(case.fields), Page(number=1, text=case.text)
    french = language_of(case.text) == "fr"
    options: dict[str, Any] = {"max_tokens": ANSWER_TOKENS // 2, "temperature": 0.0}
    if checked:
        form = {"name": "records", "schema": schema_of(fields)}
        options["response_format"] = {"type": "json_schema", "json_schema": form}
    answer = str((await model.bind(**options).ainvoke(prompt([page], fields))).content)
    if not checked:
        return [bare(record, fields, french) for record in loose_records(answer)]
    source = evidence.Source([page])
    records = [evidence.check(record, fields, source, french=french) for record in evidence.records_of(answer)]
    return [{name: found.value for name, found in record.items()} for record in evidence.merged(records)]


def loose_records(answer: str) -> list[dict[str, Any]]:
    """Read what looks like JSON in an answer that followed no grammar."""
    found = evidence.records_of(answer)
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
        except Unreadable:
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
        return folded(found) == folded(truth)
    return bool(found == truth)


def shares(tally: Mapping[str, float]) -> dict[str, float]:
    """Return the figures."""
    return {
        "right": round(tally["right"] / tally["fields"], 3),
        "invented": round(tally["invented"] / tally["fields"], 3),
        "fields": tally["fields"],
        "seconds": round(tally["seconds"], 1),
    }
