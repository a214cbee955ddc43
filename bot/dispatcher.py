"""One request's turn: limits, thread, audience, handler, answer; and what the person reads when it does not work."""

import asyncio
import time
from collections.abc import Collection, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from typing import Literal, cast

import structlog
from langchain_core.language_models import BaseChatModel
from redis.asyncio import Redis
from redis.exceptions import RedisError
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot import metrics
from bot.access.memberships import AudienceUnknown, Memberships
from bot.access.reconcile import Reconciler
from bot.audit import Audit
from bot.closing import after_turn
from bot.error_policy import Broken, ErrorReply, NobodyThere, reply_for
from bot.limits import Limits
from bot.queue.queue import Queue
from bot.queue.worker import TryAgain
from bot.slack.answer import Answer
from bot.slack.changes import CHANNEL_BACK, SlackChange
from bot.slack.errors import is_restricted
from bot.slack.home import publish_home
from bot.slack.offer import offer_documents
from bot.slack.posted import PostedMessages
from bot.slack.status import end_session
from bot.slack.thread import open_thread
from handlers import HANDLERS, PRIVATE
from handlers.context.documents import shares_of
from handlers.context.trail import Trail
from handlers.pieces import Pieces, UserError
from handlers.request import Handler, Request, Services, unheard
from handlers.text.messages import say

logger = structlog.get_logger()

Outcome = Literal["answered", "refused", "failed", "gone", "delayed", "stopped", "given up"]
HOME = "home"
SILENT = frozenset({"overhear", "reopen", HOME})  # nobody is told that it did not work
LONGEST_SECONDS = 3600  # a summary of a thousand pages on a slow machine; what takes longer hangs


@dataclass
class Clock:
    """When a turn began and when its first words came."""

    started: float = field(default_factory=time.monotonic)
    first: float | None = None

    async def watch(self, pieces: Pieces) -> Pieces:
        """Pass on the pieces and note when the first comes."""
        async with aclosing(pieces):
            async for piece in pieces:
                if self.first is None:
                    self.first = time.monotonic()
                yield piece

    @property
    def seconds(self) -> float:
        """Return the age of the turn."""
        return time.monotonic() - self.started

    @property
    def first_seconds(self) -> float | None:
        """Return how long the first words took."""
        return None if self.first is None else self.first - self.started


