"""Who asks: set by the worker for a turn, read by the engine so that nobody takes it all."""

from contextvars import ContextVar

PERSON: ContextVar[str] = ContextVar("person", default="")
