"""Taking up a call whose connection was lost: the token that the server gave, and the last event received."""

from __future__ import annotations

from client.events import ServerEvent

NEW = "new"  # in place of a token: begin a call that can be taken up again
SILENT_S = 1.3  # without a packet the network is gone: the server sends one at least every 0.4 s
LOOK_S = 0.15
FIRST_PAUSE_S = 0.2  # between two attempts, twice as long each time
LONGEST_PAUSE_S = 2.0


class Resumption:
    """What one call has to say to be taken up again."""

    def __init__(self) -> None:
        self.token: str | None = None
        self.grace_s = 0.0
        self._last_event = ""

    def follow(self, event: ServerEvent) -> None:
        """Learn from an event of the server."""
        self._last_event = str(event.body.get("event_id") or self._last_event)
        if event.type == "audiogpt.session.info":
            self.token = event.body.get("resume")
            self.grace_s = float(event.body.get("resume_grace") or 0)

    def headers(self) -> dict[str, str]:
        """The headers of a new connection."""
        headers = {"X-AudioGPT-Resume": self.token or NEW}
        if self.token and self._last_event:
            headers["Last-Event-ID"] = self._last_event
        return headers
