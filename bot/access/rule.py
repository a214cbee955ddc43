"""Who may read what: the pure rule, from what people and conversations are to yes or no."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Standing = Literal["full", "guest", "outsider", "gone"]
Kind = Literal["public", "private", "direct"]


@dataclass(frozen=True)
class Conversation:
    """A conversation and who is in it, our own bot left out."""

    id: str
    kind: Kind
    members: frozenset[str]
    external: bool = False  # shared with other companies


def may_read(asker: str, place: Conversation | None, source: Conversation, standing: Callable[[str], Standing]) -> bool:
    """Tell whether an answer in `place` may use what is shared in `source`; without a place only the asker sees it.

    Everyone who will see the answer must be allowed to read the source. A public channel is seen by every full member
    of the workspace. Where a guest or somebody of another company is, only what is shared in that very place counts.
    """
    readers = {asker} | (place.members if place else frozenset())
    if standing(asker) == "gone" or (place and not _may_see(asker, place, standing)):
        return False
    if place and source.id == place.id:
        return True
    if (place and place.external) or any(standing(reader) in {"guest", "outsider"} for reader in readers):
        return False
    if place and place.kind == "public":
        return source.kind == "public"
    return all(_is_open_to(reader, source) for reader in readers if standing(reader) != "gone")


def _may_see(person: str, place: Conversation, standing: Callable[[str], Standing]) -> bool:
    """Tell whether somebody can look at a conversation: its members can, and full members at public ones."""
    return person in place.members or (place.kind == "public" and standing(person) == "full")


def _is_open_to(person: str, source: Conversation) -> bool:
    """Tell whether a full member of the workspace may read a conversation."""
    return source.kind == "public" or person in source.members


def standing_of(user: Mapping[str, Any], team: str) -> Standing:
    """Return what a person is in our workspace, from Slack's user object; in doubt an outsider."""
    if user.get("deleted"):
        return "gone"
    if user.get("is_stranger") or str(user.get("team_id") or "") != team:
        return "outsider"
    return "guest" if user.get("is_restricted") or user.get("is_ultra_restricted") else "full"


def conversation_kind(conversation: Mapping[str, Any]) -> Kind:
    """Return who sees a conversation, from Slack's conversation object; in doubt its members only."""
    if conversation.get("is_im"):
        return "direct"
    is_public = conversation.get("is_channel") and conversation.get("is_private") is False
    return "public" if is_public and not conversation.get("is_mpim") else "private"


def is_external(conversation: Mapping[str, Any]) -> bool:
    """Tell whether other companies are, or are invited, in a conversation."""
    return bool(conversation.get("is_ext_shared") or conversation.get("is_pending_ext_shared"))
