"""What was said in each thread, in Redis: bound to its conversation, forgotten after some days."""

import json
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import BaseMessage, message_to_dict, messages_from_dict
from redis.asyncio import Redis

LONGEST = 400  # messages kept of one thread
LISTED = "memory-listed"  # that what earlier versions remembered is listed, too

_ADD = """
local order, said = KEYS[1], KEYS[2]
local seconds, longest = ARGV[1], tonumber(ARGV[2])
for i = 3, #ARGV, 2 do
  if redis.call('HSET', said, ARGV[i], ARGV[i + 1]) == 1 then redis.call('RPUSH', order, ARGV[i]) end
end
while redis.call('LLEN', order) > longest do redis.call('HDEL', said, redis.call('LPOP', order)) end
redis.call('EXPIRE', order, seconds)
redis.call('EXPIRE', said, seconds)
local now = tonumber(redis.call('TIME')[1])
for i = 3, #KEYS, 2 do
  local index, list = KEYS[i], KEYS[i + 1]
  redis.call('SADD', index, order)
  redis.call('EXPIRE', index, seconds)
  redis.call('ZADD', list, now + seconds, index)
  redis.call('EXPIRE', list, seconds)
end
"""


@dataclass(frozen=True)
class _Keys:
    """Where one thread's messages are."""

    conversation: str

    @property
    def order(self) -> str:
        return f"memory:{self.conversation}:order"

    @property
    def said(self) -> str:
        return f"memory:{self.conversation}:said"


class ThreadMemory:
    """The Memory of handlers/request.py: a list of ids and a hash from id to message for each thread.

    A message belongs to a turn: its id is the request's id and a suffix (":q", ":a"). Forgetting one message of a
    turn forgets the turn, so that no answer stays without its question.
    """

    def __init__(self, redis: Redis, days: int = 90) -> None:
        self._redis: Any = redis  # its types say bytes-or-str for what decode_responses makes str
        self._seconds = days * 86400
        self._add = redis.register_script(_ADD)

    async def recall(self, conversation: str) -> list[BaseMessage]:
        """Return the thread's messages, oldest first."""
        keys = _Keys(conversation)
        async with self._redis.pipeline() as pipeline:
            order, messages = await pipeline.lrange(keys.order, 0, -1).hgetall(keys.said).execute()
        return messages_from_dict([json.loads(messages[message_id]) for message_id in order if message_id in messages])

    async def add(self, conversation: str, messages: Sequence[BaseMessage]) -> None:
        """Append messages; one whose id is there already takes that one's place: a turn may be redone."""
        if not messages:
            return
        keys = _Keys(conversation)
        pairs = [part for message in messages for part in (message.id or "", json.dumps(message_to_dict(message)))]
        indexes = {index for message in messages for index in _indexes(conversation, message)}
        listed = [key for index in sorted(indexes) for key in (index, _list_of(index))]
        await self._add([keys.order, keys.said, *listed], [self._seconds, LONGEST, *pairs])

    async def forget(self, conversation: str) -> int:
        """Drop the thread's memory and return how many messages it held."""
        keys = _Keys(conversation)
        async with self._redis.pipeline() as pipeline:
            count, *_ = await pipeline.llen(keys.order).delete(keys.order, keys.said).execute()
        return int(count)

    async def forget_turn(self, conversation: str, request_id: str) -> int:
        """Drop what was said in one turn, and when it was asked again: its question was deleted."""
        keys = _Keys(conversation)
        turn = [field for field in await self._redis.hkeys(keys.said) if field.startswith(f"{request_id}:")]
        return await self._drop(keys, turn)

    async def forget_person(self, user: str) -> int:
        """Drop every message by this person, and the answers to them; return how many."""
        return await self._forget_indexed(_person(user), lambda message: message.additional_kwargs.get("user") == user)

    async def forget_document(self, document_id: str, visible: Collection[str] = ()) -> int:
        """Drop every turn that came from this document and that no share in these conversations allows; count them."""

        def is_meant(message: BaseMessage) -> bool:
            channels = _shared_in(message).get(document_id)
            return channels is not None and frozenset(channels).isdisjoint(visible)

        return await self._forget_indexed(_document(document_id), is_meant)

    async def allowed(self, document_id: str) -> frozenset[str]:
        """Return the conversations whose shares allowed what is remembered of a document."""
        allowed: set[str] = set()
        for order in await self._redis.smembers(_document(document_id)):
            for message in await self.recall(_conversation(order)):
                allowed |= set(_shared_in(message).get(document_id, ()))
        return frozenset(allowed)

    async def documents(self) -> set[str]:
        """Return the documents that some answer came from."""
        return await self._named(_document(""))

    async def people(self) -> set[str]:
        """Return who said something that is remembered."""
        return await self._named(_person(""))

    async def channels(self) -> set[str]:
        """Return the channels in which something that is remembered was said."""
        return await self._named(_channel(""))

    async def forget_channel(self, channel: str) -> int:
        """Drop the memory of every thread of a channel that is gone; return how many messages."""
        forgotten = 0
        for order in await self._redis.smembers(_channel(channel)):
            forgotten += await self.forget(_conversation(order))
        await self._drop_index(_channel(channel))
        return forgotten

    async def move_channel(self, old: str, new: str) -> None:
        """Remember a channel's threads under its new id."""
        for order in await self._redis.smembers(_channel(old)):
            conversation = _conversation(order)
            team, _, thread = conversation.split(":")
            messages = [_moved(message, team, old, new) for message in await self.recall(conversation)]
            await self.add(f"{team}:{new}:{thread}", messages)
            await self.forget(conversation)
        await self._drop_index(_channel(old))

    async def _named(self, prefix: str) -> set[str]:
        """Return what has an index of this kind, by the list of those."""
        if not await self._redis.set(LISTED, "1", ex=self._seconds, xx=True):
            await self._list_earlier()
        await self._redis.zremrangebyscore(_list_of(prefix), "-inf", time.time())
        return {key.removeprefix(prefix) for key in await self._redis.zrange(_list_of(prefix), 0, -1)}

    async def _list_earlier(self) -> None:
        """List once what versions without lists remembered."""
        async for index in self._redis.scan_iter("memory-of-*", count=1000):
            left = await self._redis.ttl(index)
            await self._redis.zadd(_list_of(index), {index: time.time() + left}, gt=True)
            await self._redis.expire(_list_of(index), self._seconds)
        await self._redis.set(LISTED, "1", ex=self._seconds)

    async def _drop_index(self, index: str) -> None:
        async with self._redis.pipeline() as pipeline:
            await pipeline.delete(index).zrem(_list_of(index), index).execute()

    async def _forget_indexed(self, index: str, is_meant: Callable[[BaseMessage], bool]) -> int:
        forgotten = 0
        for order in await self._redis.smembers(index):
            conversation = _conversation(order)
            messages = await self.recall(conversation)
            turns = {_turn(message.id or "") for message in messages if is_meant(message)}
            going = [message for message in messages if _turn(message.id or "") in turns]
            forgotten += await self._drop(_Keys(conversation), [message.id or "" for message in going])
            staying = {each for message in messages if message not in going for each in _indexes(conversation, message)}
            if index not in staying:
                await self._redis.srem(index, order)
        if not await self._redis.exists(index):
            await self._redis.zrem(_list_of(index), index)
        return forgotten

    async def _drop(self, keys: _Keys, message_ids: Iterable[str]) -> int:
        async with self._redis.pipeline() as pipeline:
            for message_id in message_ids:
                pipeline.hdel(keys.said, message_id).lrem(keys.order, 0, message_id)
            return sum((await pipeline.execute())[::2])


