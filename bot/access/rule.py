"""Who may read what: the pure rule, from what people and conversations are to yes or no."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Standing = Literal["full", "guest", "outsider", "gone"]
Kind = Literal["public", "private", "direct"]
Reach = Literal["nothing", "here", "public", "readers"]


@dataclass(frozen=True)
class Conversation:
    """A conversation and who is in it, our own bot left out."""

    id: str
    kind: Kind
    members: frozenset[str]
    external: bool = False  # shared with other companies, or with other workspaces of the organisation


@dataclass(frozen=True)
class Scope:
    """Which sources one answer may use: none, those of its own place, public ones too, or what all readers are in."""

    reach: Reach
    here: str = ""  # the conversation that is answered in; "" where the asker alone sees the answer
    readers: frozenset[str] = frozenset()  # who must be a member of a source that is not public


def may_read(asker: str, place: Conversation | None, source: Conversation, standing: Callable[[str], Standing]) -> bool:
    """Tell whether an answer in `place` may use what is shared in `source`; without a place only the asker sees it."""
    return is_in_scope(scope_of(asker, place, standing), source)


def scope_of(asker: str, place: Conversation | None, standing: Callable[[str], Standing]) -> Scope:
    """Return what an answer in `place` may use; without a place only the asker sees it.

    Everyone who will see the answer must be allowed to read the source. A public channel is seen by every full member
    of the workspace. Where a guest or somebody of another company is, only what is shared in that very place counts.
    """
    if standing(asker) == "gone" or (place and not _may_see(asker, place, standing)):
        return Scope("nothing")
    readers = frozenset(who for who in {asker} | (place.members if place else set()) if standing(who) != "gone")
    here = place.id if place else ""
    if (place and place.external) or any(standing(reader) != "full" for reader in readers):
        return Scope("here", here)
    return Scope("public", here) if place and place.kind == "public" else Scope("readers", here, readers)


def is_in_scope(scope: Scope, source: Conversation) -> bool:
    """Tell whether an answer of this scope may use what is shared in `source`."""
    if scope.reach == "nothing":
        return False
    if source.id == scope.here:
        return True
    if scope.reach == "here":
        return False
    return source.kind == "public" or (scope.reach == "readers" and scope.readers <= source.members)


def _may_see(person: str, place: Conversation, standing: Callable[[str], Standing]) -> bool:
    """Tell whether somebody can look at a conversation: its members can, and full members at public ones."""
    return person in place.members or (place.kind == "public" and standing(person) == "full")


def standing_of(user: Mapping[str, Any], team: str, enterprise: str = "") -> Standing:
    """Return what a person is in our workspace, from Slack's user object; in doubt an outsider."""
    if user.get("deleted"):
        return "gone"
    if user.get("is_stranger") or not (is_of_team(user, team) or _is_of_enterprise(user, enterprise)):
        return "outsider"
    return "guest" if user.get("is_restricted") or user.get("is_ultra_restricted") else "full"


def is_of_team(user: Mapping[str, Any], team: str) -> bool:
    """Tell whether somebody belongs to our workspace; on Enterprise Grid one may belong to several."""
    return bool(team) and (str(user.get("team_id") or "") == team or team in (_grid(user).get("teams") or ()))


def _is_of_enterprise(user: Mapping[str, Any], enterprise: str) -> bool:
    """Tell whether somebody is of our organisation, where Slack does not say of which of its workspaces."""
    grid = _grid(user)
    return bool(enterprise) and str(grid.get("enterprise_id") or "") == enterprise and not grid.get("teams")


def _grid(user: Mapping[str, Any]) -> Mapping[str, Any]:
    return user.get("enterprise_user") or {}


def conversation_kind(conversation: Mapping[str, Any]) -> Kind:
    """Return who sees a conversation, from Slack's conversation object; in doubt its members only."""
    if conversation.get("is_im"):
        return "direct"
    is_public = conversation.get("is_channel") and conversation.get("is_private") is False
    return "public" if is_public and not conversation.get("is_mpim") else "private"


def is_external(conversation: Mapping[str, Any]) -> bool:
    """Tell whether other companies or other workspaces are, or are invited, in a conversation."""
    return any(conversation.get(name) for name in ("is_ext_shared", "is_pending_ext_shared", "is_org_shared"))
