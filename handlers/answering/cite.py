"""Citations checked before they are shown: a sentence goes out only with a passage that supports it."""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field

from handlers.answering.verify import ENOUGH_WORDS, Evidence, Support
from handlers.pieces import Source, Text
from handlers.text.messages import say
from handlers.text.normalize import letters_only
from handlers.text.overlap import content, digits
from handlers.text.sanitize import sanitize
from indexing.sentences import spans

LONGEST_SENTENCE = 600  # characters; a model that never ends a sentence is cut here
MOST_QUOTES = 2  # of one passage
MOST_SENTENCES = 8  # an answer is short; a model that copies all it was given is not answering
MOST_REPEATED = 2

CITATION = re.compile(r"\s*\[(?:passages?\s*)?\d{1,2}(?:\s*[,;-]\s*\d{1,2})*\]", re.IGNORECASE)
FIGURE = re.compile(r"\[(\d{1,2})\](?=\s+[^\W\d_])")
AFTER_STOP = re.compile(r"([.!?…:]+[\"”»’)]*)((?:\s*\[\d{1,2}(?:\s*[,;]\s*\d{1,2})*\])+)(?=\s|$)")
OPEN_BRACKET = re.compile(r"\s*\[[^\]\n]{0,20}$|[.!?…]\s*$")
ASIDE = re.compile(r"\W*(?:yes|no|oui|non|sure|certainly|bien sûr|certainement)\W*", re.IGNORECASE)
ENDING = re.compile(r"[.!?…:;,]+[*_]*$")
DOTTED_NAME = re.compile(r"\w\.\.$")  # "LCK..": its dots end no sentence
_TEXTS = r"(?:passages?|documents?|texts?|context|information|sources?)"
_TEXTES = r"(?:passages?|documents?|extraits?|textes?|contexte|informations?|sources?)"
DENIAL = re.compile(
    r"\bnot[ _]in[ _]the[ _]passages?\b|\b(?:pas|absente?)[ _]dans[ _]les[ _](?:passages?|extraits?)\b"
    rf"|\b{_TEXTS}\b[^.]{{0,40}}\b(?:do(?:es)?n[o']t|do(?:es)? not|did not|cannot)\s(?:\w+\s)?"
    r"(?:contain|mention|say|state|provide|specify|answer|include|give|indicate|address|cover|describe|explain)"
    rf"|\bnot\s(?:\w+\s)?(?:mentioned|provided|stated|specified|given|found|included|described|answered)\s"
    rf"(?:in|by)\s(?:\w+\s){{0,3}}{_TEXTS}\b"
    rf"|\b(?:no|any) (?:mention|information)\b[^.]{{0,60}}\b{_TEXTS}\b"
    rf"|\b{_TEXTS}\b[^.]{{0,30}}\bno (?:mention|information)\b"
    r"|\bI (?:cannot|can't|could not|don't|do not) (?:answer|find|know|have)\b"
    rf"|\b{_TEXTES}\b[^.]{{0,40}}\bne\s(?:\w+\s)?"
    r"(?:contien|mentionn|di[st]|précis|fourni|répond|indiqu|donn|expliqu|décri|parl)\w*\s(?:pas|aucun|rien)"
    rf"|\b(?:pas|aucune?)\s(?:\w+\s)?(?:mention\w*|précisée?s?|indiquée?s?|fournie?s?|information)\s"
    rf"[^.]{{0,40}}\b{_TEXTES}\b"
    r"|\bje (?:ne|n['’]) ?(?:peux|trouve|sais|connais|ai)\b[^.]{0,20}\b(?:pas|aucun)",
    re.IGNORECASE,
)


def is_denial(sentence: str) -> bool:
    """Tell whether the model says that the passages do not answer."""
    return DENIAL.search(sentence) is not None


def cited(sentence: str) -> list[int]:
    """Return the numbers that a sentence cites, in order."""
    return [int(number) for mark in CITATION.findall(sentence) for number in re.findall(r"\d+", mark)]


def unbracketed(sentence: str, passages: int) -> str:
    """Return the sentence with figures that the model put into brackets, "[27] days", as plain figures.

    A number that no passage has and that a word follows is no citation.
    """
    return FIGURE.sub(lambda found: found[1] if int(found[1]) > passages else found[0], sentence)


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
        found = [self._held[start:end] for start, end in spans(self._held, LONGEST_SENTENCE)]
        keep = found[-1] if found else ""
        if len(found) > 1 and OPEN_BRACKET.fullmatch(keep):  # a citation of the sentence before may be coming
            keep = found[-2] + keep
        ready = self._held[: len(self._held) - len(keep)]
        self._held = keep
        return [ready[start:end] for start, end in spans(ready, LONGEST_SENTENCE)]

    def rest(self) -> list[str]:
        """Return what is left at the end."""
        held, self._held = AFTER_STOP.sub(_inside, self._held), ""
        return [held[start:end] for start, end in spans(held, LONGEST_SENTENCE)]


def _inside(found: re.Match[str]) -> str:
    return f"{found[2]}{found[1]}"


