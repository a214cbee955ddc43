"""Each sentence is checked before it goes out: cut, denied, cited, marked or dropped."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.answering.cite import Grounded, Sentences, bare, cited, insert, is_denial, is_frame, unbracketed
from handlers.answering.locate import locate_source
from handlers.answering.verify import ENOUGH_WORDS, NEAR, Evidence, Support, spans_of
from handlers.pieces import Source
from handlers.text.overlap import are_cognates, content, digits, numbers
from indexing.document import Passage
from indexing.embedder import Embedder
from indexing.library import Page
from tests.handlers.fakes import WordEncoder


def passage(text: str, page: int = 1, document: str = "handbook.pdf") -> Passage:
    return Passage(
        id=f"{document}{page}",
        document_id=document,
        document=document,
        text=text,
        page=page,
        last_page=page,
        heading="",
        permalink="",
        score=1.0,
        relevance=1.0,
    )


PASSAGES = [
    passage("Paid leave. Full-time employees get 27 days of paid leave each year. Interns get ten days.", 2),
    passage("A hotel room may cost at most 140 euros for each night. Receipts go to the accounting office.", 3),
]


async def grounded(said: str, question: str = "How many days of leave?", language: str = "en") -> tuple[str, Grounded]:
    """Let a model say something, three characters at a time; return what is shown."""

    async def stream() -> AsyncIterator[str]:
        for at in range(0, len(said), 3):
            yield said[at : at + 3]

    embedder = Embedder(WordEncoder)
    await embedder.start()
    checked = Grounded(Evidence(question, PASSAGES, embedder, language))
    shown = [piece async for piece in checked.check(stream())]
    await embedder.aclose()
    return "".join(piece.markdown for piece in shown), checked


async def test_a_wrong_citation_is_reassigned_to_the_passage_that_supports() -> None:
    shown, checked = await grounded("A hotel room may cost at most 140 euros [1].")
    assert shown == "A hotel room may cost at most 140 euros [1]."
    assert checked.sources[0].passage.page == 3  # numbered anew, by first appearance


async def test_a_citation_of_a_passage_that_was_not_given_never_shows() -> None:
    shown, checked = await grounded("Interns get ten days [7].")
    assert shown == "Interns get ten days [1]."
    assert checked.sources[0].passage.page == 2


@pytest.mark.parametrize(("currency", "added"), [("euros", 1.0), ("dollars", 0.0)])
async def test_what_a_sentence_tells_is_what_it_adds_to_the_question(currency: str, added: float) -> None:
    """The question's own words need not stand in the passage."""
    embedder = Embedder(WordEncoder)
    await embedder.start()
    question = "What may a hotel room on long business trips abroad cost?"
    evidence = Evidence(question, PASSAGES, embedder, "en")
    found = await evidence.supports(f"A hotel room on long business trips abroad may cost 140 {currency}.")
    await embedder.aclose()
    best = next(support for support in found if support.passage == 1)
    assert (best.added, best.covered >= ENOUGH_WORDS) == (added, False)
    assert replace(best, cosine=0.8).holds is (currency == "euros")


@pytest.mark.parametrize(
    ("said", "holds"),
    [
        ("Full-time employees get unlimited paid leave.", False),  # near, and all words but the one that counts
        ("Full-time employees get paid leave each year.", True),
        ("Yes, full-time employees get paid leave.", True),
        ("Full-time employees get paid leave for 27 long days.", True),  # its figure is there
    ],
)
async def test_of_what_a_sentence_tells_something_must_be_there(said: str, holds: bool) -> None:
    assert (await supported(said, "Do full-time employees get paid leave?", "en")).holds is holds


async def test_the_question_said_back_is_not_supported_by_nearness_alone() -> None:
    question = "May we bring purple elephants into a hotel room?"
    assert not (await supported("Yes, we may bring purple elephants into a hotel room.", question, "en")).holds
    assert (await supported("Yes, a hotel room may cost this each night.", question, "en")).holds


async def supported(sentence: str, question: str, language: str) -> Support:
    """Return the best support of a sentence, as if its meaning were just near to a passage's."""
    embedder = Embedder(WordEncoder)
    await embedder.start()
    best, *_ = await Evidence(question, PASSAGES, embedder, language).supports(sentence)
    await embedder.aclose()
    return replace(best, cosine=NEAR)


