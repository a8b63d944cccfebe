"""The header of a WAV file of int16 PCM (RIFF, as Microsoft and IBM wrote it down in 1991)."""

from __future__ import annotations

import struct

HEADER = 44  # bytes
_LARGEST = 0xFFFFFFFF  # of a field of 32 bits; a recording here is 115 MB at most


def header(rate: int, channels: int, size: int) -> bytes:
    """What comes before `size` bytes of PCM at `rate` Hz."""
    block = 2 * channels
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", min(size + HEADER - 8, _LARGEST), b"WAVE", b"fmt ", 16, 1, channels, rate),
        *(rate * block, block, 16, b"data", min(size, _LARGEST)),
    )
