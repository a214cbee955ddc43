"""A folder of documents into the library, for the members of one channel; what was read is not read again."""

import asyncio
import csv
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.data_folder import locked, prepare
from bot.errors import StartFailed
from bot.folder.shares import FolderShares, ReportLine
from bot.folder.wanted import Wanted
from bot.folder.watch import watch
from bot.services import fetch_models, open_settings_library
from bot.settings import Settings
from bot.slack.errors import SLACK_ERRORS, code
from handlers.text.messages import say
from indexing.gone import NothingGone
from indexing.reading.kinds import document_kind
from indexing.reading.pool import UnreadableDocument

SHOWN_UNREAD = 20  # files that were not read, at the end; all of them stand in the report
PAGE = 200  # channels of one call


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What the command line says beside the folder and the channel."""

    report: Path
    dry_run: bool = False
    links: str = ""  # where people open the files
    prune: bool = False  # forget what is not in the folder any more
    watch: bool = False  # go on following the folder


def import_folder(settings: Settings, wanted: Wanted, channel: str, wishes: Wishes) -> None:
    """Import a folder, or only say what would be imported; write a report with a line for each file as it is read."""
    if not wanted.folder.is_dir():
        raise StartFailed(f"{wanted.folder} is no folder. Name the folder whose documents are to be read.")
    files = list(wanted.files())
    if not files:
        raise StartFailed(f"There is no file to import in {wanted.folder}. Look at --include and --exclude.")
    if wishes.watch and not settings.qdrant.url:
        raise StartFailed(
            "--watch needs QDRANT_URL: without it the library is in one process. "
            f"Let the assistant follow the folder itself: BOT_WATCHED_FOLDERS={wanted.folder}={channel}."
        )
    with Report(wishes.report) as report:
        if wishes.dry_run:
            report.take(look(path, wanted) for path in files)
        else:
            read_all(settings, wanted, files, channel, wishes, report)
    tell(report.lines, wishes.report)


def look(path: Path, wanted: Wanted) -> ReportLine:
    """Say of which kind a file is, without reading it."""
    try:
        return ReportLine(wanted.name_of(path), "would be read", document_kind(path))
    except UnreadableDocument as refused:
        return ReportLine(wanted.name_of(path), "not read", say(f"files.{refused.reason}", "en", **refused.values))


def read_all(  # noqa: PLR0913, PLR0917
    settings: Settings, wanted: Wanted, files: Sequence[Path], channel: str, wishes: Wishes, report: "Report"
) -> None:
    """Read the files into the library of the settings, which no assistant may use meanwhile unless it is Qdrant's."""
    prepare(settings.data_dir)
    with ExitStack() as held:
        if not settings.qdrant.url:
            held.enter_context(locked(settings.data_dir))
        asyncio.run(_read_all(settings, wanted, files, channel, wishes, report))


async def _read_all(  # noqa: PLR0913, PLR0917
    settings: Settings, wanted: Wanted, files: Sequence[Path], channel: str, wishes: Wishes, report: "Report"
) -> None:
    channel_id = await channel_named(channel, settings)
    models = await asyncio.to_thread(fetch_models, settings)
    async with AsyncExitStack() as stack:
        library = await open_settings_library(settings, models, NothingGone(), stack)
        shares = FolderShares(
            wanted=wanted, channel=channel_id, library=library, most_bytes=settings.bot.upload_bytes, links=wishes.links
        )
        if not settings.qdrant.url:
            await library.sweep(0)  # nobody else reads: what a kill left of an earlier import goes
        with progress_bar() as bar:
            await read_files(shares, files, report, bar)
        if wishes.prune:
            report.take(await shares.remove_gone(even_most=True))
        if wishes.watch:
            async for line in watch(shares):
                report.take([line])
                Console().print(f"{line.outcome}: {line.name} {line.about}", highlight=False, markup=False)


async def read_files(shares: FolderShares, files: Sequence[Path], report: "Report", bar: Progress) -> None:
    """Read files one after the other; each stands in the report as soon as it is done."""
    task = bar.add_task("reading", total=len(files))
    for path in files:
        bar.update(task, description=shares.wanted.name_of(path)[-40:])
        report.take([await shares.read(path)])
        bar.advance(task)


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


class Report:
    """A CSV with a line for each file, written as it goes: after a crash it says how far the import came."""

    def __init__(self, path: Path) -> None:
        self.lines: list[ReportLine] = []
        self._file = path.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file)
        self._writer.writerow(["file", "outcome", "about", "seconds"])

    def take(self, lines: Iterable[ReportLine]) -> None:
        """Write lines down."""
        for line in lines:
            self.lines.append(line)
            self._writer.writerow([line.name, line.outcome, line.about, f"{line.seconds:.1f}"])
            self._file.flush()

    def __enter__(self) -> "Report":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def tell(lines: Sequence[ReportLine], report: Path) -> None:
    """Say how many files came in, and which did not."""
    console = Console()
    outcomes = {
        outcome: sum(line.outcome == outcome for line in lines)
        for outcome in dict.fromkeys(line.outcome for line in lines)
    }
    console.print(", ".join(f"{count} {outcome}" for outcome, count in outcomes.items()), highlight=False)
    unread = [line for line in lines if line.outcome in {"not read", "not removed"}]
    for line in unread[:SHOWN_UNREAD]:
        console.print(f"  {line.name}: {line.about}", highlight=False, markup=False)
    if len(unread) > SHOWN_UNREAD:
        console.print(f"  … and {len(unread) - SHOWN_UNREAD} more", highlight=False)
    console.print(f"Each file stands in {report}.", highlight=False, markup=False)
