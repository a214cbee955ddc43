"""Shows how far a download is, to whoever started it: a bar in a terminal, a line for each tenth in a log."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from bot.models.source import Report


@contextmanager
def shown(name: str, report: Report | None) -> Iterator[Report]:
    """Show progress to whoever started this: a bar in a terminal, a line for each tenth in a log."""
    if report:
        yield report
    elif sys.stderr.isatty():
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
            task = progress.add_task(name, total=None)
            yield lambda done, size: progress.update(task, completed=done, total=size or None)
    else:
        yield log_lines(name)


def log_lines(name: str) -> Report:
    shown = -1

    def report(done: int, size: int) -> None:
        nonlocal shown
        tenth = 10 * done // size if size else done // 10**8
        if tenth > shown:
            shown = tenth
            of = f" of {size / 1e6:.0f}" if size else ""
            print(f"{name}: {done / 1e6:.0f}{of} MB", file=sys.stderr, flush=True)  # noqa: T201 - a log is read too

    return report
