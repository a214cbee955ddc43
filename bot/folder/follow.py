"""The folders that the running assistant follows: each on its own, begun again where it failed."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import structlog

from bot.errors import StartFailed
from bot.folder.shares import FolderShares, Remove
from bot.folder.wanted import Wanted
from bot.folder.watch import watch
from bot.folder_import import channel_named
from bot.settings import Settings
from indexing.library import Library

logger = structlog.get_logger()
AGAIN_SECONDS = 300  # a mount that comes late, a channel that Folio is not in yet


@dataclass(frozen=True)
class Followed:
    """One entry of BOT_WATCHED_FOLDERS."""

    folder: Path
    channel: str
    links: str = ""


def followed_folders(written: str) -> list[Followed]:
    """Read `/srv/contracts=general, /mnt/drive=team=https://…`; raise StartFailed."""
    entries = [entry.strip() for entry in written.split(",") if entry.strip()]
    folders = []
    for entry in entries:
        folder, _, rest = entry.partition("=")
        channel, _, links = rest.partition("=")
        if not folder.strip().startswith("/") or not channel.strip():
            raise StartFailed(f"BOT_WATCHED_FOLDERS: write /FOLDER=CHANNEL, several with commas, not {entry!r}.")
        folders.append(Followed(Path(folder.strip()), channel.strip(), links.strip()))
    return folders


async def follow(followed: Followed, settings: Settings, library: Library, remove: Remove) -> None:
    """Follow one folder without an end; where it fails, log why and begin again later."""
    while True:
        try:
            await follow_once(followed, settings, library, remove)
        except StartFailed as failure:
            logger.warning("folder not followed", channel=followed.channel, reason=str(failure))
        except Exception as error:  # the outermost loop of a folder: the assistant goes on; names stay out of the log
            logger.warning("folder not followed", channel=followed.channel, reason=type(error).__name__)
        await asyncio.sleep(AGAIN_SECONDS)


async def follow_once(followed: Followed, settings: Settings, library: Library, remove: Remove) -> None:
    """Follow one folder until it fails; the log has counts and no names."""
    if not followed.folder.is_dir():
        raise StartFailed("there is no such folder, or it is not mounted")
    shares = FolderShares(
        wanted=Wanted(folder=followed.folder), channel=await channel_named(followed.channel, settings),
        library=library, most_bytes=settings.bot.upload_bytes, links=followed.links, remove=remove,
    )  # fmt: skip
    async for line in watch(shares):
        logger.info("folder", channel=shares.channel, outcome=line.outcome, seconds=round(line.seconds, 1))
