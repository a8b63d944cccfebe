"""The WebRTC link: Opus over RTP both ways, Realtime events on the data channel `oai-events`.

`answer` takes a client's offer and gives back the link and the answer to send. The halves of the audio are
`microphone.py` and `playout.py`; whatever has to reach into aiortc goes through `aiortc_hooks.py`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpSender,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.exceptions import InvalidAccessError, InvalidStateError, OperationError

from realtime.transport.aiortc_hooks import (
    NoAddressError,
    PacketTrack,
    PeerReport,
    RtpAudioPacket,
    TrafficCounter,
    offer_addresses,
    peer_report,
    receive_inline,
    send_packets,
)
from realtime.transport.jitter import RATE, JitterStats
from realtime.transport.link import FRAME_MS, AudioOwner, InputAudio, Losses, StereoFrame
from realtime.transport.mailbox import Mailbox
from realtime.transport.microphone import Microphone
from realtime.transport.opus import OpusEncoder
from realtime.transport.playout import Playout
from realtime.transport.sdp import (
    PARSE_ERRORS,
    OfferError,
    check_offer,
    rejected_sections,
    with_opus_settings,
    with_rejected,
)

__all__ = ["LinkStatistics", "MediaSettings", "NoAddressError", "OfferError", "WebRtcLink", "answer"]

logger = logging.getLogger(__name__)

CHANNEL_LABEL = "oai-events"
MAX_EVENTS = 256  # of the client's, unread; a client that sends faster than that is not talking to us
MAX_UNSENT = 256  # events kept until the data channel opens; then the oldest are dropped
MAX_BUFFERED = 1 << 20  # bytes in the data channel: some minutes of events that the client does not read
WATCH_INTERVAL = 1.0  # s
CLOSE_TIMEOUT = 5.0  # s
LOSS_DECAY = 0.9  # a second: FEC stays on for a while after the last loss was reported

# From our send until it is heard, besides the network. Chromium over loopback on a busy machine, by getStats:
# its jitter buffer 50 to 60 ms once settled, after 100 at first; its playout 30 ms.
RECEIVER_DELAY_MS = 85.0
ASSUMED_ROUND_TRIP_MS = 40.0  # before it is measured


@dataclass(frozen=True, slots=True)
class IceServer:
    """A STUN or TURN server, as a browser's RTCIceServer has it."""

    url: str
    username: str | None = None
    credential: str | None = field(default=None, repr=False)  # not for logs


@dataclass(frozen=True, slots=True)
class MediaSettings:
    """How WebRTC connections are made and encoded.

    `addresses` are those to offer, each "LOCAL" or "PUBLIC@LOCAL"; none means the machine's own.
    `udp_ports` are the first and last port to use; None leaves the choice to the system.
    """

    addresses: tuple[str, ...] = ()
    udp_ports: tuple[int, int] | None = None
    ice_servers: tuple[IceServer, ...] = ()
    fec: bool = True
    complexity: int = 5  # of the Opus encoder, 0 to 10
    speech_bitrate: int = 32_000  # bit/s, mono
    music_bitrate: int = 96_000  # bit/s, stereo
    connect_timeout_s: float = 15.0
    vanish_after_s: float = 10.0  # without any datagram from the client


@dataclass(frozen=True, slots=True)
class LinkStatistics:
    """Counters since the link began, and present estimates."""

    packets: int  # received
    lost: int
    late: int  # came after they had been given up
    duplicates: int
    malformed: int
    recovered_ms: float  # audio out of in-band FEC
    concealed_ms: float  # audio made up
    dropped_audio: int  # pieces of some 20 ms that nobody read in time
    dropped_packets: int  # of ours, that could not leave in time
    dropped_events: int
    jitter_ms: float  # spread of the arrivals
    target_ms: float  # how long a missing packet is waited for
    delay_ms: float  # mean added by jitter and reordering
    peer_loss: float  # share of our packets the client last reported lost
    round_trip_ms: float | None


