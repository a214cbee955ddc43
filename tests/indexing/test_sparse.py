"""Words as BM25 compares them, in French and in English."""

import pytest

from indexing.sparse import of_passage, of_question, terms, words


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
    found = words("call read.table on /etc/pam.d or 10.0.2.2")
    assert {"read.table", "table", "etc/pam.d", "pam", "10.0.2.2", "10"} <= set(found)


def test_words_of_every_question_are_left_out() -> None:
    assert words("What is the name of the file?") == ["name", "file"]
    assert words("Quelle est la durée de l'année ?") == ["durée", "année"]


def test_a_question_in_one_language_finds_both_languages_words() -> None:
    assert of_question("Combien d'installations ?").keys() & of_passage("des installations", "fr").keys()
    assert of_question("How many installations?").keys() & of_passage("installations", "en").keys()


def test_a_rare_word_of_a_short_text_weighs_more_than_of_a_long_one() -> None:
    (weight,) = of_passage("zinc", "en").values()
    long = of_passage("zinc " + " ".join(f"word{i}" for i in range(200)), "en")
    assert weight > long[next(iter(of_question("zinc")))]


def test_only_stop_words_make_no_vector() -> None:
    assert of_question("What is it?") == {}
