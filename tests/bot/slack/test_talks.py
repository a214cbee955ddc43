"""Which threads are ours, and who talks with us in them."""

from dataclasses import replace

from redis.asyncio import Redis

from bot.queue.queue import Queue
from bot.slack.addressing import Talk
from bot.slack.talks import Talks
from tests.bot.conftest import ask

ALICE, BOB = ask(1, user="UALICE"), ask(2, user="UBOB")


async def test_nothing_is_known_of_the_talk_of_others(redis: Redis) -> None:
    talks = Talks(redis)
    await talks.others(BOB, "UBOB")
    assert await talks.of(ALICE) == Talk()


async def test_whoever_addresses_us_talks_with_us_and_others_who_ask_do_not(redis: Redis) -> None:
    talks = Talks(redis)
    await talks.ours(ALICE, addressed=True)
    await talks.others(BOB, "UBOB")
    assert await talks.of(ALICE) == Talk(is_ours=True, partners=frozenset({"UALICE"}), last="UBOB")
    await talks.ours(BOB, addressed=False)
    assert await talks.of(ALICE) == Talk(is_ours=True, partners=frozenset({"UALICE"}))
    await talks.ours(BOB, addressed=True)
    assert (await talks.of(ALICE)).partners == {"UALICE", "UBOB"}


async def test_whoever_asked_by_command_talks_with_us_in_its_thread(redis: Redis, queue: Queue) -> None:
    await queue.opened(ALICE, "9.0")
    assert await Talks(redis).of(replace(BOB, thread="9.0")) == Talk(is_ours=True, partners=frozenset({"UALICE"}))


async def test_a_thread_is_known_by_its_channel(redis: Redis) -> None:
    talks = Talks(redis)
    await talks.document(ALICE)
    assert (await talks.of(ALICE)).is_document
    assert await talks.of(replace(ALICE, channel="COTHER")) == Talk()
