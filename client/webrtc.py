"""A call over WebRTC: Opus packets both ways and the events on a data channel, by aiortc.

Nothing is encoded or decoded here: ready packets go out and packets come in, which is what lets one
process hold many calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from aiortc.exceptions import InvalidStateError

from client.channel import Receiver
from client.errors import GarbledError, UnreachableError
from client.signalling import Signalling, is_loopback
from client.speech import FRAME, TransportName, Unit
from realtime.transport.aiortc_hooks import (
    PacketTrack,
    RtpAudioPacket,
    offer_addresses,
    receive_inline,
    send_packets,
)

EVENTS_LABEL = "oai-events"


class RtpReceiver(Receiver, Protocol):
    """A receiver of events that takes RTP packets as well."""

    def on_packet(self, packet: RtpAudioPacket) -> None:
        """A packet of the server's audio, just arrived."""
        ...


class WebRtcChannel:
    """One peer connection. Make it with `connect`."""

    transport: TransportName = "webrtc"

    def __init__(self, receiver: RtpReceiver, signalling: Signalling) -> None:
        self.call_id: str | None = None
        self._receiver = receiver
        self._signalling = signalling
        # No STUN server: the client is near its server, and a name that cannot be resolved costs seconds.
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._track = PacketTrack()
        transceiver = self._pc.addTransceiver("audio", direction="sendrecv")
        send_packets(transceiver.sender, self._track)
        receive_inline(transceiver.receiver, receiver.on_packet)
        self._events: RTCDataChannel = self._pc.createDataChannel(EVENTS_LABEL)
        self._opened = asyncio.Event()
        self._closing = False
        self._lost_reason: str | None = None
        self._events.on("open", self._opened.set)
        self._events.on("message", receiver.on_event)
        self._events.on("close", self._when(lambda: True, "the server closed the event channel"))
        self._pc.on("connectionstatechange", self._on_state)
        if self._events.readyState == "open":
            self._opened.set()

    @classmethod
    async def connect(
        cls, receiver: RtpReceiver, signalling: Signalling, within: float, *, resuming: bool = False
    ) -> WebRtcChannel:
        """Call a server and wait until the event channel is open.

        An attempt that fails hangs up what it began, unless it was to take up (`resuming`) a call.

        Raises:
            UnreachableError: no answer, or no media, within `within` seconds.
            RefusedError: the server said no.
            GarbledError: the answer makes no sense.
        """
        channel = cls(receiver, signalling)
        try:
            await channel._call(within)
        except BaseException:
            await (channel.retire() if resuming else channel.aclose())
            raise
        return channel

    def send(self, event: str) -> None:
        if self._events.readyState == "open":
            self._events.send(event)

    def send_audio(self, unit: Unit) -> None:
        if not self._closing and isinstance(unit, bytes):
            self._track.push(unit, FRAME)

    async def retire(self) -> None:
        self._closing = True
        await self._pc.close()

    async def aclose(self) -> None:
        if self._closing:
            return
        self._closing = True
        try:
            if self.call_id is not None and self._lost_reason is None:
                await self._signalling.hang_up(self.call_id)
        finally:
            await self._pc.close()

    async def _call(self, within: float) -> None:
        pc = self._pc
        offer_addresses(pc, ["127.0.0.1"] if is_loopback(self._signalling.host) else [])
        await pc.setLocalDescription(await pc.createOffer())
        answer = await self._signalling.offer(pc.localDescription.sdp, within)
        self.call_id = answer.call_id
        try:
            await pc.setRemoteDescription(RTCSessionDescription(answer.sdp, "answer"))
        except (ValueError, KeyError, IndexError, AssertionError, InvalidStateError) as cause:
            # aiortc's parser raises whichever its first missing line leads to.
            raise GarbledError(
                f"the server's SDP answer cannot be used: {cause or type(cause).__name__}"
            ) from cause
        try:
            async with asyncio.timeout(within):
                await self._opened.wait()
        except TimeoutError as cause:
            raise UnreachableError(
                f"the server answered, but no media came through within {within:g} s "
                f"(connection {pc.connectionState}; is UDP between here and there open?)"
            ) from cause

    def _on_state(self) -> None:
        self._when(lambda: self._pc.connectionState in {"failed", "closed"}, "the peer connection ended")()

    def _when(self, condition: Callable[[], bool], reason: str) -> Callable[[], None]:
        def report() -> None:
            if condition() and not self._closing and self._lost_reason is None:
                self._lost_reason = reason
                self._receiver.on_lost(reason)

        return report
