"""Who is in the workspace when it is new: people, the bot, channels; and whose token is whose."""

from typing import Any

Row = dict[str, Any]

TEAM = "T0SANDBOX1"
PARTNER_TEAM = "T0PARTNER1"
SISTER_TEAM = "T0SISTER01"  # another workspace of our organisation, on Enterprise Grid
ENTERPRISE = "E0SANDBOX1"
TEAM_NAME, TEAM_DOMAIN = "Lantern", "lantern"
APP = "A0FOLIO001"
BOT = "B0FOLIO001"
BOT_USER = "U0FOLIO001"
SLACKBOT = "USLACKBOT"
BOT_TOKEN, APP_TOKEN = "xoxb-sandbox", "xapp-sandbox"
PERSON_TOKEN = "xoxp-"  # noqa: S105 - and then the person's name
SCOPES = (
    "app_mentions:read,assistant:write,channels:history,channels:read,chat:write,commands,files:read,files:write,"
    "groups:history,groups:read,im:history,im:read,im:write,mpim:history,mpim:read,reactions:write,users:read"
)
COMMANDS = frozenset(  # of the app, as its manifest says
    {"/folio", "/ask", "/summarize", "/docs", "/help", "/forget-me", "/sentiment", "/extract", "/attention"}
)
CREATED = 1_767_225_600  # the first second of 2026

PEOPLE = (
    ("alice", "Alice Martin", "en-US"),
    ("bob", "Bob Keller", "en-US"),
    ("carol", "Carol Dubois", "fr-FR"),
    ("guest", "Gustav (guest)", "en-US"),
    ("dana", "Dana Rossi (Partner)", "en-US"),
)
TEAMMATES = ("alice", "bob", "carol")
CHANNELS: tuple[tuple[str, bool, tuple[str, ...], str], ...] = (  # name, private, members, purpose
    ("general", False, TEAMMATES, "Everything that concerns everyone"),
    ("team", False, TEAMMATES, "Day-to-day work"),
    ("finance", True, ("alice", "bob"), "Budgets and salaries"),
    ("open-house", False, (*TEAMMATES, "guest"), "With our guest"),
    ("partner-project", False, ("alice", "bob", "dana"), "Shared with another company"),
)


def user_id(name: str) -> str:
    """Return the id of a person who was here from the start."""
    return f"U0{name.upper():0<8}"


def first_users() -> list[Row]:
    """Return the people, the bot, and Slack's own voice."""
    people = [make_user(user_id(name), name, real, locale) for name, real, locale in PEOPLE]
    for person in people:
        if person["name"] == "guest":
            person["is_restricted"] = True
        if person["name"] == "dana":
            person["team_id"] = PARTNER_TEAM
    bot = make_user(BOT_USER, "folio", "Folio", "en-US") | {"is_bot": True}
    bot["profile"] |= {"api_app_id": APP, "bot_id": BOT}
    return [*people, bot, make_user(SLACKBOT, "slackbot", "Slackbot", "en-US")]


def make_user(user: str, name: str, real_name: str, locale: str = "en-US") -> Row:
    """Return a full member's user object."""
    return {
        "id": user,
        "team_id": TEAM,
        "name": name,
        "deleted": False,
        "color": "9f69e7",
        "real_name": real_name,
        "tz": "Europe/Paris",
        "tz_label": "Central European Time",
        "tz_offset": 3600,
        "profile": {
            "title": "",
            "real_name": real_name,
            "real_name_normalized": real_name,
            "display_name": name,
            "display_name_normalized": name,
            "email": f"{name}@lantern.example",
            "team": TEAM,
        },
        "is_admin": name == "alice",
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": False,
        "is_ultra_restricted": False,
        "is_bot": False,
        "is_app_user": False,
        "updated": CREATED,
        "locale": locale,
    }


def first_channels() -> list[Row]:
    """Return the channels, and each person's direct message with the bot."""
    channels = [
        make_channel(
            f"C0{name.replace('-', '').upper():0<8}"[:11], name, user_id("alice"), private=private, purpose=purpose
        )
        | {"_members": [*(user_id(member) for member in members), BOT_USER]}
        for name, private, members, purpose in CHANNELS
    ]
    for channel in channels:
        channel["is_general"] = channel["name"] == "general"
        channel["is_ext_shared"] = channel["is_shared"] = channel["name"] == "partner-project"
    return [*channels, *(make_dm(f"D0{name.upper():0<8}", [user_id(name), BOT_USER]) for name, _, _ in PEOPLE)]


def make_channel(channel: str, name: str, creator: str, *, private: bool, purpose: str = "") -> Row:
    """Return a channel's object; its members stand in `_members`."""
    return {
        "id": channel,
        "name": name,
        "name_normalized": name,
        "is_channel": True,
        "is_group": False,
        "is_im": False,
        "is_mpim": False,
        "is_private": private,
        "created": CREATED,
        "updated": CREATED * 1000,
        "creator": creator,
        "is_archived": False,
        "is_general": False,
        "is_shared": False,
        "is_org_shared": False,
        "is_ext_shared": False,
        "is_pending_ext_shared": False,
        "context_team_id": TEAM,
        "topic": {"value": "", "creator": "", "last_set": 0},
        "purpose": {"value": purpose, "creator": creator, "last_set": CREATED},
        "_members": [],
    }


def make_dm(channel: str, members: list[str]) -> Row:
    """Return a direct message's object."""
    return {
        "id": channel,
        "created": CREATED,
        "updated": CREATED * 1000,
        "is_im": True,
        "is_mpim": False,
        "is_archived": False,
        "is_org_shared": False,
        "context_team_id": TEAM,
        "priority": 0,
        "_members": members,
    }
