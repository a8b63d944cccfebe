"""The mix: several lanes of audio into one 20 ms stereo frame after another. Pure; no clock, no asyncio.

Nothing clicks: every gain moves in a ramp, a cut fades out over 10 ms, a pause fades out a copy of the next
10 ms and leaves the read position where it was, so that the resume goes on at the exact sample. A lane whose
writer is late fades out over the last 5 ms it has, and waits for a frame and 5 ms more before it goes on.
"""

from __future__ import annotations

import enum
from collections import deque

import numpy as np
from numpy.typing import NDArray

from models.api import SPEAKING_RATE
from realtime.transport.link import FRAME_SAMPLES, StereoFrame

Pcm = NDArray[np.float32]  # shape (samples, 2), full scale 1.0

CUT_SAMPLES = SPEAKING_RATE // 100  # 10 ms: short enough to be a stop, long enough not to be a click
FADE_SAMPLES = SPEAKING_RATE // 200  # 5 ms: in after a pause, out before an underrun and in after it
DUCK_DOWN_S = 0.06
DUCK_UP_S = 0.4
DUCK_HOLD_FRAMES = 15  # 300 ms: music stays down through the gaps between clauses


def decibels(value: float) -> float:
    """Linear gain of `value` dB."""
    return float(10.0 ** (value / 20.0))


def ramped(gain: float, target: float, step: float, samples: int) -> NDArray[np.float32]:
    """Gain from `gain` (exclusive) to `target` by `step` a sample, shape (samples, 1)."""
    if gain == target:
        return np.full((samples, 1), target, np.float32)
    way = np.arange(1, samples + 1, dtype=np.float32) * step
    rising = target > gain
    line = np.minimum(gain + way, target) if rising else np.maximum(gain - way, target)
    return np.asarray(line, np.float32)[:, None]


class LaneState(enum.Enum):
    """What a lane does at the next pull."""

    PLAYING = enum.auto()
    PAUSING = enum.auto()  # fade out a copy, keep the position
    PAUSED = enum.auto()


class Lane:
    """One source: a bounded queue of samples with a gain. Who writes asks for `room` first."""

    def __init__(self, name: str, capacity_ms: int) -> None:
        self.name = name
        self.capacity = capacity_ms * SPEAKING_RATE // 1000
        self.consumed = 0  # samples that have left since the lane was made
        self.finished = True  # the writer has no more to come for now: running empty is no underrun
        self.underruns = 0
        self._pieces: deque[Pcm] = deque()
        self._buffered = 0
        self._state = LaneState.PLAYING
        self._tail: Pcm | None = None
        self._sounding = False  # the last frame ended at full level: a cut needs a tail, a pause a fade
        self._fade_in = False  # the next sample goes on in the middle of a sound
        self._gain = 1.0
        self._target = 1.0
        self._step = 1.0

    @property
    def buffered(self) -> int:
        """Samples waiting to be played."""
        return self._buffered

    @property
    def room(self) -> int:
        """Samples that may be written now."""
        return max(0, self.capacity - self._buffered)

    @property
    def paused(self) -> bool:
        """Whether the lane is silent on purpose and will go on where it was."""
        return self._state is not LaneState.PLAYING

    @property
    def audible(self) -> bool:
        """Whether the next pull gives sound."""
        return self._tail is not None or (self._state is not LaneState.PAUSED and self._buffered > 0)

    def write(self, pcm: Pcm) -> None:
        """Append samples, shape (n, 2). The caller keeps to `room`; the lane itself never refuses."""
        if len(pcm):
            self._pieces.append(pcm)
            self._buffered += len(pcm)

    def pause(self) -> None:
        """Fall silent within one frame, keeping the position."""
        if self._state is LaneState.PLAYING:
            sounds = self._sounding and self._buffered > 0
            self._state = LaneState.PAUSING if sounds else LaneState.PAUSED

    def resume(self) -> None:
        """Go on at the sample where `pause` began."""
        self._state = LaneState.PLAYING

    def clear(self) -> None:
        """Drop everything; what was sounding fades out over CUT_SAMPLES."""
        if self._sounding and self._state is not LaneState.PAUSED and self._buffered:
            tail = self._peek(min(CUT_SAMPLES, self._buffered))
            self._tail = tail * (self._gain * _line(1, 0, len(tail)))
        self._pieces.clear()
        self._buffered = 0
        self._state = LaneState.PLAYING
        self._sounding = self._fade_in = False
        self.finished = True

    def set_gain(self, target: float, seconds: float = DUCK_DOWN_S) -> None:
        """Move the gain to `target` over `seconds`."""
        if target != self._target:
            self._target = target
            self._step = abs(target - self._gain) / max(1, round(seconds * SPEAKING_RATE)) or 1.0

    def pull(self, samples: int) -> Pcm | None:
        """Take the next `samples`, padded with silence, or None when the lane is silent."""
        out: Pcm | None = None
        if self._state is LaneState.PAUSING:
            piece = self._peek(min(CUT_SAMPLES, samples, self._buffered))
            out = _padded(piece * (self._gain * _line(1, 0, len(piece))), samples)
            self._state = LaneState.PAUSED
            self._sounding = False
            self._fade_in = True
        elif self._state is LaneState.PLAYING and self._buffered and not self._waits(samples):
            out = self._play(samples)
        else:
            self._sounding = False
        if self._tail is not None:
            cut = _padded(self._tail, samples)
            out = cut if out is None else out + cut
            self._tail = None
        return out

    def _starves(self, samples: int) -> bool:
        """Whether too little would be left after this pull to fade out with in the next."""
        return not self.finished and self._buffered < samples + FADE_SAMPLES

    def _waits(self, samples: int) -> bool:
        """Whether a silent lane should rather stay silent than begin with what would soon run out."""
        return not self._sounding and self._starves(samples)

    def _play(self, samples: int) -> Pcm:
        starves = self._starves(samples)
        if not self._sounding:
            self._gain = self._target  # nobody hears the gain of silence move
        piece = self._take(min(samples, self._buffered))
        gains = ramped(self._gain, self._target, self._step, len(piece))
        self._gain = float(gains[-1, 0])
        out = piece * gains
        if self._fade_in:
            count = min(FADE_SAMPLES, len(out))
            out[:count] *= _line(0, 1, count)
        if starves:
            # The writer is late. Fade what is left, and fade in when it is back: a gap, but no click.
            self.underruns += 1
            count = min(FADE_SAMPLES, len(out))
            out[-count:] *= _line(1, 0, count)
        self._fade_in = starves
        self._sounding = not starves
        self.consumed += len(piece)
        return _padded(out, samples)

    def _peek(self, samples: int) -> Pcm:
        pieces: list[Pcm] = []
        wanted = samples
        for piece in self._pieces:
            if wanted <= 0:
                break
            pieces.append(piece[:wanted])
            wanted -= len(piece)
        return np.concatenate(pieces) if pieces else np.zeros((0, 2), np.float32)

    def _take(self, samples: int) -> Pcm:
        out = self._peek(samples)
        self._buffered -= len(out)
        left = len(out)
        while left:
            if len(self._pieces[0]) <= left:
                left -= len(self._pieces.popleft())
            else:
                self._pieces[0] = self._pieces[0][left:]
                left = 0
        return out


