"""What a fusion found is weighed anew: by nearness, and by how much of the question stands in one place."""

import numpy as np
import pytest

from indexing.rescore import Phrasing, attach_relevance, rescored, without_duplicates
from indexing.sparse import of_passage
from indexing.vector_store import Hit

ASKED = Phrasing("Who repairs a broken laptop?", np.array([1, 0], np.float32), 1.0)


def hit(name: str, text: str, *, cosine: float, fused: float, page: str = "", language: str = "en") -> Hit:
    return Hit(
        name, {"text": text, "language": language, "document_id": "d", "position": 0, "page": 1, "last_page": 1},
        np.array([cosine, 0], np.float32), fused, frozenset(of_passage(text, language)),
        frozenset(of_passage(page or text, language)),
    )  # fmt: skip


def order(*hits: Hit, phrasings: tuple[Phrasing, ...] = (ASKED,)) -> list[str]:
    return [one.id for one in rescored(hits, phrasings)]


def test_the_nearest_meaning_outweighs_a_word_shared_by_chance() -> None:
    """Reciprocal ranks put the chance word first, since the nearest has no word of the question."""
    near = hit("near", "The help desk mends machines.", cosine=0.92, fused=0.03)
    chance = hit("chance", "The window was broken.", cosine=0.83, fused=0.05)
    assert order(chance, near) == ["near", "chance"]


def test_of_two_as_near_the_one_with_the_words_of_the_question_is_first() -> None:
    plain = hit("plain", "The help desk mends machines.", cosine=0.85, fused=0.05)
    said = hit("said", "A broken laptop is repaired by the help desk.", cosine=0.85, fused=0.03)
    assert order(plain, said) == ["said", "plain"]


def test_words_that_stand_in_one_sentence_count_more_than_scattered_ones() -> None:
    scattered = hit("scattered", "A laptop is lent. The window was broken. He repairs it.", cosine=0.85, fused=0.05)
    together = hit("together", "He repairs a broken laptop. A car is lent. It rains.", cosine=0.85, fused=0.03)
    assert order(scattered, together) == ["together", "scattered"]


def test_the_words_of_the_page_around_a_chunk_count_a_little() -> None:
    alone = hit("alone", "Ask the help desk.", cosine=0.85, fused=0.05)
    among = hit("among", "Ask the help desk.", cosine=0.85, fused=0.03, page="Broken laptops. Ask the help desk.")
    assert order(alone, among) == ["among", "alone"]


def test_a_french_chunk_is_read_with_french_stems() -> None:
    asked = Phrasing("Qui répare les ordinateurs cassés ?", np.array([1, 0], np.float32), 1.0)
    plain = hit("plain", "L'accueil ouvre à neuf heures.", cosine=0.85, fused=0.05, language="fr")
    said = hit("said", "On répare un ordinateur cassé à l'accueil.", cosine=0.85, fused=0.03, language="fr")
    assert order(plain, said, phrasings=(asked,)) == ["said", "plain"]


def test_what_a_follow_up_means_decides_between_what_both_phrasings_found() -> None:
    asked = Phrasing("And when does it open?", np.array([1, 0], np.float32), 1.0)
    meant = Phrasing("When does the canteen open?", np.array([1, 0], np.float32), 0.5)
    office = hit("office", "The office opens at nine.", cosine=0.85, fused=0.05)
    canteen = hit("canteen", "The canteen opens at noon.", cosine=0.85, fused=0.03)
    assert order(office, canteen, phrasings=(asked, meant)) == ["canteen", "office"]


def test_the_best_has_the_relevance_of_the_answer_and_the_others_less() -> None:
    hits = rescored([hit("a", "x", cosine=0.9, fused=0.03), hit("b", "y", cosine=0.8, fused=0.04)], [ASKED])
    first, second = attach_relevance(hits, 0.6)
    assert first.relevance == pytest.approx(0.6)
    assert 0 < second.relevance < 0.6


def test_a_question_without_words_is_ordered_by_meaning_alone() -> None:
    asked = Phrasing("what is it?", np.array([1, 0], np.float32), 1.0)
    assert order(hit("far", "it is", cosine=0.8, fused=0.05), hit("near", "", cosine=0.9, fused=0.03),
                 phrasings=(asked,)) == ["near", "far"]  # fmt: skip


@pytest.mark.parametrize(
    ("other", "count"),
    [
        ("Full-time staff of the firm may work from home for up to three days of each week.", 2),
        ("Full-time staff of the firm may not work from home for up to two days of each week.", 2),
        ("Full-time staff of the firm may work from home for up to two days of every week.", 1),
    ],
)
def test_another_number_or_a_negation_makes_another_rule_of_the_same_sentence(other: str, count: int) -> None:
    """The new edition of a policy says three where the old one said two: neither may push the other out."""
    text = "Full-time staff of the firm may work from home for up to two days of each week."
    old = hit("old", text, cosine=0.9, fused=0.05)
    new = hit("new", other, cosine=0.9, fused=0.04)
    assert len(without_duplicates(attach_relevance(rescored((old, new), (ASKED,)), 0.5))) == count
