"""The way of our voice into the person's microphone: its delay, and the filter that predicts it. Pure.

Two timelines, both in samples of HEARING_RATE since the same moment: what we sent (`Sent`), and what was
heard. `DelayFinder` says how far apart they are, `LinearFilter` how the room colours what comes back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.api import HEARING_RATE, SPEAKING_RATE
from realtime.transport.link import FRAME_SAMPLES, StereoFrame

Floats = npt.NDArray[np.float32]
Spectra = npt.NDArray[np.complex64]

BLOCK = 320  # 20 ms: what is filtered at a time
PARTS = 12  # of the filter, a BLOCK each: 240 ms, where a room of RT60 0.5 s has decayed by 29 dB
BINS = BLOCK + 1
FRAME = FRAME_SAMPLES * HEARING_RATE // SPEAKING_RATE  # of a sent frame, at HEARING_RATE
STEP = SPEAKING_RATE // HEARING_RATE

LONGEST = int(0.8 * HEARING_RATE)  # delay looked for: 300 ms of a Bluetooth loudspeaker, and the network
KEPT = 2 * HEARING_RATE  # samples of a timeline: the longest delay, the filter and the window of a search
_TAPS = 48  # at 48 kHz: -6 dB at 7.5 kHz; speech has little above, and both sides of it are filtered alike
RESTS = 10  # frames of silence after which the speaker's clock stops (`speaker.SILENCE_FRAMES`)
_LATE = 30 * HEARING_RATE // 1000  # a frame that is later has not only waited for the loop


def _low_pass() -> Floats:
    time = np.arange(_TAPS) - (_TAPS - 1) / 2
    taps = np.sinc(time * 15_000 / SPEAKING_RATE) * np.hamming(_TAPS)
    return np.asarray(taps / taps.sum() / 2, np.float32)  # halved: the two channels are added


_LOW_PASS = _low_pass()


class Timeline:
    """The last KEPT samples of a signal, by index. What was never written is silence."""

    def __init__(self) -> None:
        self.end = 0  # one past the last sample written
        self._ring = np.zeros(KEPT, np.float32)

    def write(self, at: int, samples: Floats) -> None:
        """Write `samples` at index `at`: behind a gap, or over what is there."""
        if at > self.end:
            gap = min(at - self.end, KEPT)
            self._ring[np.arange(at - gap, at) % KEPT] = 0
        start = at % KEPT
        first = min(len(samples), KEPT - start)
        self._ring[start : start + first] = samples[:first]
        self._ring[: len(samples) - first] = samples[first:]
        self.end = max(self.end, at + len(samples))

    def read(self, start: int, stop: int) -> Floats:
        """Samples `start` to `stop`, at most KEPT of them; silence before the first and after the last."""
        out = np.zeros(stop - start, np.float32)
        low, high = max(start, self.end - KEPT, 0), min(stop, self.end)
        if low < high:
            begin = low % KEPT
            first = min(high - low, KEPT - begin)
            out[low - start : low - start + first] = self._ring[begin : begin + first]
            out[low - start + first : high - start] = self._ring[: high - low - first]
        return out


class Sent:
    """What we sent, as mono at HEARING_RATE. Frames are only converted when somebody asks for them.

    Frames leave on a clock of 20 ms, some of them late: a frame is where the one before it ended, unless it
    is more than 30 ms off: then the clock has rested in between.
    """

    def __init__(self) -> None:
        self.voice = Timeline()
        self._waiting: list[tuple[int, StereoFrame]] = []
        self._next: int | None = None
        self._silent = 0  # frames of silence in a row
        self._tail = np.zeros(_TAPS - STEP, np.float32)
        self._tail_end = -1

    def add(self, frame: StereoFrame, now: float) -> None:
        """Take the frame that left at `now` (s)."""
        at = round(now * HEARING_RATE)
        if self._next is not None and self._silent < RESTS and abs(at - self._next) <= _LATE:
            at = self._next
        self._next = at + FRAME
        self._silent = 0
        self._waiting.append((at, frame))
        if len(self._waiting) > KEPT // FRAME:
            del self._waiting[0]

    def skip(self) -> None:
        """Take a frame of silence."""
        if self._next is not None:
            self._next += FRAME
            self._silent += 1

    def convert(self) -> Timeline:
        """Bring the timeline up to date and give it."""
        waiting, self._waiting = self._waiting, []
        while waiting:
            at, run = waiting[0][0], 1
            while run < len(waiting) and waiting[run][0] == at + run * FRAME:
                run += 1
            self._write(at, [frame for _, frame in waiting[:run]])
            del waiting[:run]
        return self.voice

    def _write(self, at: int, frames: list[StereoFrame]) -> None:
        pcm = np.concatenate(frames)
        mono = np.empty(len(self._tail) + len(pcm), np.float32)
        mono[: len(self._tail)] = self._tail if at == self._tail_end else 0
        np.add(pcm[:, 0], pcm[:, 1], out=mono[len(self._tail) :], dtype=np.float32, casting="unsafe")
        windows = np.lib.stride_tricks.sliding_window_view(mono, _TAPS)[::STEP]
        self.voice.write(at, np.asarray(windows @ _LOW_PASS, np.float32))
        self._tail = mono[len(mono) - len(self._tail) :]
        self._tail_end = at + len(frames) * FRAME


_SLOWER = 4  # delays are looked for at 4 kHz: a quarter of the samples, most of a voice's energy
_WINDOW = int(0.4 * HEARING_RATE)
_POINTS = 5_120  # of the transform: window and longest delay, without wrapping around
_AUDIBLE = 10 ** (-50 / 20) * 32768  # RMS of what we send, below which no echo can be expected
SURE = 10.0  # peak over RMS: unrelated speech is below 6.1 in 99 % of windows, echoes are at 14 (median)
SAME = 5 * HEARING_RATE // 1000  # two delays this close are one


class DelayFinder:
    """Phase-transform cross-correlation (GCC-PHAT) of heard and sent, gathered over several looks.

    The 0.4 s window alone finds 93 to 96 % of the delays of flite's voice in a room; the others are periods
    of its pitch, which do not stay where they are. So a delay counts when two looks in a row agree.
    """

    def __init__(self) -> None:
        self.misses = 0  # looks in a row that found nothing, though there was something to find
        self._gathered: Floats = np.zeros(LONGEST // _SLOWER, np.float32)
        self._last: int | None = None

    def look(self, heard: Timeline, sent: Timeline) -> int | None:
        """The delay of an echo in the end of `heard`, in samples, when it is sure; None when it is not."""
        end = heard.end
        source = _slower(sent.read(end - _WINDOW - LONGEST, end))
        if float(np.dot(source, source)) < _AUDIBLE**2 * len(source) / 4:  # less than a quarter of it sounds
            return None
        window = _slower(heard.read(end - _WINDOW, end))
        spectrum = np.fft.rfft(window, _POINTS) * np.fft.rfft(source, _POINTS).conj()
        spectrum /= np.abs(spectrum) + np.float32(1.0)
        shift = LONGEST // _SLOWER  # the window begins so far into the source
        lags = np.fft.irfft(spectrum, _POINTS)[np.arange(-shift, 0)]
        lags /= np.sqrt(np.mean(lags**2)) + np.float32(1e-12)
        self._gathered = np.asarray(0.6 * self._gathered + 0.4 * lags, np.float32)
        best = int(np.argmax(self._gathered))
        peak = self._gathered[best] / (np.sqrt(np.mean(self._gathered**2)) + 1e-12)
        found = best * _SLOWER if peak >= SURE else None
        sure = found is not None and self._last is not None and abs(found - self._last) <= SAME
        self._last = found
        self.misses = 0 if found is not None else self.misses + 1
        return found if sure else None


def _slower(samples: Floats) -> Floats:
    return np.asarray(samples.reshape(-1, _SLOWER).mean(axis=1), np.float32)


@dataclass(frozen=True, slots=True)
class Filtered:
    """One BLOCK: what is left of it, and the power per bin of that and of the echo that was predicted."""

    rest: Floats
    rest_power: Floats
    echo_power: Floats


class LinearFilter:
    """The echo path as a partitioned-block frequency-domain Kalman filter.

    It learns at a rate that follows from how uncertain each weight is and how much else is heard, so that it
    needs no detector of double talk (Enzner and Vary 2006; partitioned: Kuech, Mabande and Enzner 2014).
    """

    def __init__(self) -> None:
        self.weights: Spectra = np.zeros((PARTS, BINS), np.complex64)
        self._doubt: Floats = np.zeros((PARTS, BINS), np.float32)
        self._else: Floats = np.zeros(BINS, np.float32)
        self._part = 0
        self._before = (self.weights, self._doubt, self._else)

    def begin(self, gain: float) -> None:
        """Expect an echo of `gain` (power, heard over sent), of which nothing else is known."""
        start = np.float32(0.08 * gain) * 0.6 ** np.arange(PARTS, dtype=np.float32)
        self._doubt = np.maximum(self._doubt, start[:, None])

    def shift(self, samples: int) -> None:
        """The response begins `samples` later (negative: earlier) than it did, and is the same."""
        response = np.fft.irfft(self.weights)[:, :BLOCK].reshape(-1)
        moved = np.zeros_like(response)
        if samples >= 0:
            moved[samples:] = response[: len(response) - samples]
        else:
            moved[:samples] = response[-samples:]
        self.weights = np.asarray(np.fft.rfft(moved.reshape(PARTS, BLOCK), 2 * BLOCK), np.complex64)

    def step(self, sent: Floats, heard: Floats) -> Filtered:
        """Filter one BLOCK of `heard`; `sent` are the (PARTS + 1) * BLOCK samples that end with it."""
        self._before = (self.weights, self._doubt, self._else)
        spectra = _spectra(sent)
        echo = np.einsum("pb,pb->b", spectra, self.weights)
        rest = np.asarray(heard - np.fft.irfft(echo)[BLOCK:], np.float32)
        padded = np.zeros(2 * BLOCK, np.float32)
        padded[BLOCK:] = rest
        error = np.fft.rfft(padded)
        power = np.asarray(error.real**2 + error.imag**2, np.float32)
        own = spectra.real**2 + spectra.imag**2
        self._else = 0.9 * self._else + 0.1 * power
        scale = 1 / (0.5 * np.einsum("pb,pb->b", own, self._doubt) + self._else + np.float32(1.0))
        gain = self._doubt * scale
        self.weights = self.weights + gain * spectra.conj() * error
        learned = 1 - 0.5 * gain * own
        size = self.weights.real**2 + self.weights.imag**2
        self._doubt = _KEEP * learned * self._doubt + (1 - _KEEP) * size
        for _ in range(3):  # a part is a BLOCK long: what wraps around is cut off, three parts at a time
            self._part = (self._part + 1) % PARTS
            response = np.fft.irfft(self.weights[self._part])
            response[BLOCK:] = 0
            self.weights[self._part] = np.fft.rfft(response)
        return Filtered(rest, power, np.asarray((echo.real**2 + echo.imag**2) / 2, np.float32))

    def undo(self) -> None:
        """Forget the last block: it was not what it seemed to be."""
        self.weights, self._doubt, self._else = self._before

    def predict(self, sent: Floats) -> Floats:
        """The echo of whole blocks of what was sent, without the first PARTS of them. Nothing is learnt."""
        blocks = np.fft.rfft(np.lib.stride_tricks.sliding_window_view(sent, 2 * BLOCK)[::BLOCK])
        count = len(blocks) - PARTS + 1
        echo = np.zeros((count, BINS), np.complex64)
        for part in range(PARTS):
            begin = PARTS - 1 - part
            echo += blocks[begin : begin + count] * self.weights[part]
        return np.asarray(np.fft.irfft(echo)[:, BLOCK:].reshape(-1), np.float32)


def _spectra(sent: Floats) -> Spectra:
    return np.asarray(np.fft.rfft(np.lib.stride_tricks.sliding_window_view(sent, 2 * BLOCK)[::-BLOCK]))


def displaced(heard: Floats, echo: Floats) -> tuple[int, float]:
    """Where in a longer `echo` the samples `heard` are found, and how well (normalised correlation, to 1)."""
    lags = len(echo) - len(heard) + 1
    points = 1 << (len(echo) - 1).bit_length()
    product = np.fft.rfft(echo, points) * np.fft.rfft(heard, points).conj()
    match = np.fft.irfft(product, points)[:lags]
    power = np.cumsum(np.concatenate([np.zeros(1), echo.astype(np.float64) ** 2]))
    energy = (power[len(heard) :] - power[: -len(heard)]) * float(np.dot(heard, heard))
    match = match / np.sqrt(energy + 1e5 * len(heard))
    best = int(np.argmax(match))
    return best, float(match[best])


_KEEP = np.float32(0.998**2)  # the path's own change, a block: people move
