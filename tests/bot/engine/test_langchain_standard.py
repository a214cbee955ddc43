"""LangChain's own standard tests for chat models; what is skipped has its reason here.

- tools: the engine calls none; handlers need structured output only (has_tool_calling).
- another model by argument: one engine holds one file (supports_model_override).
- JSON mode: any object is promised, and the 135M model need not choose the keys that the test asks for.
- images, sound, PDF, Anthropic's blocks: the model reads text.
- from the environment: settings are read once, in bot/settings.py.
- serialization: a loaded model can't be written down.
- stream timing by VCR cassettes: nothing goes over a network.
"""

from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from bot.engine.chat_model import EngineChatModel

MOST_TOKENS = 150  # the 135M model goes on in a JSON string for as long as it may

pytestmark = [pytest.mark.model, pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")]


class OurModel:
    """What LangChain's tests need to know of ours."""

    opened: EngineChatModel
    has_tool_calling = False
    has_structured_output = True
    structured_output_kwargs = {"method": "json_schema"}  # noqa: RUF012 - LangChain's way to be told
    supports_json_mode = False
    supports_model_override = False
    returns_usage_metadata = True

    @pytest.fixture(autouse=True)
    def _opened(self, chat_model: EngineChatModel) -> None:
        type(self).opened = chat_model

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return EngineChatModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"engine": self.opened.engine, "llama": self.opened.llama, "seed": 1}


class TestUnit(OurModel, ChatModelUnitTests):
    """Without a model's answer."""


class TestIntegration(OurModel, ChatModelIntegrationTests):
    """With the real small model."""

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return super().chat_model_params | {"max_tokens": MOST_TOKENS}
