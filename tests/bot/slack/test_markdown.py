"""What the model writes becomes plain words: no mention, no link, no picture, whatever it is cut into."""

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.slack.markdown import (
    JOINER,
    SafeStream,
    closing,
    is_address,
    link,
    mrkdwn,
    mrkdwn_link,
    open_fence,
    quoted,
    readable,
    safe,
    split,
)  # fmt: skip

NASTY = (
    "<!channel>", "<!here|here>", "<@U0123ABC>", "<#C1|general>", "<!subteam^S1>", "[label](https://evil.example/?d=1)",
    "![x](https://evil.example/p.png)", "[a][b]", "[b]: https://evil.example", "<https://evil.example|x>",
    "<mailto:a@b.example>", "https://evil.example", "HTTP://EVIL.COM", "www.evil.com", "evil.com/secret", "@channel",
    "a.b@evil.com", "@everyone", "&lt;!channel&gt;", "javascript:alert(1)", "[a]( https://evil.com )", "ftp://x", "]",
    "evil.pw/login", "evil.host", "пример.испытание", "xn--e1.xn--p1ai", "203.0.113.7/x", "10.0.0.1:80/x",
    "(", ":", "/", "//", "<", "@", "!", ".", "com", "www", "```", "**", "_", "|", "\\", "&", "[1]", "handbook.pdf",
    "\n", " ", "\n```\n", "```py", "~~~", "`", "    ", "C:/x",
)  # fmt: skip
texts = st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=8)), max_size=30).map("".join)
LIVE = re.compile(
    r"\]\(|\]\[|\]:|://|<[@#!]|&lt;[@#!]|<[a-z][a-z0-9+.-]*:|[\w.+%-]@[\w-]|@(channel|here|everyone)\b|\bwww\.|\w\.(com|pw|host|xn--\w+|испытание)(?![\w-])|\d\.\d{1,3}[:/]\w",
    re.IGNORECASE,
)


@settings(deadline=None)  # on a busy machine an example may take long
@given(texts)
def test_nothing_that_could_be_live_is_left(text: str) -> None:
    assert not LIVE.search(safe(text))


@settings(deadline=None)  # on a busy machine an example may take long
@given(texts)
def test_only_joiners_are_added(text: str) -> None:
    assert safe(text).replace(JOINER, "") == text.replace(JOINER, "")


@settings(deadline=None)  # on a busy machine an example may take long
@given(texts)
def test_safe_is_safe_again(text: str) -> None:
    assert safe(safe(text)) == safe(text)