async def test_in_another_language_figures_and_names_support_where_words_cannot() -> None:
    question = "Combien peut coûter une nuit à Paris ?"
    assert (
        await supported("C'est écrit au chapitre « hotel room ».", "Où est-ce écrit, à quel chapitre ?", "fr")
    ).holds
    assert (await supported("On peut dépenser jusqu'à 140 euros chaque soir.", question, "fr")).holds
    assert not (await supported("On peut dépenser beaucoup chaque soir.", question, "fr")).holds
    assert not (await supported("On peut dépenser jusqu'à 130 euros chaque soir.", question, "fr")).holds
    asked_already = question.replace("Paris", "140 euros")
    assert not (await supported("On peut dépenser jusqu'à 140 euros chaque soir.", asked_already, "fr")).holds
    own = "Everybody can spend up to 140 coins every evening."
    assert not (await supported(own, "How much may one spend?", "en")).holds


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [("norvegien", "norwegian", True), ("serveur", "server", True), ("increas", "decreas", False),
     ("por", "por", False), ("contrat", "concert", False)],
)  # fmt: skip
def test_cognates(one: str, other: str, alike: bool) -> None:
    assert are_cognates(one, other) is are_cognates(other, one) is alike


def test_cognates_count_between_languages_only() -> None:
    said, there = content("la langue norvégienne"), content("a Norwegian word")
    assert said.covered_by(there) == 0
    assert said.covered_by(there, foreign=True) == 0.5


def test_a_citation_after_a_closing_quote_belongs_to_its_sentence() -> None:
    sentences = Sentences()
    found = [*sentences.add('It says "run it." [1] Then it ends. [2]'), *sentences.rest()]
    assert [cited(sentence) for sentence in found] == [[1], [2]]


async def test_citations_after_the_full_stop_belong_to_their_sentence() -> None:
    shown, _ = await grounded("Interns get ten days. [1] A hotel room may cost at most 140 euros. [2]")
    assert shown == "Interns get ten days [1]. A hotel room may cost at most 140 euros [2]."


async def test_one_passage_has_one_number_and_a_quote_for_each_sentence() -> None:
    shown, checked = await grounded(
        "Full-time employees get 27 days of paid leave each year [1]. Interns get ten days [1]."
    )
    assert shown.count("[1]") == 2
    assert len(checked.sources) == 1
    assert "27 days" in checked.sources[0].quote
    assert "Interns get ten days." in checked.sources[0].quote


async def test_a_number_in_words_supports_the_digit() -> None:
    assert (await grounded("Interns get 10 days of leave."))[0] == "Interns get 10 days of leave [1]."


async def test_an_invented_number_is_dropped_and_one_of_the_question_is_not() -> None:
    assert (await grounded("Full-time employees get 31 days of paid leave."))[0] == ""
    shown, _ = await grounded("In 2026 full-time employees get 27 days of paid leave.", "How many days in 2026?")
    assert "2026" in shown


async def test_what_introduces_goes_out_only_with_what_it_introduces() -> None:
    shown, _ = await grounded("Here are the rules:\n- Interns get ten days [1].\n- Purple elephants dance wildly.\n")
    assert shown.startswith("Here are the rules:\n- Interns get ten days [1].")
    assert "elephants" not in shown
    assert (await grounded("Here are the rules:\n- Purple elephants dance wildly.\n"))[0] == ""


async def test_a_model_in_a_circle_is_stopped() -> None:
    shown, checked = await grounded("Interns get ten days [1]. " * 50)
    assert shown.strip() == "Interns get ten days [1]."
    assert checked.is_over


async def test_a_no_at_the_beginning_ends_the_answer() -> None:
    shown, checked = await grounded("NOT IN THE PASSAGES. Interns get ten days [1].")
    assert (shown, checked.denied) == ("", True)


async def test_a_no_after_an_answer_is_left_out() -> None:
    shown, checked = await grounded("Interns get ten days [1]. The passages do not mention managers.")
    assert shown.strip() == "Interns get ten days [1]."
    assert not checked.denied


