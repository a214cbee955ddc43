"""Checks of what answers and reads: the card of the models, the embedding model, the reader of scanned pages."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from bot.doctor.finding import Finding, good, note, problem
from bot.settings import EmbeddingsSettings
from handlers.calibration import Card


def check_card(card: Card) -> Iterator[Finding]:
    """Say whether answers from documents were measured with these two models."""
    if card.language_model:
        form = "its own sentences" if card.writes else "the documents' own lines"
        yield good("answers", f"measured with these two models on {card.date}; people read {form}.")
        return
    known = (
        "the search was, its sentences are shown where a line bears them" if card.is_fitted else "nor was the search"
    )
    yield note(
        "answers", f"this language model was not measured; {known}.", "`python -m bot calibrate --help` says how to."
    )


def check_embeddings(settings: EmbeddingsSettings, cache_dir: Path) -> Iterator[Finding]:
    """Say where the embedding model is and what runs it."""
    import torch

    name = settings.model.removeprefix("preset:").removeprefix("hub:")
    folders = (Path(settings.model).expanduser(), cache_dir / name, cache_dir / "hub" / name)
    if not any((folder / "modules.json").exists() for folder in folders):
        yield note(
            "embedding model",
            f"{settings.model} is not here yet.",
            "It is fetched at the first start, or by `python -m bot fetch`.",
        )
    device = settings.device or ("cuda" if torch.cuda.is_available() else "cpu")
    if device.startswith("cuda") and not torch.cuda.is_available():
        yield problem(
            "embedding model", "EMBEDDINGS_DEVICE is cuda, and torch sees none.", "Unset it, or run deploy/setup."
        )
    else:
        yield good("embedding model", f"{name}, on {device}.")


def check_reading() -> Iterator[Finding]:
    """Say whether scanned pages can be read."""
    program = shutil.which("tesseract")
    if not program:
        yield note("scanned pages", "they are named but not read.", "Install tesseract-ocr and tesseract-ocr-fra.")
        return
    command = [program, "--list-langs"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)  # noqa: S603
    missing = [language for language in ("eng", "fra") if language not in listed.stdout.split()]
    if missing:
        yield note("scanned pages", f"tesseract lacks {' and '.join(missing)}.", "Install tesseract-ocr-fra.")
    else:
        yield good("scanned pages", "read by tesseract in English and French.")
