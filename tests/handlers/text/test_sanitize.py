"""Nothing that the model writes is a link, a picture or a mention."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.text.sanitize import sanitize


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("See [the form](https://evil.example/?d=1).", "See the form."),
        ("![chart](https://evil.example/p.png) Sales rose.", "chart Sales rose."),
        ("Ask <@U123> or <!channel> now.", "Ask  or  now."),
        ("Hello @channel and @here", "Hello channel and here"),
        ("<https://evil.example|click here>", "click here"),
        ('<img src="https://evil.example/p.png"> Text', " Text"),
        ("javascript:alert", "(link left out)"),
        ("The form (https://evil.example/f) is here.", "The form (link left out) is here."),
    ],
)
def test_what_could_notify_or_link_is_taken_out(text: str, wanted: str) -> None:
    assert sanitize(text) == wanted


def test_an_address_of_a_passage_stays_as_characters_but_never_with_a_query() -> None:
    passage = "Bugs go to https://bugs.example.org/new and https://evil.example/?d=secret."
    assert sanitize("Go to https://bugs.example.org/new.", [passage]) == "Go to https://bugs.example.org/new."
    assert sanitize("See https://wiki.example.org/new.", ["See https://wiki.\nexample.org/new."]).endswith("org/new.")
    assert "evil" not in sanitize("Go to https://evil.example/?d=secret.", [passage])


@pytest.mark.parametrize(
    "text",
    [
        "Use `fill = TRUE` and read.spss.",
        "It is master.debian.org:~debian/misc/irc-password.",
        "/etc/pam.d/common-session",
        r"Write \cite[1642-1]{cciv} or \book.",
        "Lock files are LCK.. in /var/lock.",
        "10.0.2.2 and 10 %, 40 Gio",
        "[VAC]",
        "A list:\n- one\n- two",
        "x[0] = a(b)",
    ],
)
def test_what_documents_are_made_of_stays(text: str) -> None:
    assert sanitize(text) == text


@given(st.text(alphabet="[]()!<>@#|:/.abchtps ?=\"'\n", max_size=80))
def test_no_text_yields_a_live_link_picture_or_mention(text: str) -> None:
    shown = sanitize(text)
    assert not re.search(r"!?\[[^\]\n]+\]\(\S+\)", shown) or "](" in text
    assert not re.search(r"<[@!#][^>\s]*>", sanitize(shown))
    assert not re.search(r"https?://[a-z]", shown)
