"""Who a message without a mention is for: silence where people talk to each other, an answer where they talk to us."""

import pytest

from bot.slack.addressing import SEVERAL, Hearing, Talk, hear, is_closing, last_after, speech_of

BOT = "UBOT"
OURS = Talk(is_ours=True, partners=frozenset({"UALICE"}))
DOCUMENT = Talk(is_document=True)


def heard(talk: Talk, text: str, user: str = "UALICE", verb: str = "chat") -> Hearing:
    """Tell whom a message is for."""
    return hear(talk, speech_of(text, BOT, verb), user)


@pytest.mark.parametrize("text", ["and for part-timers?", "Explain that in French", "Et au bout de six ans ?"])
def test_whoever_asked_us_goes_on_without_a_mention(text: str) -> None:
    assert heard(OURS, text) == "ours"


@pytest.mark.parametrize("text", ["and for part-timers?", "Où est-ce écrit ?"])
def test_a_question_of_somebody_else_below_our_answer_is_for_us(text: str) -> None:
    assert heard(OURS, text, "UBOB") == "ours"


@pytest.mark.parametrize("text", ["I will tell the team.", "Je m'en occupe."])
def test_a_remark_of_somebody_who_never_asked_us_is_not(text: str) -> None:
    assert heard(OURS, text, "UBOB") == "others"


@pytest.mark.parametrize(
    "text",
    [
        "<@UBOB> can you send me the invoice please?",
        "what do you think, <@W123ABC|bob>?",
        "<!here> who has the keys?",
        "<!subteam^S123|@office> is it open?",
        "<!channel> lunch?",
    ],
)
@pytest.mark.parametrize("talk", [OURS, DOCUMENT])
def test_a_message_that_mentions_other_people_is_for_them(talk: Talk, text: str) -> None:
    assert heard(talk, text) == "others"


def test_two_people_who_talk_to_each_other_are_not_interrupted() -> None:
    """Bob said something that was not for us; what Alice says next is for Bob, question or not."""
    between = Talk(is_ours=True, partners=frozenset({"UALICE"}), last="UBOB")
    assert heard(between, "really?") == "others"
    assert heard(between, "when do we meet?", "UCAROL") == "others"
    assert heard(between, "stop", verb="stop") == "ours"


def test_somebody_who_writes_twice_is_not_two_people() -> None:
    assert heard(Talk(is_ours=True, partners=frozenset({"UALICE"}), last="UALICE"), "and in winter?") == "ours"


@pytest.mark.parametrize(
    "text",
    ["thanks", "Thank you so much!", "Merci beaucoup :slightly_smiling_face:", "ok, got it", ":+1:", "d’accord, merci",
     "Parfait !", "great, that helps", "👍"],
)  # fmt: skip
def test_thanks_need_no_answer(text: str) -> None:
    assert is_closing(text)
    assert heard(OURS, text) == "others"


@pytest.mark.parametrize(
    "text",
    ["ok?", "thanks, and how long is the notice?", "no it is 29", "help me with the form", "and again", "yes",
     "c'est bien la réponse"],
)  # fmt: skip
def test_what_goes_on_is_not_thanks(text: str) -> None:
    assert not is_closing(text)


@pytest.mark.parametrize(
    ("text", "hearing"),
    [
        ("How many days of leave?", "document"),
        ("Combien de jours de congé ?", "document"),
        ("I like it", "others"),
        ("page 3 is wrong", "others"),
        ("thanks!", "others"),
    ],
)
def test_below_a_document_that_was_only_dropped_questions_count(text: str, hearing: Hearing) -> None:
    assert heard(DOCUMENT, text, "UBOB") == hearing


@pytest.mark.parametrize(
    ("listens", "talk", "text", "hearing"),
    [
        ("mention", OURS, "and for part-timers?", "others"),
        ("mention", DOCUMENT, "How many days of leave?", "others"),
        ("questions", Talk(), "How many days of leave?", "document"),
        ("questions", Talk(), "I will be late", "others"),
        ("questions", Talk(), "<@UBOB> when do we meet?", "others"),
        ("questions", OURS, "and for part-timers?", "ours"),
    ],
)
def test_a_channel_says_what_is_listened_to(listens: str, talk: Talk, text: str, hearing: Hearing) -> None:
    assert hear(talk, speech_of(text, BOT, "chat"), "UALICE", listens) == hearing


def test_stop_is_heard_in_our_thread_whatever_the_channel_wants() -> None:
    assert hear(OURS, speech_of("stop", BOT, "stop"), "UALICE", "mention") == "ours"


def test_elsewhere_nothing_is_for_us() -> None:
    assert heard(Talk(), "and for part-timers?") == "others"


@pytest.mark.parametrize(
    ("before", "text", "after"),
    [
        ("", "I will tell the team.", "UALICE"),
        ("UALICE", "All of it.", "UALICE"),
        ("UBOB", "All of it.", SEVERAL),
        ("", "<@UBOB> can you send it?", SEVERAL),
        ("", "thanks", ""),
        ("UBOB", "thanks", "UBOB"),
    ],
)
def test_who_wrote_last_is_kept_until_we_are_addressed(before: str, text: str, after: str) -> None:
    assert last_after(Talk(is_ours=True, last=before), speech_of(text, BOT, "chat"), "UALICE") == after
