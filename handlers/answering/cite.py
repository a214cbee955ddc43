"""Citations checked before they are shown: a sentence goes out only with a passage that supports it."""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field

from handlers.answering.lines import CELL, DASH, Line
from handlers.answering.verify import Verifier, without_verdict
from handlers.pieces import Source, Text
from handlers.text.messages import say
from handlers.text.normalize import letters_only
from handlers.text.overlap import content, digits
from handlers.text.sanitize import sanitize
from indexing.document import Passage
from indexing.language import language_of
from indexing.sentences import spans

LONGEST_SENTENCE = 600  # characters; a model that never ends a sentence is cut here
MOST_QUOTES = 2  # of one passage
MOST_SENTENCES = 8  # an answer is short; a model that copies all it was given is not answering
MOST_REPEATED = 2

CITATION = re.compile(r"\s*\[(?:passages?\s*)?\d{1,2}(?:\s*[,;-]\s*\d{1,2})*\]", re.IGNORECASE)
FIGURE = re.compile(r"\[(\d{1,2})\](?=\s+[^\W\d_])")
AFTER_STOP = re.compile(r"([.!?…:]+[\"”»’)]*)((?:\s*\[\d{1,2}(?:\s*[,;]\s*\d{1,2})*\])+)(?=\s|$)")
OPEN_BRACKET = re.compile(r"\s*\[[^\]\n]{0,20}$|[.!?…]\s*$")
ENDING = re.compile(r"[.!?…:;,]+[*_]*$")
BULLET = re.compile(r"^[\u2022\u25e6\u25aa\u2023*\u2013-]\s+")


def cited(sentence: str) -> list[int]:
    """Return the numbers that a sentence cites, in order."""
    return [int(number) for mark in CITATION.findall(sentence) for number in re.findall(r"\d+", mark)]


def unbracketed(sentence: str, passages: int) -> str:
    """Return the sentence with figures that the model put into brackets, "[27] days", as plain figures.

    A number that no passage has and that a word follows is no citation.
    """
    return FIGURE.sub(lambda match: match[1] if int(match[1]) > passages else match[0], sentence)


def bare(sentence: str) -> str:
    """Return the sentence without its citations."""
    return re.sub(r"[ \t]+([.,;!?])", r"\1", CITATION.sub("", sentence))


@dataclass
class Sentences:
    """Cuts a stream into whole sentences; each keeps the citations after its full stop."""

    _held: str = ""

    def add(self, text: str) -> list[str]:
        """Take the next words; return the sentences that are complete."""
        self._held = AFTER_STOP.sub(_inside, self._held + text)
        sentences = [self._held[start:end] for start, end in spans(self._held, LONGEST_SENTENCE)]
        keep = sentences[-1] if sentences else ""
        if len(sentences) > 1 and OPEN_BRACKET.fullmatch(keep):  # a citation of the sentence before may be coming
            keep = sentences[-2] + keep
        ready = self._held[: len(self._held) - len(keep)]
        self._held = keep
        return [ready[start:end] for start, end in spans(ready, LONGEST_SENTENCE)]

    def rest(self) -> list[str]:
        """Return what is left at the end."""
        text, self._held = AFTER_STOP.sub(_inside, self._held), ""
        return [text[start:end] for start, end in spans(text, LONGEST_SENTENCE)]


def _inside(match: re.Match[str]) -> str:
    return f"{match[2]}{match[1]}"


