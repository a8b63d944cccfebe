"""Sound: FluidSynth plays timed notes with a SoundFont, into 48 kHz stereo blocks without clicks.

FluidSynth computes 64 frames at a time and lets notes begin and end between those: events are rounded to
the nearest such border, an error of at most 32 frames, 0.7 ms.
"""

from __future__ import annotations

import heapq
import importlib
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from ctypes import c_int, c_void_p
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from models.api import SPEAKING_RATE, BackendError, BackendUnavailableError
from models.music.instruments import PERCUSSION_BANK, Instrument, Role
from models.music.perform import Sounding
from models.music.score import Bar, Part

DEFAULT_SOUNDFONT = "/usr/share/sounds/sf2/TimGM6mb.sf2"
BLOCK = 64  # frames FluidSynth computes at a time
LOUDNESS = -20.0  # LUFS that a piece is set to
_CHANNELS = 32  # more than any ensemble has, so that a steered-in instrument finds a free one
_POLYPHONY = 96
_VOLUME, _PAN, _REVERB = 7, 10, 91  # MIDI controllers
_REFERENCE_DB = -40.0  # what a part of weight 0 dB is brought to: nearly the quietest preset reaches it
_WEIGHT_DB: dict[Role, float] = {
    "lead": 0.0, "drums": 1.0, "bass": -1.0, "counter": -3.0, "arp": -3.0, "comp": -5.0, "pad": -9.0,
}  # fmt: skip
_PANS: dict[Role, tuple[int, ...]] = {  # 64 is the middle
    "lead": (64, 74, 54), "drums": (64,), "bass": (64,), "counter": (84, 44, 94, 34),
    "comp": (46, 82, 36), "arp": (80, 48, 88), "pad": (40, 88, 64),
}  # fmt: skip
_KNEE = 0.7  # of full scale: where the limiter begins to bend
# K-weighting at 48 kHz (ITU-R BS.1770-5, tables 1 and 2): how loud is it, rather than how strong.
_K_SHELF = (
    (1.53512485958697, -2.69169618940638, 1.19839281085285),
    (1.0, -1.69065929318241, 0.73248077421585),
)
_K_HIGH_PASS = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))
_PROBE_KEYS = (36, 38)  # the drums whose loudness stands for a kit
Samples = NDArray[np.float32]


