"""Words as BM25 compares them, in French and in English."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from indexing.sparse import of_passage, of_question, stems, terms, tokens


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("en", "uploading packages", "uploaded package"),
        ("fr", "les élèves installés", "ELEVE installe"),
        ("fr", "l'administrateur", "administrateurs"),
        ("fr", "jusqu’où d’œuvre", "où oeuvre"),
    ],
)
def test_forms_of_a_word_are_one_term(language: str, one: str, other: str) -> None:
    assert set(terms(one, language)) == set(terms(other, language))


def test_compounds_count_whole_and_in_parts() -> None:
    found = tokens("call read.table on /etc/pam.d or 10.0.2.2")
    assert {"read.table", "table", "etc/pam.d", "pam", "10.0.2.2", "10"} <= set(found)


def test_words_of_every_question_are_left_out() -> None:
    assert tokens("What is the name of the file?") == ["name", "file"]
    assert tokens("Quelle est la durée de l'année ?") == ["durée", "année"]


def test_a_question_in_one_language_finds_both_languages_words() -> None:
    assert of_question("Combien d'installations ?").keys() & of_passage("des installations", "fr").keys()
    assert of_question("How many installations?").keys() & of_passage("installations", "en").keys()


def test_a_rare_word_of_a_short_text_weighs_more_than_of_a_long_one() -> None:
    (weight,) = of_passage("zinc", "en").values()
    long = of_passage("zinc " + " ".join(f"word{i}" for i in range(200)), "en")
    assert weight > long[next(iter(of_question("zinc")))]


def test_only_stop_words_make_no_vector() -> None:
    assert of_question("What is it?") == {}


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Threads that take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def test_documents_side_by_side_have_the_stems_of_one_alone(eager_threads: None) -> None:
    """Two files are indexed at once in two threads; a stemmer of the library holds one word at a time."""
    plain = stems.__wrapped__
    known = [f"{start}{middle}{end}" for start in ("install", "organis", "nation") for middle in ("at", "al", "ement")
             for end in ("ions", "ing", "ively", "ées", "ment")]  # fmt: skip
    alone = [plain(word, "fr") for word in known]
    with ThreadPoolExecutor(4) as threads:
        together = threads.map(lambda _: [plain(word, "fr") for word in known], range(40))
        assert all(found == alone for found in together)
