"""How good retrieval and refusals are on questions with known pages: `python -m bot evaluate`."""

import asyncio
import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import indexing
from bot.models.presets import fetch_embeddings
from bot.settings import Settings
from indexing.audience import Audience
from indexing.document import Passage, Share
from indexing.factory import open_library
from indexing.library import Library
from indexing.reading.pool import ReadingLimits

EVERYBODY = Audience(frozenset({"evaluation"}))
LOOKED_AT = 10  # passages a question
RANKING = {
    "ranking",
    "relevance",
    "library",
    "opening",
    "qdrant",
    "reranker",
    "onnx",
}  # change what is found, not what is stored


@dataclass(frozen=True, kw_only=True)
class Question:
    """One line of a file of questions."""

    id: str
    lang: str
    question: str
    pdf: str | None
    page: int | None  # 1-based, of the PDF
    answer: str | None
    answerable: bool

    @classmethod
    def of(cls, line: str) -> "Question":
        """Read a line of JSON; fields for people are left out."""
        fields = json.loads(line)
        return cls(**{name: fields[name] for name in cls.__dataclass_fields__})


def main(questions: Sequence[Path], documents: Path, generate: bool) -> None:
    """Print the figures; the last line is JSON."""
    print(json.dumps(asyncio.run(evaluate(questions, documents, generate))))


async def evaluate(files: Sequence[Path], documents: Path, generate: bool) -> dict[str, Any]:
    """Index all documents of both languages together, ask every question, count."""
    asked = [Question.of(line) for file in files for line in file.read_text().splitlines() if line.strip()]
    settings = Settings()
    library = await open_for(settings)
    try:
        await add_all(library, documents)
        found = [await library.search([one.question], readable_by=EVERYBODY, limit=LOOKED_AT) for one in asked]
        results = figures(asked, found, library.floor)
        if generate:
            from tests.evaluation.generation import generate_figures

            for language, more in (await generate_figures(library, EVERYBODY, asked, settings)).items():
                results[language] |= more
        return results | {"settings": described(settings, library)}
    finally:
        await library.aclose()


async def open_for(settings: Settings) -> Library:
    """Open a library that is kept for the next run of the same code with the same model."""
    embeddings = settings.embeddings
    stamp = hashlib.sha256(f"{embeddings.model} {embeddings.int8}".encode())
    for source in sorted(Path(str(indexing.__file__)).parent.glob("*.py")):
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
    """Share every PDF of the folder in one conversation, under its path."""
    for path in await asyncio.to_thread(lambda: sorted(documents.rglob("*.pdf"))):
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
            "recall_at_1": share_of(one == 1 for one in ranks),
            "recall_at_5": share_of(0 < one <= 5 for one in ranks),
            "mrr": round(sum(1 / one for one in ranks if one) / max(1, len(ranks)), 3),
            "refused_right": share_of(is_refused(passages, floor) for passages in unknown),
            "refused_wrong": share_of(is_refused(passages, floor) for _, passages in known),
        }
    return results


def rank(question: Question, passages: Sequence[Passage]) -> int:
    """Return the place of the first passage that shows the gold page; 0 if none does."""
    for place, passage in enumerate(passages, 1):
        if is_same(passage.document, question.pdf) and passage.page <= (question.page or 0) <= passage.last_page:
            return place
    return 0


def is_same(name: str, wanted: str | None) -> bool:
    """Tell whether a document is the one meant: by its path, or by its name alone."""
    return wanted is not None and (name == wanted or Path(name).name == Path(wanted).name)


def is_refused(passages: Sequence[Passage], floor: float) -> bool:
    """Tell whether the question is refused before the model is asked."""
    return max((passage.relevance for passage in passages), default=0.0) < floor


def share_of(answers: Any) -> float:
    """Return the share of yes."""
    listed = list(answers)
    return round(sum(listed) / max(1, len(listed)), 3)


def described(settings: Settings, library: Library) -> dict[str, Any]:
    """Return what the figures were measured with."""
    embeddings = settings.embeddings
    return {
        "embeddings": embeddings.model, "int8": embeddings.int8, "reranker": embeddings.reranker,
        "floor": library.floor, "threshold": library.threshold, "llm": settings.llm.model,
    }  # fmt: skip