@pytest.mark.parametrize(
    "sentence",
    [
        "NOT IN THE PASSAGES",
        "PAS DANS LES PASSAGES.",
        "The passages do not mention this.",
        "I cannot answer this question.",
        "This is not mentioned in the provided passages.",
        "Les passages ne mentionnent pas ce sujet.",
        "Aucune information à ce sujet dans les passages.",
        "Je ne peux pas répondre à cette question.",
        "There is no information about it in the documents.",
    ],
)
def test_a_no_is_recognised_in_both_languages(sentence: str) -> None:
    assert is_denial(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "Employees do not pay for the train.",
        "The document must not leave the building.",
        "Il ne faut pas fermer la porte.",
        "Packages are not included in the release.",
        "You cannot use spaces in the name.",
        "Les documents ne sortent pas.",
        "No binaries may be placed in /etc.",
    ],
)
def test_a_fact_that_says_not_is_no_refusal(sentence: str) -> None:
    assert not is_denial(sentence)


def test_numbers_are_compared_as_values() -> None:
    assert numbers("91,250 euros") == numbers("91 250 euros") == numbers("91250 euros")
    assert "7" in numbers("seven days") & numbers("sept jours")
    assert digits("1,5 %") == digits("1.5 %")


def test_content_words_are_compared_by_their_stems_in_either_language() -> None:
    assert content("employees").covered_by(content("an employee")) == 1
    assert content("congés payés").covered_by(content("le congé payé")) == 1
    assert content("elephants").covered_by(content("an employee")) == 0


def test_a_mark_stands_before_the_full_stop() -> None:
    assert insert("It is so. \n", " [1]") == "It is so [1]. \n"
    assert insert("Run `ls`", " [1]") == "Run `ls` [1]"
    assert insert("Run `ls`.", " [1]") == "Run `ls` [1]."
    assert insert("It begins with LCK..", " [1]") == "It begins with LCK.. [1]"
    assert insert("And so on...", " [1]") == "And so on [1]..."
    assert insert("It says: “Run it.”", " [1]") == "It says: “Run it.” [1]"  # a quotation stays as it is
    assert insert("**It is so.**", " [1]") == "**It is so [1].**"


def test_a_heading_states_nothing() -> None:
    assert is_frame("Here are the steps:")
    assert is_frame("Yes.")
    assert not is_frame("27.")


def test_a_figure_in_brackets_is_no_citation() -> None:
    assert unbracketed("[27] days of leave [1].", 4) == "27 days of leave [1]."
    assert unbracketed("[2] The office opens [9].", 4) == "[2] The office opens [9]."


def test_a_code_in_brackets_is_no_citation() -> None:
    assert cited("The tag is [VAC] [2].") == [2]
    assert bare(r"Use \cite[1642-1]{cciv} [1].") == r"Use \cite[1642-1]{cciv}."


@given(
    st.lists(st.sampled_from(["It is so. ", "Why? ", "[1]", " [2, 3]", "\n- item ", "e.g. x", "Yes! "]), max_size=20),
    st.integers(1, 9),
)
def test_however_a_stream_is_cut_its_sentences_lose_nothing(parts: list[str], size: int) -> None:
    text = "".join(parts)
    whole, cut = Sentences(), Sentences()
    at_once = whole.add(text) + whole.rest()
    in_parts = [s for at in range(0, len(text), size) for s in cut.add(text[at : at + size])] + cut.rest()
    for found in (at_once, in_parts):
        letters = sorted("".join(found).replace(" ", ""))
        assert letters == sorted(text.replace(" ", ""))


def test_every_sentence_of_a_passage_can_be_quoted() -> None:
    assert [span.text for span in spans_of(PASSAGES)] == [
        "Paid leave. Full-time employees get 27 days of paid leave each year.",
        "Interns get ten days.",
        "A hotel room may cost at most 140 euros for each night.",
        "Receipts go to the accounting office.",
    ]


def test_a_quote_is_cited_on_its_own_page() -> None:
    over_two = replace(passage("Lunch is free. Dinner costs 12 euros."), page=3, last_page=4)
    pages = [Page(number=3, text="Lunch is free."), Page(number=4, text="Dinner costs\n12 euros.")]
    cited_page = locate_source(Source(1, over_two, "Dinner costs 12 euros."), pages).passage
    assert (cited_page.page, cited_page.last_page) == (4, 4)
    assert locate_source(Source(1, over_two, "Something else."), pages).passage == over_two
