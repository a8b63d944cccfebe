"""The hooks against the real aiortc: two peers in one process over 127.0.0.1."""

import asyncio
import threading
from collections.abc import AsyncIterator

import aioice.ice
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from realtime.transport.addresses import host_addresses, parse_address
from realtime.transport.aiortc_hooks import (
    AiortcInternalsError,
    NoAddressError,
    PacketTrack,
    RtpAudioPacket,
    TrafficCounter,
    check_internals,
    offer_addresses,
    peer_report,
    receive_inline,
    send_packets,
)

SILENCE = b"\xf8\xff\xfe"  # an Opus packet of 20 ms silence, as libopus makes it


class Pair:
    """Two connected peers: packets pushed to `track` at one side come to `received` at the other."""

    def __init__(self) -> None:
        configuration = RTCConfiguration(iceServers=[])
        self.sending = RTCPeerConnection(configuration)
        self.receiving = RTCPeerConnection(configuration)
        self.track = PacketTrack()
        self.received: asyncio.Queue[RtpAudioPacket] = asyncio.Queue()
        self.connected = asyncio.Event()

    async def connect(self, ports: tuple[int, int] | None = None) -> None:
        send_packets(self.sending.addTransceiver("audio", "sendonly").sender, self.track)
        receiver = self.receiving.addTransceiver("audio", "recvonly").receiver
        receive_inline(receiver, self.received.put_nowait)

        @self.sending.on("connectionstatechange")
        def changed() -> None:
            if self.sending.connectionState == "connected":
                self.connected.set()

        await self.sending.setLocalDescription(await self._offer(ports))
        await self.receiving.setRemoteDescription(self.sending.localDescription)
        offer_addresses(self.receiving, ["127.0.0.1"], ports)
        await self.receiving.setLocalDescription(await self.receiving.createAnswer())
        await self.sending.setRemoteDescription(self.receiving.localDescription)
        await self.connected.wait()

    async def _offer(self, ports: tuple[int, int] | None) -> RTCSessionDescription:
        offer_addresses(self.sending, ["127.0.0.1"], ports)
        return await self.sending.createOffer()

    async def aclose(self) -> None:
        await asyncio.gather(self.sending.close(), self.receiving.close())


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    pair = Pair()
    yield pair
    await pair.aclose()


async def test_packets_arrive_inline_with_marker_and_timestamps(pair: Pair) -> None:
    threads = threading.active_count()
    await pair.connect()
    pair.track.push(b"\xf8one")
    pair.track.push(b"\xf8two")
    pair.track.skip(4800)
    pair.track.push(b"\xf8three")
    first, second, third = [await pair.received.get() for _ in range(3)]
    assert [p.payload for p in (first, second, third)] == [b"\xf8one", b"\xf8two", b"\xf8three"]
    assert [p.marker for p in (first, second, third)] == [True, False, True]
    assert (second.sequence - first.sequence, third.sequence - second.sequence) == (1, 1)
    assert (second.timestamp - first.timestamp) & 0xFFFFFFFF == 960
    assert (third.timestamp - second.timestamp) & 0xFFFFFFFF == 960 + 4800
    assert first.arrival <= second.arrival <= asyncio.get_running_loop().time()
    assert threading.active_count() == threads


async def test_the_receivers_reports_reach_the_sender(pair: Pair) -> None:
    await pair.connect()
    (sender,) = pair.sending.getSenders()
    assert peer_report(sender) is None

    report = None
    for _ in range(500):  # at most 10 s of audio at its own pace; reports go out every second or so
        pair.track.push(SILENCE)
        await asyncio.sleep(0.02)
        report = peer_report(sender)
        if report is not None and report.round_trip_ms is not None:
            break
    assert report is not None
    assert report.loss == 0
    assert report.round_trip_ms is not None
    assert 0 <= report.round_trip_ms < 1000
    stats = [s for s in (await pair.receiving.getStats()).values() if s.type == "inbound-rtp"]
    assert stats[0].packetsReceived > 0
    assert stats[0].packetsLost == 0


