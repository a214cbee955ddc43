"""The command line: every way to run, feed, check and measure the assistant."""

import asyncio
import json
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # torch's threads sleep between calls: 30 times faster queries
os.environ.setdefault("GOMP_SPINCOUNT", "0")  # beside a busy llama.cpp; both are read when torch is imported
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("LANGSMITH_TRACING", "false")

import typer

from bot.settings import Settings, read_env_file

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
bench = typer.Typer(no_args_is_help=True, help="Measure against a peer, in one run, as a ratio.")
evaluate = typer.Typer(invoke_without_command=True, help="Score answers and classifiers on known ones.")
app.add_typer(bench, name="bench")
app.add_typer(evaluate, name="evaluate")


PRIVATE = 0o077  # what is written is for its owner only: it is what people wrote


def main() -> None:
    """Run the command; a start that can't succeed ends with one sentence that a person can act on."""
    from bot.errors import StartFailed, sentence_for

    os.umask(PRIVATE)
    try:
        read_env_file(Path(".env"))
        app()
    except StartFailed as failure:
        sys.exit(str(failure))
    except OSError as error:
        if sentence := sentence_for(error):
            sys.exit(sentence)
        raise


def _show_version(wished: bool) -> None:
    if wished:
        typer.echo(f"folio {version('folio-assistant')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Say the version and stop.")
    ] = False,
) -> None:
    """Read the settings from the environment and from .env in the working directory; deploy/.env.example lists them."""


def _serve(*, gateway: bool, worker: bool) -> None:
    from bot.app import running
    from bot.private_memory import keep_memory_private

    keep_memory_private()

    async def serve() -> None:
        async with running(Settings(), gateway=gateway, worker=worker) as folio:
            await folio.wait()

    asyncio.run(serve())


Port = typer.Option(min=1, max=65535, help="On 127.0.0.1.")
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
def engine(
    socket: Annotated[Path | None, typer.Option(help="Listen on a unix socket.")] = None,
    host: Annotated[str, typer.Option(help="Or on this address ...")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="... and port.")] = 8080,
    parent: Annotated[int, typer.Option(hidden=True, help="End with this process; say `ready` when loaded.")] = 0,
    crashed: Annotated[bool, typer.Option(hidden=True, help="The process before this one ended by itself.")] = False,
) -> None:
    """Only load the language model and serve it by OpenAI's protocol; `run` and `worker` do this by themselves."""
    from bot.engine.main import main
    from bot.engine.server import Address

    main(Settings(), Address(socket, host, port), parent=parent, crashed=crashed)


@app.command()
def sandbox(
    port: Annotated[int, Port] = 4100,
    data: DataDir = None,
    until_closed: Annotated[bool, typer.Option(hidden=True, help="End when standard input is closed.")] = False,
) -> None:
    """Run a Slack workspace on this machine, with a web page to talk in."""
    from bot.sandbox import serve

    asyncio.run(serve(port, data or Settings().data_dir / "workspace", until_closed=until_closed))


@app.command("try")
def try_(
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Default: 4100, or the next free one.")] = None,
    data: DataDir = None,
    model: Annotated[str, typer.Option(help="preset:NAME, hub:ORG/REPO/FILE or a path.")] = "",
    check: Annotated[bool, typer.Option(help="Ask about a bundled PDF, verify a cited page, stop.")] = False,
) -> None:
    """Run a workspace on this machine and the assistant in it; Ctrl-C ends both and keeps the data."""
    from bot.quickstart import quickstart

    quickstart(port=port, data=data, model=model, check=check)


@app.command()
def fetch() -> None:
    """Fetch the models that the settings name, with progress."""
    from bot.services import fetch_models

    os.umask(0o022)  # model files are no secret, and other users of the machine may share them
    fetch_models(Settings())


@app.command()
def doctor() -> None:
    """Check tokens, scopes, Redis, Qdrant, model and GPU; say what mends what is wrong."""
    from bot.doctor import main

    sys.exit(main(Settings()))


@app.command()
def calibrate(
    questions: Annotated[list[Path], typer.Option(help="JSONL files of questions with their answers.")],
    documents: Annotated[Path, typer.Option(help="Folder with the documents they are about.")],
    wrong: Annotated[float, typer.Option(min=0, max=1, help="So much of what is shown may be wrong.")] = 0.15,
    odds: Annotated[bool, typer.Option(help="Also weigh the language model's own doubt; slower.")] = False,
    writes: Annotated[bool, typer.Option(help="Show the model's own sentences where a line bears them.")] = True,
) -> None:
    """Measure when your own two models should answer, on questions of your own; the card goes to DATA_DIR/cards."""
    from tests.evaluation.calibrate import main

    main(questions, documents, Settings().data_dir / "cards", odds=odds, wrong=wrong, writes=writes)


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


@app.command("manifest")
def write_manifest(
    prefix: Annotated[str, typer.Option(help="Call the commands /PREFIX-ask and so on.")] = "",
    only_folio: Annotated[bool, typer.Option("--only-folio", help="Leave /folio as the only command.")] = False,
) -> None:
    """Write the manifest of the Slack app, where other apps have commands of the same names."""
    from bot.manifest import manifest

    typer.echo(manifest(prefix, only_folio=only_folio), nl=False)


