"""How a channel wants the assistant to behave: shown with a button for each choice, changed by whoever is there."""

from handlers.pieces import Choice, Choices, Pieces, Text, UserError
from handlers.request import ChannelWishes, Request, Services
from handlers.text.language import request_language
from handlers.text.messages import say

CHOICES = {
    "listens": ("mention", "threads", "questions"), "documents": ("on", "off"), "receipts": ("on", "off"),
    "language": ("own", "en", "fr"),
}  # fmt: skip


async def settings(request: Request, services: Services) -> Pieces:
    """Show and change how I behave in this channel: what I listen to, documents, receipts, language."""
    language = request_language(request)
    if request.channel.startswith("D"):
        raise UserError(say("settings.only_channels", language))
    if request.text:
        changes = [wish_in(wish, language) for wish in request.text.split(";")]
        if not await may_change(request, services):
            raise UserError(say("settings.not_yours", language))
        for name, value in changes:
            await services.channels.change(request.team, request.channel, name, value)
        yield Text(say("settings.changed", language))
    wishes = await services.channels.of(request.team, request.channel)
    for name, values in CHOICES.items():
        yield row(name, values, value_of(wishes, name), language)
    yield Choices("", (Choice(say("settings.modal_button", language), "settings_modal"),))


async def may_change(request: Request, services: Services) -> bool:
    """Tell whether somebody may say how we behave in a channel: its members may, and admins; not who only looks in."""
    is_member = await services.team.is_member(request.channel, request.user)
    return is_member or await services.team.is_admin(request.user)


def wish_in(text: str, language: str) -> tuple[str, str]:
    """Read `listens questions`, `documents off`; raise UserError for what is no setting."""
    name, _, value = text.strip().lower().partition(" ")
    if value.strip() not in CHOICES.get(name, ()):
        known = ", ".join(f"`{name} {'|'.join(values)}`" for name, values in CHOICES.items())
        raise UserError(say("settings.unknown", language, known=known))
    return name, value.strip()


def value_of(wishes: ChannelWishes, name: str) -> str:
    """Return a setting's value as people write it."""
    value = getattr(wishes, name)
    if name == "language":
        return value or "own"
    return value if isinstance(value, str) else "on" if value else "off"


def row(name: str, values: tuple[str, ...], now: str, language: str) -> Choices:
    """Return a setting's line: what holds now, and buttons for what else there is."""
    others = [value for value in values if value != now]
    buttons = [
        Choice(say(f"settings.{name}_{value}_button", language), "settings", text=f"{name} {value}") for value in others
    ]
    return Choices(f"**{say(f'settings.{name}', language)}** {say(f'settings.{name}_{now}', language)}", tuple(buttons))
