"""The workspace as a whole: what stands, what goes wrong, and everything that is told to the app."""

import asyncio
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.delivery import Delivery
from bot.sandbox.faults import Faults
from bot.sandbox.http_delivery import Endpoint
from bot.sandbox.page_socket import Live
from bot.sandbox.people import APP, BOT_USER, ENTERPRISE, TEAM
from bot.sandbox.sockets import Sockets
from bot.sandbox.state import Row, State

EPHEMERALS_KEPT = 50  # of one person in one conversation


@dataclass
class Workspace:
    """What every method works on."""

    url: str  # http://127.0.0.1:PORT
    state: State
    faults: Faults = field(default_factory=Faults)
    sockets: Sockets = field(default_factory=Sockets)
    endpoint: Endpoint | None = None
    calls: Counter[str] = field(default_factory=Counter)
    ephemerals: dict[tuple[str, str], deque[Row]] = field(
        default_factory=lambda: defaultdict(lambda: deque(maxlen=EPHEMERALS_KEPT))
    )
    statuses: dict[tuple[str, str], Row] = field(default_factory=dict)
    sessions: dict[tuple[str, str], str] = field(default_factory=dict)  # channel and thread: processing, active …
    prompts: dict[str, Row] = field(default_factory=dict)
    views: dict[str, Row] = field(default_factory=dict)
    triggers: dict[str, tuple[str, float]] = field(default_factory=dict)  # who, until when
    links: dict[str, Any] = field(default_factory=dict)  # response_url: what it answers
    tickets: dict[str, str] = field(default_factory=dict)  # upload address: file
    streaming: set[tuple[str, str]] = field(default_factory=set)  # channel and ts of messages that grow
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Connect the parts, and find the streams that a restart left open."""
        self.live = Live(self.state)
        self.streaming |= {
            (channel, ts)
            for channel, there in self.state.messages.items()
            for ts, message in there.items()
            if message.get("streaming_state")
        }
        self.delivery = Delivery(lambda: self.endpoint or self.sockets, lambda: self.faults)

    def announce(self, event: Row, channel: str = "") -> None:
        """Tell the app of an event; one of a conversation only if it is in it."""
        found = self.state.channels.get(channel)
        if found is not None and BOT_USER not in found["_members"]:
            return
        ts = event.setdefault("event_ts", self.state.next_ts())
        enterprise = ENTERPRISE if self.faults.grid else None
        body = {
            "token": "sandbox",
            "team_id": TEAM,
            "context_team_id": TEAM,
            "enterprise_id": enterprise,
            "context_enterprise_id": enterprise,
            "api_app_id": APP,
            "event": event,
            "type": "event_callback",
            "event_id": self.state.new_id("Ev"),
            "event_time": int(float(ts)),
            "authorizations": [
                {
                    "enterprise_id": enterprise,
                    "team_id": TEAM,
                    "user_id": BOT_USER,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": bool(found and found.get("is_ext_shared")),
            "event_context": self.state.new_id("EC"),
        }
        self.delivery.event(body)

    def later(self, work: Any) -> None:
        """Do something in a task of its own."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
