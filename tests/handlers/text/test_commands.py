"""A message's first word says what it wants; everything else is conversation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import ACTIONS
from handlers.text.commands import parse


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("ask How many days?", ("ask", "How many days?")),
        ("ASK: How many days?", ("ask", "How many days?")),
        ("/ask How many days?", ("ask", "How many days?")),
        ("ask", ("ask", "")),
        ("ask\nHow many\ndays?", ("ask", "How many\ndays?")),
        ("summarize handbook.pdf refine", ("summarize", "handbook.pdf refine")),
        ("Résume manuel.pdf", ("summarize", "manuel.pdf")),
        ("résumé", ("summarize", "")),
        ("docs", ("docs", "")),
        ("docs remove handbook.pdf", ("docs", "remove handbook.pdf")),
        ("help!", ("help", "help!")),
        ("Aide", ("help", "Aide")),
        ("?", ("help", "?")),
        ("stop", ("stop", "stop")),
        ("Arrête !", ("stop", "Arrête !")),
        ("forget", ("forget", "forget")),
        ("Oublie.", ("forget", "Oublie.")),
        ("forget me", ("forget_me", "forget me")),
        ("oublie-moi", ("forget_me", "oublie-moi")),
        ("extrais fournisseur, total", ("extract", "fournisseur, total")),
        ("sentiment I love it", ("sentiment", "I love it")),
        ("attention The cat sat.", ("attention", "The cat sat.")),
        ("settings", ("settings", "")),
        ("réglages", ("settings", "")),
        ("Settings listens questions", ("settings", "listens questions")),
        ("classify these", ("sentiment", "")),
        ("Please summarize orca-manual.pdf", ("summarize", "orca-manual.pdf")),
        ("Could you please summarise this thread?", ("recap", "this thread?")),
        ("Peux-tu résumer ce fil ?", ("recap", "ce fil ?")),
        ("merci de résumer le manuel", ("summarize", "le manuel")),
        ("Give me a summary of orca.pdf in 3 points", ("summarize", "of orca.pdf in 3 points")),
        ("Can you make a summary of orca.pdf?", ("summarize", "of orca.pdf?")),
        ("Donne-moi un résumé de manuel.pdf", ("summarize", "de manuel.pdf")),
        ("Pouvez-vous me faire un résumé du manuel", ("summarize", "du manuel")),
        ("Pleased to summarize it", ("chat", "Pleased to summarize it")),
        ("Classify all these reviews, please.", ("sentiment", "")),
        ("Classe ces avis", ("sentiment", "")),
    ],
)
def test_a_verb_in_either_language_is_understood(text: str, wanted: tuple[str, str]) -> None:
    assert parse(text, has_files=False) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "Help me write a mail",
        "Settings of the printer are lost",
        "Resume tips for a junior developer?",
        "Sentiment in the market is bad today",
        "Can you ask Bob for the keys?",
        "Please sentiment",
        "Classify the vehicles that the report names",
        "Classe !",
        "stop worrying about it",
        "forget what I said, but keep the rest",
        "docs are hard to write",
        "Attention, le serveur redémarre",
        "Attention à la marche",
        "Aide Paul à finir",
        "",
        "😀",
        "Summarize this:\nOnce upon a time there was a very long text.",
    ],
)
def test_a_sentence_that_only_begins_like_a_verb_stays_conversation(text: str) -> None:
    assert parse(text, has_files=False) == ("chat", text)


@pytest.mark.parametrize("text", ["", "here is the handbook", "summarize this", "help"])
def test_files_come_in_first_and_their_text_is_done_after(text: str) -> None:
    assert parse(text, has_files=True) == ("upload", text)


@pytest.mark.parametrize("text", ["sentiment", "extract total:number"])
def test_what_reads_files_itself_gets_them(text: str) -> None:
    assert parse(text, has_files=True)[0] == text.split(maxsplit=1)[0]


@given(st.text(), st.booleans())
def test_whatever_is_written_there_is_a_handler_for_it(text: str, has_files: bool) -> None:
    action, rest = parse(text, has_files)
    assert action in ACTIONS
    assert rest in text
