"""Text as people wrote it, whatever the typesetter did."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexing.reading.cleanup import is_garbled, is_glued, repair, without_glyph_names


@pytest.mark.parametrize(
    ("broken", "whole"),
    [
        ("d´etails d´ecoup´es", "détails découpés"),
        ("poin¸cons de la fa¸cade", "poinçons de la façade"),
        ("un maˆıtre, une id´ee, ambigu¨ıt´e", "un maître, une idée, ambiguïté"),
        ("`a la main, d`es l’´et´e, apr`es no¨el", "à la main, dès l’été, après noël"),
        ("oﬃcial ﬁle", "official file"),
        ("informa- \ntion", "information"),
        ("modi-\nﬁed", "modified"),
        ("a-\nb-\nc", "abc"),
        ("c’est-à-\ndire", "c’est-à-dire"),
        ("Jean-Fran-\nçois", "Jean-François"),
        ("socio-écono-\nmique", "socio-économique"),
        ("a state-of-\nthe-art", "a state-of-the-art"),
        ("peut-\nêtre", "peut-être"),
        ("a non-\nfree licence", "a non-free licence"),
        ("reverse-\ndepends, and reverse-depends", "reverse-depends, and reverse-depends"),
        ("Debian-\nbased. Debian is based on it.", "Debian-based. Debian is based on it."),
        ("under-\nstand: under it they stand and understand", "understand: under it they stand and understand"),
        ("l’objet \x13 tˆete de note \x14", "l’objet « tête de note »"),
        ("B¨arenreiter", "Bärenreiter"),
    ],
)
def test_what_tex_took_apart_is_put_together(broken: str, whole: str) -> None:
    assert repair(broken) == whole


@pytest.mark.parametrize("text", ["type `apt` or `echo $HOME`", "a^2 + ~b", "10.0.2.2/8", "x | y | z", "UTF-\n8"])
def test_what_is_no_accent_stays(text: str) -> None:
    assert repair(text) == text


@given(st.text())
def test_repairing_twice_changes_nothing(text: str) -> None:
    once = repair(text)
    assert repair(once) == once


PROSE = "It is meant to be used for posts which should not be published publicly on the web."


def test_glued_lines_are_seen_on_a_page_that_is_mostly_well() -> None:
    page = [PROSE] * 20
    assert not is_glued("\n".join(page))
    assert is_glued("\n".join([*page, *[PROSE.replace(" ", "")] * 3]))


def test_listings_and_leaders_are_not_taken_for_glued_prose() -> None:
    leaders = "Installation. . . . . . . . . . . . . . . . . . . . . . . . . . . 14"
    assert not is_glued("\n".join([leaders, "/usr/share/doc/package/examples/very/long/path/name.conf"] * 8))


def test_glyph_names_are_garbage() -> None:
    assert is_garbled("/g12/g44/g3/g9" * 20)
    assert not is_garbled("The directory /games is empty.")


def test_glyph_names_of_a_score_go_and_its_text_stays() -> None:
    score = "A scale:\n/noteheads.s2 /noteheads.s2\n/clefs.G la /noteheads.s2"
    assert without_glyph_names(score, "A scale:\nh h\n& la h").split() == ["A", "scale:", "la"]


def test_paths_that_both_readers_see_are_no_glyph_names() -> None:
    paths = "Edit /rc.local and /rc.conf and /rc.d before."
    assert without_glyph_names(paths, paths) == paths


def test_where_the_other_reader_fails_nothing_goes() -> None:
    paths = "Edit /rc.local and /rc.conf and /rc.d before."
    assert without_glyph_names(paths, "") == paths
