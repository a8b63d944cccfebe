"""What travels between edges, backend processes and who supervises them: msgpack with its length in front."""

from __future__ import annotations

import struct
from typing import Any

import msgspec
from pydantic import BaseModel

from models.api import Input, Output, Request, Role

_LENGTH = struct.Struct("<I")
MAX_MESSAGE = 16 * 1024 * 1024  # bytes; the largest real one is a 200 ms chunk of 38 kB


class Open(msgspec.Struct, frozen=True, tag=True):
    """Begin stream `stream`; `window` is how many outputs may be on their way before the first `Credit`."""

    stream: int
    request: Request
    window: int


class Feed(msgspec.Struct, frozen=True, tag=True):
    """One message into a stream."""

    stream: int
    item: Input


class Credit(msgspec.Struct, frozen=True, tag=True):
    """The edge has taken `count` outputs: as many more may come."""

    stream: int
    count: int


class Close(msgspec.Struct, frozen=True, tag=True):
    """Abort a stream. Nothing of it may be sent after this has been read."""

    stream: int


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The backend is loaded and its socket takes edges."""

    load_ms: float


class LoadFailed(msgspec.Struct, frozen=True, tag=True):
    """The backend cannot be loaded; the process ends after saying so."""

    message: str


class Out(msgspec.Struct, frozen=True, tag=True):
    """One output of a stream."""

    stream: int
    item: Output


class End(msgspec.Struct, frozen=True, tag=True):
    """A stream has ended. `error` says why, if it failed; `busy` if it never began for want of a slot."""

    stream: int
    error: str | None = None
    busy: bool = False


class HostUp(msgspec.Struct, frozen=True, tag=True):
    """A role's backend process `index` takes edges; it has been started again `restarts` times."""

    role: Role
    index: int
    restarts: int


class HostDown(msgspec.Struct, frozen=True, tag=True):
    """A role's backend process `index` has ended, with the cause. A `HostUp` follows when it is back."""

    role: Role
    index: int
    cause: str


ToHost = Open | Feed | Credit | Close  # edge to backend process
ToEdge = Out | End  # backend process to edge
ToSupervisor = Ready | LoadFailed  # backend process to `Hosts`
Status = HostUp | HostDown  # `Hosts` to edges


def _encode_other(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_unset=True)
    raise NotImplementedError(f"cannot send a {type(value).__name__}")


def _decode_other(kind: type, value: Any) -> Any:
    if issubclass(kind, BaseModel):
        return kind.model_validate(value)
    raise NotImplementedError(f"cannot receive a {kind.__name__}")


_encoder = msgspec.msgpack.Encoder(enc_hook=_encode_other)
to_host = msgspec.msgpack.Decoder(ToHost, dec_hook=_decode_other)
to_edge = msgspec.msgpack.Decoder(ToEdge, dec_hook=_decode_other)
to_supervisor = msgspec.msgpack.Decoder(ToSupervisor)
status = msgspec.msgpack.Decoder(Status)


def pack(message: ToHost | ToEdge | ToSupervisor | Status) -> bytes:
    """Encode a message with its length in front."""
    body = _encoder.encode(message)
    return _LENGTH.pack(len(body)) + body


class Splitter:
    """Cuts a byte stream into the bodies of messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Take what arrived; return the bodies that are complete. Raises ValueError on an absurd length."""
        self._buffer += data
        bodies: list[bytes] = []
        at = 0
        while len(self._buffer) - at >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer, at)
            if length > MAX_MESSAGE:
                raise ValueError(f"a message of {length} bytes; the limit is {MAX_MESSAGE}")
            begin = at + _LENGTH.size
            if len(self._buffer) - begin < length:
                break
            bodies.append(bytes(self._buffer[begin : begin + length]))
            at = begin + length
        del self._buffer[:at]
        return bodies
