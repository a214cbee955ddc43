"""LangChain's messages become one prompt, by the chat template that came with the model."""

from collections.abc import Callable, Sequence

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from llama_cpp.llama_chat_format import Jinja2ChatFormatter

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)  # for a model that brings no template
ROLES: dict[type[BaseMessage], str] = {
    SystemMessage: "system",
    HumanMessage: "user",
    AIMessage: "assistant",
    ToolMessage: "tool",
}


class ChatTemplate:
    """Writes a conversation as the model was taught to read it."""

    def __init__(self, template: str, borders: tuple[str, str], disarm: Callable[[str], str]) -> None:
        self._formatter = Jinja2ChatFormatter(template or CHATML, bos_token=borders[0], eos_token=borders[1])
        self._disarm = disarm

    def render(self, messages: Sequence[BaseMessage]) -> str:
        """Return the prompt; what looks like a control token in a message is broken up."""
        turns = [{"role": role_of(message), "content": self._disarm(text_of(message))} for message in messages]
        return str(self._formatter(messages=turns).prompt)  # type: ignore[arg-type]


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
