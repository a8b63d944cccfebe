"""A real UDP path with faults: a relay on loopback between one caller and the server.

The relay stands where a network would: each side takes it for the other, because the candidates in offer and
answer are rewritten to name it. Only the caller's audio is hurt (RTP, told from DTLS, STUN and RTCP by its
first two bytes, RFC 7983 and RFC 5761), so that a call connects and its events arrive as ever, and what is
measured is the server's receiving side.
"""

from __future__ import annotations

import asyncio
import random
import re
from types import TracebackType
from typing import Self

from client.errors import GarbledError
from client.signalling import Answer, RealtimeSignalling

Address = tuple[str, int]

LOOPBACK = "127.0.0.1"
CANDIDATE = re.compile(r"^(a=candidate:\S+ \d+ udp \d+ )(\S+) (\d+)( typ host)", re.MULTILINE | re.IGNORECASE)


def is_audio(datagram: bytes) -> bool:
    """Whether it is RTP, not RTCP."""
    return len(datagram) > 1 and 128 <= datagram[0] <= 191 and not 64 <= datagram[1] & 0x7F <= 95


def candidate(sdp: str) -> Address:
    """The first host candidate. Raises `GarbledError` when there is none."""
    found = CANDIDATE.search(sdp)
    if found is None:
        raise GarbledError("there is no UDP host candidate in the SDP")
    return found[2], int(found[3])


def with_candidate(sdp: str, address: Address) -> str:
    """The SDP with every host candidate's address replaced."""
    return CANDIDATE.sub(lambda found: f"{found[1]}{address[0]} {address[1]}{found[4]}", sdp)


class _Socket(asyncio.DatagramProtocol):
    """One side of the relay."""

    def __init__(self, path: FaultyPath, *, faces_caller: bool) -> None:
        self._path = path
        self._faces_caller = faces_caller

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if self._faces_caller:
            self._path.from_caller(data, addr)
        else:
            self._path.from_server(data)


class FaultyPath:
    """The relay, for the length of an `async with`.

    `loss` is a share; the delay of a packet is uniform up to `jitter_ms`.
    """

    def __init__(self, *, loss: float, jitter_ms: float, seed: int) -> None:
        self.lost = 0
        self.passed = 0
        self.server: Address | None = None
        self._loss = loss
        self._jitter_s = jitter_ms / 1000
        self._random = random.Random(seed)  # noqa: S311 - no secret
        self._caller: Address | None = None

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._near = await self._bind(faces_caller=True)
        self._far = await self._bind(faces_caller=False)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._near.close()
        self._far.close()

    async def _bind(self, *, faces_caller: bool) -> asyncio.DatagramTransport:
        transport, _ = await self._loop.create_datagram_endpoint(
            lambda: _Socket(self, faces_caller=faces_caller), local_addr=(LOOPBACK, 0)
        )
        return transport

    @property
    def for_caller(self) -> Address:
        """What the caller shall take for the server."""
        return LOOPBACK, self._near.get_extra_info("sockname")[1]

    @property
    def for_server(self) -> Address:
        """What the server shall take for the caller."""
        return LOOPBACK, self._far.get_extra_info("sockname")[1]

    def from_caller(self, data: bytes, address: Address) -> None:
        """Pass a datagram on to the server, if it is not lost, when it is due."""
        self._caller = address
        if not is_audio(data):
            self._to_server(data)
        elif self._random.random() < self._loss:
            self.lost += 1
        else:
            self.passed += 1
            if self._jitter_s:
                self._loop.call_later(self._random.uniform(0, self._jitter_s), self._to_server, data)
            else:
                self._to_server(data)

    def from_server(self, data: bytes) -> None:
        """Pass a datagram on to the caller, who has to have sent one first (as ICE does)."""
        if self._caller is not None and not self._near.is_closing():
            self._near.sendto(data, self._caller)

    def _to_server(self, data: bytes) -> None:
        if self.server is not None and not self._far.is_closing():
            self._far.sendto(data, self.server)


class FaultySignalling(RealtimeSignalling):
    """Signalling whose candidates lead both sides to a `FaultyPath`."""

    def __init__(self, url: str, path: FaultyPath) -> None:
        super().__init__(url)
        self._path = path

    async def offer(self, sdp: str, within: float) -> Answer:
        answer = await super().offer(with_candidate(sdp, self._path.for_server), within)
        self._path.server = candidate(answer.sdp)
        return answer._replace(sdp=with_candidate(answer.sdp, self._path.for_caller))
