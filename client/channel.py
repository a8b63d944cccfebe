"""What carries a call: `client/webrtc.py` or `client/websocket.py`."""

from __future__ import annotations

from typing import Protocol

from client.speech import TransportName, Unit


class Receiver(Protocol):
    """Where a channel puts what arrives. Called on the event loop; must not block or raise."""

    def on_event(self, text: str | bytes) -> None:
        """An event, not yet parsed."""
        ...

    def on_lost(self, reason: str) -> None:
        """The connection ended from the other side."""
        ...

    def on_gone(self, reason: str) -> None:
        """The call that was to be taken up is over."""
        ...


class Channel(Protocol):
    """One open connection to a server."""

    transport: TransportName
    call_id: str | None

    def send(self, event: str) -> None:
        """Send an event (JSON text), in order, never blocking. Nothing happens on a closed channel."""
        ...

    def send_audio(self, unit: Unit) -> None:
        """Send 20 ms of sound, encoded for this transport, now. Nothing happens on a closed channel."""
        ...

    async def retire(self) -> None:
        """Let go of the connection without hanging up: another carries the call. Idempotent."""
        ...

    async def aclose(self) -> None:
        """Hang up. Idempotent."""
        ...
