"""Each sentence is checked before it goes out: cut, cited or left out."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.answering.cite import Grounded, Sentences, bare, cited, insert, is_frame, readable, unbracketed
from handlers.answering.lines import Line, lines_of
from handlers.answering.locate import locate_source, places_of
from handlers.answering.verify import LexicalVerifier
from handlers.pieces import Source
from handlers.text.overlap import content, digits, numbers
from indexing.document import Passage
from indexing.library import Page


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

    checked = Grounded(LexicalVerifier(), question, language, PASSAGES, lines_of(PASSAGES))
    shown = [piece async for piece in checked.check(stream())]
    return "".join(piece.markdown for piece in shown), checked


async def test_a_wrong_citation_is_reassigned_to_the_passage_that_supports() -> None:
    shown, checked = await grounded("A hotel room may cost at most 140 euros [1].")
    assert shown == "A hotel room may cost at most 140 euros [1]."
    assert checked.sources[0].passage.page == 3  # numbered anew, by first appearance


async def test_a_citation_of_a_passage_that_was_not_given_never_shows() -> None:
    shown, checked = await grounded("Interns get ten days [7].")
    assert shown == "Interns get ten days [1]."
    assert checked.sources[0].passage.page == 2


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


@pytest.mark.parametrize(
    "said",
    [
        "NOT IN THE PASSAGES.",
        "The passages do not mention the leave of managers.",
        "There is no information about it in the documents.",
        "I cannot answer this question.",
    ],
)
async def test_nothing_bears_a_denial(said: str) -> None:
    """No list of phrases is needed: no line of a document says it."""
    assert (await grounded(said))[0] == ""
    shown, _ = await grounded(f"Interns get ten days [1]. {said}")
    assert shown.strip() == "Interns get ten days [1]."


async def test_a_sentence_in_another_language_than_the_questions_is_not_shown() -> None:
    shown, _ = await grounded("Les stagiaires ont dix jours de congés payés chaque année.", language="en")
    assert shown == ""


async def test_a_leading_yes_or_no_is_left_to_the_sentence() -> None:
    shown, _ = await grounded("Yes, interns get ten days [1].", "Do interns get leave?")
    assert shown == "Interns get ten days [1]."


def test_a_row_is_read_with_the_names_of_its_columns() -> None:
    row = Line(0, "Robots delivered | 312 | 427", "Our year – Figure | 2024 | 2025")
    assert readable(row) == "Robots delivered – 2024: 312; 2025: 427"


def test_an_item_is_read_with_what_its_list_is_about() -> None:
    assert readable(Line(0, "• fines", "We never pay")) == "We never pay: fines"


def test_places_are_named_once_for_each_document() -> None:
    pages = [passage("", 5), passage("", 3), passage("", 2, "policy.pdf"), passage("", 3)]
    assert places_of(pages) == "handbook.pdf, p. 3, 5; policy.pdf, p. 2"


def test_numbers_are_compared_as_values() -> None:
    assert digits("91,250 euros") == digits("91 250 euros") == digits("91250 euros")
    assert "7" in numbers("seven days") & numbers("sept jours")
    assert digits("1,5 %") == digits("1.5 %")


@pytest.mark.parametrize("text", ["2023 120 150", "2025\n120 | 150", "In 2023 there were 120 users."])
def test_numbers_side_by_side_stay_two(text: str) -> None:
    assert "120" in numbers(text)


def test_a_number_is_one_however_it_is_grouped_or_padded() -> None:
    assert digits("5 410") == digits("5,410") == {"5410"}
    assert digits("520,00 €") == digits("520 €")
    assert digits("09:30") == digits("9:30")
    assert digits("0,750") != digits("750")


def test_content_words_are_compared_by_their_stems_in_either_language() -> None:
    assert content("employees").covered_by(content("an employee")) == 1
    assert content("congés payés").covered_by(content("le congé payé")) == 1
    assert content("elephants").covered_by(content("an employee")) == 0


def test_a_mark_stands_before_the_full_stop() -> None:
    assert insert("It is so. \n", " [1]") == "It is so [1]. \n"
    assert insert("Run `ls`", " [1]") == "Run `ls` [1]"
    assert insert("Run `ls`.", " [1]") == "Run `ls` [1]."
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


def test_a_quote_is_cited_on_its_own_page() -> None:
    over_two = replace(passage("Lunch is free. Dinner costs 12 euros."), page=3, last_page=4)
    pages = [Page(number=3, text="Lunch is free."), Page(number=4, text="Dinner costs\n12 euros.")]
    cited_page = locate_source(Source(1, over_two, "Dinner costs 12 euros."), pages).passage
    assert (cited_page.page, cited_page.last_page) == (4, 4)
    assert locate_source(Source(1, over_two, "Something else."), pages).passage == over_two