class WebRtcLink:
    """One client over WebRTC; see `Link` for what the methods promise."""

    kind = "webrtc"

    def __init__(self, pc: RTCPeerConnection, audio: RTCRtpTransceiver, settings: MediaSettings) -> None:
        self._pc = pc
        self._settings = settings
        self._sender: RTCRtpSender = audio.sender
        self._track = PacketTrack()
        self._microphone = Microphone(fec=settings.fec)
        self._playout = Playout(
            self._track,
            OpusEncoder(
                complexity=settings.complexity,
                speech_bitrate=settings.speech_bitrate,
                music_bitrate=settings.music_bitrate,
            ),
        )
        self._events: Mailbox[str] = Mailbox(MAX_EVENTS)
        self._channel: RTCDataChannel | None = None
        self._unsent: Mailbox[str] = Mailbox(MAX_UNSENT)
        self._dropped_events = 0
        self._peer: PeerReport | None = None
        self._loss = 0.0
        self._loop = asyncio.get_running_loop()
        self._played = self._loop.time()  # when `play` was last called
        self._heard_at = self._loop.time()  # when the client last sent anything
        self._connected = False
        self._farewell = False
        self._settled = asyncio.Event()  # connected, or over
        self._closed = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None
        send_packets(audio.sender, self._track)
        receive_inline(audio.receiver, self._packet_received)
        pc.on("connectionstatechange", self._state_changed)
        pc.on("datachannel", self._channel_opened)

    def start(self) -> None:
        """Begin to watch the connection. Called once, by `answer`."""
        self._watching = asyncio.create_task(self._watch(), name="webrtc-watch")

    # -- Link ---------------------------------------------------------------------------------------

    def audio(self) -> AsyncIterator[InputAudio]:
        return self._microphone.audio

    def events(self) -> AsyncIterator[str]:
        return self._events

    def send(self, event: str) -> None:
        if self._closed.is_set():
            return
        channel = self._channel
        if channel is None:
            self._unsent.put(event)
        elif channel.readyState == "open":
            self._send_on(channel, event)

    def play(self, frame: StereoFrame | None, owner: AudioOwner | None) -> None:
        if self._closed.is_set():
            return
        # The speaker sleeps through silence; the timestamps must not, or the receiver takes what comes next
        # for packets that were seconds late, and buffers for as long.
        now = self._loop.time()
        missed = round((now - self._played) * 1000 / FRAME_MS) - 1
        self._played = now
        if missed > 0:
            self._playout.skip(missed)
        if self._connected:
            self._playout.play(frame)
        else:
            self._playout.skip()

    def flush(self) -> None:
        self._playout.flush()

    def losses(self) -> Losses:
        statistics = self.statistics
        return Losses(statistics.dropped_audio, round(statistics.concealed_ms / FRAME_MS))

    @property
    def playout_delay_ms(self) -> float:
        round_trip = self._peer.round_trip_ms if self._peer is not None else None
        network = (ASSUMED_ROUND_TRIP_MS if round_trip is None else round_trip) / 2
        return self._playout.waiting_ms + network + RECEIVER_DELAY_MS

    @property
    def recalled_ms(self) -> float:
        return self._playout.waiting_ms

    @property
    def farewell(self) -> bool:
        """Whether the client closed its connection, as against one that failed or fell silent."""
        return self._farewell

    @property
    def last_sign(self) -> float:
        """When the client last sent anything (the loop's clock)."""
        return self._heard_at

    async def ready(self) -> bool:
        """Wait for the connection; False when the link ended first."""
        await self._settled.wait()
        return self._connected and not self._closed.is_set()

    async def aclose(self) -> None:
        self._end("closed by us")
        if self._watching is not None:
            await asyncio.wait({self._watching})

    # -- besides ------------------------------------------------------------------------------------

    @property
    def statistics(self) -> LinkStatistics:
        """Counters and estimates, for metrics."""
        jitter: JitterStats = self._microphone.jitter.stats
        delays = self._microphone.jitter.delays
        return LinkStatistics(
            packets=jitter.packets,
            lost=jitter.lost,
            late=jitter.late,
            duplicates=jitter.duplicates,
            malformed=self._microphone.malformed,
            recovered_ms=jitter.recovered * 1000 / RATE,
            concealed_ms=jitter.concealed * 1000 / RATE,
            dropped_audio=self._microphone.audio.dropped,
            dropped_packets=self._track.dropped,
            dropped_events=self._dropped_events + self._unsent.dropped,
            jitter_ms=delays.spread * 1000,
            target_ms=delays.target * 1000,
            delay_ms=self._microphone.delay * 1000,
            peer_loss=self._peer.loss if self._peer is not None else 0.0,
            round_trip_ms=self._peer.round_trip_ms if self._peer is not None else None,
        )

    # -- inside -------------------------------------------------------------------------------------

    def _state_changed(self) -> None:
        state = self._pc.connectionState
        if state == "connected":
            self._connected = True
            self._settled.set()
        elif state in ("failed", "closed"):
            self._end(f"the connection is {state}", farewell=state == "closed")

    def _packet_received(self, packet: RtpAudioPacket) -> None:
        self._heard_at = packet.arrival
        self._microphone.receive(packet)

    def _channel_opened(self, channel: RTCDataChannel) -> None:
        if channel.label != CHANNEL_LABEL or self._channel is not None:
            logger.info("Ignoring the data channel %r", channel.label)
            return
        self._channel = channel
        channel.on("message", self._event_received)
        channel.on("close", self._channel_closed)
        for event in self._unsent.take_all():
            self._send_on(channel, event)

    def _channel_closed(self) -> None:
        # A client that leaves ends the whole association; a channel can also be lost alone.
        self._heard_at = self._loop.time()
        sctp = self._pc.sctp
        self._end("the data channel is closed", farewell=sctp is not None and sctp.state == "closed")

    def _event_received(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            message = message.decode(errors="replace")
        if self._events.full:
            self._end(f"{MAX_EVENTS} events of the client wait to be read")
        self._events.put(message)

    def _send_on(self, channel: RTCDataChannel, event: str) -> None:
        if channel.bufferedAmount + len(event) > MAX_BUFFERED:
            self._end("the client does not read its events")
            return
        try:
            channel.send(event)
        except (ValueError, InvalidStateError) as error:
            # ValueError: longer than the client's SCTP takes (a browser's takes 256 KiB).
            self._dropped_events += 1
            logger.warning("An event of %d characters could not be sent: %s", len(event), error)

    def _end(self, reason: str, *, farewell: bool = False) -> None:
        """Let the iterators end; the watcher then closes the connection. Idempotent."""
        if self._closed.is_set():
            return
        logger.info("WebRTC link ends: %s", reason)
        self._farewell = farewell
        self._closed.set()
        self._settled.set()
        self._microphone.close()
        self._events.close()
        self._track.flush()

    async def _watch(self) -> None:
        """Follow the client's reports, notice when it has vanished, and close up in the end."""
        loop = asyncio.get_running_loop()
        traffic = TrafficCounter(self._pc)
        received, looked_at = traffic.received, loop.time()
        connect_by = loop.time() + self._settings.connect_timeout_s
        try:
            while not self._closed.is_set():
                await _wait_at_most(self._closed, WATCH_INTERVAL)
                now = loop.time()
                if traffic.received != received:
                    received = traffic.received
                    self._heard_at = max(self._heard_at, looked_at)  # it came some time after that
                looked_at = now
                if not self._connected:
                    if now >= connect_by:
                        self._end(f"no connection within {self._settings.connect_timeout_s:g} s")
                elif now - self._heard_at >= self._settings.vanish_after_s:
                    self._end(f"the client has been silent for {now - self._heard_at:.0f} s")
                self._adapt()
        finally:
            self._end("its watcher was cancelled")
            await _close(self._pc)

    def _adapt(self) -> None:
        report = peer_report(self._sender)
        if report is None:
            return
        self._peer = report
        self._loss = max(report.loss, self._loss * LOSS_DECAY)
        if self._settings.fec:
            self._playout.expect_loss(self._loss)


async def answer(offer_sdp: str, settings: MediaSettings) -> tuple[WebRtcLink, str]:
    """Answer a client's offer: the link, and the SDP to send back, with all candidates gathered.

    The link connects on its own; it ends by itself when it cannot within `connect_timeout_s`, or when the
    client vanishes. Raises `OfferError` for an offer we cannot answer, `NoAddressError` when no socket can
    be bound as the settings say, and `ValueError` for malformed settings.
    """
    offer = check_offer(offer_sdp)
    pc = RTCPeerConnection(
        RTCConfiguration(
            # None would mean aiortc's default, a public STUN server.
            iceServers=[RTCIceServer(s.url, s.username, s.credential) for s in settings.ice_servers],
            bundlePolicy=RTCBundlePolicy.MAX_BUNDLE,
        )
    )
    try:
        audio = pc.addTransceiver("audio", direction="sendrecv")
        codecs = RTCRtpSender.getCapabilities("audio").codecs
        audio.setCodecPreferences([codec for codec in codecs if codec.mimeType == "audio/opus"])
        link = WebRtcLink(pc, audio, settings)
        description = await _negotiate(pc, offer)
        offer_addresses(pc, settings.addresses, settings.udp_ports)
        await pc.setLocalDescription(description)
    except BaseException:
        await _close(pc)
        raise
    link.start()
    return link, with_rejected(with_opus_settings(pc.localDescription.sdp), rejected_sections(offer_sdp))


async def _negotiate(pc: RTCPeerConnection, offer: RTCSessionDescription) -> RTCSessionDescription:
    try:
        await pc.setRemoteDescription(offer)
        return await pc.createAnswer()
    except (*PARSE_ERRORS, InvalidAccessError, InvalidStateError, OperationError) as error:
        raise OfferError(f"The offer cannot be answered: {type(error).__name__}: {error}") from error


async def _wait_at_most(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return


async def _close(pc: RTCPeerConnection) -> None:
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT):
            await pc.close()
    except TimeoutError:
        logger.warning("A connection took more than %g s to close", CLOSE_TIMEOUT)