@dataclass
class Grounded:
    """An answer on its way out: each sentence is checked, cited by code where the model did not, or left out."""

    evidence: Evidence
    denied: bool = False
    repeated: int = 0
    _numbers: dict[int, int] = field(default_factory=dict)  # place of a passage -> its number in the answer
    _quotes: dict[int, list[str]] = field(default_factory=dict)
    _waiting: str = ""  # sentences that say nothing alone, until one with a source follows
    _said: list[str] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    @property
    def is_supported(self) -> bool:
        """Tell whether anything was shown that a passage supports."""
        return bool(self._numbers)

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more is to be expected: the model said no, turns in circles or talks on and on."""
        return self.denied or self.repeated >= MOST_REPEATED or len(self._said) >= MOST_SENTENCES

    @property
    def text(self) -> str:
        """Return what was shown, without its citations."""
        return bare("".join(self._said)).strip()

    @property
    def sources(self) -> tuple[Source, ...]:
        """Return the passages that were cited, with the sentences that support."""
        return tuple(
            Source(number, self.evidence.passages[place], " … ".join(self._quotes[place]))
            for place, number in self._numbers.items()
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

    async def quotation(self) -> str:
        """Return the sentence that answers best in the document's own words, for a model that said nothing usable.

        "" if no sentence has enough of the question's words.
        """
        best = next(iter(await self.evidence.answering()), None)
        if best is None or best.covered < ENOUGH_WORDS or not best.quote:
            return ""
        self._waiting = ""
        quote = " ".join(best.quote.split())
        return self._shown(
            say("ask.quoted", self.evidence.language, quote=sanitize(quote, [quote], self.evidence.language)), best
        )

    async def _checked(self, sentence: str) -> str:
        """Return what goes out of a sentence; "" for nothing, or nothing yet."""
        sentence = unbracketed(sentence, len(self.evidence.passages))
        if is_denial(sentence):
            self.denied = not self.is_supported
            return ""
        if not self._is_new(sentence):
            return ""
        plain = sanitize(bare(sentence), (p.text for p in self.evidence.passages), self.evidence.language)
        if not plain.strip() or self.denied:
            return ""
        if is_frame(plain):
            self._waiting += plain
            return ""
        found = await self.evidence.supports(plain.strip())
        chosen = choose(found, [number - 1 for number in cited(sentence)])
        if chosen is None:
            self._hold(plain, found)
            return ""
        return self._shown(plain, chosen)

    def _is_new(self, sentence: str) -> bool:
        """Tell whether a sentence says something new: small models repeat themselves and the question."""
        key = letters_only(bare(sentence))
        if key and (key in self._seen or bare(sentence).strip(' *_"»').endswith("?")):
            self.repeated += key in self._seen
            return False
        self._seen.add(key)
        return True

    def _hold(self, plain: str, found: Sequence[Support]) -> None:
        """Keep an unsupported sentence for later, marked; one with a figure that nobody wrote is left out."""
        if found and not found[0].missing and found[0].covered > 0:
            self._waiting += insert(plain, f" _({say('ask.unconfirmed', self.evidence.language)})_")

    def _shown(self, plain: str, support: Support) -> str:
        number = self._numbers.setdefault(support.passage, len(self._numbers) + 1)
        quotes = self._quotes.setdefault(support.passage, [])
        if support.quote not in quotes and len(quotes) < MOST_QUOTES:
            quotes.append(support.quote)
        shown = self._waiting + insert(plain, f" [{number}]")
        shown = shown if self._said else shown.lstrip()  # a citation that stood in front left its space
        self._waiting = ""
        self._said.append(shown)
        return shown


def choose(found: Sequence[Support], wanted: Sequence[int]) -> Support | None:
    """Return the passage to cite: the one the model named if it supports, else the one that does best."""
    holding = [support for support in found if support.holds]
    named = [support for support in holding if support.passage in wanted]
    if not holding:
        return None
    best = holding[0]
    return next((support for support in named if support.fit >= best.fit - 0.25), best)


def is_frame(sentence: str) -> bool:
    """Tell whether a sentence states nothing by itself: a heading, "Here are the steps:", "Yes."."""
    plain = sentence.strip()
    if digits(plain):
        return False
    return (
        plain.endswith(":") or plain.startswith("#") or ASIDE.fullmatch(plain) is not None or not content(plain).stems
    )


def insert(sentence: str, mark: str) -> str:
    """Put a mark before the full stop and the space after it."""
    body = sentence.rstrip()
    space = sentence[len(body) :]
    end = None if DOTTED_NAME.search(body) else ENDING.search(body)
    cut = end.start() if end else len(body)
    return f"{body[:cut]}{mark}{body[cut:]}{space}"


def nearest(evidence: Evidence) -> tuple[Source, ...]:
    """Return the passages as sources, each with the sentence that fits the question best."""
    return tuple(
        Source(place + 1, passage, evidence.nearest_span(place)) for place, passage in enumerate(evidence.passages)
    )
