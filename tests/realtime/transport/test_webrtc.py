"""The WebRTC link against a real aiortc client: ICE, DTLS, SRTP and SCTP over 127.0.0.1."""

import asyncio
import gc
import os
import threading

import numpy as np
import pytest

from realtime.transport.link import FRAME_SAMPLES, InputAudio, Link
from realtime.transport.opus_packet import packet_samples
from realtime.transport.playout import DTX_INTERVAL, HANGOVER
from realtime.transport.webrtc import MediaSettings, NoAddressError, OfferError, WebRtcLink, answer

pytestmark = pytest.mark.timeout(60)


def tone(number: int, hertz: float = 440.0) -> np.ndarray:
    """The 20 ms frame with this number of a steady mono tone, int16."""
    t = (np.arange(FRAME_SAMPLES) + number * FRAME_SAMPLES) / 48_000
    return (10_000 * np.sin(2 * np.pi * hertz * t)).astype(np.int16)


def pitch(pcm: np.ndarray, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(pcm * np.hanning(len(pcm))))
    return float(np.argmax(spectrum)) * rate / len(pcm)


async def test_audio_flows_both_ways(connect) -> None:
    client, link = await connect()
    is_link: Link = link
    assert is_link.kind == "webrtc"
    heard: list[InputAudio] = []

    async def hear() -> None:
        heard.extend([audio async for audio in link.audio()])

    hearing = asyncio.create_task(hear())
    played = []
    for number in range(60):
        client.speak(tone(number, 400))
        left, right = tone(number, 1000), tone(number, 500)
        link.play(np.stack([left, right], axis=1), None)
        await asyncio.sleep(0.005)
    async with asyncio.timeout(5):
        while len(played) < 50:
            played.append(client.decoder.decode((await client.packets.get()).payload))
    await link.aclose()
    await hearing
    assert len(heard) >= 50
    assert not any(audio.concealed for audio in heard)
    voice = np.frombuffer(b"".join(audio.pcm for audio in heard[10:50]), np.int16)
    assert len(voice) == 40 * 320
    assert pitch(voice, 16_000) == pytest.approx(400, abs=5)
    music = np.frombuffer(b"".join(played[10:]), np.int16).reshape(-1, 2)
    assert pitch(music[:, 0], 48_000) == pytest.approx(1000, abs=5)
    assert pitch(music[:, 1], 48_000) == pytest.approx(500, abs=5)
    statistics = link.statistics
    assert statistics.packets >= 50
    assert (statistics.lost, statistics.malformed, statistics.dropped_audio) == (0, 0, 0)


async def test_events_flow_both_ways_in_order(connect) -> None:
    client, link = await connect()
    for number in range(20):
        link.send(f'{{"n":{number}}}')
        client.channel.send(f'{{"m":{number}}}')
    async with asyncio.timeout(5):
        assert [await client.messages.get() for _ in range(20)] == [f'{{"n":{n}}}' for n in range(20)]
        events = link.events()
        assert [await anext(events) for _ in range(20)] == [f'{{"m":{n}}}' for n in range(20)]


async def test_events_wait_for_the_data_channel(client) -> None:
    link, sdp = await answer(await client.offer(), MediaSettings(addresses=("127.0.0.1",)))
    try:
        for number in range(300):
            link.send(str(number))
        await client.accept(sdp)
        async with asyncio.timeout(10):
            assert await client.messages.get() == "44"  # the latest 256 are kept
        assert link.statistics.dropped_events == 44
    finally:
        await link.aclose()


async def test_audio_works_without_a_data_channel(connect) -> None:
    client, link = await connect(channel=False)
    link.send("nobody will read this")
    client.speak(tone(0))
    async with asyncio.timeout(5):
        assert len((await anext(link.audio())).pcm) == 640


async def test_silence_is_a_few_empty_packets(connect) -> None:
    client, link = await connect()
    sizes, stamps = [], []
    async with asyncio.timeout(5):
        while client.packets.empty():  # the first ones may leave before the client is there
            link.play(np.stack([tone(0), tone(0)], axis=1), None)
            await asyncio.sleep(0.02)
        for _ in range(HANGOVER + 2 * DTX_INTERVAL):
            link.play(None, None)
            await asyncio.sleep(0.001)  # the queue holds a few packets only
        while sizes[-2:] != [1, 1]:
            packet = await client.packets.get()
            sizes.append(len(packet.payload))
            stamps.append(packet.timestamp)
            assert packet_samples(packet.payload) == FRAME_SAMPLES
            client.decoder.decode(packet.payload)
    assert sizes[-2 - HANGOVER :].index(1) == HANGOVER  # silence that is encoded, before the empty ones
    assert (stamps[-1] - stamps[-2]) & 0xFFFFFFFF == DTX_INTERVAL * FRAME_SAMPLES


async def test_flush_drops_what_has_not_left(connect) -> None:
    client, link = await connect()
    frame = np.stack([tone(0), tone(0)], axis=1)
    for _ in range(5):
        link.play(frame, None)
    link.flush()
    link.play(frame, None)
    async with asyncio.timeout(5):
        await client.packets.get()
    assert client.packets.empty()