@dataclass(frozen=True, kw_only=True)
class Dispatcher:
    """What the worker does with each request; holds nothing of its own between two of them."""

    services: Services
    client: AsyncWebClient
    redis: Redis
    queue: Queue
    audiences: Memberships
    limits: Limits
    upkeep: Reconciler
    audit: Audit = field(default_factory=Audit)
    handlers: Mapping[str, Handler] = field(default_factory=lambda: HANDLERS)

    async def __call__(self, request: Request) -> None:
        """Do what the request asks for and answer it; raise TryAgain if something it needs is away."""
        clock = Clock()
        outcome: Outcome = "delayed"
        try:
            outcome = await self._answer(request, clock)
        except asyncio.CancelledError:
            outcome = "stopped"
            raise
        finally:
            log_turn(request, outcome, clock)
        with suppress(RedisError):
            await self._count(request, outcome, clock)

    async def _count(self, request: Request, outcome: Outcome, clock: Clock) -> None:
        """Count a turn for the people who run this."""
        if request.unasked or request.action == HOME:
            return
        await self.services.figures.add("answered" if outcome in {"answered", "refused"} else outcome)
        await self.services.figures.took(request.action, clock.seconds)

    async def change(self, change: SlackChange) -> None:
        """Follow something that changed in Slack; what was made of a message is let go first."""
        if change.ts and await self.queue.is_held(change.request_id):
            raise TryAgain("its request is let go")
        await self.upkeep.handle(change)
        if change.kind in CHANNEL_BACK:
            await self._offer(change.channel)
        logger.info("change", id=change.id, kind=change.kind, channel=change.channel, user=change.user)

    async def _offer(self, channel: str) -> None:
        """Offer to read what is in a channel that we came to, in the language of who made it."""
        try:
            info = (await self.client.conversations_info(channel=channel))["channel"]
            language = await self._language(str(info.get("creator") or ""))
            await offer_documents(self.client, self.redis, self.services.files, channel, language)
        except SlackApiError as error:
            if isinstance(reply_for(error), TryAgain):
                raise
            logger.warning("nothing offered", channel=channel)

    async def delayed(self, request: Request) -> None:
        """Tell the person that something is away and that we keep trying."""
        if request.unasked:
            return
        answer = Answer(self.client, self.redis, await self._opened(request))
        await answer.note(say("bot.delayed", request.language))

    async def stopped(self, request: Request) -> None:
        """Finish what stands of the answer; where nothing stands, only the status line is taken away."""
        if (await PostedMessages(self.redis, request).open()).messages:
            await self._fail(request, say("bot.stopped", request.language))
        elif request.thread:
            await end_session(self.client, request.channel, request.thread)

    async def given_up(self, request: Request, reason: str) -> None:
        """Tell the person that it did not work, with the id under which it can be found in the log."""
        key = "bot.unknown_audience" if reason == AudienceUnknown.__name__ else "bot.given_up"
        await self._fail(request, say(key, request.language, id=request.id))
        log_turn(request, "given up", Clock(), reason=reason)
        with suppress(RedisError):
            await self.services.figures.add("failed")

    async def _answer(self, request: Request, clock: Clock) -> Outcome:
        limit = asyncio.timeout(LONGEST_SECONDS)
        try:
            async with limit:
                await self._show(request, clock)
        except UserError as refusal:
            await self._fail(request, str(refusal))
            return "refused"
        except Exception as error:
            if not limit.expired():
                return await self._explain(request, error)
            await self._fail(request, say("bot.too_slow", request.language, id=request.id))
            return "failed"
        return "answered"

    async def _show(self, request: Request, clock: Clock) -> None:
        request = await self._in_its_language(request)
        if not request.unasked:
            await self.limits.charge(request)
        request = await self._opened(request)
        request = replace(request, audience=await self.audiences.resolve(request))
        trail = Trail()
        self.audit.write("asked", **about(request))
        try:
            await self._handle(request, clock, trail)
        except SlackApiError as error:
            if request.unasked or not request.thread or not is_restricted(error):
                raise
            await self._handle(replace(request, thread=""), clock, trail)  # answered privately
        finally:
            self._note(request, trail)
            await self.upkeep.settle(trail.removed)
        await after_turn(request, trail, self.services, self.queue)
        if request.action == "forget_me" and request.confirmed and request.channel.startswith("D"):
            await self._handle(replace(request, action=HOME), clock, Trail())  # it shows what was kept

    def _note(self, request: Request, trail: Trail) -> None:
        for kind, documents in (("added", trail.added), ("removed", trail.removed)):
            for document in documents:
                self.audit.write(kind, document=document, **about(request))
        self.audit.write("answered", documents=sorted(trail.used), **about(request))

    async def _shares_of(self, documents: Collection[str], request: Request) -> Mapping[str, frozenset[str]]:
        return await shares_of(documents, request.audience, self.services.library)

    async def _handle(self, request: Request, clock: Clock, trail: Trail) -> None:
        if request.action == HOME:
            await publish_home(self.client, request, self.handlers[HOME](request, self.services))
            return
        answer = Answer(self.client, self.redis, request, self._shares_of)
        report = unheard if request.unasked else answer.report
        model = model_for(request, self.services.model)
        services = replace(self.services, report=report, model=model, trail=trail)
        await answer.show(clock.watch(self.handlers[request.action](request, services)))
        trail.used |= answer.documents

    async def _in_its_language(self, request: Request) -> Request:
        """Speak what the channel wants, else what the person set in Slack."""
        language = await self._language(request.user)
        if request.channel.startswith("D"):
            return replace(request, language=language)
        wanted = (await self.services.channels.of(request.team, request.channel)).language
        return replace(request, language=wanted or language, channel_language=wanted)

    async def _language(self, user: str) -> str:
        """Return a person's language, which the listener did not wait for when it met somebody new."""
        return await self.audiences.known_language(user) or await self.audiences.language(user)

    async def _opened(self, request: Request) -> Request:
        """Give a command whose answer all may read a thread to be answered in."""
        if request.ts or request.thread or request.action in PRIVATE:
            return request
        opened = await open_thread(self.client, self.redis, request)
        if opened.thread:
            await self.queue.opened(request, opened.thread)
        return opened

    async def _explain(self, request: Request, error: Exception) -> Outcome:
        """Turn an error into words, or into another try."""
        match reply_for(error):
            case TryAgain() as later:
                raise later from error
            case NobodyThere():
                return "gone"
            case ErrorReply(key, values):
                await self._fail(request, say(key, request.language, id=request.id, **values))
            case Broken():
                logger.error("turn broke", id=request.id, action=request.action, exc_info=error)
                await self._fail(request, say("bot.broken", request.language, id=request.id))
        return "failed"

    async def _fail(self, request: Request, sentence: str) -> None:
        if request.action in SILENT:
            return
        try:
            request = await self._opened(request)
            try:
                await Answer(self.client, self.redis, request).fail(sentence)
            except SlackApiError as error:
                if not is_restricted(error) or request.unasked:
                    raise
                await Answer(self.client, self.redis, replace(request, thread="")).fail(sentence)
        except SlackApiError as error:
            if isinstance(reply_for(error), TryAgain):
                raise
            logger.warning("nobody to tell", id=request.id, action=request.action)


def model_for(request: Request, model: BaseChatModel) -> BaseChatModel:
    """Name each call: by person, so that nobody takes it all; by request, so that one that ends the engine is known."""
    named = model.bind(user=f"{request.team}:{request.user}", extra_headers={"X-Request-ID": request.id})
    return cast(BaseChatModel, named)  # answers as the model does


def about(request: Request) -> dict[str, str]:
    """Return whose request it is and where, for the audit trail."""
    return {"request": request.id, "action": request.action, "person": request.user, "channel": request.channel}


def log_turn(request: Request, outcome: Outcome, clock: Clock, **more: object) -> None:
    """Write the request's one line and count it."""
    metrics.REQUESTS.labels(request.action, outcome).inc()
    metrics.TURN.labels(request.action).observe(clock.seconds)
    if clock.first_seconds is not None:
        metrics.FIRST_TOKEN.labels(request.action).observe(clock.first_seconds)
    logger.info(
        "request",
        id=request.id,
        action=request.action,
        outcome=outcome,
        seconds=round(clock.seconds, 3),
        first_seconds=None if clock.first_seconds is None else round(clock.first_seconds, 3),
        team=request.team,
        channel=request.channel,
        user=request.user,
        **more,
    )
