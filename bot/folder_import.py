"""A folder of documents into the library, for the members of one channel; what was read is not read again."""

import asyncio
import csv
import fnmatch
import hashlib
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.data_folder import locked, prepare
from bot.errors import StartFailed
from bot.services import fetch_models, open_settings_library
from bot.settings import Settings
from bot.slack.errors import SLACK_ERRORS, code
from handlers.context.ingest import counts
from handlers.text.messages import say
from indexing.document import IMPORTED, Share
from indexing.gone import NothingGone, TakenBack
from indexing.library import Library
from indexing.reading.kinds import document_kind
from indexing.reading.pool import UnreadableDocument

CHANNEL_ID = re.compile(r"[CG][A-Z0-9]{6,}")
SHOWN_UNREAD = 20  # files that were not read, at the end; all of them stand in the report
PAGE = 200  # channels of one call


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which files of a folder come in."""

    folder: Path
    include: Sequence[str] = ()  # patterns of paths below the folder; none for all
    exclude: Sequence[str] = ()

    def files(self) -> Iterator[Path]:
        """Yield the files in order; hidden ones and links are left out."""
        for path in sorted(self.folder.rglob("*")):
            name = self.name_of(path)
            hidden = any(part.startswith((".", "~$")) for part in Path(name).parts)
            if hidden or path.is_symlink() or not path.is_file():
                continue
            if (not self.include or matches(name, self.include)) and not matches(name, self.exclude):
                yield path

    def name_of(self, path: Path) -> str:
        """Return a file's path below the folder: the name under which people know it."""
        return path.relative_to(self.folder).as_posix()


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Tell whether a path or its last part fits a pattern."""
    return any(fnmatch.fnmatch(name, pattern) or fnmatch.fnmatch(Path(name).name, pattern) for pattern in patterns)


@dataclass(frozen=True)
class ReportLine:
    """What became of one file."""

    name: str
    outcome: str  # read, known, not read
    about: str  # the receipt, or why it was not read
    seconds: float


def import_folder(settings: Settings, wanted: Wanted, channel: str, *, dry_run: bool, report: Path) -> None:
    """Import a folder, or only say what would be imported; write a report with a line for each file."""
    if not wanted.folder.is_dir():
        raise StartFailed(f"{wanted.folder} is no folder. Name the folder whose documents are to be read.")
    files = list(wanted.files())
    if not files:
        raise StartFailed(f"There is no file to import in {wanted.folder}. Look at --include and --exclude.")
    lines = [look(path, wanted) for path in files] if dry_run else read_all(settings, wanted, files, channel)
    write_report(report, lines)
    tell(lines, report)


def look(path: Path, wanted: Wanted) -> ReportLine:
    """Say of which kind a file is, without reading it."""
    try:
        return ReportLine(wanted.name_of(path), "would be read", document_kind(path), 0.0)
    except UnreadableDocument as refused:
        return ReportLine(wanted.name_of(path), "not read", say(f"files.{refused.reason}", "en", **refused.values), 0.0)


def read_all(settings: Settings, wanted: Wanted, files: Sequence[Path], channel: str) -> list[ReportLine]:
    """Read the files into the library of the settings, which no assistant may use meanwhile unless it is Qdrant's."""
    prepare(settings.data_dir)
    with ExitStack() as held:
        if not settings.qdrant.url:
            held.enter_context(locked(settings.data_dir))
        return asyncio.run(_read_all(settings, wanted, files, channel))


async def _read_all(settings: Settings, wanted: Wanted, files: Sequence[Path], channel: str) -> list[ReportLine]:
    channel_id = await channel_named(channel, settings)
    models = await asyncio.to_thread(fetch_models, settings)
    async with AsyncExitStack() as stack:
        library = await open_settings_library(settings, models, NothingGone(), stack)
        lines = []
        with progress_bar() as bar:
            task = bar.add_task("reading", total=len(files))
            for path in files:
                bar.update(task, description=wanted.name_of(path)[-40:])
                lines.append(await read_one(path, wanted.name_of(path), channel_id, library, settings.bot.upload_bytes))
                bar.advance(task)
        return lines


