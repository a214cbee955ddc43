"""LangChain's messages become one prompt, by the chat template that came with the model."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NoReturn, Protocol

from jinja2 import TemplateError, nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from bot.engine.errors import Unavailable

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)  # for a model that brings no template but knows these words
HARMONY = ("<|start|>", "<|channel|>")  # the words of OpenAI's harmony format
OPEN_THOUGHT = re.compile(r"(<(?:\w+:)?think\w*>|\[THINK\]|<\|START_THINKING\|>)\s*$")  # at a prompt's end
WITHOUT_THINKING = {"enable_thinking": False, "thinking": False}  # what families call it; unknown names are ignored
ROLES: dict[type[BaseMessage], str] = {
    SystemMessage: "system",
    HumanMessage: "user",
    AIMessage: "assistant",
    ToolMessage: "tool",
}

Turns = list[dict[str, str]]


class TemplateSource(Protocol):
    """What a model tells about its words."""

    def template(self) -> str:
        """Return its chat template, or ""."""

    def control_tokens(self) -> dict[str, int]:
        """Return its control tokens."""


class ChatTemplate:
    """Writes a conversation as the model was taught to read it, and asks it to answer without thinking aloud."""

    def __init__(self, template: str, borders: tuple[str, str], disarm: Callable[[str], str]) -> None:
        self._template = _ENVIRONMENT.from_string(template or CHATML)
        self._borders = borders
        self._disarm = disarm
        try:
            self.render([SystemMessage("S"), HumanMessage("Q")])
        except (TemplateError, TypeError) as error:
            raise Unavailable(f"the chat template of this model can't be used: {error}") from error

    def render(self, messages: Sequence[BaseMessage]) -> str:
        """Return the prompt; what looks like a control token in a message is broken up. Raises ValueError."""
        turns = [{"role": role_of(message), "content": self._disarm(text_of(message))} for message in messages]
        try:
            prompt = self._render(turns)
        except (TemplateError, TypeError):  # some families know no system role
            prompt = self._render(without_system_role(turns))
        return prompt + closing_of_thought(prompt)

    def _render(self, turns: Turns) -> str:
        beginning, end = self._borders
        return self._template.render(
            messages=turns, bos_token=beginning, eos_token=end, add_generation_prompt=True,
            raise_exception=_refuse, strftime_now=_now, **WITHOUT_THINKING,
        )  # fmt: skip


def template_of(model: TemplateSource) -> str:
    """Return a model's chat template; raise Unavailable for a model that can't be talked to."""
    template = model.template()
    if all(word in template for word in HARMONY):
        raise Unavailable(
            "this model speaks OpenAI's harmony format (gpt-oss), which is not read here: "
            "run it in llama-server or vLLM and set LLM_URL"
        )
    if not template and "<|im_start|>" not in model.control_tokens():
        raise Unavailable("this GGUF file has no chat template: take one of an instruct model")
    return template or CHATML


def without_system_role(turns: Turns) -> Turns:
    """Return the turns with what the system says put before what the person says next."""
    merged: Turns = []
    rules: list[str] = []
    for turn in turns:
        if turn["role"] == "system":
            rules.append(turn["content"])
        else:
            merged.append(turn | {"content": "\n\n".join([*rules, turn["content"]])})
            rules = []
    return merged + [{"role": "user", "content": "\n\n".join(rules)}] * bool(rules)


def closing_of_thought(prompt: str) -> str:
    """Return what closes a thought that the prompt leaves open, so that the answer comes at once; "" for none."""
    opened = OPEN_THOUGHT.search(prompt)
    if not opened:
        return ""
    mark = opened[1]
    if mark.startswith("<|"):
        return mark.replace("START", "END")
    return f"\n{mark[0]}/{mark[1:]}\n\n"


def role_of(message: BaseMessage) -> str:
    """Return the role that chat templates know."""
    for kind, role in ROLES.items():
        if isinstance(message, kind):
            return role
    return str(getattr(message, "role", "user"))


def text_of(message: BaseMessage) -> str:
    """Return a message's text; raise ValueError for what this model can't see."""
    blocks = [message.content] if isinstance(message.content, str) else message.content
    for block in blocks:
        if isinstance(block, dict) and block.get("type", "text") not in ("text", "tool_use", "tool_call"):
            raise ValueError(f"this model reads only text, not {block['type']}")
    return "".join(block if isinstance(block, str) else str(block.get("text", "")) for block in blocks)


class _Generation(Extension):
    """`{% generation %}`, which marks what is trained on: only its body counts here."""

    tags = {"generation"}  # noqa: RUF012  # Jinja's interface

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)


def _now(form: str) -> str:
    return datetime.now().astimezone().strftime(form)


_ENVIRONMENT = ImmutableSandboxedEnvironment(
    trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, _Generation]
)
