"""What people do with the assistant, from Slack to Slack: read this first, then what goes wrong in test_mishaps.py."""

import signal
from pathlib import Path

import pytest

from tests.conftest import Workspace
from tests.pdfs import make_pdf
from tests.people import Person


@pytest.mark.parametrize("text", ["Hello! Say one short sentence.", "Bonjour ! Dis une phrase courte."])
async def test_a_direct_message_is_answered_in_its_thread(alice: Person, bot: str, text: str) -> None:
    dm = await alice.dm(bot)
    ts = await alice.says(dm, text)
    assert await alice.reads(dm, ts)


async def test_a_thread_in_a_channel_goes_on_without_a_mention(alice: Person, bot: str, channel: str) -> None:
    ts = await alice.says(channel, f"<@{bot}> hello there")
    await alice.reads(channel, ts)
    await alice.says(channel, "and how are you?", thread=ts)
    assert await alice.reads(channel, ts, count=2)


async def test_a_message_to_others_is_not_answered(alice: Person, bot: str, channel: str) -> None:
    """The bot speaks when it is spoken to: a later mention is answered, the talk before it is not."""
    talk = await alice.says(channel, "Bob, are you there?")
    ts = await alice.says(channel, f"<@{bot}> hello")
    await alice.reads(channel, ts)
    assert len(await alice.thread(channel, talk)) == 1


async def test_a_screenshot_and_the_talk_below_it_are_left_alone(
    alice: Person, bob: Person, bot: str, channel: str, tmp_path: Path
) -> None:
    """No word about a file that nobody gave to it, none between people; it speaks once somebody mentions it."""
    picture = tmp_path / "Screenshot.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    ts = await alice.shares(channel, picture, "what do you think?")
    await bob.says(channel, "nice, move the button left", thread=ts)
    await alice.says(channel, "really? why?", thread=ts)
    await bob.says(channel, f"<@{bot}> hello", thread=ts)
    await alice.reads(channel, ts)
    assert len([message for message in await alice.thread(channel, ts) if message.get("bot_id")]) == 1


async def test_a_document_that_is_only_dropped_answers_questions_and_leaves_talk_alone(
    alice: Person, bob: Person, channel: str, handbook: Path
) -> None:
    ts = await alice.shares(channel, handbook, "our new handbook")
    await alice.reads(channel, ts, lambda text: "passages" in text)
    await bob.says(channel, "thanks, I like page 3", thread=ts)
    await bob.says(channel, "How many days of paid leave do full-time employees get?", thread=ts)
    assert "handbook.pdf, p. 2" in await alice.reads(channel, ts, count=2)
    assert len([message for message in await alice.thread(channel, ts) if message.get("bot_id")]) == 2


async def test_called_into_a_thread_it_summarizes_what_people_said(
    alice: Person, bob: Person, bot: str, channel: str
) -> None:
    """What a model this small makes of it is another matter; it read the talk, and looked for no document."""
    ts = await alice.says(channel, "We could hold the workshop on Tuesday or on Thursday.")
    await bob.says(channel, "Thursday is better for me, at ten in room 4. Carol brings the projector.", thread=ts)
    await alice.says(channel, f"<@{bot}> summarize this thread", thread=ts)
    summary = await alice.reads(channel, ts)
    assert "no document" not in summary
    assert any(word in summary for word in ("Tuesday", "Thursday", "workshop", "room 4", "projector"))


async def test_a_channel_that_was_full_before_is_read_when_somebody_says_so(
    alice: Person, bob: Person, bot: str, handbook: Path, manuel: Path
) -> None:
    """Invited late, it offers to read what is there; then it answers from it."""
    channel = await alice.channel([bob.id])
    for document in (handbook, manuel):
        await alice.shares(channel, document)
    await alice.client.conversations_invite(channel=channel, users=bot)
    offer = await alice.root(channel, "2 documents are here already")
    button = (await alice.thread(channel, offer))[0]["blocks"][0]["accessory"]
    pressed = {"channel": channel, "ts": offer, "action_id": button["action_id"], "value": button["value"]}
    await alice.client.api_call("chat.press", json=pressed)
    assert "2 of 2 documents" in await alice.reads(channel, offer, lambda text: "2 of 2" in text)
    await alice.commands(channel, "/folio", "ask When does the office open?")
    root = await alice.root(channel, "office open")
    assert "handbook.pdf, p. 1" in await alice.reads(channel, root)
    await alice.client.conversations_archive(channel=channel)


