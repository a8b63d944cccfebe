"""The orders and pairings of the Realtime protocol, as a state machine over one session's server events.

    order = Order("websocket")
    order.sent(client_event)      what the client sent (optional: for the rules about answers)
    order.feed(server_event)      each as it comes
    order.end()                   the stream is over: what began must have ended
    order.violations              in words; empty when all is well

The parts: `items.py` (what is heard becomes items of the conversation), `responses.py` (`response.created` to
`response.done`, and the sound of it). This file has what holds for every event, and hands out the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.realtime.conformance.items import Items
from tests.realtime.conformance.responses import Responses

Transport = Literal["webrtc", "websocket"]
Event = dict[str, Any]
Must = Callable[[bool, str], bool]

OWN = "audiogpt."
# A client event, and the one event that answers it unless an error does.
ANSWERS = {
    "session.update": "session.updated",
    "conversation.item.retrieve": "conversation.item.retrieved",
    "conversation.item.delete": "conversation.item.deleted",
}
# Codes of errors that no single event of the client has caused.
UNCAUSED = {"rate_limit_exceeded", "too_many_turns"}


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that the stream broke. `number` counts the events from 1; 0 is the end of the stream."""

    number: int
    event: str
    rule: str

    def __str__(self) -> str:
        where = f"event {self.number} ({self.event})" if self.number else "at the end"
        return f"{where}: {self.rule}"


@dataclass(slots=True)
class Asked:
    """What the client sent."""

    ids: set[str] = field(default_factory=set)
    nameless: int = 0
    kinds: dict[str, str] = field(default_factory=dict)  # event id -> type
    refused: Counter[str] = field(default_factory=Counter)  # type -> errors that named such an event


class Order:
    """Follows one session's stream of server events."""

    def __init__(self, transport: Transport) -> None:
        self.violations: list[Violation] = []
        self.items = Items(self._must)
        self.responses = Responses(self._must, self.items, transport)
        self.counts: Counter[str] = Counter()
        self._asked = Asked()
        self._event_ids: set[str] = set()
        self._session: str | None = None
        self._number = 0
        self._type = ""
        self._rules: dict[str, Callable[[Event], None]] = {
            "session.created": self._session_created,
            "session.updated": self._session_updated,
            "error": self._error,
            "rate_limits.updated": self._rate_limits,
            **self.items.rules,
            **self.responses.rules,
        }

    def sent(self, event: Event) -> None:
        """The client has sent this."""
        event_id = event.get("event_id")
        if isinstance(event_id, str):
            self._asked.ids.add(event_id)
            self._asked.kinds[event_id] = str(event.get("type"))
        else:
            self._asked.nameless += 1

    def feed(self, event: Event) -> None:
        """The server has sent this."""
        self._number += 1
        self._type = kind = str(event.get("type"))
        self.counts[kind] += 1
        event_id = event.get("event_id")
        self._must(isinstance(event_id, str) and bool(event_id), "every event has an event_id")
        self._must(event_id not in self._event_ids, f"event_id {event_id} was used before")
        self._event_ids.add(str(event_id))
        if kind.startswith(OWN):
            return
        self._must(self._session is not None or kind == "session.created", "session.created comes first")
        rule = self._rules.get(kind)
        if self._must(rule is not None, f"{kind!r} is no event that this server may send"):
            assert rule is not None
            rule(event)
        self.responses.next_event(event)

    def end(self) -> list[Violation]:
        """The stream is over. Returns all violations."""
        self._number, self._type = 0, ""
        self.items.end()
        self.responses.end()
        if self._asked.ids and not self._asked.nameless:
            kinds = Counter(self._asked.kinds.values())
            for kind, answer in ANSWERS.items():
                due, got = kinds[kind] - self._asked.refused[kind], self.counts[answer]
                self._must(due == got, f"{due} {kind} were to be answered by {answer}, {got} came")
        return self.violations

    def _must(self, holds: bool, rule: str) -> bool:
        if not holds:
            self.violations.append(Violation(self._number, self._type, rule))
        return holds

    # -- what belongs to neither ---------------------------------------------------------------------------

    def _session_created(self, event: Event) -> None:
        session = event["session"]["id"]
        # Once; again only to who comes back after a broken connection, of the same session.
        self._must(self._session in (None, session), "session.created names another session")
        self._session = session
        self.responses.settings(event["session"])

    def _session_updated(self, event: Event) -> None:
        self._must(event["session"].get("id") == self._session, "session.updated names another session")
        self.responses.settings(event["session"])

    def _error(self, event: Event) -> None:
        error, asked = event["error"], self._asked
        self._must(bool(error.get("message")), "an error says what is wrong")
        named = error.get("event_id")
        if named is not None and (asked.ids or asked.nameless):
            self._must(named in asked.ids, f"an error names the event {named!r}, which the client never sent")
            asked.refused[asked.kinds.get(named, "")] += 1
        elif asked.ids and not asked.nameless and error.get("type") == "invalid_request_error":
            self._must(
                error.get("code") in UNCAUSED, "an error about a client's event carries that event's id"
            )

    def _rate_limits(self, event: Event) -> None:
        names = [limit["name"] for limit in event["rate_limits"]]
        self._must(len(names) == len(set(names)) > 0, "rate_limits.updated names each limit once")
        for limit in event["rate_limits"]:
            self._must(
                0 <= limit["remaining"] <= limit["limit"] and limit["reset_seconds"] >= 0,
                f"of the limit {limit['name']} between nothing and all remains",
            )


def violations(events: list[Event], transport: Transport) -> list[str]:
    """What a whole stream breaks, in words."""
    order = Order(transport)
    for event in events:
        order.feed(event)
    return [str(violation) for violation in order.end()]
