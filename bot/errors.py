"""Why a start can't succeed, in one sentence that a person can act on."""


class StartFailed(Exception):
    """The text is the whole message: what is wrong, and what mends it."""