async def test_a_pdf_gets_an_honest_receipt(alice: Person, channel: str, handbook: Path) -> None:
    ts = await alice.shares(channel, handbook)
    receipt = await alice.reads(channel, ts, lambda text: "passages" in text)
    assert "3 pages" in receipt
    assert "handbook.pdf" in receipt


async def test_ask_answers_with_the_page_it_comes_from(alice: Person, channel: str, handbook: Path) -> None:
    ts = await alice.shares(channel, handbook)
    await alice.reads(channel, ts, lambda text: "passages" in text)
    await alice.commands(channel, "/ask", "How many days of paid leave do full-time employees get?")
    root = await alice.root(channel, "How many days of paid leave")
    answer = await alice.reads(channel, root, lambda text: "handbook.pdf" in text and "looking at" not in text)
    assert "p. 2" in answer


async def test_ask_answers_in_french(alice: Person, channel: str, manuel: Path) -> None:
    ts = await alice.shares(channel, manuel)
    await alice.reads(channel, ts, lambda text: "passages" in text)
    await alice.commands(channel, "/ask", "Combien peut coûter une chambre d'hôtel par nuit ?")
    root = await alice.root(channel, "chambre d'hôtel")
    answer = await alice.reads(channel, root, lambda text: "manuel.pdf" in text and "regarde" not in text)
    assert "p. 3" in answer


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_a_reply_to_an_answer_is_a_follow_up(
    alice: Person, channel: str, handbook: Path, manuel: Path, language: str
) -> None:
    """Nobody is mentioned. What it is about, a model this small can't tell: see tests/handlers/test_ask.py."""
    document, asked, reply = {
        "en": (handbook, "How many days of paid leave do full-time employees get?", "And part-time employees?"),
        "fr": (manuel, "Quand ferme le bureau ?", "Et quand ouvre-t-il ?"),
    }[language]
    shared = await alice.shares(channel, document)
    await alice.reads(channel, shared, lambda text: "passages" in text)
    await alice.commands(channel, "/ask", asked)
    root = await alice.root(channel, asked)
    await alice.reads(
        channel, root, lambda text: document.name in text and "looking at" not in text and "regarde" not in text
    )
    await alice.says(channel, reply, thread=root)
    assert await alice.reads(channel, root, lambda text: f"{document.name}, p. " in text, count=2)


async def test_in_a_direct_message_commands_are_plain_words(alice: Person, bot: str, handbook: Path) -> None:
    dm = await alice.dm(bot)
    shared = await alice.shares(dm, handbook)
    await alice.reads(dm, shared, lambda text: "passages" in text)
    ts = await alice.says(dm, "ask When does the office open?")
    assert "handbook.pdf, p. 1" in await alice.reads(dm, ts)


async def test_a_question_that_no_document_answers_is_refused(alice: Person, channel: str, handbook: Path) -> None:
    ts = await alice.shares(channel, handbook)
    await alice.reads(channel, ts, lambda text: "passages" in text)
    await alice.commands(channel, "/ask", "Who won the football world cup in Brazil?")
    root = await alice.root(channel, "world cup")
    answer = await alice.reads(channel, root)
    assert "not" in answer.lower()
    assert "Brazil" not in answer.split("\n")[0]


