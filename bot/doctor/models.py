"""Checks of the models: are the files there, and which device runs their layers."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx

from bot.doctor.finding import Finding, Findings, good, note, problem
from bot.errors import StartFailed
from bot.models.fetch import fetch_llm
from bot.models.presets import LLM_PRESETS
from bot.settings import EmbeddingsSettings, LlmSettings
from handlers.calibration import Card


async def check_llm(settings: LlmSettings, reason: str, cache_dir: Path) -> Findings:
    """Ask the server for its models, or load the file and say where its layers are; `reason` of LLM_MODEL=auto."""
    if settings.url:
        yield await _served(settings)
        return
    if reason:
        yield good("language model", f"LLM_MODEL=auto takes {reason}")
    preset = LLM_PRESETS.get(settings.model.removeprefix("preset:"))
    if preset and not (cache_dir / preset.file).exists():
        yield note(
            "language model",
            f"{settings.model} is not here yet.",
            f"It is fetched at the first start ({preset.size_bytes / 1e9:.1f} GB), or now by `python -m bot fetch`.",
        )
        return
    try:
        path = fetch_llm(settings.model, cache_dir)
    except StartFailed as failure:
        yield problem("language model", str(failure), "Mend LLM_MODEL.")
        return
    async for finding in _loaded(settings, path):
        yield finding


async def _loaded(settings: LlmSettings, path: Path) -> Findings:
    from bot.engine import open_chat_model
    from bot.engine.errors import Unavailable

    try:
        model = await open_chat_model(settings, path)
    except Unavailable as error:
        yield problem(
            "language model", f"{error}.", "Delete the file to fetch it again, or mend the LLM_ setting it names."
        )
        return
    try:
        device = model.device()
    finally:
        await model.aclose()
    yield good("language model", f"{path.name}, its layers run on {device}.")
    if finding := judge_device(device, gpu_name(), settings.gpu_layers):
        yield finding


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


def judge_device(device: str, gpu: str, gpu_layers: int) -> Finding | None:
    """Say why a GPU that is there is not used."""
    if not gpu or "cpu" not in device.lower():
        return None
    if gpu_layers == 0:
        return note("GPU", f"{gpu} is not used, as LLM_GPU_LAYERS=0 wishes.")
    return problem(
        "GPU",
        f"{gpu} is here, but llama.cpp was compiled without CUDA.",
        "Install the CUDA toolkit (nvcc must be on PATH), then CMAKE_ARGS=-DGGML_CUDA=on deploy/setup.",
    )


def gpu_name() -> str:
    """Return the name of the first NVIDIA GPU, or nothing."""
    program = shutil.which("nvidia-smi")
    if not program:
        return ""
    asked = subprocess.run(  # noqa: S603 - a program of the system, no input of anybody
        [program, "--query-gpu=name", "--format=csv,noheader"], capture_output=True, text=True, check=False, timeout=30
    )
    return asked.stdout.splitlines()[0].strip() if asked.returncode == 0 and asked.stdout.strip() else ""


async def _served(settings: LlmSettings) -> Finding:
    headers = {"Authorization": f"Bearer {settings.api_key.get_secret_value()}"} if settings.api_key else {}
    try:
        async with httpx.AsyncClient(timeout=10, headers=headers) as client:
            answer = await client.get(f"{settings.url.rstrip('/')}/models")
            answer.raise_for_status()
            names = [str(model["id"]) for model in answer.json()["data"]]
    except httpx.HTTPStatusError as error:
        return problem(
            "language model",
            f"LLM_URL answered {error.response.status_code}.",
            "Check LLM_API_KEY and the path, usually /v1.",
        )
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        return problem("language model", f"LLM_URL does not answer ({type(error).__name__}).", "Is the server running?")
    if settings.model in names:
        return good("language model", f"{settings.model}, served at {settings.url}.")
    return problem("language model", f"{settings.url} serves {', '.join(names)}.", "Set LLM_MODEL to one of them.")


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
