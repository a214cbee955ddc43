"""An answer's tokens become text: whole characters only, and nothing of a stop string."""

import codecs


class Detokenizer:
    """What one answer says so far."""

    def __init__(self, stop: tuple[str, ...] = ()) -> None:
        self.stopped = False
        self._stop = tuple(text for text in stop if text)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""  # may be the beginning of a stop string

    def add(self, piece: bytes) -> str:
        """Take one token's bytes and return the text that is sure by now."""
        text = self._held + self._decoder.decode(piece)
        if not self._stop:
            return text
        stops = [position for position in map(text.find, self._stop) if position >= 0]
        if stops:
            self.stopped, self._held = True, ""
            return text[: min(stops)]
        sure = len(text) - max(_overlap(text, stop) for stop in self._stop)
        self._held = text[sure:]
        return text[:sure]

    def end(self) -> str:
        """Return what was held back, once no more tokens come; the beginning of a character is dropped."""
        return "" if self.stopped else self._held


def _overlap(text: str, stop: str) -> int:
    """Return how much of the text's end is the beginning of a stop string."""
    longest = min(len(text), len(stop) - 1)
    return next((size for size in range(longest, 0, -1) if text.endswith(stop[:size])), 0)
