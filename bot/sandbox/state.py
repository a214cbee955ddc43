"""What the workspace is: people, conversations, messages, files; Slack's own objects, our notes begin with `_`."""

import time
import uuid
from pathlib import Path
from typing import Any

from bot.sandbox.errors import ApiError
from bot.sandbox.people import (
    BOT_TOKEN,
    BOT_USER,
    PERSON_TOKEN,
    first_channels,
    first_users,
    make_dm,
)
from bot.sandbox.store import Store

Row = dict[str, Any]


class State:
    """Everything that a restart must find again."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self.folder = folder
        self.users: dict[str, Row] = dict(store.read("user"))
        self.channels: dict[str, Row] = dict(store.read("channel"))
        self.files: dict[str, Row] = dict(store.read("file"))
        self.homes: dict[str, Row] = dict(store.read("home"))
        self.messages: dict[str, dict[str, Row]] = {channel: {} for channel in self.channels}
        self.replies: dict[tuple[str, str], list[str]] = {}
        self._last_ts = 0
        for key, message in store.read("message"):
            self._index(key.split("/")[0], message)
        if not self.users:
            self._begin()

    def _begin(self) -> None:
        for user in first_users():
            self.save_user(user)
        for channel in first_channels():
            self.save_channel(channel)

    def _index(self, channel: str, message: Row) -> None:
        ts = str(message["ts"])
        self.messages.setdefault(channel, {})[ts] = message
        if message.get("thread_ts", ts) != ts:
            self.replies.setdefault((channel, message["thread_ts"]), []).append(ts)
        self._last_ts = max(self._last_ts, int(ts.replace(".", "")))

    # New names.

    def next_ts(self) -> str:
        """Return a message's time, later than any other."""
        self._last_ts = max(time.time_ns() // 1000, self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    @staticmethod
    def new_id(kind: str) -> str:
        """Return an id as Slack makes them: a letter that says what it is, and ten more signs."""
        return kind + uuid.uuid4().hex[:10].upper()

    # Keeping.

    def save_user(self, user: Row) -> None:
        """Keep a person."""
        self.users[user["id"]] = user
        self._store.put("user", user["id"], user)

    def save_channel(self, channel: Row) -> None:
        """Keep a conversation."""
        self.channels[channel["id"]] = channel
        self.messages.setdefault(channel["id"], {})
        self._store.put("channel", channel["id"], channel)

    def save_file(self, file: Row) -> None:
        """Keep what is known of a file; its bytes are in the folder."""
        self.files[file["id"]] = file
        self._store.put("file", file["id"], file)

    def forget_file(self, file: str) -> None:
        """Delete a file with its bytes."""
        self.files.pop(file, None)
        (self.folder / file).unlink(missing_ok=True)
        self._store.put("file", file, None)

    def save_home(self, user: str, view: Row) -> None:
        """Keep the Home that a person sees."""
        self.homes[user] = view
        self._store.put("home", user, view)

    def save_message(self, channel: str, message: Row) -> None:
        """Keep a message, new or changed."""
        if message["ts"] not in self.messages[channel]:
            self._index(channel, message)
        self._store.put("message", f"{channel}/{message['ts']}", message)

    def drop_message(self, channel: str, ts: str) -> None:
        """Let a message go."""
        message = self.messages[channel].pop(ts)
        if (root := message.get("thread_ts", ts)) != ts:
            self.replies[channel, root].remove(ts)
        self._store.put("message", f"{channel}/{ts}", None)

    def drop_channel(self, channel: str) -> None:
        """Let a conversation go with all that was said in it."""
        for ts in list(self.messages[channel]):
            self.drop_message(channel, ts)
        del self.channels[channel], self.messages[channel]
        self._store.put("channel", channel, None)

    # Finding.

    def user_of(self, token: str) -> str | None:
        """Return who holds a token."""
        if token == BOT_TOKEN:
            return BOT_USER
        if not token.startswith(PERSON_TOKEN):
            return None
        name = token.removeprefix(PERSON_TOKEN)
        return next((user["id"] for user in self.users.values() if user["name"] == name and not user["is_bot"]), None)

    def user(self, user: str) -> Row:
        """Return a person."""
        if user not in self.users:
            raise ApiError("user_not_found")
        return self.users[user]

    def is_full_member(self, user: str) -> bool:
        """Tell whether somebody is of this workspace and no guest."""
        person = self.users[user]
        is_guest = person["is_restricted"] or person["is_ultra_restricted"]
        return self.is_of_workspace(user) and not is_guest and not person["deleted"]

    def is_of_workspace(self, user: str) -> bool:
        """Tell whether somebody belongs to this workspace: it is his home or, on Enterprise Grid, one of several."""
        person = self.users[user]
        return person["team_id"] == self.users[BOT_USER]["team_id"] or bool(person.get("_is_ours"))

    def is_open_to(self, user: str, channel: Row) -> bool:
        """Tell whether somebody may know a conversation: its members, and full members if it is public."""
        if user in channel["_members"]:
            return True
        is_public = channel.get("is_channel") and not channel["is_private"]
        return bool(is_public) and self.is_full_member(user)

    def channel(self, channel: str, user: str) -> Row:
        """Return a conversation that somebody may know."""
        found = self.channels.get(channel)
        if found is None or not self.is_open_to(user, found):
            raise ApiError("channel_not_found")
        return found

    def message(self, channel: str, ts: str, error: str = "message_not_found") -> Row:
        """Return a message."""
        if ts not in self.messages[channel]:
            raise ApiError(error)
        return self.messages[channel][ts]

    def dm(self, one: str, other: str) -> Row:
        """Return the direct message of two people, made if there is none."""
        pair = {one, other}
        for channel in self.channels.values():
            if channel.get("is_im") and set(channel["_members"]) == pair:
                return channel
        made = make_dm(self.new_id("D"), [one, other])
        self.save_channel(made)
        return made