async def test_offers_only_the_given_address_and_ports(pair: Pair) -> None:
    await pair.connect(ports=(41000, 41020))
    for pc in (pair.sending, pair.receiving):
        lines = [line for line in pc.localDescription.sdp.splitlines() if line.startswith("a=candidate")]
        assert len(lines) == 1
        assert " 127.0.0.1 " in lines[0]
        assert 41000 <= int(lines[0].split()[5]) <= 41020


async def test_announces_the_public_address_of_a_router(pair: Pair) -> None:
    pair.sending.addTrack(pair.track)
    offer_addresses(pair.sending, ["203.0.113.7@127.0.0.1"])
    await pair.sending.setLocalDescription(await pair.sending.createOffer())
    candidates = [line for line in pair.sending.localDescription.sdp.splitlines() if "candidate:" in line]
    assert [line.split()[4] for line in candidates] == ["203.0.113.7"]


async def test_no_free_port_is_an_error_that_names_the_setting(pair: Pair) -> None:
    pair.sending.addTrack(pair.track)
    offer_addresses(pair.sending, ["192.0.2.1"])  # TEST-NET-1: no machine has it
    with pytest.raises(NoAddressError, match=r"192\.0\.2\.1"):
        await pair.sending.setLocalDescription(await pair.sending.createOffer())


def test_addresses_are_parsed() -> None:
    assert parse_address("127.0.0.1") == ("127.0.0.1", "127.0.0.1")
    assert parse_address("203.0.113.7@10.0.0.5") == ("203.0.113.7", "10.0.0.5")
    assert parse_address("2001:db8::1@::") == ("2001:db8::1", "::")
    for wrong in ("localhost", "", "1.2.3", "203.0.113.7@", "a@b"):
        with pytest.raises(ValueError, match="no address to offer"):
            parse_address(wrong)
    assert host_addresses()


async def test_traffic_counts_packets_and_checks(pair: Pair) -> None:
    await pair.connect()
    counter = TrafficCounter(pair.receiving)
    before = counter.received
    pair.track.push(SILENCE)
    await pair.received.get()
    assert counter.received > before


async def test_track_is_bounded_and_flushed() -> None:
    track = PacketTrack()
    for index in range(12):
        track.push(bytes([index]))
    assert track.dropped == 2
    packet = await track.recv()
    assert bytes(packet) == b"\x02"
    assert packet.pts == 2 * 960
    assert packet.time_base.denominator == 48_000
    assert track.flush() == 9
    track.push(b"after")
    queued = await track.next_packet()
    assert queued.marker
    assert queued.timestamp == 12 * 960


async def test_stopping_a_track_ends_who_waits_for_it() -> None:
    track = PacketTrack()
    waiting = asyncio.ensure_future(track.recv())
    await asyncio.sleep(0)
    track.stop()
    with pytest.raises(MediaStreamError):
        await waiting


async def test_hooking_a_running_receiver_is_refused(pair: Pair) -> None:
    await pair.connect()
    pair.track.push(SILENCE)
    await pair.received.get()
    with pytest.raises(RuntimeError, match="before"):
        receive_inline(pair.receiving.getReceivers()[0], pair.received.put_nowait)


def test_another_series_of_aiortc_is_refused() -> None:
    check_internals()
    with pytest.raises(AiortcInternalsError, match=r"1\.17\.0 is installed"):
        check_internals("1.17.0")


def test_a_moved_internal_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(RTCRtpReceiver, "_run_rtcp")
    monkeypatch.setattr(aioice.ice.Connection, "__init__", lambda self: None)
    with pytest.raises(AiortcInternalsError) as caught:
        check_internals()
    assert "RTCRtpReceiver._run_rtcp()" in str(caught.value)
    assert "Connection._protocols" in str(caught.value)
