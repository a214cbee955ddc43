"""Summaries: the whole text is read, every point has its pages, and no length makes it fail."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.outputs import ChatResult

from handlers import HANDLERS
from handlers.pieces import Text, UserError
from handlers.request import Request, Services, unheard
from handlers.summarizing.methods import MOST_POINTS, SummaryPoint, Work, beginning, map_reduce, spread
from handlers.summarizing.points import parts_of, points_of
from handlers.summarizing.wish import Wish, wish_of
from indexing.document import Document
from indexing.library import Library, Page, Receipt
from tests.handlers.conftest import ScriptedModel, Shown

Asked = Callable[..., Request]
Do = Callable[[Request], Awaitable[Shown]]
Shares = Callable[..., Awaitable[Receipt]]
SUBJECTS = ["leave", "travel", "badges", "lunch", "laptops", "parking", "training", "visitors", "safety", "heating"]


def count(text: str) -> int:
    return len(text.split())


class Echo(ScriptedModel):
    """Repeats the first line of each page that it is given as a point."""

    def _next(self, messages, options):  # type: ignore[no-untyped-def]
        self.asked.append(messages)
        text = str(messages[1].content)
        lines = [line for line in text.splitlines() if line.startswith(("Chapter", "- Chapter"))]
        return "\n".join("- " + line.removeprefix("- ") for line in lines[:4])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", Wish("", "", "")),
        ("this document please", Wish("", "", "")),
        ("handbook.pdf", Wish("handbook.pdf", "", "")),
        ("the file annual report.pdf refine", Wish("annual report.pdf", "refine", "")),
        ("map-reduce", Wish("", "map_reduce", "")),
        ("manuel.pdf Map Reduce in English", Wish("manuel.pdf", "map_reduce", "en")),
        ("le document en français", Wish("", "", "fr")),
        ("orca-manual.pdf in 3 bullet points", Wish("orca-manual.pdf", "", "", points=3)),
        ("le manuel.pdf en cinq phrases", Wish("manuel.pdf", "", "", points=5)),
        ("orca.pdf in 100 words", Wish("orca.pdf", "", "", points=5)),
        ("briefly orca.pdf in French", Wish("orca.pdf", "", "fr", points=3)),
        ("orca.pdf en bref", Wish("orca.pdf", "", "", points=3)),
        ("chapter 3 of orca-manual.pdf", Wish("orca-manual.pdf", "", "", section="3")),
        ("le chapitre Nettoyage du manuel.pdf", Wish("manuel.pdf", "", "", section="Nettoyage")),
        ("section “Faults” in orca.pdf", Wish("orca.pdf", "", "", section="Faults")),
        ("pages 2-3 of orca.pdf", Wish("orca.pdf", "", "", pages=("2", "3"))),
        ("les pages 2 à 5 de manuel.pdf", Wish("manuel.pdf", "", "", pages=("2", "5"))),
        ("page iv of orca.pdf", Wish("orca.pdf", "", "", pages=("iv", "iv"))),
        ("the first three pages of orca.pdf", Wish("orca.pdf", "", "", pages=("first", "3"))),
        ("les 2 dernières pages", Wish("", "", "", pages=("last", "2"))),
        ("orca.pdf for a beginner", Wish("orca.pdf", "", "", reader="beginner")),
        ("le manuel.pdf pour un débutant", Wish("manuel.pdf", "", "", reader="débutant")),
        ("report-chapter-3.pdf", Wish("report-chapter-3.pdf", "", "")),
        ("Lease part 2.pdf", Wish("Lease part 2.pdf", "", "")),
        ("3 points from chapter 2 of orca.pdf", Wish("orca.pdf", "", "", points=3, section="2")),
    ],
)
def test_a_wish_names_file_method_and_language_in_any_order(text: str, wanted: Wish) -> None:
    assert wish_of(text) == wanted


MANUAL = """Orca 5, the coffee roaster

1. Installation

The roaster needs a socket of 16 amperes.

2. Cleaning

The chaff drawer is emptied every evening.

3. Faults

