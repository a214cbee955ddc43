"""The command line: every way to run, feed, check and measure the assistant."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # torch's threads sleep between calls: 30 times faster queries
os.environ.setdefault("GOMP_SPINCOUNT", "0")  # beside a busy llama.cpp; both are read when torch is imported
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("LANGSMITH_TRACING", "false")

import typer  # noqa: E402 - after the environment is set

from bot.settings import Settings  # noqa: E402


app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
bench = typer.Typer(no_args_is_help=True, help="Measure against a peer, in one run, as a ratio.")
evaluate = typer.Typer(invoke_without_command=True, help="Score answers and classifiers on questions with known answers.")
app.add_typer(bench, name="bench")
app.add_typer(evaluate, name="evaluate")

DataDir = Annotated[Path | None, typer.Option("--data", help="Where everything is kept.")]


@app.command()
def run() -> None:
    """Connect to Slack and answer: gateway and worker in one process."""
    _serve(gateway=True, worker=True)


@app.command()
def gateway() -> None:
    """Only take requests from Slack into the queue; starts in a second, loads no model."""
    _serve(gateway=True, worker=False)


@app.command()
def worker() -> None:
    """Only work on the queue."""
    _serve(gateway=False, worker=True)


@app.command()
def sandbox(port: int = 4100, data: DataDir = None) -> None:
    """Run a Slack workspace on this machine, with a web page to talk in."""
    from bot.sandbox import serve

    asyncio.run(serve(port, data or Settings().data_dir / "workspace"))


@app.command("try")
def try_(
    port: int = 4100,
    data: DataDir = None,
    model: Annotated[str, typer.Option(help="preset:NAME, hub:ORG/REPO/FILE or a path.")] = "",
    check: Annotated[bool, typer.Option(help="Ask about a bundled PDF, verify a cited page, stop.")] = False,
) -> None:
    """Run a workspace on this machine and the assistant in it; Ctrl-C ends both and keeps the data."""
    from bot.trial import trial

    sys.exit(asyncio.run(trial(port=port, data=data, model=model, check=check)))


@app.command()
def fetch() -> None:
    """Fetch the models that the settings name, with progress."""
    from bot.app import fetch_models

    fetch_models(Settings())


@app.command()
def doctor() -> None:
    """Check tokens, scopes, Redis, Qdrant, model and GPU; say what mends what is wrong."""
    from bot.doctor import main

    sys.exit(main(Settings()))


@app.command()
def backup(file: Path) -> None:
    """Write everything that is kept into one file."""
    from bot.backup import backup

    backup(Settings(), file)


@app.command()
def restore(file: Path) -> None:
    """Bring back what `backup` wrote, into an empty DATA_DIR."""
    from bot.backup import restore

    restore(Settings(), file)
