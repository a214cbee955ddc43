"""Follow-ups: a question that leans on the conversation is rewritten to stand alone, by one short model call."""

import re
from collections.abc import Sequence

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from handlers.context.history import questions_of
from handlers.text.overlap import content

LEANING = re.compile(
    r"^\W*(?:and|or|but|also|so|then|what about|how about|what if|why)\b"
    r"|^\W*(?:et|ou|mais|donc|alors|aussi|pourquoi|qu['’]en est-il)\b"
    r"|\b(?:it|its|they|them|their|theirs|this|that|these|those|he|she|his|her|hers|him|there|ones?|same|former|latter|else)\b"
    r"|\b(?:il|elle|ils|elles|lui|leur|leurs|ça|cela|ceci|ce|cet|cette|ces|celui|celle|ceux|celles|y|en|là|même|autres?)\b",
    re.IGNORECASE,
)
SHORT_WORDS = 3  # content words: "part-time staff?" hardly stands alone
TURNS = 3  # earlier questions that are shown to the model
ANSWER_CHARACTERS = 300
LONGEST_TOKENS = 80
KNOWN = 0.6  # of the rewritten question's words must come from the conversation

RULES = {
    "en": (
        "Rewrite the last question so that it can be understood without the conversation. "
        "Use the words of the conversation, keep it one short question in English, and do not answer it."
    ),
    "fr": (
        "Réécris la dernière question pour qu'on la comprenne sans la conversation. "
        "Reprends les mots de la conversation, en une seule question courte en français, sans y répondre."
    ),
}
LABELS = {
    "en": ("Earlier question", "Answer", "Last question", "The last question, rewritten"),
    "fr": ("Question précédente", "Réponse", "Dernière question", "La dernière question, réécrite"),
}


def depends_on_history(question: str, history: Sequence[BaseMessage]) -> bool:
    """Tell whether a question may need the conversation to be understood."""
    return bool(questions_of(history)) and (
        LEANING.search(question) is not None or len(content(question).stems) <= SHORT_WORDS
    )


async def condense_question(
    question: str, history: Sequence[BaseMessage], model: BaseChatModel, language: str
) -> list[str]:
    """Return what to search for: the question made to stand alone if it leans on the thread, always the original."""
    if not depends_on_history(question, history):
        return [question]
    rewritten = await one_line(condense_prompt(question, history, language), model, otherwise=question)
    if rewritten == question:
        return [question]
    if not is_sound(rewritten, question, history):
        return [question, f"{questions_of(history)[-1]} {question}"]
    return [rewritten, question]


async def one_line(messages: Sequence[BaseMessage], model: BaseChatModel, *, otherwise: str) -> str:
    """Return the one line that the model was asked for, "" where it says nothing; something else where it fails."""
    try:
        reply = await model.ainvoke(list(messages), max_tokens=LONGEST_TOKENS, temperature=0.0)
    except Exception:  # whatever is wrong with the model, the original question can still be searched
        return otherwise
    return first_line(str(reply.text))


def condense_prompt(question: str, history: Sequence[BaseMessage], language: str) -> list[BaseMessage]:
    """Return the messages of the rewriting call."""
    asked, answered, last, rewritten = LABELS[language]
    asked_before = questions_of(history)[-TURNS:]
    answers = [str(message.text) for message in history if message.type == "ai"][-len(asked_before) :]
    answers += [""] * (len(asked_before) - len(answers))
    turns = [
        f"{asked}: {before}\n{answered}: {' '.join(answer.split())[:ANSWER_CHARACTERS]}"
        for before, answer in zip(asked_before, answers, strict=True)
    ]
    talk = "\n".join([*turns, f"{last}: {question}", f"{rewritten}:"])
    return [SystemMessage(RULES[language]), HumanMessage(talk)]


def first_line(reply: str) -> str:
    """Return the question itself out of what the model said."""
    line = next((line.strip() for line in reply.splitlines() if line.strip()), "")
    return re.sub(r"^[^:?]{0,40}:\s+", "", line).strip(" \"'«»“”")


def is_sound(rewritten: str, question: str, history: Sequence[BaseMessage]) -> bool:
    """Tell whether a rewritten question is one, and made of the conversation's words."""
    words = content(rewritten)
    if not words.stems or len(rewritten) > 4 * len(question) + 200:
        return False
    talk = content("\n".join([question, *questions_of(history), *(str(message.text) for message in history)]))
    return words.covered_by(talk) >= KNOWN and content(question).covered_by(words) >= KNOWN / 2