async def test_a_document_of_a_private_channel_stays_in_it(
    alice: Person, bob: Person, bot: str, channel: str, tmp_path: Path
) -> None:
    """Someone asks in another channel, and neither the answer nor a source shows the document."""
    private = await alice.channel([bot], private=True)
    salaries = make_pdf(tmp_path / "salaries.pdf", ["Secret salaries. Dora Quill earns 91,250 euros a year."])
    ts = await alice.shares(private, salaries)
    await alice.reads(private, ts, lambda text: "passages" in text)
    await alice.commands(channel, "/ask", "What does Dora Quill earn?")
    root = await alice.root(channel, "Dora Quill")
    answer = await alice.reads(channel, root)
    assert "91,250" not in answer
    assert "salaries.pdf" not in answer
    bobs = await bob.dm(bot)
    asked = await bob.says(bobs, "ask What does Dora Quill earn?")
    assert "91,250" not in await bob.reads(bobs, asked)


async def test_a_summary_says_which_pages_it_covers(alice: Person, bot: str, handbook: Path) -> None:
    dm = await alice.dm(bot)
    ts = await alice.shares(dm, handbook)
    await alice.reads(dm, ts, lambda text: "passages" in text)
    asked = await alice.says(dm, "summarize handbook.pdf")
    assert "1-3" in (await alice.reads(dm, asked, lambda text: "of 3" in text)).replace("\N{EN DASH}", "-")


@pytest.mark.parametrize("method", ["", "stuff", "map_reduce", "refine"])
async def test_the_document_shared_last_is_summarised_by_command(
    alice: Person, channel: str, handbook: Path, manuel: Path, method: str
) -> None:
    for document in (handbook, manuel):
        shared = await alice.shares(channel, document)
        await alice.reads(channel, shared, lambda text: "passages" in text)
    await alice.commands(channel, "/summarize", method)
    root = await alice.root(channel, "/summarize")
    summary = await alice.reads(channel, root, lambda text: "manuel.pdf" in text and "regarde" not in text)
    assert "1-3 sur 3" in summary.replace("\N{EN DASH}", "-")
    assert method.replace("_", "-") in summary
    assert "(p. " in summary


async def test_help_tells_what_it_can_do(alice: Person, bot: str) -> None:
    dm = await alice.dm(bot)
    ts = await alice.says(dm, "help")
    said = await alice.reads(dm, ts)
    assert "/ask" in said
    assert "/summarize" in said


async def test_forget_drops_the_memory_of_a_thread(alice: Person, bot: str) -> None:
    dm = await alice.dm(bot)
    ts = await alice.says(dm, "My favourite colour is teal.")
    await alice.reads(dm, ts)
    await alice.says(dm, "forget", thread=ts)
    assert "forgot" in (await alice.reads(dm, ts, count=2)).lower()


async def test_a_restart_keeps_documents_and_threads(
    workspace: Workspace, alice: Person, bot: str, channel: str, handbook: Path
) -> None:
    """The thread goes on without a mention, and its two messages from before are still remembered."""
    ts = await alice.shares(channel, handbook)
    await alice.reads(channel, ts, lambda text: "passages" in text)
    thread = await alice.says(channel, f"<@{bot}> My favourite colour is teal.")
    await alice.reads(channel, thread)
    workspace.stop_bot()
    workspace.start_bot()
    await alice.says(channel, "forget", thread=thread)
    assert "2 messages" in await alice.reads(channel, thread, count=2)
    await alice.commands(channel, "/ask", "What may a hotel room cost?")
    root = await alice.root(channel, "hotel room")
    assert "handbook.pdf, p. " in await alice.reads(channel, root)


async def test_docs_lists_only_what_may_be_seen_here(alice: Person, bot: str, channel: str, handbook: Path) -> None:
    ts = await alice.shares(channel, handbook)
    await alice.reads(channel, ts, lambda text: "passages" in text)
    asked = await alice.says(channel, f"<@{bot}> docs")
    assert "handbook.pdf" in await alice.reads(channel, asked)


