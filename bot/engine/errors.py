"""Why the engine did not answer; handlers and the worker turn these into words for people."""


class EngineError(Exception):
    """What all of them are."""


class TooLong(EngineError):
    """A prompt that can never fit."""

    def __init__(self, tokens: int, limit: int) -> None:
        super().__init__(f"the prompt has {tokens} tokens, at most {limit} fit")
        self.tokens = tokens
        self.limit = limit


class Busy(EngineError):
    """The waiting line is full."""

    def __init__(self, waiting: int, after_seconds: float = 0) -> None:
        super().__init__(f"{waiting} requests wait already")
        self.waiting = waiting
        self.after_seconds = after_seconds  # until there may be room


class TimedOut(EngineError):
    """No full answer within the time allowed."""


class DecodeFailed(EngineError):
    """The model could not compute the step that this request was part of."""


class Unavailable(EngineError):
    """The model can't be loaded, has been closed, or its server is away."""


class EngineDied(EngineError):
    """The engine's process ended twice while it was at this request."""