async def read_one(path: Path, name: str, channel: str, library: Library, most_bytes: int) -> ReportLine:
    """Add one file; the same file under the same name is one share, however often it is imported."""
    started = time.monotonic()
    about = await asyncio.to_thread(path.stat)
    identity = IMPORTED + hashlib.sha256(f"{channel}/{name}".encode()).hexdigest()[:24]
    share = Share(channel=channel, file_id=identity, user="", ts=f"{about.st_mtime:.6f}", permalink="", name=name)
    try:
        if about.st_size > most_bytes:
            megabytes, limit = -(-about.st_size // 2**20), most_bytes // 2**20
            raise UnreadableDocument("too_big", megabytes=megabytes, limit_megabytes=limit)
        receipt = await library.add(path, share)
    except UnreadableDocument as refused:
        sentence = say(f"files.{refused.reason}", "en", **refused.values)
        return ReportLine(name, "not read", sentence, time.monotonic() - started)
    except TakenBack as gone:
        return ReportLine(name, "not read", say(f"files.{gone.reason}", "en"), time.monotonic() - started)
    outcome = "known" if receipt.known else "read"
    return ReportLine(name, outcome, counts(receipt, receipt.known, "en"), time.monotonic() - started)


async def channel_named(name: str, settings: Settings) -> str:
    """Return a channel's id by its name, as Slack has it; only where the assistant is a member may it answer."""
    name = name.removeprefix("#")
    client = AsyncWebClient(settings.slack.bot_token.get_secret_value(), base_url=settings.slack.api_url)
    cursor = ""
    try:
        while True:
            listed = await client.conversations_list(
                types="public_channel,private_channel", exclude_archived=True, limit=PAGE, cursor=cursor
            )
            for channel in listed["channels"]:
                if name in {channel["id"], channel.get("name")}:
                    if not channel.get("is_member"):
                        raise StartFailed(f"Folio is not in #{name}. Invite it there first: /invite @Folio.")
                    return str(channel["id"])
            cursor = str((listed.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                raise StartFailed(f"There is no channel {name} that Folio may see. Invite it there: /invite @Folio.")
    except SlackApiError as error:
        raise StartFailed(f"Slack did not list the channels: {code(error)}. See `python -m bot doctor`.") from error
    except SLACK_ERRORS as error:
        raise StartFailed("Slack does not answer. Is this machine online?") from error


def progress_bar() -> Progress:
    """Return a bar for a terminal."""
    columns = TextColumn("{task.description:40}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    return Progress(*columns, console=Console(stderr=True))


def write_report(report: Path, lines: Sequence[ReportLine]) -> None:
    """Write a CSV with a line for each file."""
    with report.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "outcome", "about", "seconds"])
        writer.writerows([line.name, line.outcome, line.about, f"{line.seconds:.1f}"] for line in lines)


def tell(lines: Sequence[ReportLine], report: Path) -> None:
    """Say how many files came in, and which did not."""
    console = Console()
    outcomes = {
        outcome: sum(line.outcome == outcome for line in lines)
        for outcome in dict.fromkeys(line.outcome for line in lines)
    }
    console.print(", ".join(f"{count} {outcome}" for outcome, count in outcomes.items()), highlight=False)
    unread = [line for line in lines if line.outcome == "not read"]
    for line in unread[:SHOWN_UNREAD]:
        console.print(f"  {line.name}: {line.about}", highlight=False, markup=False)
    if len(unread) > SHOWN_UNREAD:
        console.print(f"  … and {len(unread) - SHOWN_UNREAD} more", highlight=False)
    console.print(f"Each file stands in {report}.", highlight=False, markup=False)