def _turn(message_id: str) -> str:
    """Return the id of the request that a message belongs to."""
    return message_id.rpartition(":")[0]


def _indexes(conversation: str, message: BaseMessage) -> list[str]:
    about = message.additional_kwargs
    person = [_person(about["user"])] if about.get("user") else []
    documents = [_document(document_id) for document_id in about.get("documents", ())]
    return [_channel(conversation.split(":")[1]), *person, *documents]


def _shared_in(message: BaseMessage) -> dict[str, list[str]]:
    """Return the documents that a message came from, each with the conversations whose shares allowed it."""
    about = message.additional_kwargs
    known: dict[str, list[str]] = about.get("shared_in", {})
    return {document_id: known.get(document_id, []) for document_id in about.get("documents", ())}


def _moved(message: BaseMessage, team: str, old: str, new: str) -> BaseMessage:
    """Return a message as it is remembered under its channel's new id."""
    shared_in = {
        document_id: [new if channel == old else channel for channel in channels]
        for document_id, channels in _shared_in(message).items()
    }
    return message.model_copy(
        update={
            "id": (message.id or "").replace(f"{team}:{old}:", f"{team}:{new}:"),
            "additional_kwargs": message.additional_kwargs | ({"shared_in": shared_in} if shared_in else {}),
        }
    )


def _conversation(order: str) -> str:
    return order.removeprefix("memory:").removesuffix(":order")


def _list_of(index: str) -> str:
    """Return the key that lists all indexes of one kind: a sorted set, by the time at which each is forgotten."""
    return f"memory-list:{index.partition(':')[0]}"


def _channel(channel: str) -> str:
    return f"memory-of-channel:{channel}"


def _person(user: str) -> str:
    return f"memory-of-person:{user}"


def _document(document_id: str) -> str:
    return f"memory-of-document:{document_id}"
