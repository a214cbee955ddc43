"""The page's scripts on hostile text, in Node: no text makes them fail, and none finds what it should not."""

import json
import shutil
import subprocess

import pytest

from bot.sandbox.server import PAGE

DOCUMENT = """
class Element { constructor() { this.children = [] } setAttribute() {} append(...some) { this.children.push(...some) } }
globalThis.document = { createElement: () => new Element(), documentElement: { lang: 'en' } };
globalThis.location = { origin: 'http://127.0.0.1' };
globalThis.navigator ??= { language: 'en' };
globalThis.localStorage = { getItem: () => null };
const words = (node) => typeof node === 'string' ? node : node.children.map(words).join(' ');
"""


def shown(script: str, function: str, text: str) -> str:
    """Return the words that a function of the page makes of a text."""
    node = shutil.which("node")
    if not node:
        pytest.skip("needs Node")
    code = f"""{DOCUMENT}
    const {{ {function} }} = await import({json.dumps(f"file://{PAGE / script}")});
    console.log([{function}({json.dumps(text)})].flat().map(words).join(' '));"""
    done = subprocess.run(
        [node, "--input-type=module", "--stack-size=400", "-e", code], capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("text", [">" * 3000 + " words", "\n".join("  " * n + "- words" for n in range(200))])
def test_quotes_and_lists_within_each_other_have_an_end(text: str) -> None:
    assert "words" in shown("markdown.js", "markdown", text)


@pytest.mark.parametrize("name", ["constructor", "toString", "__proto__"])
def test_what_is_no_emoji_stays_what_was_written(name: str) -> None:
    assert shown("mrkdwn.js", "mrkdwn", f":{name}:").strip() == f":{name}:"
