"""What a model thinks aloud before it answers: never shown, never counted as an answer."""

import re

OPENINGS = ("<think>", "<thinking>", "<seed:think>", "[THINK]")
CLOSING = re.compile(r"</(?:seed:)?think(?:ing)?>|\[/THINK\]")
LONGEST_MARK = 16  # characters: so much is held back while a thought may be ending


class Thoughts:
    """Passes on an answer as it streams, without the thoughts at its beginning."""

    def __init__(self) -> None:
        self._held = ""
        self._is_thinking = False
        self._is_answering = False
        self._has_thought = False

    def visible(self, text: str) -> str:
        """Take the next words; return what of all so far may be shown now."""
        if self._is_answering:
            return text
        self._held += text
        while not self._is_answering:
            if self._is_thinking and not self._end_of_thought():
                return ""
            beginning = self._held.lstrip()
            if any(mark.startswith(beginning) for mark in OPENINGS):  # it may be one, or nothing yet
                return ""
            opening = next((mark for mark in OPENINGS if beginning.startswith(mark)), "")
            self._is_thinking, self._is_answering = bool(opening), not opening
            self._has_thought = self._has_thought or self._is_thinking
            self._held = beginning.removeprefix(opening) if self._has_thought else self._held
        answer, self._held = self._held, ""
        return answer

    def rest(self) -> str:
        """Return what is left at the end: nothing of a thought that never ended."""
        answer = "" if self._is_thinking else self._held
        self._held = ""
        return answer.lstrip() if self._has_thought else answer

    def _end_of_thought(self) -> bool:
        """Drop what was thought; tell whether it has ended."""
        closing = CLOSING.search(self._held)
        self._held = self._held[closing.end() :] if closing else self._held[-LONGEST_MARK:]
        self._is_thinking = closing is None
        return closing is not None
