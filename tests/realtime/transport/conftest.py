"""A client for the transport tests: a real aiortc peer in the same process, over 127.0.0.1."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import numpy as np
import pytest
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription

from realtime.transport.aiortc_hooks import (
    PacketTrack,
    RtpAudioPacket,
    offer_addresses,
    receive_inline,
    send_packets,
)
from realtime.transport.opus import OpusDecoder, OpusEncoder
from realtime.transport.webrtc import MediaSettings, WebRtcLink, answer


class Client:
    """Speaks Opus packets and events as a browser would, and keeps what it gets."""

    def __init__(self) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.track = PacketTrack()
        self.encoder = OpusEncoder(1)
        self.decoder = OpusDecoder(48_000, 2)
        self.packets: asyncio.Queue[RtpAudioPacket] = asyncio.Queue()
        self.messages: asyncio.Queue[str] = asyncio.Queue()
        self.opened = asyncio.Event()
        self.connected = asyncio.Event()
        self.channel: RTCDataChannel | None = None
        self.pc.on("connectionstatechange", self._state_changed)

    async def offer(self, *, audio: bool = True, channel: bool = True) -> str:
        if audio:
            transceiver = self.pc.addTransceiver("audio")
            send_packets(transceiver.sender, self.track)
            receive_inline(transceiver.receiver, self.packets.put_nowait)
        if channel:
            self.channel = self.pc.createDataChannel("oai-events")
            self.channel.on("open", self.opened.set)
            self.channel.on("message", self.messages.put_nowait)
        offer_addresses(self.pc, ["127.0.0.1"])
        await self.pc.setLocalDescription(await self.pc.createOffer())
        return str(self.pc.localDescription.sdp)

    async def accept(self, sdp: str) -> None:
        await self.pc.setRemoteDescription(RTCSessionDescription(sdp, "answer"))

    def speak(self, pcm: np.ndarray) -> None:
        """Send 20 ms of int16 mono at 48 kHz."""
        self.track.push(self.encoder.encode(pcm))

    async def aclose(self) -> None:
        await self.pc.close()

    def _state_changed(self) -> None:
        if self.pc.connectionState == "connected":
            self.connected.set()


Connect = Callable[..., Awaitable[tuple[Client, WebRtcLink]]]


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    client = Client()
    yield client
    await client.aclose()


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Make a connected client and link; both are closed afterwards."""
    open_pairs: list[tuple[Client, WebRtcLink]] = []

    async def connect(*, channel: bool = True, **settings: object) -> tuple[Client, WebRtcLink]:
        client = Client()
        arguments: dict[str, object] = {"addresses": ("127.0.0.1",), **settings}
        link, sdp = await answer(await client.offer(channel=channel), MediaSettings(**arguments))  # type: ignore[arg-type]
        open_pairs.append((client, link))
        await client.accept(sdp)
        async with asyncio.timeout(10):
            await client.connected.wait()
            if channel:
                await client.opened.wait()
            await link.ready()  # it may learn of that later, and skips what it plays until then
        return client, link

    yield connect
    for client, link in open_pairs:
        await asyncio.gather(client.aclose(), link.aclose())