@dataclass
class Grounded:
    """An answer on its way out: what a line of the documents bears is cited, anything else is left out."""

    verifier: Verifier
    question: str  # that needs no conversation
    language: str
    passages: Sequence[Passage]
    lines: Sequence[Line]  # those that bear on the question, best first
    repeated: int = 0
    _numbers: dict[int, int] = field(default_factory=dict)  # place of a passage -> its number in the answer
    _quotes: dict[int, list[str]] = field(default_factory=dict)
    _frame: str = ""  # what states nothing alone, until something with a source follows
    _shown: list[str] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    @property
    def is_supported(self) -> bool:
        """Tell whether anything was shown that a line bears."""
        return bool(self._numbers)

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more is to be expected: the model turns in circles or talks on and on."""
        return self.repeated >= MOST_REPEATED or len(self._shown) >= MOST_SENTENCES

    @property
    def text(self) -> str:
        """Return what was shown, without its citations."""
        return bare("".join(self._shown)).strip()

    @property
    def sources(self) -> tuple[Source, ...]:
        """Return the passages that were cited, with the lines that bear the answer."""
        return tuple(
            Source(number, self.passages[index], " … ".join(self._quotes[index]))
            for index, number in self._numbers.items()
        )

    async def check(self, stream: AsyncIterator[str]) -> AsyncGenerator[Text, None]:
        """Yield the model's words sentence by sentence, so that nothing unchecked goes out."""
        sentences = Sentences()
        async for words in stream:
            for sentence in sentences.add(words):
                if shown := await self._checked(sentence):
                    yield Text(shown)
            if self.is_over:
                return
        for sentence in sentences.rest():
            if shown := await self._checked(sentence):
                yield Text(shown)

    def quote(self, lines: Sequence[Line]) -> str:
        """Return lines in the document's own words, each with its page and its number."""
        quotations = []
        for line in lines:
            passage, words = self.passages[line.passage], readable(line)
            plain = sanitize(words, [words], self.language)
            sentence = say("ask.quoted", self.language, document=passage.document, place=passage.place, quote=plain)
            quotations.append(self._cite(sentence, [line]))
        return "\n".join(quotations)

    async def _checked(self, sentence: str) -> str:
        """Return what goes out of a sentence; "" for nothing, or nothing yet."""
        sentence = without_verdict(unbracketed(sentence, len(self.passages)))
        plain = sanitize(bare(sentence), (passage.text for passage in self.passages), self.language)
        if not plain.strip() or not self._is_new(sentence):
            return ""
        if is_frame(plain):
            self._frame += plain
            return ""
        if language_of(plain, self.language) != self.language:
            return ""
        support = await self.verifier.support(plain.strip(), self.question, self.passages, self.lines)
        return self._cite(plain, support.lines) if support.holds else ""

    def _is_new(self, sentence: str) -> bool:
        """Tell whether a sentence says something new: small models repeat themselves and the question."""
        key = letters_only(bare(sentence))
        if key and (key in self._seen or bare(sentence).strip(' *_"»').endswith("?")):
            self.repeated += key in self._seen
            return False
        self._seen.add(key)
        return True

    def _cite(self, plain: str, lines: Sequence[Line]) -> str:
        marks = []
        for line in lines:
            number = self._numbers.setdefault(line.passage, len(self._numbers) + 1)
            quotes = self._quotes.setdefault(line.passage, [])
            if line.text not in quotes and len(quotes) < MOST_QUOTES:
                quotes.append(line.text)
            marks.append(f"[{number}]")
        shown = self._frame + insert(plain, f" {''.join(dict.fromkeys(marks))}")
        shown = shown if self._shown else shown.lstrip()  # a citation that stood in front left its space
        self._frame = ""
        self._shown.append(shown)
        return shown


def readable(line: Line) -> str:
    """Return a line as a person reads it alone: a row with the names of its columns, an item with its list's title."""
    cells, heads = line.text.split(CELL), line.context.split(DASH)[-1].split(CELL)
    if line.is_row and len(heads) == len(cells):
        named = [f"{head}: {cell}" if head else cell for head, cell in zip(heads[1:], cells[1:], strict=True)]
        return f"{cells[0]} – {'; '.join(named)}"
    text = BULLET.sub("", line.text)
    return f"{line.context}: {text}" if line.context and text != line.text else text


def is_frame(sentence: str) -> bool:
    """Tell whether a sentence states nothing by itself: a heading, "Here are the steps:", "Yes."."""
    plain = sentence.strip()
    if digits(plain):
        return False
    return plain.endswith(":") or plain.startswith("#") or not content(plain).stems


def insert(sentence: str, mark: str) -> str:
    """Put a mark before the full stop and the space after it."""
    body = sentence.rstrip()
    space = sentence[len(body) :]
    end = ENDING.search(body)
    cut = end.start() if end else len(body)
    return f"{body[:cut]}{mark}{body[cut:]}{space}"


def nearest(passages: Sequence[Passage], lines: Sequence[Line], most: int) -> tuple[Source, ...]:
    """Return the passages of the nearest lines as sources, each with these lines as its quote."""
    indices = list(dict.fromkeys(line.passage for line in lines))[:most]
    return tuple(
        Source(
            number, passages[index], " … ".join([line.text for line in lines if line.passage == index][:MOST_QUOTES])
        )
        for number, index in enumerate(indices, start=1)
    )
