"""Is a voice there at all? A recogniser finds words in any noise; the vocal cords are not in noise.

Words always have vowels, and vowels are periodic. The normalised autocorrelation of a frame (Boersma
1993, dividing by the window's own) tells how periodic it is.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.api import HEARING_RATE

_FRAME = 640  # 40 ms: two periods of the deepest voice
_HOP = 320
_SHORTEST = HEARING_RATE // 400  # lags: 400 Hz down to 62.5 Hz
_LONGEST = HEARING_RATE // 62
_PERIODIC = 0.6
_FAINTEST = 30.0  # RMS in steps of 16 bit: -61 dB of full scale
_FFT = 2048

_WINDOW = np.hanning(_FRAME)
_WINDOW_CORRELATION = np.fft.irfft(np.abs(np.fft.rfft(_WINDOW, _FFT)) ** 2)[: _LONGEST + 1]
_WINDOW_CORRELATION /= _WINDOW_CORRELATION[0]


class VoicingCounter:
    """Counts the voiced 20 ms hops of a stream that comes in pieces of any size, and takes their level.

    `voiced` is the count, `level` their mean in dB over one step of 16 bit (0 before the first).
    """

    def __init__(self) -> None:
        self.voiced = 0
        self.level = 0.0
        self._rest = b""

    def feed(self, pcm: bytes) -> None:
        """Take the next samples (16 kHz mono, 16 bit)."""
        self._rest += pcm
        samples = np.frombuffer(self._rest, "<i2")
        hops = (len(samples) - _FRAME) // _HOP + 1
        if hops <= 0:
            return
        self._rest = self._rest[2 * hops * _HOP :]
        frames = np.lib.stride_tricks.sliding_window_view(samples, _FRAME)[::_HOP][:hops].astype(np.float64)
        found = frames[is_voiced(frames)]
        if len(found):
            levels = 10 * np.log10(np.mean(np.square(found), axis=1))
            self.level = (self.level * self.voiced + float(levels.sum())) / (self.voiced + len(found))
            self.voiced += len(found)


def is_voiced(frames: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Tell for each of the frames (n, 640), in steps of 16 bit, whether it is loud and periodic enough."""
    frames = frames - frames.mean(axis=1, keepdims=True)
    loud = np.sqrt(np.mean(np.square(frames), axis=1)) > _FAINTEST
    spectrum = np.abs(np.fft.rfft(frames * _WINDOW, _FFT)) ** 2
    correlation = np.fft.irfft(spectrum)[:, : _LONGEST + 1]
    periodicity = correlation / np.maximum(correlation[:, :1], 1e-9) / _WINDOW_CORRELATION
    voiced: npt.NDArray[np.bool_] = loud & (periodicity[:, _SHORTEST:].max(axis=1) > _PERIODIC)
    return voiced
