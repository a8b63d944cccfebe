"""Everything this project knows of the insides of aiortc and aioice, in one file.

The stock receiver runs a decoder thread per track behind a fixed jitter buffer, the stock sender wants raw
frames that it encodes itself, and the stock gatherer leaves out 127.0.0.1 and binds random ports. The hooks
below replace those three on single objects, through names that aiortc keeps private; nothing is patched
globally, so other users of aiortc in the same process notice nothing.

`check_internals` compares every such name with what is installed and is called when this module is imported:
an aiortc that moved one of them fails there, in words, and not in the middle of a call.
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any, NamedTuple, cast

import aioice.ice
import aiortc
from aioice.candidate import Candidate, candidate_foundation, candidate_priority
from aiortc import RTCPeerConnection, RTCRtpReceiver, RTCRtpSender
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcrtpparameters import RTCRtpCodecParameters, RTCRtpReceiveParameters
from aiortc.rtcrtpreceiver import StreamStatistics
from aiortc.rtcrtpsender import RTCEncodedFrame
from aiortc.rtp import RtpPacket

from realtime.transport.addresses import host_addresses, parse_address
from realtime.transport.packet_track import PacketTrack

__all__ = [
    "AiortcInternalsError",
    "NoAddressError",
    "PacketTrack",
    "PeerReport",
    "RtpAudioPacket",
    "TrafficCounter",
    "check_internals",
    "offer_addresses",
    "peer_report",
    "receive_inline",
    "send_packets",
]

AIORTC_SERIES = "1.16"
RTP_RATE = 48_000  # Hz: RTP clock of Opus whatever is encoded (RFC 7587)

MAX_SOURCES = 4  # SSRCs remembered; a receiver report has room for 31 (RFC 3550, 6.4.2)
RELAY_TIMEOUT = 2  # s a TURN server has to answer; every call waits for it
RECEIVE_BUFFER = 256 * 1024  # bytes of a UDP socket: 1 s of a busy moment, several hundred packets


class AiortcInternalsError(ImportError):
    """The installed aiortc or aioice no longer has what this module builds on."""


class NoAddressError(RuntimeError):
    """No UDP socket could be bound to an address and port that we were told to offer."""


# -- the names we rely on ---------------------------------------------------------------------------

# Attributes that a class's __init__ sets, `__x` being private to the class (Python mangles its name).
_ATTRIBUTES: dict[type, tuple[str, ...]] = {
    RTCRtpReceiver: (
        *("__codecs", "__started", "__rtcp_task", "__remote_streams", "__transport", "__decoder_thread"),
        "_enabled",
    ),
    RTCRtpSender: ("__stats", "_enabled"),
    RTCPeerConnection: ("__iceTransports", "__dtlsTransports"),
    RTCDtlsTransport: ("__rx_packets", "_rtp_router"),
    aioice.ice.Connection: (
        *("_components", "_local_candidates", "_local_candidates_start", "_local_candidates_end"),
        *("_protocols", "stun_server", "_transport_policy"),
    ),
}

_METHODS: dict[type, tuple[str, ...]] = {
    RTCRtpReceiver: ("receive", "_run_rtcp", "_handle_rtp_packet"),
    RTCRtpSender: ("_next_encoded_frame", "_run_rtp"),
    RTCDtlsTransport: ("_register_rtp_receiver",),
    aioice.ice.Connection: ("gather_candidates", "get_component_candidates", "request_received"),
}


def _mangled(owner: type, name: str) -> str:
    return f"_{owner.__name__}{name}" if name.startswith("__") else name


def _get(owner: type, instance: object, name: str) -> Any:
    return getattr(instance, _mangled(owner, name))


def _set(owner: type, instance: object, name: str, value: object) -> None:
    setattr(instance, _mangled(owner, name), value)


def check_internals(version: str = aiortc.__version__) -> None:
    """Raise `AiortcInternalsError` unless all the private names used here are where they were."""
    if not version.startswith(f"{AIORTC_SERIES}."):
        raise AiortcInternalsError(
            f"aiortc {version} is installed, but realtime/transport/aiortc_hooks.py is written for "
            f"{AIORTC_SERIES}.x: install 'aiortc~={AIORTC_SERIES}.0', or go through that file first."
        )
    missing = [
        f"{owner.__name__}.{name}"
        for owner, names in _ATTRIBUTES.items()
        for name in names
        if _mangled(owner, name) not in cast(FunctionType, owner.__init__).__code__.co_names  # type: ignore[misc]
    ]
    missing += [
        f"{owner.__name__}.{name}()"
        for owner, names in _METHODS.items()
        for name in names
        if not callable(getattr(owner, name, None))
    ]
    if missing:
        raise AiortcInternalsError(
            f"aiortc {version} has moved {', '.join(missing)}: adapt realtime/transport/aiortc_hooks.py."
        )


check_internals()


# -- receiving --------------------------------------------------------------------------------------


class RtpAudioPacket(NamedTuple):
    """One RTP packet of the microphone, as it came from the network: not yet in order."""

    payload: bytes
    sequence: int  # 16 bit
    timestamp: int  # 32 bit, RTP_RATE
    payload_type: int
    marker: bool
    arrival: float  # loop.time(), seconds
    ssrc: int


def receive_inline(receiver: RTCRtpReceiver, on_packet: Callable[[RtpAudioPacket], None]) -> None:
    """Give each packet of `receiver` to `on_packet` on the event loop, and start no decoder thread.

    Call it before the connection is up. `on_packet` must not raise: an error there would end the whole
    transport. Receiver reports (fraction lost, jitter) are sent as before; `receiver.track` yields nothing.
    """
    if _get(RTCRtpReceiver, receiver, "__started"):
        raise RuntimeError("receive_inline has to be called before the connection is established.")
    loop = asyncio.get_running_loop()
    codecs: dict[int | None, RTCRtpCodecParameters] = _get(RTCRtpReceiver, receiver, "__codecs")
    streams: dict[int, StreamStatistics] = _get(RTCRtpReceiver, receiver, "__remote_streams")

    async def receive(parameters: RTCRtpReceiveParameters) -> None:
        if _get(RTCRtpReceiver, receiver, "__started"):
            return
        codecs.update({codec.payloadType: codec for codec in parameters.codecs})
        receiver.transport._register_rtp_receiver(receiver, parameters)
        _set(RTCRtpReceiver, receiver, "__rtcp_task", asyncio.ensure_future(receiver._run_rtcp()))
        _set(RTCRtpReceiver, receiver, "__started", True)

    async def handle_rtp_packet(packet: RtpPacket, arrival_time_ms: int) -> None:
        codec = codecs.get(packet.payload_type)
        if codec is None or not receiver._enabled:
            return
        statistics = streams.get(packet.ssrc)
        if statistics is None:
            if len(streams) == MAX_SOURCES:
                oldest = next(iter(streams))
                del streams[oldest]
                receiver.transport._rtp_router.ssrc_table.pop(oldest, None)
            statistics = streams[packet.ssrc] = StreamStatistics(codec.clockRate)
        statistics.add(packet)
        on_packet(
            RtpAudioPacket(
                payload=packet.payload,
                sequence=packet.sequence_number,
                timestamp=packet.timestamp,
                payload_type=packet.payload_type,
                marker=bool(packet.marker),
                arrival=loop.time(),
                ssrc=packet.ssrc,
            )
        )

    receiver.receive = receive  # type: ignore[method-assign]
    receiver._handle_rtp_packet = handle_rtp_packet  # type: ignore[method-assign]


# -- sending ----------------------------------------------------------------------------------------


class _Payloads(list[bytes]):
    """The one payload of an RTP packet. aiortc marks the last payload of a frame, `len(payloads) - 1`.

    That rule is video's. In audio the marker begins a talkspurt, so the length claims one more when no
    marker is wanted; aiortc reads it for nothing else.
    """

    marker: bool

    def __len__(self) -> int:
        return 1 if self.marker else 2


def send_packets(sender: RTCRtpSender, track: PacketTrack) -> None:
    """Make `sender` send the packets of `track` as they are: no encoder, no resampler, no thread pool."""
    sender.replaceTrack(track)

    async def next_encoded_frame(codec: RTCRtpCodecParameters) -> RTCEncodedFrame | None:
        queued = await track.next_packet()
        if not sender._enabled:
            return None
        payloads = _Payloads([queued.payload])
        payloads.marker = queued.marker
        return RTCEncodedFrame(payloads, queued.timestamp, cast(int, queued.audio_level))

    sender._next_encoded_frame = next_encoded_frame  # type: ignore[method-assign]


@dataclass(frozen=True, slots=True)
class PeerReport:
    """What the peer's last receiver report says of our audio (RFC 3550, 6.4.1)."""

    loss: float  # share of packets lost since the report before, 0 to 1
    jitter_ms: float
    round_trip_ms: float | None  # None until two reports have crossed


