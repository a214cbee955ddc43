"""Checks of the workspace: tokens, scopes, events."""

import os
from collections.abc import Iterator

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.doctor.finding import Finding, Findings, good, note, problem
from bot.settings import SlackSettings
from bot.slack.errors import SLACK_ERRORS
from bot.slack.tokens import wrong_token

APPS = "api.slack.com/apps -> your app"

SCOPES = {  # what does not work without it
    "app_mentions:read": "nobody is answered who mentions the assistant",
    "assistant:write": "Slack has no agent view for the app: no suggested questions, no Stop button",
    "channels:history": "threads in public channels are not read",
    "channels:read": "nobody's membership in public channels is known, so their documents stay closed",
    "chat:write": "no answer is posted and no progress shown",
    "commands": "slash commands and shortcuts do nothing",
    "files:read": "shared files can't be read",
    "files:write": "pictures and tables can't be posted",
    "groups:history": "threads in private channels are not read",
    "groups:read": "nobody's membership in private channels is known, so their documents stay closed",
    "im:history": "direct messages do not arrive",
    "im:read": "direct messages can't be told from channels",
    "im:write": "the assistant can't begin a direct message",
    "mpim:history": "group messages do not arrive",
    "mpim:read": "the members of group messages are not known",
    "users:read": "guests can't be told from members, so nothing beyond their own channel is used",
}

EVENTS = {  # what does not happen without it
    "app_mention": "mentions are not answered",
    "app_home_opened": "the Home tab stays empty",
    "agent_session_stopped": "Slack shows no Stop button",
    "channel_archive": "documents of an archived channel are kept until the nightly check",
    "channel_deleted": "documents of a deleted channel are kept until the nightly check",
    "channel_left": "documents of a channel that the assistant left are kept until the nightly check",
    "file_deleted": "a deleted file is kept until the nightly check",
    "file_unshared": "an unshared file is kept until the nightly check",
    "group_archive": "documents of an archived private channel are kept until the nightly check",
    "group_deleted": "documents of a deleted private channel are kept until the nightly check",
    "group_left": "documents of a private channel that the assistant left are kept until the nightly check",
    "member_joined_channel": "who joins a channel may ask about its documents up to a minute later",
    "member_left_channel": "who leaves a channel may ask about its documents for up to a minute",
    "message.channels": "threads in public channels are not continued, files there are not read",
    "message.groups": "threads in private channels are not continued, files there are not read",
    "message.im": "direct messages are not answered",
    "message.mpim": "group messages are not answered",
    "user_change": "a deactivated person's data is kept until the nightly check",
}

WITHOUT_GUESTS = {"assistant:write", "agent_session_stopped"}  # an app that guests may use must not have them

REFUSALS = {
    "invalid_auth": "Slack does not know the token",
    "not_authed": "Slack got no token",
    "account_inactive": "the app was removed from the workspace",
    "token_revoked": "the token was revoked",
    "token_expired": "the token has expired",
    "missing_scope": "the token lacks a scope",
}


async def check_slack(settings: SlackSettings) -> Findings:
    """Come in with each token and compare what it may do with what the assistant does."""
    bot = settings.bot_token.get_secret_value()
    if not bot:
        yield problem(
            "Slack",
            "SLACK_BOT_TOKEN is empty.",
            f"{APPS} -> OAuth & Permissions -> Install, then copy the xoxb- token.",
        )
        return
    if wrong := wrong_token("SLACK_BOT_TOKEN", bot):
        yield problem("Slack", f"{wrong}.", f"{APPS} -> OAuth & Permissions -> copy the xoxb- token.")
        return
    client = AsyncWebClient(bot, base_url=settings.api_url, timeout=15)
    try:
        identity = await client.auth_test()
    except SlackApiError as error:
        reason = _reason(error)
        yield problem(
            "Slack",
            f"SLACK_BOT_TOKEN: {reason}.",
            f"{APPS} -> OAuth & Permissions -> Reinstall, then copy the xoxb- token.",
        )
        return
    except SLACK_ERRORS as error:
        yield _no_answer(settings, error)
        return
    yield good("Slack", f"in {identity['team']} as {identity['user']}.")
    for finding in _scopes(identity):
        yield finding
    try:
        yield await _way_in(settings)
        yield await _events(client, identity)
    except SLACK_ERRORS as error:
        yield _no_answer(settings, error)


