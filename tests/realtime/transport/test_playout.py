"""The sending half by itself: what goes to the track, and how it sounds to a decoder."""

from typing import Any

import numpy as np
import pytest

from realtime.transport.aiortc_hooks import PacketTrack
from realtime.transport.opus import OpusDecoder, OpusEncoder
from realtime.transport.opus_packet import has_fec, is_silence
from realtime.transport.packet_track import EncodedAudio
from realtime.transport.playout import DTX_INTERVAL, HANGOVER, STEREO_HOLD, Playout

Pcm = np.ndarray[Any, np.dtype[np.int16]]


class Listener:
    """Plays into a track and takes every packet at once, as a sender with a free network does."""

    def __init__(self) -> None:
        self.track = PacketTrack()
        self.playout = Playout(self.track, OpusEncoder())

    async def play(self, *frames: Pcm | None) -> list[EncodedAudio]:
        packets = []
        for frame in frames:
            self.playout.play(frame)
            while self.track._queue:
                packets.append(await self.track.next_packet())
        return packets


def tone(number: int, *, stereo: bool = False) -> Pcm:
    t = (np.arange(960) + number * 960) / 48_000
    left = 8000 * np.sin(2 * np.pi * 300 * t)
    right = 8000 * np.sin(2 * np.pi * 200 * t) if stereo else left
    return np.stack([left, right], axis=1).astype(np.int16)


def is_stereo(packet: EncodedAudio) -> bool:
    return bool(packet.payload[0] & 4)


async def test_silence_ends_in_empty_frames_and_time_goes_on() -> None:
    listener = Listener()
    packets = await listener.play(tone(0), *[None] * (HANGOVER + DTX_INTERVAL + 1))
    sizes = [is_silence(packet.payload) for packet in packets]
    assert sizes == [False] * (1 + HANGOVER) + [True, True]
    assert packets[-1].timestamp - packets[-2].timestamp == DTX_INTERVAL * 960
    (again,) = await listener.play(tone(1))
    assert again.timestamp == (1 + HANGOVER + DTX_INTERVAL + 1) * 960


async def test_zeros_are_silence_and_sound_after_it_begins_a_talkspurt() -> None:
    listener = Listener()
    await listener.play(*[np.zeros((960, 2), np.int16)] * 30)
    (packet,) = await listener.play(tone(0))
    assert packet.marker
    (packet,) = await listener.play(tone(1))
    assert not packet.marker


async def test_speech_is_mono_and_music_stays_stereo_for_a_while() -> None:
    listener = Listener()
    assert not any(map(is_stereo, await listener.play(*map(tone, range(10)))))
    music = await listener.play(*(tone(number, stereo=True) for number in range(10, 30)))
    assert is_stereo(music[-1])
    after = await listener.play(*map(tone, range(30, 30 + 2 * STEREO_HOLD)))
    assert is_stereo(after[STEREO_HOLD // 2])
    assert not is_stereo(after[-1])


async def test_pauses_do_not_click() -> None:
    listener = Listener()
    decoder = OpusDecoder(48_000, 2)
    envelope = np.linspace(0, 1, 960)[:, None]
    heard = []
    clock = 0
    for _ in range(4):
        rising = (tone(0) * envelope).astype(np.int16)
        falling = (tone(9) * envelope[::-1]).astype(np.int16)
        for packet in await listener.play(rising, *map(tone, range(1, 9)), falling, *[None] * 40):
            if packet.timestamp > clock:
                heard.append(decoder.conceal(5760) if packet.timestamp - clock > 5760 else b"")
            heard.append(decoder.decode(packet.payload))
            clock = packet.timestamp + 960
    pcm = np.frombuffer(b"".join(heard), np.int16).reshape(-1, 2).astype(float)
    own = 8000 * (2 * np.pi * 300 / 48_000) ** 2  # the tone's greatest second difference
    assert np.abs(np.diff(pcm[:, 0], n=2)).max() < 12 * own


async def test_flush_and_skip() -> None:
    listener = Listener()
    listener.playout.play(tone(0))
    assert listener.playout.waiting_ms == 20
    listener.playout.flush()
    assert listener.playout.waiting_ms == 0
    listener.playout.skip()
    (packet,) = await listener.play(tone(1))
    assert packet.timestamp == 2 * 960
    assert packet.marker


@pytest.mark.parametrize("share", [0.0, 0.1])
async def test_reported_loss_adds_copies(share: float) -> None:
    listener = Listener()
    listener.playout.expect_loss(share)
    rng = np.random.default_rng(0)
    copies = []
    for number in range(40):
        frame = (tone(number) * rng.uniform(0.5, 1)).astype(np.int16)
        copies += [has_fec(packet.payload) for packet in await listener.play(frame)]
    assert any(copies) is (share > 0)
