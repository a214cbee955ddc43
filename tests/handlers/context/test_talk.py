"""What people said in a thread is read when it is called into it: who, what, which files; the newest that fits."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from handlers.context.talk import is_about_talk, newest, talk_before, talk_line
from handlers.pieces import Text, UserError
from handlers.recap import recap
from handlers.request import Request, Services, ThreadMessage
from tests.handlers.conftest import ScriptedModel, Shown
from tests.handlers.fakes import OneThread

Asked = Callable[..., Request]
SAID = (
    ThreadMessage("U1", "We could hold the workshop on Tuesday or on Thursday.", "1.0", name="Alice Martin"),
    ThreadMessage("U2", "Thursday, at ten\nin room 4.", "2.0", name="Bob Keller", file_names=("plan.pdf",)),
    ThreadMessage("", "I am the bot.", "3.0"),
    ThreadMessage("U1", "what did we decide here?", "4.0", name="Alice Martin"),
)


@pytest.fixture
def in_thread(services: Services) -> Services:
    """What handlers are given, in a thread of people."""
    return replace(services, messages=OneThread(SAID))


async def test_the_talk_has_names_and_files_and_neither_us_nor_the_question(in_thread: Services, asked: Asked) -> None:
    talk = await talk_before(asked("chat", "what did we decide here?", ts="4.0", thread="1.0"), in_thread, (), 500)
    assert talk.splitlines() == [
        "Alice Martin: We could hold the workshop on Tuesday or on Thursday.",
        "Bob Keller: Thursday, at ten in room 4. (shares plan.pdf)",
    ]


async def test_what_is_in_its_memory_is_not_read_again(
    in_thread: Services, asked: Asked, do: Callable[[Request], Awaitable[Shown]], model: ScriptedModel
) -> None:
    from handlers.context.history import recall, remember

    first = asked("chat", "hello", id="T:C1:1.0", ts="1.0", thread="1.0")
    await remember(first, in_thread, "Hello!")
    later = asked("chat", "and now?", ts="4.0", thread="1.0")
    talk = await talk_before(later, in_thread, await recall(later, in_thread), 500)
    assert talk == "Bob Keller: Thursday, at ten in room 4. (shares plan.pdf)"


async def test_a_question_about_the_talk_is_answered_from_it(
    in_thread: Services, asked: Asked, model: ScriptedModel
) -> None:
    from handlers.chat import chat

    model.says("On Thursday at ten, in room 4.")
    request = asked("chat", "what did we decide here?", ts="4.0", thread="1.0")
    shown = [piece async for piece in chat(request, in_thread)]
    assert shown == [Text("On Thursday at ten, in room 4.")]
    prompt = str(model.asked[0][-1].text)
    assert "Bob Keller: Thursday, at ten in room 4." in prompt
    assert prompt.endswith("what did we decide here?")


@pytest.mark.parametrize("wish", ["this thread", "ce fil", "the conversation please"])
async def test_a_thread_is_summarized_from_what_people_said(
    in_thread: Services, asked: Asked, model: ScriptedModel, wish: str
) -> None:
    model.says("- The workshop is on Thursday at ten in room 4.")
    request = asked("recap", wish, ts="4.0", thread="1.0")
    shown = "".join(piece.markdown for piece in [p async for p in recap(request, in_thread)] if isinstance(piece, Text))
    assert "Thursday at ten" in shown
    assert "Bob Keller: Thursday, at ten" in str(model.asked[0][-1].text)


async def test_a_thread_in_which_nobody_said_anything_gets_a_sentence(services: Services, asked: Asked) -> None:
    with pytest.raises(UserError, match="Nobody said anything"):
        [piece async for piece in recap(asked("recap", "this thread"), services)]


async def test_forwarded_words_are_what_is_asked_about(
    services: Services, asked: Asked, model: ScriptedModel, shares: Any
) -> None:
    """The documents say something else about audits; the question is about the message that came with it."""
    from handlers.chat import chat

    await shares("audit.txt", "The audit takes place every three years.")
    model.says("The audit was moved to 9 June.")
    request = asked("chat", "When is the audit?", forwarded="Bob Keller: The audit was moved to 9 June.")
    shown = [piece async for piece in chat(request, services)]
    assert shown == [Text("The audit was moved to 9 June.")]
    assert "(forwards) Bob Keller: The audit was moved to 9 June." in str(model.asked[0][-1].text)


async def test_forwarded_words_without_a_question_are_asked_back_about(services: Services, asked: Asked) -> None:
    from handlers.chat import chat

    with pytest.raises(UserError, match="forwarded message"):
        [piece async for piece in chat(asked("chat", "", forwarded="Bob Keller: The audit was moved."), services)]


def test_a_message_that_says_nothing_is_no_line() -> None:
    assert talk_line(ThreadMessage("U1", " ", "1.0", name="Alice"), "en") == ""


def test_the_newest_lines_stay_and_a_huge_one_is_cut() -> None:
    def count(text: str) -> int:
        return len(text.split())

    assert newest(["a b", "c d", "e f"], count, 4) == ["c d", "e f"]
    [cut] = newest(["word " * 100], count, 10)
    assert 0 < len(cut.split()) <= 11


@pytest.mark.parametrize("question", ["What did Bob mean?", "Que voulait dire Bob ?"])
async def test_who_said_what_to_it_is_known_in_a_thread_of_several(
    in_thread: Services, asked: Asked, model: ScriptedModel, question: str
) -> None:
    """Bob asked it something before; the talk itself is not read again, and no document is searched."""
    from handlers.chat import chat

    async def says(user: str, text: str, ts: str, answer: str) -> None:
        model.says(answer)
        request = asked("chat", text, user=user, id=f"T:C1:{ts}", ts=ts, thread="1.0", channel="C1")
        [piece async for piece in chat(request, in_thread)]

    alone = replace(in_thread, messages=OneThread([replace(one, text="", file_names=()) for one in SAID]))
    in_thread = alone
    await says("U2", "The projector is the red one.", "5.0", "Noted.")
    assert model.asked[-1][-1].text == "The projector is the red one."  # nobody else has talked with it yet
    await says("U1", question, "6.0", "The red projector.")
    prompt = [message.text for message in model.asked[-1]]
    assert prompt[1:] == ["Bob Keller: The projector is the red one.", "Noted.", f"Alice Martin: {question}"]


async def test_in_a_direct_message_nobody_is_named(services: Services, asked: Asked) -> None:
    from handlers.context.history import with_speakers

    said = [HumanMessage("hello", additional_kwargs={"user": "U2"})]
    assert await with_speakers(said, asked("chat", "hi", channel="D1"), services) == (said, "")


@pytest.mark.parametrize(
    "text",
    ["what did we decide here?", "Summarize this thread for me", "what did Bob mean?", "Qu'avons-nous décidé ?",
     "what has Carol said so far?", "De quoi parle ce fil ?", "who did we agree on?"],
)  # fmt: skip
def test_questions_about_the_talk_are_known(text: str) -> None:
    assert is_about_talk(text)


@pytest.mark.parametrize(
    "text", ["How many days of leave do I get?", "What does the handbook say about travel?", "Quand ferme le bureau ?",
             "Do we have a rule about dogs?"],
)  # fmt: skip
def test_questions_about_documents_are_not(text: str) -> None:
    assert not is_about_talk(text)