async def test_a_document_is_removed_with_its_button(alice: Person, channel: str, handbook: Path) -> None:
    ts = await alice.shares(channel, handbook)
    await alice.reads(channel, ts, lambda text: "passages" in text)
    await alice.commands(channel, "/docs")
    await alice.presses_alone(channel, "handbook.pdf")
    await alice.sees_alone(channel, lambda text: "I removed handbook.pdf" in text)
    await alice.commands(channel, "/docs", "find handbook")
    await alice.sees_alone(channel, lambda text: "no document" in text)


@pytest.mark.slow
async def test_a_deleted_file_is_forgotten(alice: Person, channel: str, handbook: Path) -> None:
    """The file goes in Slack; asking again finds nothing, and the earlier quote is taken back."""
    ts = await alice.shares(channel, handbook)
    await alice.reads(channel, ts, lambda text: "passages" in text)
    await alice.commands(channel, "/ask", "How much paid leave do full-time employees get?")
    first = await alice.root(channel, "How much paid leave")
    await alice.reads(channel, first, lambda text: "27 days" in text)
    shared = next(message for message in await alice.history(channel) if message["ts"] == ts)
    await alice.client.files_delete(file=shared["files"][0]["id"])
    await alice.reads(channel, first, lambda text: "taken back" in text and "27 days" not in text)
    await alice.commands(channel, "/ask", "And how much leave do part-time employees get?")
    second = await alice.root(channel, "part-time employees get")
    assert "14" not in await alice.reads(channel, second)


async def test_an_answer_cut_by_a_kill_is_given_once(
    workspace: Workspace, alice: Person, channel: str, handbook: Path
) -> None:
    ts = await alice.shares(channel, handbook)
    await alice.reads(channel, ts, lambda text: "passages" in text)
    await alice.commands(channel, "/ask", "When does the office open?")
    root = await alice.root(channel, "office open")
    workspace.stop_bot(signal.SIGKILL)
    workspace.start_bot()
    assert "handbook.pdf, p. " in await alice.reads(channel, root)
    assert len([message for message in await alice.thread(channel, root) if message.get("bot_id")]) == 2


async def test_a_text_is_judged_in_both_languages(alice: Person, channel: str) -> None:
    await alice.commands(channel, "/sentiment", "What a wonderful film, I loved every minute of it.")
    loved = await alice.root(channel, "wonderful film")
    assert "positive" in (await alice.reads(channel, loved)).lower()
    await alice.commands(channel, "/sentiment", "Ce livre est ennuyeux et mal écrit, je suis très déçu.")
    bored = await alice.root(channel, "ennuyeux")
    assert "negative" in (await alice.reads(channel, bored)).lower()


async def test_attention_is_shown_in_pictures(alice: Person, channel: str) -> None:
    await alice.commands(channel, "/attention", "The cat sat on the mat.")
    root = await alice.root(channel, "cat sat")
    for picture in ("attention-1-tokens.png", "attention-4-mean.png", "attention-5-pooling.png"):
        await alice.sees_file(channel, picture, root)


@pytest.mark.slow
async def test_fields_are_read_from_a_document(alice: Person, channel: str, handbook: Path) -> None:
    ts = await alice.shares(channel, handbook)
    await alice.reads(channel, ts, lambda text: "passages" in text)
    await alice.commands(channel, "/extract", "hotel price per night:number from handbook.pdf")
    root = await alice.root(channel, "hotel price")
    answer = await alice.reads(channel, root, lambda text: "handbook.pdf" in text and "looking at" not in text)
    assert "140" in answer or "None of these fields" in answer  # all that can be asked of the smallest model


async def test_help_comes_by_command_to_that_person_alone(alice: Person, carol: Person, bot: str) -> None:
    channel = await alice.channel([carol.id, bot])
    await alice.commands(channel, "/help")
    assert "I am Folio" in await alice.sees_alone(channel)
    await carol.commands(channel, "/help")
    assert "Je suis Folio" in await carol.sees_alone(channel)


async def test_help_is_given_in_french(alice: Person, bot: str) -> None:
    dm = await alice.dm(bot)
    ts = await alice.says(dm, "aide")
    assert "Je suis Folio" in await alice.reads(dm, ts)
