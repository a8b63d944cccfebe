"""Resampling piece by piece, with the filter's state kept in between, so that no border clicks."""

from __future__ import annotations

import av
import numpy as np
from av.filter import Graph
from numpy.typing import NDArray


class Resampler:
    """Int16 to int16 mono at `rate`.

    FFmpeg's resampler (swresample) holds back 16 samples of its input, 1 ms at 16 kHz. soxr's streams work in
    blocks and hold back up to 36 ms between 16 and 48 kHz at medium quality, which a person would wait for.
    The graph is what `av.AudioResampler` builds but for threads: that one starts two for every resampler.
    Raises ValueError from FFmpeg for a rate it does not know.
    """

    def __init__(self, source_rate: int, rate: int, *, layout: str = "mono") -> None:
        """`layout` is of the source: "mono", or "stereo" with its channels interleaved."""
        self._layout = layout
        self._source_rate = source_rate
        self._graph = _graph(source_rate, rate, layout) if source_rate != rate or layout != "mono" else None
        self._begun = False

    def feed(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        """Resample int16 samples, shape (n,), as many as there are."""
        if self._graph is None or not len(samples):
            return samples
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="s16", layout=self._layout)
        frame.sample_rate = self._source_rate
        self._begun = True
        self._graph.push(frame)
        return self._pulled(self._graph)

    def flush(self) -> NDArray[np.int16]:
        """What the filter still holds; the stream is over."""
        if self._graph is None or not self._begun:
            return np.zeros(0, np.int16)
        self._graph.push(None)
        return self._pulled(self._graph)

    @staticmethod
    def _pulled(graph: Graph) -> NDArray[np.int16]:
        pieces: list[NDArray[np.int16]] = []
        while True:
            try:
                frame = graph.pull()
            except (BlockingIOError, EOFError):  # nothing more for now, or ever
                break
            assert isinstance(frame, av.AudioFrame)
            pieces.append(np.asarray(frame.to_ndarray()[0], np.int16))
        return np.concatenate(pieces) if pieces else np.zeros(0, np.int16)


def _graph(source_rate: int, rate: int, layout: str) -> Graph:
    graph = Graph()
    graph.threads = 1
    source = graph.add("abuffer", sample_rate=str(source_rate), sample_fmt="s16", channel_layout=layout)
    wanted = graph.add("aformat", sample_rates=str(rate), sample_fmts="s16", channel_layouts="mono")
    sink = graph.add("abuffersink")
    source.link_to(wanted)
    wanted.link_to(sink)
    graph.configure()
    return graph
