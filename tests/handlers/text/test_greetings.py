"""A message that only greets, against one that says more."""

import pytest

from handlers.text.greetings import is_greeting


@pytest.mark.parametrize("text", ["hi", "Hello!", "Hey there :wave:", "Good morning, Folio", "BONJOUR", "salut à tous…",
                                  "Bonsoir l’équipe", "coucou 👋"])  # fmt: skip
def test_a_greeting_alone(text: str) -> None:
    assert is_greeting(text)


@pytest.mark.parametrize("text", ["", "hi, how many days of leave?", "Bonjour, résume le contrat", "hello world",
                                  "high", "say hello", "good", "salutations distinguées", "hi5"])  # fmt: skip
def test_a_message_that_says_more(text: str) -> None:
    assert not is_greeting(text)