Code E-4311 means that the drum does not turn.
"""


@pytest.mark.parametrize(
    ("asks", "inside", "outside"),
    [("chapter 2 of orca.md", "chaff", "drum"), ("the section on faults of orca.md", "drum", "chaff"),
     ("section Installation", "socket", "chaff"), ("le chapitre 3 de orca.md", "drum", "socket"),
     ("page 1 of orca.md", "socket", "bananas")],
)  # fmt: skip
async def test_a_part_of_a_document_is_summarised_alone(
    asks: str, inside: str, outside: str, shares: Shares, do: Do, asked: Asked, model: ScriptedModel
) -> None:
    await shares("orca.md", MANUAL)
    model.says(*["Bananas."] * 3)
    await do(asked("summarize", asks))
    prompts = "\n".join(str(messages[1].content) for messages in model.asked)
    assert inside in prompts
    assert outside not in prompts


@pytest.mark.parametrize(("asks", "said"), [("chapter 9 of orca.md", "Installation"), ("pages 7-9", "has 1 pages")])
async def test_a_part_that_is_not_there_gets_a_sentence(
    asks: str, said: str, shares: Shares, do: Do, asked: Asked
) -> None:
    await shares("orca.md", MANUAL)
    with pytest.raises(UserError, match=said):
        await do(asked("summarize", asks))


async def test_a_name_that_looks_like_a_part_is_a_name(
    shares: Shares, do: Do, asked: Asked, model: ScriptedModel
) -> None:
    await shares("Lease part 2.md", MANUAL)
    model.says(*["- The chaff drawer is emptied every evening."] * 3)
    assert "chaff" in (await do(asked("summarize", "lease part 2"))).text


async def test_as_many_points_as_wished_for_the_reader_that_is_named(
    shares: Shares, do: Do, asked: Asked, model: ScriptedModel
) -> None:
    await shares("orca.md", MANUAL)
    points = ["The roaster needs a socket of 16 amperes.", "The chaff drawer is emptied every evening.",
              "Code E-4311 means that the drum does not turn."]  # fmt: skip
    model.says(*["\n".join(f"- {point}" for point in points)] * 2)
    shown = await do(asked("summarize", "the nice orca.md in two points for beginners"))
    assert sum(line.startswith("- ") for line in shown.text.splitlines()) == 2
    assert "beginners" in str(model.asked[0][0].content)


def test_a_point_names_pages_as_people_call_them() -> None:
    labels = {2: "slide 2", 3: "", 4: "p. iv (PDF 4)"}
    assert SummaryPoint("Lunch is free.", (2, 3, 4)).line(labels.__getitem__) == (
        "- Lunch is free. (slide 2, p. 3, p. iv (PDF 4))"
    )


@given(st.lists(st.integers(1, 50), min_size=1, max_size=20), st.integers(1, 15))
@settings(deadline=None)
def test_never_more_points_than_wished(pages: list[int], most: int) -> None:
    thinned = spread([SummaryPoint(str(place), (page,)) for place, page in enumerate(pages)], most)
    assert len(thinned) == min(most, len(pages))


async def test_every_point_has_its_page(shares: Shares, do: Do, asked: Asked, model: ScriptedModel) -> None:
    await shares("handbook.md", "Paid leave. Full-time employees get 27 days of paid leave each year.")
    model.says("- Full-time employees get 27 days of paid leave.\n- Everybody gets 99 new company cars.")
    shown = await do(asked("summarize", "handbook.md"))
    assert "- Full-time employees get 27 days of paid leave. (p. 1)" in shown.text
    assert "99" not in shown.text
    assert "Covers (p. 1 of 1)" in shown.text
    assert shown.sources  # so that it can be withdrawn with the document


async def test_a_model_that_says_nothing_usable_leaves_the_documents_own_sentences(
    shares: Shares, do: Do, asked: Asked, model: ScriptedModel
) -> None:
    await shares("handbook.md", "Paid leave. Full-time employees get 27 days of paid leave each year.")
    model.says("Bananas ripen quicker beside elephants.")
    assert "27 days" in (await do(asked("summarize"))).text


async def test_an_unknown_name_gets_a_clear_sentence(shares: Shares, do: Do, asked: Asked) -> None:
    await shares("handbook.md", "Paid leave is 27 days.")
    with pytest.raises(UserError, match=r"no document named `handbok.md`.*`handbook.md`"):
        await do(asked("summarize", "handbok.md"))


async def test_without_documents_it_says_how_to_share_one(do: Do, asked: Asked) -> None:
    with pytest.raises(UserError, match="Drop a document"):
        await do(asked("summarize"))


async def test_the_default_is_the_document_shared_last_here(
    shares: Shares, do: Do, asked: Asked, model: ScriptedModel
) -> None:
    await shares("old.md", "Paid leave is 27 days for all employees.", ts="100.0")
    await shares("new.md", "Hotel rooms cost at most 140 euros for employees.", ts="200.0")
    model.says("- Hotel rooms cost at most 140 euros.")
    assert "new.md" in (await do(asked("summarize"))).text


async def test_a_shortcut_summarises_the_message_it_was_used_on(do: Do, asked: Asked, model: ScriptedModel) -> None:
    model.says("- Nora orders twelve lamps for the Leeds office.")
    said = "Hi all, Nora orders twelve lamps for the office in Leeds, they should come on Friday. Thanks!"
    pressed = asked("summarize", said, message_ts="5.0")
    assert (await do(pressed)).text == "- Nora orders twelve lamps for the Leeds office."
    with pytest.raises(UserError, match="no text"):
        await do(asked("summarize", "", message_ts="5.0"))


async def test_a_book_is_brought_together_in_rounds_that_hear_its_end(model: ScriptedModel) -> None:
    """Forty parts have more points than one prompt can merge: the last chapters are not cut off."""
    names = ["".join(letters) for letters in product("bdfgklmnprst", "aeiou", "bdfgklmnprst")]
    pages = [
        Page(number=n, text="Chapter of " + " and ".join(names[3 * n : 3 * n + 3]) + f" rule {n}.")
        for n in range(1, 161)
    ]
    parts = parts_of(pages, count, 60)
    assert len(parts) > 20
    points = await map_reduce(parts, Work(Echo(), count, "en", 60, unheard))
    assert len(points) <= MOST_POINTS
    assert points[0].pages[0] <= 20
    assert points[-1].pages[0] > 90


@pytest.mark.parametrize("method", ["stuff", "map_reduce", "refine"])
async def test_a_hundred_pages_never_fail_for_length(
    method: str, services: Services, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every page is in some prompt, no prompt is longer than the model's context, and the end says what was covered."""
    pages = [
        Page(number=n, text=f"Chapter {n} explains {SUBJECTS[n % 10]} rule {n}.\n" + "More words follow here. " * 60)
        for n in range(1, 101)
    ]
    document = Document(
        id="d",
        name="long.pdf",
        pages=100,
        pages_with_text=100,
        chunks=300,
        language="en",
        added_at=1.0,
        shares=(_share(),),
    )

    async def documents(self: Library, readable_by: object) -> list[Document]:
        return [document]

    async def all_pages(self: Library, document_id: str, **_: object) -> list[Page]:
        return pages

    monkeypatch.setattr(Library, "documents", documents)
    monkeypatch.setattr(Library, "pages", all_pages)
    model = Echo()
    small = replace(services, model=model, context_tokens=1600)
    pieces = [piece async for piece in HANDLERS["summarize"](asked("summarize", method), small)]
    text = "".join(piece.markdown for piece in pieces if isinstance(piece, Text))
    prompts = ["\n".join(str(message.content) for message in messages) for messages in model.asked]
    assert all(any(f"Chapter {n} " in prompt for prompt in prompts) for n in range(1, 101))
    assert max(map(count, prompts)) + 350 <= 1600
    assert "pages 1-100 of 100" in text
    assert all("(p. " in line for line in text.splitlines() if line.startswith("- "))


