"""Is everything there? Each check says what it found, and what mends it."""

import asyncio
from collections.abc import Iterable, Iterator

from rich.console import Console

from bot.doctor.finding import Finding, Findings
from bot.doctor.language_model import check_llm
from bot.doctor.models import check_card, check_embeddings, check_reading
from bot.doctor.slack import check_slack
from bot.doctor.stores import check_folder, check_qdrant, check_redis
from bot.models.auto import for_this_machine
from bot.services import model_card
from bot.settings import Settings

MARKS = {"good": "[green]✓[/]", "note": "[yellow]·[/]", "problem": "[red]✗[/]"}


def main(settings: Settings) -> int:
    """Run every check and print what it found; return 1 if something must be mended."""
    return asyncio.run(_main(settings, Console(soft_wrap=True, highlight=False)))


async def _main(settings: Settings, console: Console) -> int:
    problems = 0
    for findings in checks(settings):
        async for finding in findings:
            _print(finding, console)
            problems += finding.level == "problem"
    console.print(f"\n{problems} to mend." if problems else "\nEverything that is needed is there.")
    return 1 if problems else 0


def checks(settings: Settings) -> Iterator[Findings]:
    """List the checks, the quick ones first."""
    yield _at_once(check_folder(settings.data_dir))
    yield check_slack(settings.slack)
    yield check_redis(settings.redis, settings.data_dir)
    yield check_qdrant(settings.qdrant, settings.data_dir)
    yield _at_once(check_reading())
    yield _at_once(check_embeddings(settings.embeddings, settings.cache_dir))
    yield _at_once(check_card(model_card(settings)))
    yield check_llm(*for_this_machine(settings.llm), settings.cache_dir)


async def _at_once(findings: Iterable[Finding]) -> Findings:
    for finding in findings:
        yield finding


def _print(finding: Finding, console: Console) -> None:
    console.print(f"{MARKS[finding.level]} {finding.about}: ", end="")
    console.print(finding.text, markup=False)
    if finding.mend:
        console.print(f"  -> {finding.mend}", markup=False)