def _no_answer(settings: SlackSettings, error: BaseException) -> Finding:
    return problem(
        "Slack",
        f"No answer from {settings.api_url} ({type(error).__name__}).",
        "Check the network and SLACK_API_URL.",
    )


def _scopes(identity: AsyncSlackResponse) -> Iterator[Finding]:
    headers = {name.lower(): value for name, value in identity.headers.items()}
    if "x-oauth-scopes" not in headers:
        yield note("scopes", "Slack did not say which the token has.")
        return
    granted = {scope.strip() for scope in headers["x-oauth-scopes"].split(",")}
    missing = [scope for scope in SCOPES if scope not in granted]
    for scope in missing:
        say = note if scope in WITHOUT_GUESTS else problem
        yield say(
            "scopes",
            f"{scope} is missing: {SCOPES[scope]}.",
            f"{APPS} -> OAuth & Permissions -> add it, then Reinstall.",
        )
    if not missing:
        yield good("scopes", f"all {len(SCOPES)} are granted.")


async def _way_in(settings: SlackSettings) -> Finding:
    """Check how events arrive: a socket that the app token opens, or requests that the signing secret proves."""
    if settings.mode == "http":
        if settings.signing_secret.get_secret_value():
            return good("HTTP mode", f"requests are taken at {settings.host}:{settings.port}.")
        return problem(
            "HTTP mode", "SLACK_SIGNING_SECRET is empty.", f"{APPS} -> Basic Information -> Signing Secret -> copy it."
        )
    token = settings.app_token.get_secret_value()
    mend = f"{APPS} -> Basic Information -> App-Level Tokens -> Generate with the scope connections:write."
    if not token:
        return problem("Socket Mode", "SLACK_APP_TOKEN is empty.", mend)
    if wrong := wrong_token("SLACK_APP_TOKEN", token):
        return problem("Socket Mode", f"{wrong}.", mend)
    try:
        await AsyncWebClient(base_url=settings.api_url, timeout=15).apps_connections_open(app_token=token)
    except SlackApiError as error:
        return problem("Socket Mode", f"SLACK_APP_TOKEN: {_reason(error)}.", mend)
    return good("Socket Mode", "a connection may be opened.")


async def _events(client: AsyncWebClient, identity: AsyncSlackResponse) -> Finding:
    """Compare the subscribed events; Slack tells them only to the holder of an app configuration token."""
    token = os.environ.get("APP_CONFIG_TOKEN", "")
    if not token:
        return note(
            "events",
            "Slack tells them only for an app configuration token.",
            "Create one under api.slack.com/apps -> Your App Configuration Tokens and set APP_CONFIG_TOKEN for "
            "this check, or compare Event Subscriptions with deploy/manifest.yaml by eye.",
        )
    try:
        app = (await client.bots_info(bot=identity["bot_id"]))["bot"]["app_id"]
        manifest = (await client.apps_manifest_export(app_id=app, token=token))["manifest"]
    except SlackApiError as error:
        return problem(
            "events",
            f"the manifest can't be read: {_reason(error)}.",
            "Create a new token; it lasts 12 hours.",
        )
    subscribed = set(manifest.get("settings", {}).get("event_subscriptions", {}).get("bot_events", []))
    missing = [event for event in EVENTS if event not in subscribed | WITHOUT_GUESTS]
    if not missing:
        return good("events", f"all {len(EVENTS)} are subscribed.")
    return problem(
        "events",
        "; ".join(f"{event} is missing: {EVENTS[event]}" for event in missing) + ".",
        f"{APPS} -> Event Subscriptions -> Subscribe to bot events, or paste deploy/manifest.yaml under App Manifest.",
    )


def _reason(error: SlackApiError) -> str:
    """Say why Slack refused; what a proxy answers is no JSON."""
    answer = error.response.data
    name = str(answer.get("error")) if isinstance(answer, dict) else f"HTTP status {error.response.status_code}"
    return REFUSALS.get(name, name)