def _share():  # type: ignore[no-untyped-def]
    from indexing.document import Share

    return Share(channel="C1", file_id="F", user="U1", ts="1.0", permalink="", name="long.pdf")


@given(st.lists(st.text(alphabet="ab. \n", max_size=400), min_size=1, max_size=12), st.integers(20, 200))
@settings(max_examples=60, deadline=None)
def test_every_page_with_text_is_in_some_part_and_pages_never_go_backwards(texts: list[str], most: int) -> None:
    pages = [Page(number=n, text=text) for n, text in enumerate(texts, start=1)]
    parts = parts_of(pages, lambda text: len(text) // 3, most)
    seen = [page.number for part in parts for page in part.pages]
    assert seen == sorted(seen)
    assert set(seen) == {page.number for page in pages if page.text.strip()}


def test_a_point_names_the_pages_that_say_it() -> None:
    (part,) = parts_of(
        [Page(number=4, text="Hotel rooms cost at most 140 euros."), Page(number=5, text="Lunch is free.")], count, 500
    )
    (point,) = points_of(
        "- Hotel rooms cost at most 140 euros (page 9).\n- Cars cost 12 euros a day here.", part.page_profiles
    )
    assert point.line() == "- Hotel rooms cost at most 140 euros. (p. 4)"


def test_a_long_draft_leaves_room_for_the_next_part() -> None:
    draft = [SummaryPoint("word " * 100, (n,)) for n in range(1, 12)]
    shown = beginning(draft, Work(ScriptedModel(), count, "en", 100, unheard))
    assert sum(count(point.text) for point in shown) <= Work.DRAFT_TOKENS
    assert shown == draft[: len(shown)] != []


def test_points_are_thinned_from_beginning_to_end() -> None:
    points = [SummaryPoint(str(page), (page,)) for page in range(40, 0, -1)]
    pages = [point.pages[0] for point in spread(points, 12)]
    assert pages == sorted(pages)
    assert (len(pages), pages[0], pages[-1]) == (12, 1, 40)


async def test_a_reader_who_leaves_ends_all_parts() -> None:
    started, ended = 0, 0

    class Slow(ScriptedModel):
        async def _agenerate(self, *arguments: object, **options: object) -> ChatResult:
            nonlocal started, ended
            started += 1
            try:
                await asyncio.sleep(60)
            finally:
                ended += 1
            raise AssertionError("nobody waited so long")

    parts = parts_of([Page(number=n, text="Lunch is free. " * 9) for n in range(1, 4)], count, 30)
    reading = asyncio.create_task(map_reduce(parts, Work(Slow(), count, "en", 30, unheard)))
    await asyncio.sleep(0.01)
    reading.cancel()
    await asyncio.wait([reading])
    assert started == ended > 1
