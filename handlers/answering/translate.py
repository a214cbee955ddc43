"""A question in the documents' other language, by one short model call: words are found only in their own."""

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from handlers.answering.condense import one_line
from indexing.language import language_of

OTHER = {"en": "fr", "fr": "en"}
NAMES = {"en": "English", "fr": "French"}
RULE = "You translate questions. You never answer them."
EXAMPLE = {"en": "Where is the log of the backups kept?", "fr": "Où est rangé le journal des sauvegardes ?"}


async def translate_question(question: str, language: str, model: BaseChatModel) -> str:
    """Return an English question in French and a French one in English; "" where the model gives no translation."""
    translation = await one_line(translate_prompt(question, language), model, otherwise="")
    is_sound = len(translation) <= 3 * len(question) + 50 and language_of(translation, language) != language
    return translation if is_sound else ""


def translate_prompt(question: str, language: str) -> list[BaseMessage]:
    """Return the messages of the call; without the example a small model answers the question instead."""
    other = OTHER[language]
    return [
        SystemMessage(RULE),
        HumanMessage(f"{NAMES[language]}: {EXAMPLE[language]}\n{NAMES[other]}:"),
        AIMessage(EXAMPLE[other]),
        HumanMessage(f"{NAMES[language]}: {question}\n{NAMES[other]}:"),
    ]