class Mixer:
    """The assistant's voice and what plays behind it; the voice lowers the rest.

    Lanes: `speech`, `music`, `sound`. `pull` gives the next frame, or None when all is silent. `hush` is for
    as long as the person speaks: the voice falls silent where it is, what plays goes on in the distance.
    """

    # Run-ahead caps: a barge-in throws away at most this much work.
    SPEECH_MS = 500
    MUSIC_MS = 1_000

    def __init__(self, *, music_db: float = -3.0, duck_db: float = -18.0, hush_db: float = -24.0) -> None:
        self.speech = Lane("speech", self.SPEECH_MS)
        self.music = Lane("music", self.MUSIC_MS)
        self.sound = Lane("sound", self.MUSIC_MS)
        self.lanes = (self.speech, self.music, self.sound)
        self.speech_volume = 1.0
        self.music_volume = 1.0
        self._music_gain = decibels(music_db)
        self._duck = decibels(duck_db)
        self._hush = decibels(hush_db)
        self._hushed = False
        self._duck_frames = 0

    @property
    def audible(self) -> bool:
        """Whether the next pull gives sound."""
        return any(lane.audible for lane in self.lanes)

    def hush(self) -> None:
        """Somebody speaks: the voice pauses at its sample, the rest is lowered within DUCK_DOWN_S."""
        self._hushed = True
        self.speech.pause()

    def unhush(self) -> None:
        """Go on: the voice at the sample where it paused, the rest at its old level."""
        self._hushed = False
        self.speech.resume()

    def pull(self) -> StereoFrame | None:
        """Mix the next FRAME_SAMPLES of every lane to int16, shape (FRAME_SAMPLES, 2)."""
        if self.speech.audible:
            self._duck_frames = DUCK_HOLD_FRAMES
        elif self._duck_frames:
            self._duck_frames -= 1
        ducked = self._hushed or self._duck_frames > 0
        lowered = self._hush if self._hushed else self._duck if ducked else 1.0
        background = self._music_gain * self.music_volume * lowered
        for lane in (self.music, self.sound):
            lane.set_gain(background, DUCK_DOWN_S if ducked else DUCK_UP_S)
        self.speech.set_gain(self.speech_volume)
        total: Pcm | None = None
        for lane in self.lanes:
            out = lane.pull(FRAME_SAMPLES)
            if out is not None:
                total = out if total is None else total + out
        if total is None:
            return None
        return np.asarray(np.rint(np.clip(limited(total) * 32768.0, -32768.0, 32767.0)), np.int16)


def limited(pcm: Pcm) -> Pcm:
    """Leave samples below 0.8 as they are and bend the rest smoothly towards 1 (tanh knee)."""
    magnitude = np.abs(pcm)
    if float(magnitude.max(initial=0.0)) <= 0.8:
        return pcm
    bent = 0.8 + 0.2 * np.tanh((magnitude - 0.8) / 0.2)
    return np.where(magnitude > 0.8, np.sign(pcm) * bent, pcm).astype(np.float32)


def _line(start: float, stop: float, samples: int) -> Pcm:
    """A fade, both ends included, shape (samples, 1)."""
    return np.linspace(start, stop, samples, dtype=np.float32)[:, None]


def _padded(pcm: Pcm, samples: int) -> Pcm:
    if len(pcm) == samples:
        return pcm
    out = np.zeros((samples, 2), np.float32)
    out[: len(pcm)] = pcm
    return out