@settings(deadline=None)  # on a busy machine an example may take long
@given(texts, st.lists(st.integers(min_value=0, max_value=200), max_size=12))
def test_a_text_in_parts_is_the_whole(text: str, cuts: list[int]) -> None:
    stream, edges = SafeStream(), [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    parts = [stream.add(text[a:b]) for a, b in pairwise(edges)]
    assert "".join(parts) + stream.rest() == readable(text)


@settings(deadline=None)  # on a busy machine an example may take long
@given(texts)
def test_an_address_becomes_code_only_where_that_ends_no_other_code(text: str) -> None:
    """Outside of code, as Markdown finds it from the left, nothing is live; in ours is an address."""
    shown = readable(text)
    outside = without_code(shown)
    assert not LIVE.search(outside)
    assert shown.replace(JOINER, "").replace("`", "") == text.replace(JOINER, "").replace("`", "")


def without_code(markdown: str) -> str:
    """Return a text without its blocks of code, and without its code spans that hold an address."""
    markdown = without_fences(markdown)
    runs = list(re.finditer(r"`+", markdown))
    out, at = "", 0
    while runs:
        opening = runs.pop(0)
        closing_run = next((run for run in runs if len(run[0]) == len(opening[0])), None)
        if closing_run is None:
            continue
        inside = markdown[opening.end() : closing_run.start()]
        if re.fullmatch(r"[\w.%+~:/?=&;#@-]+", inside, re.ASCII):
            out, at = out + markdown[at : opening.start()], closing_run.end()
        runs = runs[runs.index(closing_run) + 1 :]
    return out + markdown[at:]


def without_fences(markdown: str) -> str:
    """Return a text without its fenced blocks, as Markdown finds them line by line."""
    kept, mark = [], ""
    for line in markdown.split("\n"):
        found = re.fullmatch(r" {0,3}(`{3,}|~{3,})[\w+-]*\s*", line)
        if not mark and found:
            mark = found[1]
        elif mark and found and line.strip() == found[1] and found[1].startswith(mark):
            mark = ""
        elif not mark:
            kept.append(line)
    return "\n".join(kept)


@pytest.mark.parametrize(
    "written",
    [
        "Write to (dora.quill@lantern.example).", "**bob@lantern.example**", "on lantern.dev or www.lantern.dev",
        "see https://intranet.lantern.dev/x?y=1&z=2,", "at 10.0.0.7:8080/login",
        "`x` and dora@lantern.example", "Read `setup.app`!",
        "```python\nself.name = request.app\n```\nthen dora@lantern.example", "C:/Users/dora",
    ],
)  # fmt: skip
def test_what_people_copy_has_nothing_invisible_in_it(written: str) -> None:
    for shown in (readable(written), mrkdwn(written), *([] if "```" in written else [quoted(written)])):
        assert JOINER not in shown
    assert readable(readable(written)) == readable(written)


def test_an_address_is_code() -> None:
    assert readable("Write to (dora.quill@lantern.example).") == "Write to (`dora.quill@lantern.example`)."
    assert readable("on lantern.dev, not in handbook.pdf") == "on `lantern.dev`, not in handbook.pdf"
    assert JOINER in readable("[a@b.example](https://evil.example)")
    assert JOINER in readable("`open code and dora@lantern.example")


def test_in_a_block_of_code_nobody_is_notified() -> None:
    assert readable("```\n<!channel> @here\n```") == f"```\n<{JOINER}!channel> @{JOINER}here\n```"
    assert JOINER in readable("``` not a fence\nlantern.dev")
    assert JOINER in readable("    ```\nlantern.dev")


@settings(deadline=None)  # on a busy machine an example may take long
@given(st.lists(st.sampled_from([word for word in NASTY if not word.isspace()]), min_size=200, max_size=300))
def test_a_word_without_end_is_not_held_back_for_ever(words: list[str]) -> None:
    stream = SafeStream()
    out = "".join(stream.add(word) for word in words)
    assert out
    assert not LIVE.search(without_code(out + stream.rest()))


@settings(deadline=None)  # on a busy machine an example may take long
@given(texts)
def test_nothing_is_live_in_the_older_notation(text: str) -> None:
    """Slack reads only <…> as its own there, and everything of that kind is escaped."""
    said = mrkdwn(text)
    assert "<" not in said
    assert not LIVE.search(without_code(said))


@settings(deadline=None)  # on a busy machine an example may take long
@given(texts, texts)
def test_only_our_own_link_is_a_link(label: str, quote: str) -> None:
    said = mrkdwn_link(label, "https://team.slack.example/files/U1/F1/x.pdf") + quoted(quote)
    assert said.count("<") == 1
    assert re.match(r"<https://team\.slack\.example/files/U1/F1/x\.pdf\|[^<>|]*>", said)


@settings(deadline=None)  # on a busy machine an example may take long
@given(texts)
def test_a_label_never_ends_its_link_early(label: str) -> None:
    made = link(label, "https://a.example/x")
    assert made.endswith("](https://a.example/x)")
    assert made.count("](") == 1


@settings(deadline=None)  # on a busy machine an example may take long
@given(texts)
def test_an_address_that_is_none_makes_no_link(text: str) -> None:
    for bad in (f"javascript:{text}", f"https://a.example/{text}>x", f"https://a.example/ {text}", ""):
        assert not is_address(bad)
        assert "<" not in mrkdwn_link("handbook.pdf", bad)


def test_names_and_citations_stay_as_they_are() -> None:
    for text in ("See handbook.pdf, p. 12 [1][2].", "a < b and b > c", "10:30", "List<String> x", "e.g. 3.14"):
        assert safe(text).replace(f"[1]{JOINER}[2]", "[1][2]") == text


def test_bold_and_headings_are_translated() -> None:
    assert mrkdwn("## Leave\n**27 days** & more\n> quoted") == "*Leave*\n*27 days* &amp; more\n> quoted"


@settings(deadline=None)  # on a busy machine an example may take long
@given(st.text(max_size=400), st.integers(min_value=4, max_value=200))
def test_a_cut_loses_nothing_and_fits(text: str, room: int) -> None:
    head, tail = split(text, room)
    assert head + tail == text
    assert len(head.encode()) <= room


def test_a_cut_prefers_the_end_of_a_paragraph() -> None:
    assert split("One.\n\nTwo and three.", 8) == ("One.\n\n", "Two and three.")


def test_an_open_fence_is_known() -> None:
    assert open_fence("text\n```python\nx = 1\n") == "```python"
    assert open_fence("```\nx\n```\ntext") == ""
    assert open_fence("~~~~\n```\n~~~\n") == "~~~~"
    assert closing("~~~~") == "~~~~"
    assert closing("```python") == "```"


@pytest.mark.parametrize("text", ["_evil.com_", "so _see evil.pw_ now", "*evil.com*_", "__www.evil.icu__"])
def test_an_address_in_italics_is_no_link_either(text: str) -> None:
    """Its last letter has the mark of the italics behind it, which Slack takes away."""
    assert LIVE.search(without_code(safe(text)).replace("_", "").replace("*", "")) is None


@pytest.mark.parametrize("text", ["_https://wiki.example.com/a_", "https://wiki.example.com/a…"])
def test_an_address_in_italics_or_before_an_ellipsis_can_be_copied(text: str) -> None:
    assert "`https://wiki.example.com/a`" in readable(text)
