"""Conversation: it remembers the thread, answers from documents where it is about them, and forgets."""

from collections.abc import Awaitable, Callable

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from handlers.context.history import recent_messages, remember
from handlers.pieces import Choices, UserError
from handlers.request import Request, Services
from indexing.audience import Audience
from indexing.library import Receipt
from tests.handlers.conftest import ScriptedModel, Shown

Asked = Callable[..., Request]
Do = Callable[[Request], Awaitable[Shown]]
Shares = Callable[..., Awaitable[Receipt]]


async def test_it_remembers_what_was_said_in_the_thread(do: Do, asked: Asked, model: ScriptedModel) -> None:
    model.says("Noted, teal it is.", "Your favourite colour is teal.")
    first = asked("chat", "My favourite colour is teal.")
    assert (await do(first)).text == "Noted, teal it is."
    await do(asked("chat", "Tell me my favourite colour again.", thread=first.thread))
    assert "My favourite colour is teal." in [str(message.content) for message in model.asked[1]]


async def test_a_redone_message_does_not_see_its_own_first_answer(do: Do, asked: Asked, model: ScriptedModel) -> None:
    model.says("One.", "Two.")
    request = asked("chat", "Say a number, please.")
    await do(request)
    await do(request)
    assert len(model.asked[1]) == 2  # the rules and the message


async def test_forget_drops_the_thread(do: Do, asked: Asked, model: ScriptedModel, services: Services) -> None:
    model.says("Noted.")
    first = asked("chat", "My favourite colour is teal.")
    await do(first)
    assert "forgot" in (await do(asked("forget", "forget", thread=first.thread))).text
    assert await services.memory.recall(first.conversation) == []
    assert "oublié" in (await do(asked("forget", "oublie", thread=first.thread))).text


async def test_forget_me_asks_first_then_removes_words_and_files(
    shares: Shares, do: Do, asked: Asked, model: ScriptedModel, services: Services
) -> None:
    model.says("Noted.")
    await shares("handbook.md", "Paid leave is 27 days.")
    first = asked("chat", "My favourite colour is teal.")
    await do(first)
    question = await do(asked("forget_me"))
    (row,) = [piece for piece in question.pieces if isinstance(piece, Choices)]
    assert await services.memory.recall(first.conversation)
    shown = await do(asked("forget_me", confirmed=row.choices[0].confirmed))
    assert "2 messages" in shown.text
    assert "1 files" in shown.text
    assert await services.memory.recall(first.conversation) == []
    assert await services.library.documents(first.audience) == []


@pytest.mark.parametrize("text", ["", "😀", "…", ":tada:", ":+1::skin-tone-3: :thumbsup_all:"])
async def test_a_message_without_words_gets_a_clear_sentence(text: str, do: Do, asked: Asked) -> None:
    with pytest.raises(UserError, match="help"):
        await do(asked("chat", text))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("Hi!", "Hello! You can ask me"), ("hey Folio :wave:", "Hello! You can ask me"),
     ("Bonjour", "Bonjour ! Vous pouvez me demander"), ("Salut à tous !", "Bonjour ! Vous pouvez me demander")],
)  # fmt: skip
async def test_a_greeting_shows_what_can_be_asked(
    text: str, sentence: str, do: Do, asked: Asked, model: ScriptedModel
) -> None:
    assert (await do(asked("chat", text))).text.startswith(sentence)
    assert not model.asked


async def test_a_greeting_in_the_middle_of_a_talk_is_a_part_of_it(do: Do, asked: Asked, model: ScriptedModel) -> None:
    model.says("Noted, teal it is.", "Hello again!")
    first = asked("chat", "My favourite colour is teal.")
    await do(first)
    assert (await do(asked("chat", "Hello", thread=first.thread))).text == "Hello again!"


async def test_a_message_that_is_too_long_gets_a_clear_sentence(do: Do, asked: Asked, model: ScriptedModel) -> None:
    with pytest.raises(UserError, match="too long"):
        await do(asked("chat", "tell me this word again " * 2000))
    assert not model.asked


async def test_a_question_that_the_documents_answer_is_answered_from_them(
    shares: Shares, do: Do, asked: Asked, model: ScriptedModel
) -> None:
    await shares("handbook.md", "Full-time employees get 27 days of paid leave each year.")
    model.says("Full-time employees get 27 days of paid leave each year [1].")
    assert (await do(asked("chat", "How many days of paid leave do full-time employees get each year?"))).sources


