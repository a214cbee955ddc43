"""Slack in: what a person wants is queued, and only then Slack gets its acknowledgement."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakValueDictionary

import structlog
from redis.exceptions import RedisError
from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext
from slack_bolt.error import BoltUnhandledRequestError
from slack_sdk.web.async_client import AsyncWebClient

from bot import metrics
from bot.access.gone import Gone
from bot.errors import what_is_full
from bot.slack import incoming
from bot.slack.addressing import hear, last_after
from bot.slack.changes import CHANNEL_BACK, SlackChange
from bot.slack.errors import SLACK_ERRORS
from bot.slack.feedback import Feedback, acknowledge_feedback, feedback
from bot.slack.home import greet, opened_home
from bot.slack.incoming import Cancel, Put, Redo, Step, Stop
from bot.slack.modals import asked_for_settings, reason_modal, settings_modal
from bot.slack.payload import id_in, seconds
from bot.slack.status import end_session, set_status
from handlers.request import ChannelWishes, Request
from handlers.text.messages import say

if TYPE_CHECKING:
    from bot.figures import RedisFigures as Figures
    from bot.queue.queue import Queue
    from bot.slack.talks import Talks

logger = structlog.get_logger()

TAKE_SECONDS = 2.0  # Slack waits three
SEEN = "eyes"  # the reaction to a document that nobody gave to us and that we read

Next = Callable[[], Awaitable[Any]]


class People(Protocol):
    """What is remembered of channels and people: bot.access.memberships.Memberships."""

    async def change(self, event: Mapping[str, Any]) -> bool:
        """Keep up with one of Slack's events; False if it tells nothing new about a person."""

    async def known_language(self, user: str) -> str:
        """Return a person's language without asking Slack; "" if it is not known."""

    async def language(self, user: str) -> str:
        """Ask Slack for a person's language and remember it."""


def register(  # noqa: PLR0913 - what the gateway stands between
    app: AsyncApp, queue: "Queue", gone: Gone, talks: "Talks", *, audiences: People | None = None,
    figures: "Figures | None" = None,
) -> "Gateway":  # fmt: skip
    """Listen to everything; return what everything goes through."""
    gate = Gateway(queue, gone, talks, app.client, audiences, figures)
    app.middleware(gate.take)
    app.command(re.compile(".*"))(acknowledge)
    app.action(re.compile(".*"))(acknowledge)
    app.shortcut(re.compile(".*"))(acknowledge)
    app.options(re.compile(".*"))(acknowledge)
    app.view(re.compile(".*"))(acknowledge)
    app.event(re.compile(".*"))(nothing_more)  # without a listener Slack would send the event again
    app.error(note)
    return gate


async def acknowledge(ack: AsyncAck) -> None:
    """Tell Slack that a command or a button was taken."""
    await ack()


async def nothing_more() -> None:
    """Events are acknowledged by Bolt."""


async def note(error: Exception) -> BoltResponse | None:
    """Leave a line about what was not taken; what nobody knows is acknowledged, so that Slack does not insist."""
    logger.warning("not taken", exc_info=error)
    return BoltResponse(status=200, body="") if isinstance(error, BoltUnhandledRequestError) else None


