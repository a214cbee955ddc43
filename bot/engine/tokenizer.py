"""Text becomes tokens, piece by piece between control tokens, so that a common beginning is always the same tokens."""

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping

REMEMBERED_CHARACTERS = 4_000_000


class Tokenizer:
    """Splits at control tokens (as llama.cpp does) and remembers each piece.

    An answer is remembered with the tokens that the model chose, which need not be those that the tokenizer would:
    the follow-up then begins with exactly what the slot has seen.
    """

    def __init__(self, tokenize: Callable[[str], list[int]], control: Mapping[str, int], beginning: int | None) -> None:
        self._tokenize = tokenize
        self._control = control
        self._beginning = beginning
        self._border = re.compile("(" + "|".join(map(re.escape, sorted(control, key=len, reverse=True))) + ")")
        self._known: OrderedDict[str, list[int]] = OrderedDict()
        self._characters = 0

    def encode(self, prompt: str) -> list[int]:
        """Return the tokens of a rendered prompt, in which control tokens stand as their text."""
        tokens: list[int] = [] if self._beginning is None else [self._beginning]
        for piece in self._pieces(prompt):
            if piece in self._control:
                tokens.append(self._control[piece])
            elif piece:
                tokens += self._tokens(piece)
        if self._beginning is not None and tokens[1:2] == [self._beginning]:
            return tokens[1:]  # the template has written it too
        return tokens

    def count(self, text: str) -> int:
        """Return how many tokens a text takes."""
        return len(self._tokenize(text))

    def remember_answer(self, prompt: str, answer: str, tokens: list[int]) -> None:
        """Note which tokens an answer was made of; `tokens` follow the prompt's."""
        opening = self._pieces(prompt)[-1]
        self._remember(opening + answer, [*(self._tokens(opening) if opening else []), *tokens])

    def disarm(self, text: str) -> str:
        """Break up what would be read as a control token, in text that a person wrote."""
        return self._border.sub(lambda match: match[0][0] + " " + match[0][1:], text) if self._control else text

    def _pieces(self, prompt: str) -> list[str]:
        return self._border.split(prompt) if self._control else [prompt]

    def _tokens(self, piece: str) -> list[int]:
        if piece in self._known:
            self._known.move_to_end(piece)
            return self._known[piece]
        tokens = self._tokenize(piece)
        self._remember(piece, tokens)
        return tokens

    def _remember(self, piece: str, tokens: list[int]) -> None:
        if piece not in self._known:
            self._characters += len(piece)
        self._known[piece] = tokens
        while self._characters > REMEMBERED_CHARACTERS:
            self._characters -= len(self._known.popitem(last=False)[0])
