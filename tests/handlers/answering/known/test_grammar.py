"""Which sentences are known before any search: precise rather than greedy, in both languages."""

import json
from pathlib import Path

import pytest

from handlers.answering.known.grammar import is_one_letter_off, known_sentence, known_sentences, tokens_of
from handlers.answering.known.translate import wish_with_text

EVALUATION = Path(__file__).parents[3] / "evaluation"
QUESTIONS = [
    json.loads(line)["question"]
    for file in [*sorted((EVALUATION / "questions").glob("*.jsonl")), EVALUATION / "qa2" / "development.jsonl"]
    for line in file.read_text("utf-8").splitlines()
]


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("How many pages does orca-manual.pdf have?", "pages", {"document": "orca-manual.pdf"}),
        ("hey folio, can you tell me how many slides are in Spring onboarding, please?", "pages",
         {"document": "Spring onboarding"}),
        ("how many pages?", "pages", {}),
        ("combien de pages a le règlement intérieur ?", "pages", {"document": "le règlement intérieur"}),
        ("Le manuel fait combien de pages stp", "pages", {"document": "Le manuel"}),
        ("et combien de pages ?", "pages", {}),
        ("What's the title of this document?", "title", {"document": "this document"}),
        ("quel est le titre de bail.pdf", "title", {"document": "bail.pdf"}),
        ("Who shared the price list and when?", "shared", {"document": "the price list"}),
        ("qui a partagé le tarif ?", "shared", {"document": "le tarif"}),
        ("quand le tarif a-t-il été partagé ?", "shared", {"document": "le tarif"}),
        ("List all the sections of the Orca manual.", "outline", {"document": "the Orca manual"}),
        ("Which chapters does it have?", "outline", {"document": "it"}),
        ("Peux-tu lister les chapitres du manuel ?", "outline", {"document": "manuel"}),
        ("quel est le sommaire de ce document", "outline", {"document": "ce document"}),
        ("What is on page 12?", "page", {"page": "12"}),
        ("show me the last page of lease.pdf", "page", {"page": "last", "document": "lease.pdf"}),
        ("What does page iv of the manual say?", "page", {"page": "iv", "document": "the manual"}),
        ("Qu’y a-t-il à la page 4 du règlement ?", "page", {"page": "4", "document": "règlement"}),
        ("montre-moi la dernière page", "page", {"page": "dernière"}),
        ("Which documents mention a deposit?", "mentions", {"words": "a deposit"}),
        ("Quels documents parlent de la caution ?", "mentions", {"words": "la caution"}),
        ("where is “Northwind” mentioned?", "mentions", {"words": "Northwind"}),
        ("What documents do you have?", "list", {}),
        ("list all documents", "list", {}),
        ("Quels documents as-tu ici ?", "list", {}),
        ("montre moi les documents", "list", {}),
        ("What changed between policy-2025.pdf and policy-2026.pdf?", "changes",
         {"first": "policy-2025.pdf", "second": "policy-2026.pdf"}),
        ("compare the two files here", "changes", {"both": "the two files here"}),
        ("What's new in the latest version of the remote policy?", "changes",
         {"both": "the latest version", "document": "the remote policy"}),
        ("Qu'est-ce qui a changé entre les deux versions du règlement ?", "changes",
         {"both": "les deux versions", "document": "règlement"}),
        ("Which is the newest edition of the remote policy?", "newest", {"document": "the remote policy"}),
        ("quelle est la dernière version du règlement ?", "newest", {"document": "règlement"}),
    ],
)  # fmt: skip
def test_questions_about_documents_are_known_with_what_they_name(text: str, kind: str, words: dict[str, str]) -> None:
    known = known_sentence(text)
    assert known
    assert (known.kind, known.words) == (kind, words)


def test_no_question_to_what_stands_in_documents_is_taken() -> None:
    """Four hundred questions that people put to contracts, handbooks and manuals."""
    assert len(QUESTIONS) > 400
    assert [text for text in QUESTIONS if known_sentences(text) or wish_with_text(text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "How many pages must a report have at least?",
        "Which documents must I bring on the first day?",
        "Which documents do I need for the visa?",
        "What is on the menu?",
        "What is the list of approved suppliers?",
        "What does clause 4 say?",
        "Show me the approved suppliers.",
        "Combien de pages doit compter un rapport ?",
        "Quels documents faut-il apporter ?",
        "Qui partage les frais ?",
        "Que dit l'article 4 ?",
        "How many pages does the report have and who signs it?",
        "List the documents that the landlord must hand over.",
        "what is the newest model?",
        "Compare the rents of the two warehouses.",
    ],
)
def test_questions_with_the_same_words_that_ask_for_content_are_not_taken(text: str) -> None:
    assert known_sentence(text) is None