class SoundFont:
    """The synthesiser's library and its instruments, and how loud each of those is by nature.

    Holds one synthesiser so that the samples stay in memory: FluidSynth shares them, and another
    synthesiser on the same font takes 26 ms and 6 MB instead of 52 ms and 20 MB (2-core machine, 2026-11).
    """

    def __init__(self, path: str = DEFAULT_SOUNDFONT) -> None:
        self.path = path
        if not Path(path).is_file():
            raise BackendUnavailableError(f"the SoundFont {path} is missing: apt install timgm6mb-soundfont")
        self._library = _load_library()
        write = self._library.cfunc(
            "fluid_synth_write_float", c_int, ("synth", c_void_p, 1), ("frames", c_int, 1),
            ("left", c_void_p, 1), ("left_offset", c_int, 1), ("left_step", c_int, 1),
            ("right", c_void_p, 1), ("right_offset", c_int, 1), ("right_step", c_int, 1),
        )  # fmt: skip
        self.write = write
        self._probe, self._probe_id = self.new_synth(reverb=False)
        self._natural: dict[str, float] = {}

    def new_synth(self, reverb: bool = True) -> tuple[Any, int]:
        """A synthesiser with the font loaded, and the font's id in it. Raises `BackendUnavailableError`."""
        options = {
            "synth.polyphony": _POLYPHONY,
            "synth.reverb.active": int(reverb),
            "synth.chorus.active": 0,  # costs 0.3 % of a core and smears the bass
            "synth.reverb.room-size": 0.6,
            "synth.reverb.level": 0.5,
            "synth.reverb.width": 0.8,
        }
        synth = self._library.Synth(gain=0.3, samplerate=float(SPEAKING_RATE), channels=_CHANNELS, **options)
        font = synth.sfload(self.path)
        if font < 0:
            synth.delete()
            raise BackendUnavailableError(f"{self.path} is no SoundFont that FluidSynth can read")
        return synth, font

    def natural_db(self, instrument: Instrument) -> float:
        """K-weighted RMS (dBFS) of half a second of one note at velocity 90. Measured once (2-5 ms)."""
        if instrument.name not in self._natural:
            synth, font = self._probe, self._probe_id
            bank = PERCUSSION_BANK if instrument.is_drums else 0
            synth.program_select(0, font, bank, instrument.program)
            synth.cc(0, _VOLUME, 127)
            # Where it mostly plays: around F4, or near the bottom of a bass.
            usual = max(instrument.low + 8, min(instrument.high - 6, 65))
            keys = _PROBE_KEYS if instrument.is_drums else (usual,)
            for key in keys:
                synth.noteon(0, key, 90)
            frames = SPEAKING_RATE // 2
            out = np.zeros((frames, 2), np.float32)
            at = out.ctypes.data
            self.write(synth.synth, frames, at, 0, 2, at, 1, 2)
            synth.all_sounds_off(0)
            rest = np.zeros((BLOCK * 4, 2), np.float32)
            self.write(synth.synth, BLOCK * 4, rest.ctypes.data, 0, 2, rest.ctypes.data, 1, 2)
            heard = lfilter(*_K_HIGH_PASS, lfilter(*_K_SHELF, out, axis=0), axis=0)
            rms = float(np.sqrt(np.mean(np.square(heard))))
            self._natural[instrument.name] = 20 * math.log10(max(rms, 1e-4))
        return self._natural[instrument.name]

    def close(self) -> None:
        """Free the library's memory."""
        self._probe.delete()


def _load_library() -> ModuleType:
    try:
        return importlib.import_module("fluidsynth")
    except ModuleNotFoundError as error:
        raise BackendUnavailableError("music needs pyfluidsynth: pip install pyfluidsynth") from error
    except ImportError as error:  # what pyfluidsynth raises when it finds no shared library
        raise BackendUnavailableError(
            "the FluidSynth library is missing: apt install libfluidsynth3"
        ) from error


def piece_gain(bars: Iterable[Bar]) -> float:
    """The linear gain that brings a piece to LOUDNESS, reckoned from its notes.

    A part's weight, a note's velocity (FluidSynth's curve is 40 dB a decade) and its length give a power;
    the powers of independent voices add up.
    """
    power, seconds, trim = 0.0, 0.0, 0.0
    for bar in bars:
        beat = 60.0 / bar.plan.tempo
        seconds += bar.plan.bar_seconds
        trim = bar.plan.style.trim
        for note in bar.notes:
            sounding = min(note.length * beat, 1.0) if note.role != "drums" else 0.3
            power += 10 ** (_WEIGHT_DB[note.role] / 10) * (note.velocity / 90) ** 4 * sounding
    level = 10 * math.log10(max(power / max(seconds, 1e-3), 1e-3)) + _REFERENCE_DB
    return float(10 ** ((LOUDNESS - level + trim) / 20))


def limited(samples: Samples) -> Samples:
    """Bend what exceeds the knee towards full scale and never over it; the rest passes unchanged."""
    loud = np.abs(samples)
    if loud.max(initial=0.0) <= _KNEE:
        return samples
    room = 0.99 - _KNEE
    bent = np.sign(samples) * (_KNEE + room * np.tanh((loud - _KNEE) / room))
    return np.where(loud > _KNEE, bent, samples).astype(np.float32)


