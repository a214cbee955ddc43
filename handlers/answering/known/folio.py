"""What Folio says of itself, of one's privacy, to thanks and to a greeting: at once, without a search or a model."""

from collections.abc import Sequence

from handlers.answering.known.grammar import Known
from handlers.answering.known.statement import Statement
from handlers.answering.known.which import Finder
from handlers.text.messages import say

KEYS = {"greeting": "chat.greeting"}  # said elsewhere, too


def speak_of_itself(known: Sequence[Known], language: str) -> Statement:
    """Return what is said to one or two sentences to Folio itself; thanks and greetings give way to what is asked."""
    kinds = list(dict.fromkeys(one.kind for one in known))
    asked = [kind for kind in kinds if kind not in {"greeting", "thanks"}] or kinds[:1]
    sentences = [say(KEYS.get(kind, f"folio.{kind}"), language) for kind in asked]
    return Statement("\n\n".join(sentences))


async def tell_removal(known: Known, finder: Finder) -> Statement | None:
    """Tell how a document is removed: whoever shared it presses a button that asks again."""
    document = await finder.meant(known.words["document"])
    if not document:
        return None
    return Statement(say("folio.remove", finder.language, name=document.name), documents=[document.id])
