"""Why a start can't succeed, in one sentence that a person can act on."""

import errno


class StartFailed(Exception):
    """The text is the whole message: what is wrong, and what mends it."""


MENDS = {
    errno.ENOSPC: "The disk is full{at}. Make room, or set DATA_DIR and MODELS_DIR to folders on another disk.",
    errno.EDQUOT: "The disk's quota is used up{at}. Make room, or set DATA_DIR and MODELS_DIR to other folders.",
    errno.EROFS: "The disk can't be written{at}. Set DATA_DIR and MODELS_DIR to folders that can.",
    errno.EACCES: "This user may not use what is needed{at}. Give it to this user, or set DATA_DIR and MODELS_DIR.",
}

SIGNS_OF_FULL = {  # in what Redis, SQLite and Qdrant say
    "MISCONF": "disk",
    "No space left on device": "disk",
    "database or disk is full": "disk",
    "OOM command not allowed": "Redis",  # its maxmemory
}


def sentence_for(error: BaseException) -> str:
    """Return what a person can do about a disk that refuses; "" for any other error."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in MENDS:
            return MENDS[cause.errno].format(at=f": {cause.filename}" if cause.filename else "")
        cause = cause.__cause__ or cause.__context__
    return ""


def what_is_full(error: BaseException) -> str:
    """Return `disk` or `Redis` if an error or what caused it says that there is no room left; "" for any other."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in {errno.ENOSPC, errno.EDQUOT}:
            return "disk"
        words = str(cause)
        if full := next((full for sign, full in SIGNS_OF_FULL.items() if sign in words), ""):
            return full
        cause = cause.__cause__ or cause.__context__
    return ""