@app.command("import")
def import_(  # noqa: PLR0913, PLR0917  # one for each option
    folder: Path,
    channel: Annotated[str, typer.Option(help="Who may read them: the members of this channel.")],
    include: Annotated[list[str] | None, typer.Option(help="Only files like this: '*.pdf', 'contracts/*'.")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="No files like this.")] = None,
    dry_run: Annotated[bool, typer.Option(help="Only say what would be read.")] = False,
    report: Annotated[Path, typer.Option(help="A CSV with a line for each file.")] = Path("import-report.csv"),
    links: Annotated[str, typer.Option(help="Where people open the files: an address, before their names.")] = "",
    prune: Annotated[bool, typer.Option(help="Forget what is not in the folder any more.")] = False,
    watch: Annotated[bool, typer.Option(help="Go on following the folder (with QDRANT_URL).")] = False,
) -> None:
    """Read a folder of documents into a channel's library; run it again to go on or to follow changes."""
    from bot.folder.wanted import Wanted
    from bot.folder_import import Wishes, import_folder

    wanted = Wanted(folder=folder, include=include or (), exclude=exclude or ())
    wishes = Wishes(report=report, dry_run=dry_run, links=links, prune=prune, watch=watch)
    import_folder(Settings(), wanted, channel, wishes)


@app.command()
def reindex() -> None:
    """Embed all documents anew, after EMBEDDINGS_MODEL was changed; the assistant must not run meanwhile."""
    from bot.reindex import reindex

    reindex(Settings())


@app.command()
def audit(
    document: Annotated[str, typer.Option(help="A document's id.")] = "",
    person: Annotated[str, typer.Option(help="A person's Slack id.")] = "",
    since: Annotated[str, typer.Option(help="A day, YYYY-MM-DD.")] = "",
) -> None:
    """Show who added, removed and asked, and from which documents the answers came; ids, never words."""
    from bot.audit import FOLDER, read

    for line in read(Settings().data_dir / FOLDER, document=document, person=person, since=since):
        typer.echo(json.dumps(line))


@app.command("train-sentiment")
def train_sentiment(
    data: Annotated[list[Path] | None, typer.Option(help="CSV files with the columns text and label.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the head and its card; DATA_DIR/sentiment.")] = None,
) -> None:
    """Train the sentiment head on labelled texts and keep it with its card."""
    from bot.training.train_sentiment import train

    train(Settings(), data or [], out)


@app.command()
def finetune(
    task: Annotated[str, typer.Option(help="sentiment or extraction.")],
    data: Annotated[Path, typer.Option(help="CSV (text, label) or JSONL (text, fields).")],
    base: Annotated[str, typer.Option(help="A hub folder, or a GGUF file or preset.")],
    out: Annotated[Path, typer.Option(help="Folder for the adapter and its card.")],
    bits: Annotated[int, typer.Option(min=4, max=8, help="8 or 4: of the base's weights, on a GPU.")] = 8,
) -> None:
    """Teach the language model a task: train a LoRA adapter that the engine can use."""
    from bot.training.finetune import finetune

    finetune(task=task, data=data, base=base, out=out, bits=bits)


@bench.command("engine")
def bench_engine(
    files: Annotated[
        list[str] | None, typer.Argument(help="GGUF files; without any, smollm2-135m and qwen2.5-coder-1.5b.")
    ] = None,
) -> None:
    """Time shared decoding against llama.cpp's own ways of serving."""
    from tests.bench.engine import main

    main(files or [])


@bench.command("indexing")
def bench_indexing() -> None:
    """Time reading, chunking and storing against the embedder and LangChain's loaders."""
    from tests.bench.indexing import main

    main()


@bench.command("reading")
def bench_reading() -> None:
    """Compare the order and the rows that PDF readers keep, on pages of our own making."""
    from tests.bench.reading import main

    main()


@bench.command("library")
def bench_library(
    documents: Annotated[list[int] | None, typer.Argument(help="Sizes; without any, 2,000 and 20,000.")] = None,
) -> None:
    """Time what bookkeeping costs in a library of so many documents, and how that grows."""
    from tests.bench.library import main

    main(documents or [2_000, 20_000])


@bench.command("int8")
def bench_int8() -> None:
    """Measure what 8-bit weights and an 8-bit KV cache do to memory, speed and perplexity."""
    from tests.bench.int8 import main

    main()


@evaluate.callback()
def evaluate_answers(
    context: typer.Context,
    questions: Annotated[list[Path] | None, typer.Option(help="JSONL files of questions.")] = None,
    documents: Annotated[Path | None, typer.Option(help="Folder with the documents they are about.")] = None,
    generate: Annotated[bool, typer.Option(help="Also let the model answer.")] = False,
    limit: Annotated[int, typer.Option(help="Ask only so many questions, drawn by chance, always the same.")] = 0,
) -> None:
    """Score retrieval, refusals and answers on questions with known answers."""
    if context.invoked_subcommand:
        return
    if not questions or not documents:
        raise typer.BadParameter("--questions and --documents are both needed")
    from tests.evaluation.answers import main

    main(questions, documents, generate, limit)


@evaluate.command("sentiment")
def evaluate_sentiment() -> None:
    """Score the embedding classifier and the language model on held-out reviews, English and French."""
    from tests.evaluation.sentiment import main

    main()


@evaluate.command("extraction")
def evaluate_extraction() -> None:
    """Score the extraction of fields from documents."""
    from tests.evaluation.extraction import main

    main()


if __name__ == "__main__":
    main()