class Gateway:
    """Stands before Bolt's listeners, because Bolt acknowledges an event before its listener runs."""

    def __init__(  # noqa: PLR0913, PLR0917 - what it stands between
        self, queue: "Queue", gone: Gone, talks: "Talks", client: AsyncWebClient, audiences: People | None,
        figures: "Figures | None" = None,
    ) -> None:  # fmt: skip
        self._queue, self._gone, self._talks = queue, gone, talks
        self._client, self._audiences, self._figures = client, audiences, figures
        self._courtesies: set[asyncio.Task[None]] = set()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def take(
        self,
        body: dict[str, Any],
        context: AsyncBoltContext,
        next: Next,  # noqa: A002 - Bolt's name
    ) -> BoltResponse | None:
        """Queue what a body asks for; only then let Bolt acknowledge it.

        Without Redis there is no acknowledgement, so that Slack tells it again; a command, which it does not tell
        again, gets an honest sentence.
        """
        try:
            async with asyncio.timeout(TAKE_SECONDS):
                if await self._tells_something(body):
                    for step in incoming.parse_event(body, context.bot_user_id or ""):
                        await self._do(step)
        except (RedisError, TimeoutError) as error:
            full = what_is_full(error)
            if full:
                logger.error("not taken: there is no room left", full=full)
            if "command" not in body:
                raise
            return BoltResponse(status=200, body=say("slack.full" if full else "slack.not_now", "en"))
        self._notice(body)
        await next()
        return None

    async def _tells_something(self, body: dict[str, Any]) -> bool:
        """Let the next question see who is where now; tell whether the body is more than noise about somebody."""
        event = body.get("event")
        return not self._audiences or not isinstance(event, Mapping) or await self._audiences.change(event)

    async def take_late(self, body: dict[str, Any], bot_user_id: str, oldest_answered: float) -> None:
        """Take what was said while we were away; of what is too old to be answered only the documents are read."""
        for step in incoming.parse_event(body, bot_user_id):
            if not isinstance(step, Put):
                continue
            if seconds(step.request.ts) >= oldest_answered:
                await self._put(step)
            elif (request := step.otherwise or step.request).files:
                await self._queue.put(replace(request, action="upload", text="", unasked=True))

    async def _do(self, step: Step) -> None:
        match step:
            case Put():
                await self._put(step)
            case Redo(request, addressed, speech):
                if taken := await self._taken(Put(request, addressed, speech=speech)):
                    await self._queue.redo(replace(taken, language=await self._language(request.user)))
            case Cancel(request_id):
                await self._queue.cancel(request_id)
            case Stop(team, channel, thread, at):
                await self._queue.cancel_thread(team, channel, thread, before=at)
                self._courtesy(end_session(self._client, channel, thread))
            case SlackChange():
                await self._follow(step)

    async def _put(self, step: Put) -> None:
        request = await self._taken(step)
        if request is None:
            return
        if request.action == "stop":
            at = seconds(request.ts)
            await self._queue.cancel_thread(request.team, request.channel, request.thread, before=at)
        request = replace(request, language=await self._language(request.user))
        if await self._queue.put(request):
            self._show_that_it_was_heard(request)

    async def _taken(self, step: Put) -> Request | None:
        """Return what we do about a message, and note what it makes of its thread; None if it is not for us."""
        request = step.request
        if not request.thread:
            return request
        async with self._turns.setdefault(request.conversation, asyncio.Lock()):  # messages of a thread in their order
            return await self._heard(step, request)

    async def _heard(self, step: Put, request: Request) -> Request | None:
        talk = await self._talks.of(request)
        wishes = ChannelWishes() if step.addressed else await self._talks.wishes(request)
        hearing = "ours" if step.addressed else hear(talk, step.speech, request.user, wishes.listens)
        if hearing == "ours":
            if request.action != "stop":
                await self._talks.ours(request, addressed=step.addressed)
            return request
        if hearing == "document":
            return replace(request, action="overhear", unasked=True)
        await self._talks.others(request, last_after(talk, step.speech, request.user))
        if step.otherwise and wishes.documents:
            return replace(await self._dropped(step.otherwise), silent=not wishes.receipts)
        return None

    async def _dropped(self, request: Request) -> Request:
        """Read a document that was shared without a word to us; questions below it may be answered from it."""
        if request.thread == request.ts:
            await self._talks.document(request)
        return replace(request, unasked=True)

    async def _language(self, user: str) -> str:
        """Return a person's language, English until Slack has told it: its answer is not waited for here."""
        if not self._audiences or not user:
            return "en"
        if known := await self._audiences.known_language(user):
            return known
        self._courtesy(self._audiences.language(user))
        return "en"

    async def _follow(self, change: SlackChange) -> None:
        """Hide at once what went; the tidying up waits in the queue."""
        await self._gone.note(change)
        if change.is_to_tidy or change.kind in CHANNEL_BACK:
            await self._queue.put_change(change)

    # What is said at once; nobody waits for it.

    def _show_that_it_was_heard(self, request: Request) -> None:
        if request.unasked and request.action == "upload":
            self._courtesy(self._client.reactions_add(channel=request.channel, timestamp=request.ts, name=SEEN))
        elif request.thread and not request.unasked:
            text = say("slack.thinking", request.language)
            self._courtesy(set_status(self._client, request.channel, request.thread, text))

    def _notice(self, body: dict[str, Any]) -> None:
        event = body.get("event") or {}
        if event.get("type") == "app_home_opened":
            self._courtesy(self._greet(body, event))
        if channel := asked_for_settings(body):
            self._courtesy(self._show_settings(body, channel))
        if given := feedback(body):
            self._courtesy(self._take_feedback(body, given))

    async def _greet(self, body: dict[str, Any], event: dict[str, Any]) -> None:
        user = str(event.get("user") or "")
        language = await self._audiences.language(user) if self._audiences else "en"
        await greet(self._client, event, language)
        if request := opened_home(body):
            await self._queue.put(replace(request, language=language))

    async def _take_feedback(self, body: dict[str, Any], given: Feedback) -> None:
        logger.info("feedback", id=given.request_id, verdict=given.verdict)
        metrics.FEEDBACK.labels(given.verdict).inc()
        if self._figures:
            await self._figures.add(given.verdict)
        language = await self._language(_user(body))
        if given.verdict == "bad" and await self._opened(body, reason_modal(given.request_id, language)):
            return
        await acknowledge_feedback(self._client, body, given, language)

    async def _show_settings(self, body: dict[str, Any], channel: str) -> None:
        """Open the modal with what holds in a channel; where Slack does not open it the buttons are there still."""
        team = str((body.get("team") or {}).get("id") or "")
        wishes = await self._talks.wishes_of(team, channel)
        await self._opened(body, settings_modal(channel, wishes, await self._language(_user(body))))

    async def _opened(self, body: dict[str, Any], view: dict[str, Any]) -> bool:
        """Open a modal for what somebody just did; tell whether it stands: Slack gives three seconds for that."""
        try:
            await self._client.views_open(trigger_id=str(body.get("trigger_id") or ""), view=view)
        except SLACK_ERRORS as error:
            logger.info("modal not opened", reason=type(error).__name__)
            return False
        return True

    def _courtesy(self, coroutine: Coroutine[Any, Any, object]) -> None:
        async def kindly() -> None:
            try:
                await coroutine
            except (*SLACK_ERRORS, RedisError) as error:
                logger.info("courtesy failed", reason=type(error).__name__)

        task = asyncio.create_task(kindly())
        self._courtesies.add(task)  # the loop keeps no reference of its own
        task.add_done_callback(self._courtesies.discard)


def _user(body: Mapping[str, Any]) -> str:
    return id_in(body.get("user"))