async def test_a_lost_packet_is_recovered_from_in_band_fec(connect) -> None:
    client, link = await connect()
    client.encoder.expect_loss(0.2)
    rng = np.random.default_rng(1)
    for number in range(40):
        # Speech-like enough for SILK to code a copy: a harmonic sound that keeps changing.
        frame = sum(tone(number, 150.0 * k) // (2 * k) for k in range(1, 8)) * rng.uniform(0.5, 1)
        payload = client.encoder.encode(frame.astype(np.int16))
        if number == 30:
            # What the network loses keeps its sequence number: send an undecodable source in its place.
            client.track.push(b"", FRAME_SAMPLES)
        else:
            client.track.push(payload)
        await asyncio.sleep(0.01)
    heard = [await anext(link.audio()) for _ in range(40)]
    statistics = link.statistics
    assert statistics.lost == 1
    assert statistics.recovered_ms == 20
    assert statistics.malformed == 1
    assert len(b"".join(audio.pcm for audio in heard)) == 40 * 640


async def test_iterators_end_when_the_client_hangs_up(connect) -> None:
    client, link = await connect()
    await client.aclose()
    async with asyncio.timeout(5):
        assert [event async for event in link.events()] == []
        assert [audio async for audio in link.audio()] == []
    link.send("into the void")
    link.play(None, None)


async def test_iterators_end_when_the_client_vanishes(connect) -> None:
    client, link = await connect(vanish_after_s=1.0)
    for transport in client.pc._RTCPeerConnection__iceTransports:
        for protocol in transport._connection._protocols:
            protocol.transport.abort()  # the sockets are gone, nothing is said
    async with asyncio.timeout(8):
        assert [event async for event in link.events()] == []
        assert [audio async for audio in link.audio()] == []


async def test_a_client_that_never_connects_is_given_up(client) -> None:
    link, _ = await answer(
        await client.offer(), MediaSettings(addresses=("127.0.0.1",), connect_timeout_s=0.5)
    )
    async with asyncio.timeout(8):
        assert [audio async for audio in link.audio()] == []
    await link.aclose()


async def test_a_client_that_does_not_read_its_events_is_closed(connect) -> None:
    _, link = await connect()
    for _ in range(40):
        link.send("x" * 60_000)
    async with asyncio.timeout(5):
        assert [event async for event in link.events()] == []


async def test_a_client_that_floods_events_is_closed(connect) -> None:
    client, link = await connect()
    for number in range(400):
        client.channel.send(str(number))
    async with asyncio.timeout(5):
        assert [audio async for audio in link.audio()] == []  # ends with the link
        assert [event async for event in link.events()] == [str(number) for number in range(256)]


async def test_closing_twice_is_harmless(connect) -> None:
    _, link = await connect()
    await asyncio.gather(link.aclose(), link.aclose())
    await link.aclose()


async def test_the_answer_offers_stereo_opus_with_fec_on_the_address(client) -> None:
    settings = MediaSettings(addresses=("127.0.0.1",), udp_ports=(42000, 42100))
    link, sdp = await answer(await client.offer(), settings)
    try:
        lines = sdp.splitlines()
        assert "a=fmtp:96 minptime=10;useinbandfec=1;sprop-stereo=1" in lines
        assert "a=sendrecv" in lines
        assert any(line.startswith("a=msid:") for line in lines)
        (audio,) = [line for line in lines if line.startswith("m=audio")]
        assert audio.split()[3:] == ["96"], "Opus and nothing else"
        candidates = [line.split() for line in lines if line.startswith("a=candidate")]
        assert {fields[4] for fields in candidates} == {"127.0.0.1"}
        assert all(42000 <= int(fields[5]) <= 42100 for fields in candidates)
    finally:
        await link.aclose()


async def test_an_address_that_is_not_ours_is_refused(client) -> None:
    offer = await client.offer()
    with pytest.raises(NoAddressError, match=r"192\.0\.2\.1"):
        await answer(offer, MediaSettings(addresses=("192.0.2.1",)))
    with pytest.raises(OfferError):
        await answer("v=0", MediaSettings())


def sockets() -> int:
    count = 0
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            count += os.readlink(f"/proc/self/fd/{descriptor}").startswith("socket:")
        except FileNotFoundError:
            continue  # the descriptor that listed the directory
    return count


async def test_twenty_calls_leave_nothing_behind(connect) -> None:
    async def call() -> None:
        client, link = await connect()
        client.speak(tone(0))
        link.play(np.stack([tone(0), tone(0)], axis=1), None)
        await anext(link.audio())
        await client.packets.get()
        await asyncio.gather(client.aclose(), link.aclose())

    await call()
    tasks, threads, open_sockets = len(asyncio.all_tasks()), threading.active_count(), sockets()
    for _ in range(20):
        await call()
    for _ in range(5):
        await asyncio.sleep(0)  # let finished tasks and transports be collected
    gc.collect()
    assert len(asyncio.all_tasks()) <= tasks
    assert threading.active_count() == threads
    assert sockets() == open_sockets
    # By type: isinstance() looks at attributes, of which other libraries' objects warn.
    assert sum(type(o) is WebRtcLink for o in gc.get_objects()) <= 21  # kept by the fixture