@pytest.mark.parametrize(
    "text",
    ["How many pagse does it have?", "Combien de pges a lease.pdf ?", "what documets do you have", "list the secions"],
)
def test_one_wrong_letter_does_not_matter(text: str) -> None:
    assert known_sentence(text)


def test_short_words_are_not_guessed() -> None:
    assert known_sentence("whta documents do you have") is None


def test_the_words_of_a_name_stay_as_they_were_written() -> None:
    """A name may be one letter from a word of the grammar: Chanes.pdf is not changes.pdf."""
    known = known_sentence("how many pages does Chapter has.pdf Documens have?")
    assert known
    assert known.words["document"] == "Chapter has.pdf Documens"


def test_the_language_is_the_sentence_s() -> None:
    assert [known_sentence(text).language for text in ("list the documents", "liste les documents")] == ["en", "fr"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "text", ["", "?!", "page " * 2000, "how many pages does" + " very" * 60 + " long have", "{[(|"]
)
def test_odd_texts_are_no_known_sentences(text: str) -> None:
    assert known_sentence(text) is None


def test_contractions_and_pronouns_are_words() -> None:
    assert [token.folded for token in tokens_of("What’s in l'Été.pdf, a-t-il ?")] == [
        "what", "is", "in", "l", "ete.pdf", "a", "t", "il",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("word", "other", "near"),
    [("pagse", "pages", True), ("pags", "pages", True), ("paages", "pages", True), ("pagas", "pages", True),
     ("gapse", "pages", False), ("page", "pages", True), ("pagesxx", "pages", False), ("pages", "pages", False)],
)  # fmt: skip
def test_one_letter_is_missing_wrong_more_or_swapped(word: str, other: str, near: bool) -> None:
    assert is_one_letter_off(word, other) is near or word == other


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("who are you?", ["identity"]),
        ("hey folio, are you a robot?", ["identity"]),
        ("qui es-tu ?", ["identity"]),
        ("Quel est ton nom ?", ["identity"]),
        ("What can you do?", ["abilities"]),
        ("que peux-tu faire pour nous ?", ["abilities"]),
        ("Who can see my documents?", ["privacy"]),
        ("who can read the files that I share here?", ["privacy"]),
        ("Do you send our data to OpenAI?", ["privacy"]),
        ("do you send anything outside?", ["privacy"]),
        ("Qui peut lire mes questions ?", ["privacy"]),
        ("où vont mes documents ?", ["privacy"]),
        ("Est-ce que tu envoies nos documents à l'extérieur ?", ["privacy"]),
        ("Thanks a lot!", ["thanks"]),
        ("ok thank you :+1:", ["thanks"]),
        ("Merci beaucoup", ["thanks"]),
        ("Hello!", ["greeting"]),
        ("Bonjour Folio", ["greeting"]),
        ("Who are you and where do my documents go?", ["identity", "privacy"]),
        ("Bonjour, qui es-tu ?", ["identity"]),
        ("merci, et qui peut voir mes documents ?", ["thanks", "privacy"]),
        ("Translate that into French", ["translate"]),
        ("peux-tu traduire ça en anglais ?", ["translate"]),
        ("in English please", ["translate"]),
        ("How do you say notice period in French?", ["translate"]),
        ("remove minutes.docx", ["remove"]),
        ("supprime le compte-rendu", ["remove"]),
    ],
)
def test_what_is_said_to_folio_itself_is_known(text: str, kinds: list[str]) -> None:
    assert [known.kind for known in known_sentences(text)] == kinds


@pytest.mark.parametrize(
    "text",
    [
        "Who can see the salaries?",
        "Who can access our data?",
        "Where do our documents have to be kept?",
        "Who are our suppliers?",
        "Who are you supposed to call when the alarm rings?",
        "What can you do when the machine stops?",
        "Do you send the invoice before the delivery?",
        "Is our data stored in Europe?",
        "How do you work the press?",
        "Thanks to whom did the team win?",
        "What is the greeting of the hotline?",
        "Hello! Say one short sentence.",
        "Which words are translated in the glossary?",
        "What is written in English?",
        "Qui peut voir les salaires ?",
        "Où sont conservés les contrats ?",
        "Qui êtes-vous tenu d'appeler en cas d'alarme ?",
        "Que faut-il faire de mes vieux documents ?",
        "Merci de résumer le manuel",
        "Qui traduit les contrats en anglais ?",
        "Who are you and what is the notice period?",
    ],
)
def test_what_only_looks_like_it_is_left_to_documents_and_model(text: str) -> None:
    assert known_sentences(text) == []
    assert wish_with_text(text) is None
