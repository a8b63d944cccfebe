"""What the supervisor and a worker say to each other: lines of JSON over a socket pair.

supervisor                      worker
Begin      what to do      ->
           <-              Serving     it answers requests; the warm-up turn's stages, if it held one
           <-              Failed      it cannot; it ends after saying so
Go         be ready        ->
(closed)   end             ->
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec

LIMIT = 1 << 20  # bytes of a line; the settings take some 2,000


class Begin(msgspec.Struct, tag=True):
    """Attach to the hosts in `directory` and serve as worker `worker`; `rehearse` holds the warm-up turn."""

    settings: dict[str, Any]
    version: str
    directory: str
    worker: int
    rehearse: bool


class Go(msgspec.Struct, frozen=True, tag=True):
    """The whole server is ready."""


class Serving(msgspec.Struct, frozen=True, tag=True):
    """The worker answers requests. `stages` are the milliseconds of the warm-up turn's stages."""

    stages: dict[str, float]


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The worker cannot serve; the message says why."""

    message: str


_encoder = msgspec.json.Encoder()
to_worker = msgspec.json.Decoder(Begin | Go)
to_supervisor = msgspec.json.Decoder(Serving | Failed)


def line(message: Begin | Go | Serving | Failed) -> bytes:
    """A message as a line."""
    return _encoder.encode(message) + b"\n"


async def lines(reader: Any) -> AsyncIterator[bytes]:
    """The lines that come until the other side is gone. What it was in the middle of is dropped."""
    try:
        while (data := await reader.readline()).endswith(b"\n"):
            yield data
    except ConnectionError:
        return
