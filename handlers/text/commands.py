"""What a message asks for, by its first word; pure, and so light that the gateway can use it."""

import re
import unicodedata

# Folded: without case and accents.
WITH_OBJECT = {
    "ask": "ask", "question": "ask",
    "summarize": "summarize", "summarise": "summarize", "summary": "summarize",
    "resume": "summarize", "resumer": "summarize", "resumez": "summarize",
    "sentiment": "sentiment", "sentiments": "sentiment",
    "extract": "extract", "extrais": "extract", "extraire": "extract", "extrayez": "extract",
    "attention": "attention",
}  # fmt: skip
ALONE = {
    "docs": "docs", "documents": "docs",
    "forget": "forget", "oublie": "forget", "oubliez": "forget", "forget this": "forget", "oublie tout": "forget",
    "forget me": "forget_me", "oublie moi": "forget_me", "oubliez moi": "forget_me",
    "help": "help", "help me": "help", "aide": "help", "aide moi": "help", "?": "help",
    "settings": "settings", "reglages": "settings", "channel settings": "settings", "reglages du canal": "settings",
    "stop": "stop", "arrete": "stop", "arretez": "stop", "stoppe": "stop",
}  # fmt: skip
DOCS_ARGUMENT = re.compile(
    r"(?:docs|documents)\s+(?:remove|delete|retirer?|supprimer?|find|cherche)\s+\S", re.IGNORECASE
)
SETTING = re.compile(r"(?:settings|reglages) (?:listens|documents|receipts|language) \w+$")
# "Classify these", with a table or in a thread; folded, without the last dot.
CLASSIFY = re.compile(
    r"(?:please |can you |peux tu |pouvez vous )?(?:classify|classifie[rz]?|classe[rz]?)"
    r"(?: (?:this|these|those|them|the|all|ce|ceci|cela|ca|cette|ces|le|la|les|tout|tous))+"
    r"(?: (?:file|thread|messages|texts|rows|lines|reviews|comments|fichier|fil|textes|lignes|avis|commentaires))?"
    r"(?: (?:by|par) sentiments?)?(?:,? (?:please|svp))?"
)
# "Attention, le serveur redémarre" is a warning, not a wish.
WARNING = re.compile(r"attention\s*(?:[,!.:]?\s*(?:a|au|aux|a la|le|la|les|l['’]|everyone|all|please)\b|[,!])")
# "Please summarize …", "Peux-tu résumer …": the wish, politely; folded.
POLITE = re.compile(
    r"(?:please|pls|hey folio|folio|can you|could you|would you|will you|peux[- ]tu|pouvez[- ]vous|pourrais[- ]tu|"
    r"pourriez[- ]vous|veux[- ]tu|voulez[- ]vous|stp|svp|s'il (?:te|vous) plait|merci de)[,:]?\s+(?:please\s+)?|"
    r"(?:give|make|write|send)(?: me| us)? an? (?=summary of )|(?:i|we)(?: need| want|['’]?d like| would like) an? "
    r"(?=summary of )|(?:fais|faites|donne|donnez|ecris|me faire|nous faire|faire)(?:[- ](?:moi|nous))? un "
    r"(?=resume d)"
)
NOUNS = frozenset({"resume", "summary", "sentiment", "sentiments"})  # also nouns that a sentence may begin with
AFTER_NOUN = re.compile(r"(?:in|is|was|are|were|about|among|around|analysis|tips|writing|writer|template)\b")
POLITELY = frozenset({"summarize", "extract"})  # wishes that people put politely; politeness before others is talk
TAKE_FILES = frozenset({"sentiment", "extract"})  # these read the files of their message themselves
# What was said, not a document: "this thread", "#general since Monday", "ce canal depuis hier"; folded.
TALK = re.compile(
    r"(?:(?:what (?:was said|happened)|everything|ce qui s'est (?:dit|passe)|tout) "
    r"(?:(?:in|on|dans|sur|here|ici) )?)?"
    r"(?:(?:(?:this|the|our|that|of|ce|cette|le|la|du|de) )*"
    r"(?:thread|conversation|discussion|talk|fil|messages|channel|canal)(?:$|[ .!?])|#\S|(?:since|depuis)\s"
    r"|(?:the |les |ces )?(?:(?:last|past) \d+ (?:hour|day|week)|\d+ (?:derniers|dernieres) (?:heure|jour|semaine)))"
)
FILE = re.compile(r"\.(?:pdf|docx?|pptx?|xlsx?|od[tsp]|rtf|html?|epub|eml|msg|csv|tsv|txt|md)\b")
LONGEST_NAME = 200  # characters after "summarize": more is a text to talk about, not a file's name


def parse(text: str, has_files: bool) -> tuple[str, str]:
    """Return the action and the rest of the text.

    Words that count only alone (help, stop, forget) are their own rest, so that their language is not lost. Files
    without a verb of their own are an upload whose text is done afterwards.
    """
    text = text.strip()
    action, rest = _spoken(text)
    action = of_talk(action, rest)
    if has_files and action not in TAKE_FILES:
        return "upload", text
    return action, rest


def of_talk(action: str, rest: str) -> str:
    """Return the action for a summary of what people said, whatever else is to be done as it is."""
    folded = " ".join(without_accents(rest).split())
    return "recap" if action == "summarize" and TALK.match(folded) and not FILE.search(folded) else action


def without_accents(text: str) -> str:
    """Return the text without case and accents."""
    decomposed = unicodedata.normalize("NFD", text.casefold())
    return "".join(part for part in decomposed if not unicodedata.combining(part))


def _spoken(text: str) -> tuple[str, str]:
    plain = text.removeprefix("/")
    alone = " ".join(re.sub(r"[-\s]+", " ", without_accents(plain)).split()).strip(" .!") or plain.strip()
    if action := ALONE.get(alone):
        return action, "" if action in {"docs", "settings"} else plain
    if CLASSIFY.fullmatch(alone.rstrip(" ?")):
        return "sentiment", ""
    if DOCS_ARGUMENT.match(plain):
        return "docs", plain.split(None, 1)[1]
    if SETTING.match(alone):
        return "settings", alone.split(None, 1)[1]
    return _with_object(text, plain)


def _with_object(text: str, plain: str) -> tuple[str, str]:
    if (polite := POLITE.match(without_accents(plain))) and len(without_accents(plain)) == len(plain):
        action, rest = _with_object(text, plain[polite.end() :])
        return (action, rest) if action in POLITELY else ("chat", text)
    first, _, rest = plain.partition(" ") if "\n" not in plain.partition(" ")[0] else plain.partition("\n")
    action = WITH_OBJECT.get(without_accents(first).rstrip(":,"), "chat")
    rest = rest.strip()
    if without_accents(first) == first.casefold() and first.casefold() in NOUNS and _is_noun(rest):
        return "chat", text
    if action == "attention" and WARNING.match(without_accents(plain)):
        return "chat", text
    if action == "summarize" and (len(rest) > LONGEST_NAME or "\n" in rest):
        return "chat", text
    return (action, rest) if action != "chat" else ("chat", text)


def _is_noun(rest: str) -> bool:
    """Tell whether the word before is a noun of a sentence: "Resume tips for …?", "Sentiment in …"."""
    return bool(AFTER_NOUN.match(without_accents(rest))) or (rest.rstrip().endswith("?") and len(rest.split()) > 2)
