"""What a session knows of its client's connection, whatever carries it.

Two links exist: `transport/webrtc.py` (Opus over RTP, events on a data channel) and
`transport/websocket.py` (PCM inside the events). A session pulls from the link and pushes to it; the link
never calls the session.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

FRAME_MS = 20
IDLE_MS = 400  # between two calls of `play` in silence: as often as an Opus sender in DTX is heard
FRAME_SAMPLES = 960  # of SPEAKING_RATE (48 kHz), in each of two channels

StereoFrame = NDArray[np.int16]  # shape (FRAME_SAMPLES, 2)


class LinkClosedError(Exception):
    """The client is gone; nothing more can be sent or received."""


class InputAudio(NamedTuple):
    """What the person said: int16 mono at HEARING_RATE (16 kHz), some 20 ms of it.

    `concealed` marks samples made up to hide a lost packet.
    """

    pcm: bytes
    concealed: bool = False


class Losses(NamedTuple):
    """Pieces of 20 ms, since the link began: dropped because nobody read them, made up for lost packets."""

    dropped: int = 0
    concealed: int = 0


@dataclass(frozen=True, slots=True)
class AudioOwner:
    """The response whose sound a frame carries, as `response.output_audio.delta` has to name it."""

    response_id: str
    item_id: str
    output_index: int = 0
    content_index: int = 0


class Link(Protocol):
    """One client's connection."""

    kind: str  # "webrtc" or "websocket"

    def audio(self) -> AsyncIterator[InputAudio]:
        """What the client's microphone hears. Ends when the link closes. Bounded: the oldest is dropped."""
        ...

    def events(self) -> AsyncIterator[str]:
        """The client's events, each a JSON text not yet parsed. Ends when the link closes."""
        ...

    def send(self, event: str) -> None:
        """Queue an event (JSON text) for the client, in order, never blocking.

        A client that reads nothing until the bounded queue is full is closed. No error on a closed link.
        """
        ...

    def play(self, frame: StereoFrame | None, owner: AudioOwner | None) -> None:
        """Send the next 20 ms; None is silence.

        The speaker calls it every FRAME_MS while there is sound, and every IDLE_MS while there is none.
        """
        ...

    def flush(self) -> None:
        """Drop audio that was given to `play` and has not left yet (an interruption)."""
        ...

    def losses(self) -> Losses:
        """What of the client's audio did not reach us."""
        ...

    @property
    def playout_delay_ms(self) -> float:
        """Estimate of how long after `play` a frame is audible at the client (network, its buffer)."""
        ...

    @property
    def recalled_ms(self) -> float:
        """How much of what `play` was given nobody hears if it is flushed now.

        What is on its way cannot be called back: over WebRTC a receiver plays all that has left us. A
        WebSocket's client drops what waits in its own buffer, when it is told that the response is over.
        """
        ...

    async def aclose(self) -> None:
        """Close the connection. Idempotent."""
        ...
