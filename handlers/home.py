"""The app's Home: one's documents, one's open questions, the way to be forgotten; to admins, settings and figures."""

from collections.abc import Sequence
from datetime import UTC, datetime

from handlers.context.documents import shared_at
from handlers.pieces import Choice, Choices, Pieces
from handlers.ports import WeekFigures
from handlers.request import Place, Request, Services
from handlers.text.messages import say
from indexing.document import Document, Share

MOST_DOCUMENTS, MOST_PLACES, MOST_QUESTIONS = 10, 5, 5  # of the 100 blocks of a Home
MOST_LOOKED_AT = 1_000  # of the newest documents that one may read: one's own are among them
LONGEST_QUESTION = 200  # characters


async def home(request: Request, services: Services) -> Pieces:
    """Show you, in my Home, your documents and who may read them, your open questions, and the way to be forgotten."""
    language = request.language
    documents = await services.library.documents(request.audience, limit=MOST_LOOKED_AT)
    own = [document for document in documents if shares_of(document, request.user)]
    yield Choices(f"**{say('home.documents', language, count=len(own))}**", ())
    for document in own[:MOST_DOCUMENTS]:
        yield Choices(await document_row(document, request, services), ())
    if len(own) > MOST_DOCUMENTS:
        yield Choices(say("home.more_documents", language, count=len(own) - MOST_DOCUMENTS), ())
    if not own:
        yield Choices(say("home.no_documents", language), ())
    if questions := await questions_text(request, services):
        yield Choices(questions, ())
    yield forgetting(language)
    if await services.team.is_admin(request.user):
        count = await services.library.count_documents(request.audience)
        yield Choices(figures_text(await services.figures.week(), count, language), ())
        if services.shown_settings:
            yield Choices(settings_text(services, language), ())


def shares_of(document: Document, user: str) -> list[Share]:
    """Return a person's shares of a document, newest first."""
    return sorted((share for share in document.shares if share.user == user), key=shared_at, reverse=True)


async def document_row(document: Document, request: Request, services: Services) -> str:
    """Return one document with where it may be read, and why."""
    channels = list(dict.fromkeys(share.channel for share in shares_of(document, request.user)))
    places = [place_text(await services.messages.place(one), request.language) for one in channels[:MOST_PLACES]]
    if len(channels) > MOST_PLACES:
        places.append(say("home.more_places", request.language, count=len(channels) - MOST_PLACES))
    head = say("home.document", request.language, name=document.name, pages=document.pages)
    return "\n".join([head, *(f"• {place}" for place in places)])


def place_text(place: Place, language: str) -> str:
    """Return where a document may be read, and by whom."""
    return say(f"home.{place.kind}", language, name=place.name, count=place.members)


async def questions_text(request: Request, services: Services) -> str:
    """Return what this person asked and the documents did not answer; "" for nothing."""
    questions = await services.questions.of_person(request.user)
    if not questions:
        return ""
    lines = [
        f"• {datetime.fromtimestamp(one.at, UTC).date().isoformat()}: {' '.join(one.text.split())[:LONGEST_QUESTION]}"
        for one in questions[:MOST_QUESTIONS]
    ]
    return "\n".join([f"**{say('home.questions', request.language, count=len(questions))}**", *lines])


def forgetting(language: str) -> Choices:
    """Return the row with the button that forgets this person."""
    button = Choice(
        say("forget.button", language), "forget_me", confirmed=True, confirm=say("forget.confirm", language),
        danger=True,
    )  # fmt: skip
    return Choices(say("forget.question", language), (button,))


def figures_text(week: WeekFigures, documents: int, language: str) -> str:
    """Return the figures of the last seven days, as far as there are any."""
    lines: Sequence[str] = [
        f"**{say('home.figures', language)}**",
        say("home.answers", language, answered=week.answered, unanswered=week.unanswered, failed=week.failed),
        say("home.thumbs", language, good=week.good, bad=week.bad),
        say("home.pages", language, documents=documents, unread=week.unread_pages),
    ]
    if week.slowest:
        slowest = say("home.slowest", language, action=week.slowest, seconds=round(week.slowest_seconds))
        lines = [*lines, slowest]
    return "\n• ".join([*lines, night_text(week, language)])


def night_text(week: WeekFigures, language: str) -> str:
    """Return when all was last compared with Slack."""
    if not week.night_at:
        return say("home.no_night", language)
    at = datetime.fromtimestamp(week.night_at, UTC)
    return say("home.night", language, at=f"{at:%Y-%m-%d %H:%M} UTC", documents=week.night_documents)


def settings_text(services: Services, language: str) -> str:
    """Return the settings that admins ask about, as they stand in the environment."""
    lines = [f"• {name} = {value}" for name, value in services.shown_settings.items()]
    return "\n".join([f"**{say('home.settings', language)}**", *lines, say("home.channel_settings", language)])
