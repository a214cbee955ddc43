"""Threads as people wrote them: names instead of ids, forwarded words, files."""

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.messages import SlackMessages
from tests.bot.slack.wire import BOT, Wire


async def test_people_have_names_and_forwarded_words_and_files_are_seen(client: AsyncWebClient, wire: Wire) -> None:
    names = {"UALICE": "Alice Martin", "UBOB": "Bob Keller"}
    wire.answers["users.info"] = lambda asked: {"user": {"profile": {"real_name": names[asked["user"]]}}}
    ts = wire.person("C1", "<@UBOB> orders &amp; <@UALICE|alice> books the crane")
    wire.messages["C1"][-1] |= {
        "files": [{"id": "F1", "name": "plan.pdf"}, {"id": "F2", "name": "prices.csv"}],
        "attachments": [{"is_share": True, "author_name": "Carol", "text": "by Friday"}],
    }
    wire.messages["C1"].append({"user": BOT, "text": "I am the bot", "ts": "9999999999.1", "thread_ts": ts})
    asked, ours = await SlackMessages(client).thread("C1", ts)
    assert asked.text == "Bob Keller orders & Alice Martin books the crane"
    assert (asked.user, asked.name) == ("UALICE", "Alice Martin")
    assert asked.forwarded == "Carol: by Friday"
    assert (asked.files, asked.file_names, asked.tables) == (("F1", "F2"), ("plan.pdf", "prices.csv"), ("F2",))
    assert (ours.user, ours.name) == ("", "")
    assert wire.count("users.info") == 2


async def test_whom_slack_does_not_name_keeps_the_id(client: AsyncWebClient, wire: Wire) -> None:
    wire.faults["users.info"] = ["user_not_found", "user_not_found"]
    ts = wire.person("C1", "hello", user="UGONE")
    [said] = await SlackMessages(client).thread("C1", ts)
    assert said.name == "UGONE"