def peer_report(sender: RTCRtpSender) -> PeerReport | None:
    """The peer's latest report about what `sender` sends; None before the first."""
    stats = _get(RTCRtpSender, sender, "__stats").get(f"remote-inbound-rtp_{id(sender)}")
    if stats is None:
        return None
    round_trip = stats.roundTripTime
    return PeerReport(
        loss=stats.fractionLost / 256,
        jitter_ms=stats.jitter * 1000 / RTP_RATE,
        round_trip_ms=None if round_trip is None else max(0.0, round_trip * 1000),
    )


# -- addresses --------------------------------------------------------------------------------------


def offer_addresses(
    pc: RTCPeerConnection, addresses: Sequence[str] = (), ports: tuple[int, int] | None = None
) -> None:
    """Make `pc` offer exactly `addresses` (see `parse_address`), on UDP ports of `ports`, both inclusive.

    Without addresses it offers those of the machine's network cards, or 127.0.0.1 on a machine that has
    none. Call it when `pc` has its transceivers and data channels, before `setLocalDescription`, which then
    raises `NoAddressError` if nothing can be bound. Raises `ValueError` for a malformed address.
    """
    pairs = [parse_address(address) for address in addresses or host_addresses()]
    for transport in _get(RTCPeerConnection, pc, "__iceTransports"):
        _gather_on(transport._connection, pairs, ports)


