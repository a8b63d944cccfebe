"""What of a piece was really sent, as a recording: what lay on the lane when it was cut was never heard.

The piece itself is recorded, not the mix: a voice over it, and how loud it was then, are not part of it. It
is the samples as they came, so that nothing is computed, and nothing is done for each frame: the chunks wait
here until the lane is past them.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from realtime.artefacts import Recording
from realtime.speaking.mixer import CUT_SAMPLES

BYTES = 4  # of a sample of stereo


class Take:
    """The recording of one piece, from where its lane is when it begins (`Lane.consumed`, in samples)."""

    def __init__(self, recording: Recording, at: int) -> None:
        self._recording = recording
        self._written = at
        self._waiting: deque[bytes] = deque()

    def add(self, pcm: bytes, consumed: int) -> None:
        """A chunk, int16 stereo, goes to the lane, which has sent `consumed` samples so far."""
        self._waiting.append(pcm)
        while self._written + len(self._waiting[0]) // BYTES <= consumed:
            self._write(self._waiting.popleft())

    def close(self, consumed: int) -> None:
        """The piece is over, or was cut: then it fades out behind `consumed` samples, as the lane does."""
        rest = b"".join(self._waiting)
        self._waiting.clear()
        sent = max(0, consumed - self._written) * BYTES
        tail = np.frombuffer(rest[sent : sent + CUT_SAMPLES * BYTES], np.int16).reshape(-1, 2)
        fade = np.linspace(1, 0, len(tail), endpoint=False, dtype=np.float32)[:, None]
        self._write(rest[:sent] + np.rint(tail * fade).astype(np.int16).tobytes())
        self._recording.close()

    def _write(self, pcm: bytes) -> None:
        self._written += len(pcm) // BYTES
        self._recording.write(pcm)
