"""Messages: chat.postMessage and what can be done to one later."""

from bot.sandbox import messages
from bot.sandbox.arguments import Arguments
from bot.sandbox.dispatch import POSTS, SPECIAL, TIER_4, Call, Result, method
from bot.sandbox.errors import ApiError, invalid
from bot.sandbox.message_body import content
from bot.sandbox.people import BOT_USER, SLACKBOT
from bot.sandbox.state import Row

LONGEST_UPDATE = 4_000


@method("chat.postMessage", per_minute=POSTS, counts_conversations=True)
async def post_message(call: Call) -> Result:
    """Say something."""
    arguments, workspace = call.arguments, call.workspace
    channel = postable(call)
    body = content(arguments)
    broadcast = arguments.flag("reply_broadcast") and "thread_ts" in arguments
    message = messages.post(
        workspace,
        channel,
        call.user,
        thread_ts=arguments.text("thread_ts"),
        metadata=metadata(call),
        subtype="thread_broadcast" if broadcast else None,
        **body,
    )
    shown = messages.seen(workspace, message, call.user)
    return {"channel": channel["id"], "ts": message["ts"], "message": shown}


@method("chat.update")
async def update(call: Call) -> Result:
    """Say it differently."""
    channel, message = _own_message(call, "cant_update_message")
    if message.get("streaming_state"):
        raise ApiError("streaming_state_conflict")
    arguments = call.arguments
    body = content(arguments, longest=LONGEST_UPDATE, files=bool(message.get("_files")))
    edited = {"user": call.user, "ts": call.workspace.state.next_ts()}
    fields: Row = {"text": body["text"], "blocks": body.get("blocks"), "edited": edited}
    if "metadata" in arguments:
        fields["metadata"] = metadata(call)
    if "attachments" in body:
        fields["attachments"] = body["attachments"]
    lost = _lost_files(arguments, message)
    if lost:
        fields["_files"] = [file for file in message["_files"] if file not in lost]
    messages.edit(call.workspace, channel, message, **fields)
    for file in lost:
        messages.unshare(call.workspace, file, channel["id"], message["ts"])
    shown = messages.seen(call.workspace, message, call.user)
    return {"channel": channel["id"], "ts": message["ts"], "text": message["text"], "message": shown}


@method("chat.delete")
async def delete(call: Call) -> Result:
    """Take a message back."""
    channel, message = _own_message(call, "cant_delete_message")
    messages.delete(call.workspace, channel, message)
    return {"channel": channel["id"], "ts": message["ts"]}


@method("chat.postEphemeral", per_minute=TIER_4)
async def post_ephemeral(call: Call) -> Result:
    """Say something that one person sees."""
    channel = target(call)
    user = call.arguments.need("user")
    if user not in call.workspace.state.users:
        raise ApiError("user_not_found")
    if user not in channel["_members"]:
        raise ApiError("user_not_in_channel")
    thread = call.arguments.text("thread_ts") or None
    body = content(call.arguments)
    message = messages.say_privately(call.workspace, channel, user, thread_ts=thread, **body)
    return {"message_ts": message["ts"]}


@method("chat.ephemerals", per_minute=SPECIAL, roles=("person",))
async def ephemerals(call: Call) -> Result:
    """Return what only this person saw lately in a conversation; Slack has no such method, but people have eyes."""
    channel = call.workspace.state.channel(call.arguments.need("channel"), call.user)
    return {"messages": list(call.workspace.ephemerals[channel["id"], call.user])}


@method("chat.getPermalink", per_minute=SPECIAL)
async def permalink(call: Call) -> Result:
    """Return a message's address."""
    channel = call.workspace.state.channel(call.arguments.need("channel"), call.user)
    message = call.workspace.state.message(channel["id"], call.arguments.need("message_ts"))
    address = f"{call.workspace.url}/archives/{channel['id']}/p{message['ts'].replace('.', '')}"
    if message.get("thread_ts", message["ts"]) != message["ts"]:
        address += f"?thread_ts={message['thread_ts']}&cid={channel['id']}"
    return {"channel": channel["id"], "permalink": address}


def target(call: Call) -> Row:
    """Return the conversation to speak in, given by id, by name, or by a person; raise Refused if one may not."""
    state, wanted = call.workspace.state, call.arguments.need("channel", "channel_not_found")
    if wanted in state.users and wanted != call.user:
        return state.dm(call.user, wanted)
    if wanted not in state.channels:
        name = wanted.removeprefix("#")
        wanted = next((row["id"] for row in state.channels.values() if row.get("name") == name), wanted)
    channel = state.channel(wanted, call.user)
    messages.require_member(channel, call.user)
    return channel


def postable(call: Call) -> Row:
    """Return the conversation to speak in; raise ApiError if its posting permissions do not allow it."""
    channel = target(call)
    messages.require_postable(channel, call.user, call.arguments.text("thread_ts"))
    return channel


def metadata(call: Call) -> Row | None:
    """Return a message's metadata; raise Refused if it is malformed, or a person's."""
    given = call.arguments.parsed("metadata", "invalid_metadata_format")
    if given is None or given == {}:
        return None
    if call.role != "bot":
        raise ApiError("metadata_must_be_sent_from_app")
    if not isinstance(given, dict) or not isinstance(given.get("event_type"), str):
        raise ApiError("invalid_metadata_format")
    if not isinstance(given.get("event_payload"), dict):
        raise invalid("invalid_metadata_format", "missing required field: event_payload")
    return given


def _own_message(call: Call, error: str) -> tuple[Row, Row]:
    state = call.workspace.state
    channel = state.channel(call.arguments.need("channel", "channel_not_found"), call.user)
    message = state.message(channel["id"], call.arguments.need("ts", "message_not_found"))
    if channel.get("is_archived"):
        raise ApiError("is_archived")
    may_tidy = error == "cant_delete_message" and state.users[call.user]["is_admin"] and message["user"] == BOT_USER
    if (message["user"] != call.user and not may_tidy) or message["user"] == SLACKBOT:
        raise ApiError(error)
    return channel, message


def _lost_files(arguments: Arguments, message: Row) -> list[str]:
    if "file_ids" not in arguments:
        return []
    kept = arguments.parsed("file_ids", "invalid_arguments")
    return [file for file in message.get("_files", []) if file not in (kept or [])]
