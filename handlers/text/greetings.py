"""Whether a message only greets, in English or in French."""

import re

from handlers.text.commands import without_accents
from handlers.text.normalize import EMOJI

GREETING = re.compile(
    r"(?:hi|hiya|hey|hello|good (?:morning|afternoon|evening|day)|bonjour|bonsoir|salut|coucou)"
    r"(?: (?:there|folio|all|everyone|everybody|team|again|a tous|a toutes|tout le monde|a toi|toi|l'equipe))*"
)


def is_greeting(text: str) -> bool:
    """Tell whether a text holds a greeting and nothing else; emoji and punctuation do not count."""
    words = re.findall(r"[^\W_]+(?:'[^\W_]+)?", without_accents(EMOJI.sub(" ", text)).replace("’", "'"))
    return GREETING.fullmatch(" ".join(words)) is not None
