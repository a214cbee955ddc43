"""English or French: said of a text, and not guessed where nothing speaks for either."""

import pytest

from indexing.language import language_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Where do systemd unit files belong?", "en"),
        ("quel délai", "fr"),
        ("Le jury compte cinq personnes.", "fr"),
        ("The total of the invoice is due within thirty days. " * 200, "en"),
    ],
)
@pytest.mark.parametrize("default", ["en", "fr"])
def test_a_text_has_its_language_whatever_is_expected(text: str, language: str, default: str) -> None:
    assert language_of(text, default) == language


@pytest.mark.parametrize("text", ["", "42", "Apple's Mail program uses SQLite.", "La police Opus."])
@pytest.mark.parametrize("default", ["en", "fr"])
def test_names_and_figures_are_of_the_language_that_is_expected(text: str, default: str) -> None:
    assert language_of(text, default) == default
