"""One prompt and its answer, token by token: what the scheduler schedules."""

import math
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How the next token is chosen; temperature 0 takes the likeliest."""

    temperature: float = 0.7
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    repeat_penalty: float = 1.0
    seed: int | None = None
    grammar: str = ""  # GBNF; "" allows everything
    logprobs: int | None = None  # how many of the likeliest tokens are told beside each that was chosen; None: nothing


Likely = tuple[int, float]  # a token and the logarithm of its probability, as the model gives it before any sampler


@dataclass(eq=False)
class Sequence:
    """Tokens and two counters: how many were the prompt, how many the model has seen."""

    tokens: list[int]
    answer_tokens: int  # the longest answer
    person: str = ""
    key: str = ""  # of the request that it belongs to, see suspects
    ends: bool = True  # where the model ends its answer; else at the answer's longest, to compare speeds
    alone: bool = False  # decoded beside no other: the engine's process may end during it
    sampling: Sampling = field(default_factory=Sampling)
    deadline: float = math.inf  # time.monotonic()
    prompt: int = field(init=False)
    seen: int = 0
    slot: int | None = None
    reused: int = 0  # prompt tokens that did not have to be computed
    cut: bool = False  # the answer had to be ended before the model was ready
    logprobs: list[list[Likely]] = field(default_factory=list)  # of each token: itself, then the likeliest, best first

    def __post_init__(self) -> None:
        self.prompt = len(self.tokens)

    @property
    def todo(self) -> int:
        """Return how many tokens the model has not seen: the prompt at first, one from then on."""
        return len(self.tokens) - self.seen

    @property
    def is_decoding(self) -> bool:
        """Tell whether the answer has begun."""
        return self.seen >= self.prompt

    @property
    def room(self) -> int:
        """Return how many tokens the answer may still take."""
        return self.prompt + self.answer_tokens - len(self.tokens)

    @property
    def longest(self) -> int:
        """Return how many cells it can ever hold; the last token is never seen."""
        return self.prompt + self.answer_tokens - 1


def common_beginning(left: list[int], right: list[int], limit: int) -> int:
    """Return how many tokens two lists share from the start, at most `limit`."""
    limit = min(limit, len(left), len(right))
    if left[:limit] == right[:limit]:
        return limit
    low, high = 0, limit  # one[:low] is common, one[:high] is not
    while high - low > 1:
        middle = (low + high) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle
    return low
