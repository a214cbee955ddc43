"""How many prompt tokens go into one decode, so that nobody's stream stalls and nobody waits long to be heard."""

DECODING_SECONDS = 0.5  # the longest that prompts may hold up those who speak
IDLE_SECONDS = 1.5  # the longest until a newcomer or a cancellation is noticed when nobody speaks
LEAST_TOKENS = 32  # below this a decode is bound by memory, not by computing


class PrefillBudget:
    """Learns how long a prompt token takes."""

    def __init__(self, most_tokens: int) -> None:
        self._most_tokens = most_tokens
        self.seconds_a_token = 0.0

    def room(self, *, decoding: bool) -> int:
        """Return how many prompt tokens the next decode may hold."""
        if not self.seconds_a_token:
            return min(self._most_tokens, 4 * LEAST_TOKENS)
        seconds = DECODING_SECONDS if decoding else IDLE_SECONDS
        return max(LEAST_TOKENS, min(self._most_tokens, int(seconds / self.seconds_a_token)))

    def note(self, prompt_tokens: int, seconds: float) -> None:
        """Learn from a decode that was mostly prompt."""
        if prompt_tokens >= LEAST_TOKENS:
            latest = seconds / prompt_tokens
            self.seconds_a_token = (self.seconds_a_token or latest) * 0.7 + latest * 0.3
