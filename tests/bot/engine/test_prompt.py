"""Each family's way to chat: written as it was taught, without thinking aloud, or refused with a sentence."""

from pathlib import Path

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from bot.engine.errors import Unavailable
from bot.engine.llama import Llama
from bot.engine.prompt import CHATML, ChatTemplate, template_of
from bot.engine.tokenizer import Tokenizer
from bot.settings import LlmSettings
from tests.bot.engine.tiny_models import write_model

TALK = [SystemMessage("RULES"), HumanMessage("QUESTION"), AIMessage("ANSWER"), HumanMessage("NEXT")]
TURNS = "{% for message in messages %}<{{ message.role }}>{{ message.content }}{% endfor %}"
REFUSES_SYSTEM = "{% if messages[0].role == 'system' %}{{ raise_exception('No system role') }}{% endif %}" + TURNS
NEEDS_NO_TOOLS = "{% for tool in tools %}{{ tool.name }}{% endfor %}{% generation %}" + TURNS + "{% endgeneration %}"
THINKS_UNLESS_TOLD = TURNS + "<assistant>{% if enable_thinking is not defined or enable_thinking %}<think>{% endif %}"


def rendered(template: str) -> str:
    return ChatTemplate(template, ("<s>", "</s>"), str).render(TALK)


@pytest.mark.parametrize("template", [CHATML, TURNS, REFUSES_SYSTEM, NEEDS_NO_TOOLS, THINKS_UNLESS_TOLD])
def test_all_that_was_said_is_in_the_prompt(template: str) -> None:
    prompt = rendered(template)
    assert [word for word in ("RULES", "QUESTION", "ANSWER", "NEXT") if word in prompt] == [
        "RULES", "QUESTION", "ANSWER", "NEXT"
    ]  # fmt: skip
    assert "<think>" not in prompt


def test_a_family_without_a_system_role_reads_the_rules_before_the_question() -> None:
    assert rendered(REFUSES_SYSTEM) == "<user>RULES\n\nQUESTION<assistant>ANSWER<user>NEXT"


@pytest.mark.parametrize(
    ("opened", "closed"),
    [
        ("<think>\n", "<think>\n\n</think>\n\n"),
        ("<seed:think>", "<seed:think>\n</seed:think>\n\n"),
        ("[THINK]", "[THINK]\n[/THINK]\n\n"),
        ("<|START_THINKING|>", "<|START_THINKING|><|END_THINKING|>"),
        ("<think></think>", "<think></think>"),
    ],
)
def test_a_thought_that_the_template_opens_is_closed(opened: str, closed: str) -> None:
    template = TURNS + "{{ '" + opened.replace("\n", "\\n") + "' }}"
    assert rendered(template).endswith(f"NEXT{closed}")


def test_a_template_that_can_not_be_used_is_named() -> None:
    with pytest.raises(Unavailable, match="chat template"):
        ChatTemplate("{{ functions.names() }}", ("", ""), str)


def opened(path: Path) -> Llama:
    return Llama(path, LlmSettings(slots=1, context_tokens=512, threads=1))


def test_a_harmony_model_is_refused_with_a_way_out(tmp_path: Path) -> None:
    model = opened(write_model(tmp_path / "m.gguf", "llama", "<|start|>system<|channel|>analysis<|message|>"))
    with pytest.raises(Unavailable, match="LLM_URL"):
        template_of(model)
    model.close()


def test_a_model_without_a_template_talks_as_its_vocabulary_tells(tmp_path: Path) -> None:
    model = opened(write_model(tmp_path / "m.gguf", "llama"))
    assert template_of(model) == CHATML  # its vocabulary has <|im_start|>
    model.control_tokens = dict  # type: ignore[method-assign]
    with pytest.raises(Unavailable, match="no chat template"):
        template_of(model)
    model.close()


def test_markup_stays_text_whatever_the_vocabulary_calls_it(tmp_path: Path) -> None:
    """`<|channel|>` is a word of the user's there; llama.cpp would read it in a document all the same."""
    model = opened(write_model(tmp_path / "m.gguf", "llama"))
    marks = model.control_tokens()
    assert "<|channel|>" in marks
    assert "  " not in marks
    tokenizer = Tokenizer(model.tokenize, marks, None)
    for mark, number in marks.items():
        assert number in model.tokenize(mark) or number in tokenizer.encode(mark)
        assert number not in tokenizer.encode(tokenizer.disarm(f"a {mark} b"))
    model.close()
