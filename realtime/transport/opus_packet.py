"""What an Opus packet says of itself before it is decoded (RFC 6716, section 3)."""

from __future__ import annotations

RATE = 48_000  # Hz: durations below count samples of it
MAX_PACKET_SAMPLES = 5760  # 120 ms, the longest packet there is (RFC 6716, 3.2.5)

# Frame duration by the low bits of the 5-bit configuration (RFC 6716, table 2).
_SILK_FRAME = (480, 960, 1920, 2880)
_HYBRID_FRAME = (480, 960)
_CELT_FRAME = (120, 240, 480, 960)


def frame_samples(payload: bytes) -> int:
    """Samples of RATE in each frame of a packet that has at least its first byte."""
    configuration = payload[0] >> 3
    if configuration < 12:
        return _SILK_FRAME[configuration & 3]
    if configuration < 16:
        return _HYBRID_FRAME[configuration & 1]
    return _CELT_FRAME[configuration & 3]


def packet_samples(payload: bytes) -> int:
    """Samples of RATE in the whole packet, or 0 when it is no valid Opus packet."""
    if not payload:
        return 0
    code = payload[0] & 3
    frames = (1, 2, 2, 0)[code]
    if code == 3 and len(payload) > 1:
        frames = payload[1] & 0x3F
    samples = frames * frame_samples(payload)
    return samples if samples <= MAX_PACKET_SAMPLES else 0


def has_fec(payload: bytes) -> bool:
    """Whether the packet also holds its predecessor at a low bit rate (LBRR, RFC 6716, 4.2.4).

    Only single-frame packets (code 0) are looked into: the ones WebRTC senders make.
    """
    if len(payload) < 2 or payload[0] & 3 or payload[0] >> 3 >= 16:
        return False  # CELT has no LBRR
    silk_frames = max(1, frame_samples(payload) // 960)
    # Per channel: one voice activity bit a SILK frame of up to 20 ms, then the LBRR flag.
    mid = payload[1] >> (7 - silk_frames) & 1
    stereo = payload[0] & 4
    side = payload[1] >> (6 - 2 * silk_frames) & 1 if stereo else 0
    return bool(mid or side)


def is_silence(payload: bytes) -> bool:
    """Whether the encoder was in discontinuous transmission: the packet says only that nobody speaks."""
    return len(payload) <= 2