class Renderer:
    """One stream's synthesiser: notes are scheduled by frame, sound is taken in blocks."""

    def __init__(self, font: SoundFont) -> None:
        self._font = font
        self._synth, self._font_id = font.new_synth()
        self._events: list[tuple[int, int, int, int, int]] = []  # block, 0 off / 1 on, channel, key, velocity
        self._channels: dict[Instrument, int] = {}
        self._held: Counter[tuple[int, int]] = Counter()
        self._gain = 1.0
        self._goal = 1.0
        self._started = False
        self.position = 0  # frames rendered

    def seat(self, parts: Sequence[Part], reverb: float, gain: float) -> None:
        """Give every instrument of an ensemble a channel, a place and a level; who is there keeps theirs.

        The gain is reached by a ramp over the next piece of sound.
        """
        players: dict[Instrument, Part] = {}
        for part in parts:
            players.setdefault(part.instrument, part)
        for gone in [i for i in self._channels if i not in players]:
            if len(self._channels) + len(players) > _CHANNELS:
                del self._channels[gone]
        places: Counter[Role] = Counter()
        for instrument, part in players.items():
            channel = self._channels.get(instrument)
            if channel is None:
                channel = next(c for c in range(_CHANNELS) if c not in self._channels.values())
                self._channels[instrument] = channel
                bank = PERCUSSION_BANK if instrument.is_drums else 0
                if self._synth.program_select(channel, self._font_id, bank, instrument.program) < 0:
                    raise BackendError(f"{self._font.path} has no program for {instrument.name}")
            wanted = _WEIGHT_DB[part.role] + _REFERENCE_DB - self._font.natural_db(instrument)
            self._synth.cc(channel, _VOLUME, max(1, min(127, round(127 * 10 ** (wanted / 40)))))
            pans = _PANS[part.role]
            self._synth.cc(channel, _PAN, pans[places[part.role] % len(pans)])
            places[part.role] += 1
            dry = 0.3 if part.role in ("bass", "drums") else 1.0
            self._synth.cc(channel, _REVERB, round(127 * reverb * dry))
        self._goal = gain
        if not self._started:
            self._gain = gain

    def schedule(self, notes: Iterable[Sounding], bar_frame: float) -> None:
        """Enter the notes of a bar that begins at `bar_frame`, not before what has been rendered."""
        now = self.position // BLOCK
        for note in notes:
            channel = self._channels[note.instrument]
            on = max(now, round((bar_frame + note.start * SPEAKING_RATE) / BLOCK))
            off = max(on + 1, round((bar_frame + note.end * SPEAKING_RATE) / BLOCK))
            heapq.heappush(self._events, (on, 1, channel, note.pitch, note.velocity))
            heapq.heappush(self._events, (off, 0, channel, note.pitch, 0))

    def render(self, frames: int) -> Samples:
        """The next `frames` (a multiple of BLOCK) of sound: float32, shape (frames, 2), within ±1."""
        out = np.empty((frames, 2), np.float32)
        block, last = self.position // BLOCK, (self.position + frames) // BLOCK
        while block < last:
            while self._events and self._events[0][0] <= block:
                self._apply(heapq.heappop(self._events))
            until = min(last, self._events[0][0]) if self._events else last
            begin = block - self.position // BLOCK
            at = out.ctypes.data + begin * BLOCK * 8  # two floats a frame
            self._font.write(self._synth.synth, (until - block) * BLOCK, at, 0, 2, at, 1, 2)
            block = until
        self.position += frames
        self._started = True
        if self._gain != self._goal:
            out *= np.linspace(self._gain, self._goal, frames, dtype=np.float32)[:, None]
            self._gain = self._goal
        else:
            out *= self._gain
        return limited(out)

    def _apply(self, event: tuple[int, int, int, int, int]) -> None:
        _, on, channel, key, velocity = event
        if on:
            self._held[channel, key] += 1
            self._synth.noteon(channel, key, velocity)
            return
        self._held[channel, key] -= 1
        if self._held[channel, key] <= 0:  # two parts on one instrument may share a pitch
            del self._held[channel, key]
            self._synth.noteoff(channel, key)

    def close(self) -> None:
        """Give the synthesiser's memory back."""
        self._synth.delete()