async def test_small_talk_stays_small_talk_though_there_are_documents(
    shares: Shares, do: Do, asked: Asked, model: ScriptedModel
) -> None:
    await shares("handbook.md", "Full-time employees get 27 days of paid leave each year.")
    model.says("Hello!")
    shown = await do(asked("chat", "Hello! Say one short sentence."))
    assert (shown.text, shown.sources) == ("Hello!", [])


async def test_links_and_mentions_of_the_model_are_taken_out(do: Do, asked: Asked, model: ScriptedModel) -> None:
    model.says("See [this](https://evil.example/x) <!channel> now.")
    assert (await do(asked("chat", "Tell me something nice."))).text == "See this  now."


async def test_help_speaks_both_languages(do: Do, asked: Asked) -> None:
    assert "/ask" in (await do(asked("help", "help"))).text
    assert "Résume un document" in (await do(asked("help", "aide"))).text
    assert "Résume un document" in (await do(asked("help", language="fr"))).text


def test_a_long_thread_is_cut_at_its_oldest_end() -> None:
    said = [kind(f"word {n} " * 10) for n in range(20) for kind in (HumanMessage, AIMessage)]
    kept = recent_messages(said, lambda text: len(text.split()), 120)
    assert kept == said[-len(kept) :]
    assert isinstance(kept[0], HumanMessage)
    assert 0 < len(kept) < len(said)
    assert recent_messages(said, lambda text: len(text.split()), 0) == []


def test_most_follow_ups_in_a_long_thread_begin_as_the_one_before() -> None:
    """What begins alike is not computed again; a window that slid with each message began anew each time."""
    said = [kind(f"word {n} " * 10) for n in range(40) for kind in (HumanMessage, AIMessage)]
    windows = [recent_messages(said[: 2 * n], lambda text: len(text.split()), 400) for n in range(10, 40)]
    beginnings = {str(window[0].text) for window in windows}
    assert len(beginnings) <= len(windows) / 3
    assert all(window[-1] is said[2 * n - 1] for n, window in enumerate(windows, 10))


def test_a_huge_answer_does_not_push_out_its_own_question() -> None:
    said = [HumanMessage("word " * 50), AIMessage("word " * 10), HumanMessage("tell me"), AIMessage("word " * 360)]
    assert recent_messages(said, lambda text: len(text.split()), 400) == said[2:]


async def test_memory_of_a_document_that_one_of_todays_readers_may_not_read_is_not_used(
    shares: Shares, asked: Asked, do: Do, model: ScriptedModel
) -> None:
    """Alice was answered from #finance in #team; then carol, who is not in #finance, came and asks in that thread."""
    await shares("salaries.md", "Dora Quill earns 91,250 euros a year.", channel="C9")
    model.says("Dora Quill earns 91,250 euros a year [1].", "I do not know.", "She earns 91,250 euros.")
    first = asked("ask", "What does Dora Quill earn a year?", audience=Audience(frozenset({"C1", "C9"})))
    assert "91,250" in (await do(first)).text
    again = {"thread": first.thread, "text": "Say your last sentence anew, please."}
    await do(asked("chat", **again))
    assert not any("91,250" in str(message.content) for message in model.asked[-1])
    await do(asked("chat", audience=first.audience, **again))
    assert any("91,250" in str(message.content) for message in model.asked[-1])


async def test_what_the_model_says_from_memory_is_known_to_come_from_its_documents(
    shares: Shares, asked: Asked, do: Do, model: ScriptedModel, services: Services
) -> None:
    receipt = await shares("salaries.md", "Dora Quill earns 91,250 euros a year.")
    model.says("Dora Quill earns 91,250 euros a year [1].", "She earns 91,250 euros.")
    first = asked("ask", "What does Dora Quill earn a year?")
    await do(first)
    await do(asked("chat", "Say your last sentence anew, please.", thread=first.thread))
    *_, repeated = await services.memory.recall(first.conversation)
    assert repeated.additional_kwargs["documents"] == [receipt.document.id]
    assert repeated.additional_kwargs["shared_in"] == {receipt.document.id: ["C1"]}


async def test_an_answer_from_a_document_that_went_meanwhile_is_not_remembered(
    shares: Shares, asked: Asked, services: Services
) -> None:
    receipt = await shares("salaries.md", "Dora Quill earns 91,250 euros a year.")
    await services.library.unshare(document_id=receipt.document.id)
    request = asked("ask", "What does Dora Quill earn a year?")
    await remember(request, services, "91,250 euros", documents=[receipt.document.id])
    assert await services.memory.recall(request.conversation) == []
