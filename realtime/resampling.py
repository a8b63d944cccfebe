"""Resampling piece by piece, with the filter's state kept in between, so that no border clicks."""

from __future__ import annotations

import av
import numpy as np
from numpy.typing import NDArray


class Resampler:
    """Int16 to int16 mono at `rate`.

    FFmpeg's resampler (swresample) holds back 16 samples of its input, 1 ms at 16 kHz. soxr's streams work in
    blocks and hold back up to 36 ms between 16 and 48 kHz at medium quality, which a person would wait for.
    Raises ValueError from FFmpeg for a rate it does not know.
    """

    def __init__(self, source_rate: int, rate: int, *, layout: str = "mono") -> None:
        """`layout` is of the source: "mono", or "stereo" with its channels interleaved."""
        self._layout = layout
        self._source_rate = source_rate
        self._resampler = (
            av.AudioResampler(format="s16", layout="mono", rate=rate)
            if source_rate != rate or layout != "mono"
            else None
        )

    def feed(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        """Resample int16 samples, shape (n,), as many as there are."""
        if self._resampler is None or not len(samples):
            return samples
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="s16", layout=self._layout)
        frame.sample_rate = self._source_rate
        return self._joined(self._resampler.resample(frame))

    def flush(self) -> NDArray[np.int16]:
        """What the filter still holds; the stream is over."""
        return self._joined(self._resampler.resample(None)) if self._resampler else np.zeros(0, np.int16)

    @staticmethod
    def _joined(frames: list[av.AudioFrame]) -> NDArray[np.int16]:
        pieces = [np.asarray(frame.to_ndarray()[0], np.int16) for frame in frames]
        return np.concatenate(pieces) if pieces else np.zeros(0, np.int16)
