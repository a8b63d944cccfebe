"""libopus through ctypes: what comes out sounds like what went in."""

import ctypes
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.transport import opus
from realtime.transport.opus import OpusDecoder, OpusEncoder, OpusError, OpusUnavailableError
from realtime.transport.opus_packet import frame_samples, has_fec, is_silence, packet_samples

FRAME = 960
Pcm = np.ndarray[Any, np.dtype[np.int16]]


def tone(frames: int, hertz: float = 440.0, amplitude: float = 8000) -> Pcm:
    t = np.arange(frames * FRAME) / 48_000
    return (amplitude * np.sin(2 * np.pi * hertz * t)).astype(np.int16)


def voice(frames: int) -> Pcm:
    """A buzz with vibrato and syllables: what SILK takes for speech."""
    t = np.arange(frames * FRAME) / 48_000
    phase = 2 * np.pi * (140 * t + 3 * np.sin(2 * np.pi * 4 * t))
    buzz = np.sum([np.sin(k * phase) / k for k in range(1, 12)], axis=0)
    pcm: Pcm = (6000 * buzz * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * t))).astype(np.int16)
    return pcm


def pieces(pcm: Pcm) -> list[Pcm]:
    return [pcm[at : at + FRAME] for at in range(0, len(pcm), FRAME)]


def stereo(pcm: Pcm) -> Pcm:
    return np.stack([pcm, pcm], axis=1)


def pitch(pcm: Pcm, rate: int) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(pcm * np.hanning(len(pcm)))))) * rate / len(pcm)


def test_version_names_the_library() -> None:
    assert opus.version().startswith("libopus ")


def test_speech_survives_to_sixteen_kilohertz() -> None:
    encoder, decoder = OpusEncoder(1), OpusDecoder()
    packets = [encoder.encode(piece) for piece in pieces(tone(50))]
    heard = np.frombuffer(b"".join(decoder.decode(packet) for packet in packets), np.int16)
    assert len(heard) == 50 * 320
    assert pitch(heard[3200:], 16_000) == pytest.approx(440, abs=5)
    assert 0.7 < np.abs(heard[3200:]).max() / 8000 < 1.3
    assert all(packet_samples(packet) == FRAME for packet in packets)


def test_music_keeps_its_two_channels() -> None:
    encoder, decoder = OpusEncoder(), OpusDecoder(48_000, 2)
    left, right = tone(50, 1000), tone(50, 500)
    both = np.stack([left, right], axis=1)
    packets = [encoder.encode(piece) for piece in pieces(both)]
    assert all(packet[0] & 4 for packet in packets)
    heard = np.frombuffer(b"".join(map(decoder.decode, packets)), np.int16).reshape(-1, 2)[9600:]
    assert pitch(heard[:, 0], 48_000) == pytest.approx(1000, abs=5)
    assert pitch(heard[:, 1], 48_000) == pytest.approx(500, abs=5)


