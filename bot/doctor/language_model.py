"""Check of the language model: is it there, which device runs it, what memory it takes, and how fast it is."""

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from bot.doctor.finding import Finding, Findings, good, note, problem
from bot.errors import StartFailed
from bot.models.fetch import fetch_llm
from bot.models.memory import needed
from bot.models.presets import LLM_PRESETS
from bot.settings import LlmSettings
from handlers.calibration import budget_for

if TYPE_CHECKING:
    from bot.engine.remote import RemoteChatModel


async def check_llm(settings: LlmSettings, reason: str, cache_dir: Path) -> Findings:
    """Ask the server for its models, or load the file and say where its layers are; `reason` of LLM_MODEL=auto."""
    if settings.url:
        finding = await _served(settings)
        yield finding
        if finding.level == "good":
            async for finding in _of_server(settings):
                yield finding
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


async def _of_server(settings: LlmSettings) -> Findings:
    from bot.engine import open_chat_model
    from bot.engine.errors import Unavailable

    try:
        model = await open_chat_model(settings, None)
    except Unavailable as error:
        yield problem("language model", f"{error}", "Is the server running?")
        return
    try:
        yield await check_speed(model)
    finally:
        await model.aclose()


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
        gpu = gpu_name()
        card = f" ({gpu})" if gpu and model.is_on_gpu else ""
        yield good("language model", f"{path.name}, its layers run on {model.device()}{card}.")
        if finding := judge_device(model.device(), gpu, settings.gpu_layers):
            yield finding
        yield good("engine", describe_engine(settings, path, on_gpu=model.is_on_gpu))
        yield await check_speed(model)
    finally:
        await model.aclose()


def describe_engine(settings: LlmSettings, path: Path, *, on_gpu: bool) -> str:
    """Say how many people share how much context, and the memory that this takes."""
    shared = f"{settings.slots} requests at once share {settings.context_tokens} tokens of context ({settings.kv_type})"
    try:
        memory = needed(path, settings, gpu=on_gpu)
    except (ValueError, KeyError, IndexError):  # of a kind whose file does not tell
        return f"{shared}."
    parts = (("weights", memory.weights), ("context", memory.kv), ("scratch", memory.scratch))
    return f"{shared}; about {memory.total / 1e9:.1f} GB of {'the card' if on_gpu else 'memory'} (" + (
        ", ".join(f"{count / 1e9:.1f} {name}" for name, count in parts) + ")."
    )


async def check_speed(model: "RemoteChatModel") -> Finding:
    """Measure for about five seconds how fast a model reads and writes, and say what `/ask` makes of its device."""
    from openai import APIError

    from bot.engine.errors import EngineError
    from bot.engine.speed import measure_speed

    try:
        speed = await measure_speed(model)
    except (EngineError, APIError) as failure:
        return problem("speed", f"a question was not answered: {failure}.", "Look at the log of the model's server.")
    budget = budget_for(on_gpu=model.is_on_gpu)
    return good(
        "speed",
        f"reads {speed.reading:.0f} and writes {speed.writing:.0f} tokens a second; a question looks at "
        f"{budget.passages} passages and weighs {budget.lines} lines.",
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
