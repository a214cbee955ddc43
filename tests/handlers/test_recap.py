"""What people said in a channel or a thread: in points with their messages, and only where all may read it."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from handlers.pieces import MessageSources, UserError
from handlers.recap import MOST_TOKENS, recap
from handlers.request import Request, Services, ThreadMessage
from handlers.text.commands import parse
from indexing.audience import Audience
from tests.handlers.conftest import ScriptedModel, Shown
from tests.handlers.fakes import OneThread

Asked = Callable[..., Request]
Run = Callable[..., Awaitable[Shown]]
HOUR = 3600.0


def at(hours_ago: float) -> str:
    """Return the ts of a message."""
    return f"{time.time() - hours_ago * HOUR:.6f}"


SAID = (
    ThreadMessage("U1", "The old crane will be sold.", at(24 * 30), name="Alice Martin"),
    ThreadMessage("U2", "The new crane arrives on Thursday at ten.", at(3), name="Bob Keller"),
    ThreadMessage("", "I am the bot.", at(2.5)),
    ThreadMessage("U1", "Carol pays the invoice of Redwood.", at(2), name="Alice Martin"),
)


@pytest.fixture
def run(services: Services, asked: Asked) -> Run:
    """Run the handler in a place where people talked."""

    async def go(text: str, **fields: object) -> Shown:
        said = replace(services, messages=OneThread(SAID))
        request = asked("recap", text, **({"thread": "", "ts": ""} | fields))
        return Shown([piece async for piece in recap(request, said)])

    return go


@pytest.mark.parametrize(
    ("text", "points", "title"),
    [
        ("#team since last week", "- The new crane arrives on Thursday at ten.\n- Carol pays the invoice of Redwood.",
         "What was said in #team since"),
        ("#team depuis la semaine dernière",
         "- La new crane arrives on Thursday at ten.\n- Carol pays the invoice of Redwood.",
         "Ce qui s'est dit dans #team depuis le"),
    ],
)  # fmt: skip
async def test_a_channel_is_summarized_with_the_messages_of_each_point(
    run: Run, model: ScriptedModel, text: str, points: str, title: str
) -> None:
    model.says(points)
    shown = await run(text, channels=("C1",))
    assert title in shown.text
    assert "Thursday at ten. [1]" in shown.text
    assert "Redwood. [2]" in shown.text
    assert "crane will be sold" not in str(model.asked[0])  # a month ago
    [sources] = [piece.sources for piece in shown.pieces if isinstance(piece, MessageSources)]
    assert [source.label[:15] for source in sources] == ["[1] Bob Keller,", "[2] Alice Marti"]
    assert all(source.permalink.startswith("https://example.slack.com/archives/C1/p") for source in sources)


@pytest.mark.parametrize(
    ("text", "sentence"), [("#finance since Monday", "not in it"), ("#finance depuis lundi", "n'y suis pas")]
)
async def test_a_channel_that_not_all_here_may_read_is_not_summarized(run: Run, text: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        await run(text, channels=("CFINANCE",))


async def test_a_summary_of_another_channel_is_not_remembered(
    run: Run, services: Services, model: ScriptedModel
) -> None:
    """Who comes into this channel later may not be in that one."""
    model.says("- The new crane arrives on Thursday at ten.")
    await run("#team since last week", channels=("C2",), audience=Audience(frozenset({"C1", "C2"})))
    [thread] = services.memory.threads.values()  # type: ignore[attr-defined]
    assert "crane" not in str(thread)


async def test_a_thread_is_summarized_since_a_time(run: Run, model: ScriptedModel) -> None:
    model.says("- Carol pays the invoice of Redwood.")
    shown = await run("this thread since yesterday", thread="1.0", ts="9.0")
    assert "What was said in this thread since" in shown.text
    assert "[1]" in shown.text


@pytest.mark.parametrize(
    ("text", "fields", "sentence"),
    [
        ("#team since the fall of Rome", {"channels": ("C1",)}, "do not know this time"),
        ("#team depuis que Bob est là", {"channels": ("C1",)}, "ne connais pas ce moment"),
        ("this channel since yesterday", {"channel": "D1"}, "Which channel"),
        ("#nowhere since yesterday", {}, "Which channel"),
        ("#team since 1 hour", {"channels": ("C1",)}, "Nobody said anything in #team"),
        ("this thread", {}, "Nobody said anything in this thread"),
    ],
)
async def test_what_cannot_be_summarized_gets_its_sentence(
    run: Run, text: str, fields: dict[str, object], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        await run(text, **fields)


async def test_only_the_newest_messages_are_read(services: Services, asked: Asked, model: ScriptedModel) -> None:
    """A channel of thousands takes no longer than one of hundreds, and says so."""
    long = "word " * 99 + "Carol pays the invoice of Redwood."
    said = [ThreadMessage("U1", long, at(5 - n / 100), name="Alice") for n in range(200)]
    model.lines = ["- Carol pays the invoice of Redwood."] * 40
    request = asked("recap", "#team since yesterday", channels=("C1",))
    shown = Shown([piece async for piece in recap(request, replace(services, messages=OneThread(said)))])
    assert "Only the newest" in shown.text
    assert sum(services.count_tokens(str(asked_[-1].text)) for asked_ in model.asked) < MOST_TOKENS * 1.5


@pytest.mark.parametrize(
    "text",
    [
        "summarize #general since Monday", "Résume #general depuis lundi", "summarize this thread", "résume ce fil",
        "summarize the last 3 days", "Peux-tu résumer ce canal depuis hier ?", "summarize since yesterday",
        "summarize what was said in #general since yesterday", "résume ce qui s'est dit ici depuis ce matin",
    ],
)  # fmt: skip
def test_talk_is_told_from_documents(text: str) -> None:
    assert parse(text, has_files=False)[0] == "recap"


@pytest.mark.parametrize(
    "text", ["summarize handbook.pdf", "résume le manuel", "summarize discussion.docx", "summarize this"]
)
def test_documents_are_told_from_talk(text: str) -> None:
    assert parse(text, has_files=False)[0] == "summarize"
