"""The formats of audio inside events: `audio/pcm` (24 kHz, 16 bit), `audio/pcmu` and `audio/pcma` (G.711)."""

from __future__ import annotations

import base64
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from realtime.transport import g711

AudioFormat = Literal["audio/pcm", "audio/pcmu", "audio/pcma"]

PCM_RATE = 24_000  # Hz, mono int16, little-endian
RATES: dict[AudioFormat, int] = {"audio/pcm": PCM_RATE, "audio/pcmu": g711.RATE, "audio/pcma": g711.RATE}
_LAWS: dict[AudioFormat, g711.Law] = {"audio/pcmu": "mu", "audio/pcma": "a"}


def samples_of(data: bytes, form: AudioFormat) -> NDArray[np.int16]:
    """Decode to int16 mono at `RATES[form]`. Raises ValueError for half a sample."""
    if form != "audio/pcm":
        return g711.decode(data, _LAWS[form])
    if len(data) % 2:
        raise ValueError("the audio has an odd number of bytes; send whole 16-bit samples")
    return np.frombuffer(data, "<i2").astype(np.int16, copy=False)


def bytes_of(samples: NDArray[np.int16], form: AudioFormat) -> bytes:
    """Encode int16 mono at `RATES[form]`."""
    return samples.astype("<i2").tobytes() if form == "audio/pcm" else g711.encode(samples, _LAWS[form])


def from_base64(text: str) -> bytes:
    """What the base64 in an event says. Raises ValueError that tells what is wrong with it."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:  # binascii.Error, and plainly when a character is not ASCII
        raise ValueError(f"the audio is not base64: {error}") from None
