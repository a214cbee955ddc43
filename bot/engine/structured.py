"""Answers in the form of a schema, for any model that takes OpenAI's `response_format`."""

from operator import itemgetter
from typing import Any

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.output_parsers import BaseOutputParser, JsonOutputParser, PydanticOutputParser
from langchain_core.runnables import Runnable, RunnableLambda, RunnableMap, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_json_schema
from langchain_core.utils.pydantic import is_basemodel_subclass


def structured(
    model: BaseChatModel, schema: dict[str, Any] | type, *, include_raw: bool, method: str, **kwargs: Any
) -> Runnable[LanguageModelInput, Any]:
    """Bind the schema to a model and parse what it answers: an object of a Pydantic class, else a dictionary."""
    kwargs.pop("strict", None)  # a grammar is always strict
    if kwargs:
        raise ValueError(f"unknown arguments: {', '.join(kwargs)}")
    bound = model.bind(
        response_format=_form(schema, method),
        ls_structured_output_format={"kwargs": {"method": method}, "schema": convert_to_json_schema(schema)},
    )
    parser: BaseOutputParser[Any] = (
        PydanticOutputParser(pydantic_object=schema)
        if isinstance(schema, type) and is_basemodel_subclass(schema)
        else JsonOutputParser()
    )
    if not include_raw:
        return bound | parser
    nothing: Runnable[Any, None] = RunnableLambda(lambda _: None)
    parsed = RunnablePassthrough.assign(parsed=itemgetter("raw") | parser, parsing_error=nothing)
    failed = RunnablePassthrough.assign(parsed=nothing)
    return RunnableMap(raw=bound) | parsed.with_fallbacks([failed], exception_key="parsing_error")


def _form(schema: dict[str, Any] | type, method: str) -> dict[str, Any]:
    if method == "json_mode":
        return {"type": "json_object"}
    if method not in ("json_schema", "function_calling"):
        raise ValueError(f"unknown method: {method}")
    described = convert_to_json_schema(schema)
    return {"type": "json_schema", "json_schema": {"name": described.get("title", "answer"), "schema": described}}