def test_changing_between_mono_and_stereo_does_not_click() -> None:
    encoder, decoder = OpusEncoder(), OpusDecoder(48_000, 2)
    pcm = stereo(tone(200, 300))
    packets = [encoder.encode(piece, mono=(index // 25) % 2 == 0) for index, piece in enumerate(pieces(pcm))]
    assert len({packet[0] & 4 for packet in packets}) == 2
    heard = np.frombuffer(b"".join(map(decoder.decode, packets)), np.int16).reshape(-1, 2).astype(float)
    # A click is a jump of the second difference; the tone's own is amplitude * (2 pi f / rate)^2.
    own = 8000 * (2 * np.pi * 300 / 48_000) ** 2
    assert np.abs(np.diff(heard[4800:, 0], n=2)).max() < 12 * own


def test_loss_turns_fec_on_and_the_copy_is_the_lost_sound() -> None:
    encoder = OpusEncoder(1)
    packets = [encoder.encode(piece) for piece in pieces(voice(50))]
    assert not any(map(has_fec, packets))
    encoder.expect_loss(0.2)
    packets = [encoder.encode(piece) for piece in pieces(voice(100))]
    assert sum(map(has_fec, packets)) > 80

    def heard(lose: int | None, *, fec: bool) -> Pcm:
        decoder = OpusDecoder()
        out = []
        for index, packet in enumerate(packets):
            if index != lose:
                out.append(decoder.decode(packet))
            elif fec:
                out.append(decoder.recover(packets[index + 1], FRAME))
            else:
                out.append(decoder.conceal(FRAME))
        return np.frombuffer(b"".join(out), np.int16)

    whole = heard(None, fec=True).astype(float)
    errors = {True: 0.0, False: 0.0}
    for fec in errors:
        for lost in range(40, 90, 5):
            there = slice(lost * 320, (lost + 1) * 320)
            errors[fec] += float(np.mean((heard(lost, fec=fec)[there] - whole[there]) ** 2))
    assert errors[True] < 0.5 * errors[False]


def test_concealment_fades_out() -> None:
    encoder, decoder = OpusEncoder(1), OpusDecoder()
    for piece in pieces(tone(20)):
        decoder.decode(encoder.encode(piece))
    made_up = [np.frombuffer(decoder.conceal(FRAME), np.int16).astype(float) for _ in range(50)]
    assert np.abs(made_up[0]).max() > 1000
    assert np.abs(made_up[-1]).max() < 100


def test_reset_forgets() -> None:
    encoder, decoder = OpusEncoder(1), OpusDecoder()
    for piece in pieces(tone(20)):
        decoder.decode(encoder.encode(piece))
    decoder.reset()
    assert not any(decoder.conceal(FRAME))
    encoder.reset()
    assert encoder.encode(np.zeros(FRAME, np.int16))


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_garbage_is_decoded_or_refused(payload: bytes) -> None:
    decoder = OpusDecoder()
    samples = packet_samples(payload)
    assert 0 <= samples <= 5760
    has_fec(payload)
    is_silence(payload)
    try:
        pcm = decoder.decode(payload)
    except OpusError:
        return
    assert len(pcm) == samples // 3 * 2


@pytest.mark.parametrize("milliseconds", [10, 20, 40, 60])
def test_durations_are_read_from_the_packet(milliseconds: int) -> None:
    samples = 48 * milliseconds
    assert packet_samples(OpusEncoder(1).encode(np.zeros(samples, np.int16))) == samples


def test_durations_of_every_configuration() -> None:
    milliseconds = [frame_samples(bytes([configuration << 3])) / 48 for configuration in range(32)]
    assert milliseconds == [10, 20, 40, 60] * 3 + [10, 20] * 2 + [2.5, 5, 10, 20] * 4
    assert packet_samples(bytes([0x78 | 3, 3])) == 3 * FRAME
    assert packet_samples(bytes([0x78 | 1, 0])) == 2 * FRAME
    assert packet_samples(bytes([0x78 | 3, 63])) == 0, "longer than 120 ms"
    assert packet_samples(bytes([0x78 | 3])) == 0
    assert packet_samples(b"") == 0


@pytest.mark.parametrize("wrong", [np.zeros((FRAME, 2), np.float32), np.zeros(FRAME, np.int16)])
def test_audio_of_another_shape_is_refused(wrong: Any) -> None:
    with pytest.raises(OpusError, match="expected int16"):
        OpusEncoder().encode(wrong)


def test_a_frame_of_an_odd_length_is_refused() -> None:
    with pytest.raises(OpusError, match="libopus: invalid argument"):
        OpusEncoder(1).encode(np.zeros(1000, np.int16))


def test_a_missing_library_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opus, "_candidates", lambda: ["/nowhere/libopus.so.0"])
    opus.library.cache_clear()
    try:
        with pytest.raises(OpusUnavailableError, match="apt install libopus0"):
            OpusEncoder()
    finally:
        opus.library.cache_clear()


def test_the_systems_library_would_do() -> None:
    assert isinstance(ctypes.PyDLL(opus._candidates()[-1]), ctypes.PyDLL)
