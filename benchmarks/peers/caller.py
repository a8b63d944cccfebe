"""The person in the comparison: one client for every server, which asks and listens, and needs no events."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from urllib.parse import urlsplit

import httpx

from benchmarks.peers.arrivals import QUIET_PAYLOAD, Arrivals
from benchmarks.peers.environment import PeerError
from client.errors import ClientError
from client.headless import HeadlessClient
from client.signalling import Answer, Signalling, is_loopback
from client.speech import Speech
from realtime.transport.aiortc_hooks import RtpAudioPacket

ANSWER_S = 6.0  # Pipecat ends a turn after 5 s in any case: later than this, nobody answers
LONGEST_ANSWER_S = 10.0
QUIET_S = 0.5  # of silence after the answer: longer than any pause in it
LOOK_S = 0.01
MOST_LOOKS = 1000  # for the end of an answer; each waits for as long as nothing can have ended


class OfferSignalling:
    """Pipecat's and FastRTC's way: offer and answer as JSON objects with `sdp` and `type`."""

    def __init__(self, url: str, path: str) -> None:
        self.host = urlsplit(url).hostname or ""
        self._url = url + path

    async def offer(self, sdp: str, within: float) -> Answer:
        verify = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # unused: plain HTTP, and no certificates to read
        try:
            async with httpx.AsyncClient(timeout=within, trust_env=False, verify=verify) as http:
                response = await http.post(self._url, json={"sdp": sdp, "type": "offer"})
                response.raise_for_status()
                return Answer(str(response.json()["sdp"]))
        except (httpx.HTTPError, ValueError, KeyError) as error:
            raise PeerError(f"{self._url} gave no answer to the offer: {error!r}") from error

    async def hang_up(self, call_id: str) -> None:
        return  # there is no request for it: the connection closes


class Caller(HeadlessClient):
    """A call to any server on this machine. Counts late frames; otherwise knows only what it hears."""

    def __init__(self, url: str, signalling: Signalling | None) -> None:
        if not is_loopback(urlsplit(url).hostname or ""):
            raise ValueError(f"load goes to loopback addresses only, not to {url}")
        super().__init__(url, record=False, signalling=signalling)
        self.arrivals = Arrivals()
        self._sound_at = 0.0

    def on_packet(self, packet: RtpAudioPacket) -> None:
        size = len(packet.payload)
        self.arrivals.packet(packet.sequence, packet.timestamp, size, packet.arrival)
        if size > QUIET_PAYLOAD:
            self._sound_at = packet.arrival
        super().on_packet(packet)

    async def ask(self, question: Speech) -> float | None:
        """Ask, and wait until the answer begins. Returns voice-to-voice in ms; None when none comes.

        Raises:
            ClientError: the call is over.
        """
        asked = (await self.speak(question)).voiced_end
        give_up = asked + ANSWER_S
        while (sound := self.ear.first_after(asked)) is None:
            if self.log.failure is not None:
                raise self.log.failure
            if self.now() > give_up:
                return None
            await asyncio.sleep(LOOK_S)
        return (sound.start - asked) * 1000

    async def hear_out(self) -> None:
        """Wait until the answer is over."""
        give_up = self.now() + LONGEST_ANSWER_S
        for _ in range(MOST_LOOKS):
            rest = min(self._sound_at + QUIET_S, give_up) - self.now()
            if rest <= 0:
                return
            await asyncio.sleep(rest)


async def converse(caller: Caller, question: Speech, turns: int, pauses: Sequence[float]) -> list[float]:
    """Hold `turns` turns, with `pauses[k]` seconds before the k-th. A turn without an answer is infinite."""
    taken: list[float] = []
    for turn in range(turns):
        await asyncio.sleep(pauses[turn])
        try:
            latency = await caller.ask(question)
            if latency is not None:
                await caller.hear_out()
        except ClientError:
            # The server let the call go: what remains of it is lost, and counts as such.
            return taken + [float("inf")] * (turns - turn)
        taken.append(float("inf") if latency is None else latency)
    return taken