def _gather_on(
    connection: aioice.ice.Connection, pairs: Sequence[tuple[str, str]], ports: tuple[int, int] | None
) -> None:
    async def gather_candidates() -> None:
        if connection._local_candidates_start:
            return
        connection._local_candidates_start = True
        candidates: list[Candidate] = []
        errors: list[str] = []
        if connection._transport_policy == aioice.ice.TransportPolicy.ALL:
            for announced, bound in pairs:
                for component in connection._components:
                    try:
                        protocol = await _bind(connection, bound, ports)
                    except OSError as error:
                        errors.append(f"{bound}: {error.strerror or error}")
                        continue
                    port = protocol.transport.get_extra_info("sockname")[1]
                    protocol.local_candidate = _host_candidate(component, announced, port)
                    connection._protocols.append(protocol)
                    candidates.append(protocol.local_candidate)
        candidates += await _ask_servers(connection)
        if not candidates:
            raise NoAddressError(
                f"No UDP socket to offer ({'; '.join(errors) or 'no address'}): correct the addresses "
                "to offer or widen the UDP port range in the settings."
            )
        connection._local_candidates += candidates
        connection._local_candidates_end = True

    connection.gather_candidates = gather_candidates  # type: ignore[method-assign]


async def _bind(
    connection: aioice.ice.Connection, address: str, ports: tuple[int, int] | None
) -> aioice.ice.StunProtocol:
    """Open a UDP socket on a free port of the range. Raises `OSError`."""
    loop = asyncio.get_running_loop()
    candidates = [0]
    if ports is not None:
        candidates = list(range(ports[0], ports[1] + 1))
        # From a random place on: sessions that start at once then seldom try the same port.
        start = random.randrange(len(candidates))  # noqa: S311 - no secret
        candidates = candidates[start:] + candidates[:start]
    last_error = OSError("the UDP port range is empty")
    for port in candidates:
        try:
            transport, protocol = await loop.create_datagram_endpoint(
                lambda: aioice.ice.StunProtocol(connection), local_addr=(address, port)
            )
        except OSError as error:
            last_error = error
            continue
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        return protocol
    raise last_error


def _host_candidate(component: int, address: str, port: int) -> Candidate:
    return Candidate(
        foundation=candidate_foundation("host", "udp", address),
        component=component,
        transport="udp",
        priority=candidate_priority(component, "host"),
        host=address,
        port=port,
        type="host",
    )


async def _ask_servers(connection: aioice.ice.Connection) -> list[Candidate]:
    """Candidates from the connection's TURN and STUN servers; no wait at all where there is none."""
    relayed = [
        candidate
        for component in connection._components
        for candidate in await connection.get_component_candidates(
            component, addresses=[], timeout=RELAY_TIMEOUT
        )
    ]
    if connection.stun_server is None:
        return relayed
    queries = [
        aioice.ice.server_reflexive_candidate(protocol, connection.stun_server)
        for protocol in connection._protocols
        if protocol.local_candidate.type == "host" and ":" not in protocol.local_candidate.host
    ]
    answers = await asyncio.gather(
        *(asyncio.wait_for(query, 1.0) for query in queries), return_exceptions=True
    )
    return relayed + [answer[0] for answer in answers if not isinstance(answer, BaseException)]


# -- liveness ---------------------------------------------------------------------------------------


class TrafficCounter:
    """Counts what a connection has received, connectivity checks included, at next to no cost a packet.

    ICE consent (RFC 7675) takes aioice 30 s to expire. A client that sends nothing at all for some seconds,
    not even the checks that browsers send every 2.5 s, is gone long before that.
    """

    def __init__(self, pc: RTCPeerConnection) -> None:
        self._checks = 0
        self._transports: list[RTCDtlsTransport] = list(_get(RTCPeerConnection, pc, "__dtlsTransports"))
        for transport in self._transports:
            self._watch(transport.transport._connection)

    @property
    def received(self) -> int:
        """Datagrams so far. Only a change of this number means anything."""
        packets: list[int] = [_get(RTCDtlsTransport, t, "__rx_packets") for t in self._transports]
        return self._checks + sum(packets)

    def _watch(self, connection: aioice.ice.Connection) -> None:
        request_received = connection.request_received

        def counted(*arguments: Any) -> None:
            self._checks += 1
            request_received(*arguments)

        connection.request_received = counted  # type: ignore[assignment, method-assign]
