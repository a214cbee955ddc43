"""How good retrieval and refusals are on questions with known pages: `python -m bot evaluate`."""

import asyncio
import hashlib
import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import indexing
from bot.models.fetch import fetch_embeddings
from bot.settings import Settings
from indexing.audience import Audience
from indexing.document import Passage, Share
from indexing.factory import open_library
from indexing.library import Library
from indexing.reading.pool import ReadingLimits
from tests.evaluation.intervals import mean_interval, share_interval, written
from tests.evaluation.questions import Gold, Question, read_questions

EVERYBODY = Audience(frozenset({"evaluation"}))
LOOKED_AT = 10  # passages a question
RANKING = {"calibration", "library", "factory", "qdrant", "reranker", "onnx", "rescore"}  # not what is stored
READABLE = {".pdf", ".docx", ".md", ".txt"}
SEED = 15  # of the order in which a part of the questions is drawn


def main(questions: Sequence[Path], documents: Path, generate: bool, limit: int = 0) -> None:
    """Print the figures; the last line is JSON."""
    print(json.dumps(asyncio.run(evaluate(questions, documents, generate, limit))))


async def evaluate(files: Sequence[Path], documents: Path, generate: bool, limit: int = 0) -> dict[str, Any]:
    """Index all documents of both languages together, ask every question (or so many, drawn by chance), count."""
    asked = read_questions(files)
    every = {one.id: one for one in asked}
    if limit:
        random.Random(SEED).shuffle(asked)
        asked = asked[:limit]
    settings = Settings()
    library = await open_for(settings)
    try:
        await add_all(library, documents)
        found = [await library.search(phrasings(one, every), readable_by=EVERYBODY, limit=LOOKED_AT) for one in asked]
        results = figures(asked, found, library.floor)
        if generate:
            from tests.evaluation.generation import generate_figures

            for language, more in (await generate_figures(library, EVERYBODY, asked, every, settings)).items():
                results[language] |= more
        return results | {"settings": described(settings, library)}
    finally:
        await library.aclose()


def phrasings(question: Question, every: dict[str, Question]) -> list[str]:
    """Return a question as it is searched for where no model rewrites it: a follow-up with the one before."""
    before = every.get(question.follows)
    return [question.question] if before is None else [f"{before.question} {question.question}", question.question]


async def open_for(settings: Settings) -> Library:
    """Open a library that is kept for the next run of the same code with the same model."""
    embeddings = settings.embeddings
    stamp = hashlib.sha256(f"{embeddings.model} {embeddings.int8}".encode())
    for source in sorted(Path(str(indexing.__file__)).parent.rglob("*.py")):
        if source.stem not in RANKING:
            stamp.update(source.read_bytes())
    return await open_library(
        folder=settings.cache_dir / "evaluation" / stamp.hexdigest()[:12],
        embeddings=await asyncio.to_thread(fetch_embeddings, embeddings.model, settings.cache_dir),
        device=embeddings.device, batch=embeddings.batch, threads=embeddings.threads, int8=embeddings.int8,
        reranker=Path(embeddings.reranker) if embeddings.reranker else None,
        limits=ReadingLimits(), cache_dir=settings.cache_dir,
    )  # fmt: skip


async def add_all(library: Library, documents: Path) -> None:
    """Share every document of the folder in one conversation, under its path; what another run left goes."""
    paths = await asyncio.to_thread(lambda: sorted(path for path in documents.rglob("*") if path.suffix in READABLE))
    names = {str(path.relative_to(documents)) for path in paths}
    for document in await library.documents(EVERYBODY):
        if document.name not in names:
            await library.unshare(document_id=document.id)
    for path in paths:
        name = str(path.relative_to(documents))
        share = Share(channel="evaluation", file_id=name, user="U1", ts="1.0", permalink="", name=name)
        receipt = await library.add(path, share)
        print(f"{name}: {receipt.document.pages} pages, {receipt.document.chunks} chunks", file=sys.stderr)


def figures(asked: Sequence[Question], found: Sequence[list[Passage]], floor: float) -> dict[str, Any]:
    """Return the figures of each language; refusals are those without a model call, until the model has been asked."""
    results: dict[str, Any] = {}
    for language in sorted({one.lang for one in asked}):
        pairs = [(one, passages) for one, passages in zip(asked, found, strict=True) if one.lang == language]
        known = [(one, passages) for one, passages in pairs if one.answerable]
        unknown = [passages for one, passages in pairs if not one.answerable]
        ranks = [rank(one, passages) for one, passages in known]
        results[language] = {
            "questions": len(pairs),
            "recall_at_1": written(share_interval([one == 1 for one in ranks])),
            "recall_at_5": written(share_interval([0 < one <= 5 for one in ranks])),
            "mrr": written(mean_interval([1 / one if one else 0.0 for one in ranks])),
            "refused_right": written(share_interval([is_refused(passages, floor) for passages in unknown])),
            "refused_wrong": written(share_interval([is_refused(passages, floor) for _, passages in known])),
        }
    return results


def rank(question: Question, passages: Sequence[Passage]) -> int:
    """Return the place by which all gold pages have been shown; 0 if one is not among the passages."""
    ranks = [rank_of_page(gold, passages) for gold in question.gold]
    return max(ranks) if ranks and all(ranks) else 0


def rank_of_page(gold: Gold, passages: Sequence[Passage]) -> int:
    """Return the place of the first passage that shows a gold page; 0 if none does."""
    return next((place for place, passage in enumerate(passages, 1) if has_gold(gold, passage)), 0)


def has_gold(gold: Gold, passage: Passage) -> bool:
    """Tell whether a passage shows a gold page."""
    shown = range(passage.page, passage.last_page + 1)
    return is_same(passage.document, gold.document) and any(page in shown for page in gold.pages)


def is_same(name: str, expected: str) -> bool:
    """Tell whether a document is the one meant: by its path, or by its name alone."""
    return name == expected or Path(name).name == Path(expected).name


def is_refused(passages: Sequence[Passage], floor: float) -> bool:
    """Tell whether the question is refused before the model is asked."""
    return max((passage.relevance for passage in passages), default=0.0) < floor


def described(settings: Settings, library: Library) -> dict[str, Any]:
    """Return what the figures were measured with."""
    embeddings = settings.embeddings
    return {
        "embeddings": embeddings.model, "int8": embeddings.int8, "reranker": embeddings.reranker,
        "floor": library.floor, "threshold": library.threshold, "llm": settings.llm.model,
    }  # fmt: skip
