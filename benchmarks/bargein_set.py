"""What may be heard while the assistant talks: real interruptions, and everything that is none.

Built by script and seeded, nothing is downloaded. Voices are those of flite and espeak-ng (Debian) at
several sizes of the throat, and the recordings of a folder; coughs, laughter and breath are made here from
noise and pulses, other noises by `models/sound`, music by the composer. Every clip is held in, held out, or
fresh (`benchmarks.bargein_texts`): no voice and no seed is in two parts.
"""

from __future__ import annotations

import csv
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
import soxr

from benchmarks.bargein_sounds import (
    Floats,
    Random,
    breathe,
    clear_throat,
    cough,
    dishes,
    gain,
    in_room,
    laugh,
    peak,
)
from benchmarks.bargein_texts import (
    BACKCHANNELS,
    COMMANDS,
    EARLIER,
    FREE,
    FRESH,
    HOUSE,
    IN,
    OUR_VOICE,
    OUT,
    QUESTIONS,
    READERS_IN,
    REPLIES,
    SEEDS,
    STYLES,
    VOICES,
    Voice,
)
from models.api import HEARING_RATE, SPEAKING_RATE, MusicChunk, MusicRequest, SoundChunk, SoundRequest
from models.music.composer import ComposerMusic
from models.plan import MusicBrief, SoundBrief
from models.sound.procedural import ProceduralSound

Kind = Literal[
    "command", "question", "free speech", "recording", "over echo",
    "backchannel", "cough", "laughter", "door", "music", "echo",
]  # fmt: skip
MEANT: tuple[Kind, ...] = ("command", "question", "free speech", "recording", "over echo")
OTHERS: tuple[Kind, ...] = ("backchannel", "cough", "laughter", "door", "music", "echo")

RECORDINGS = Path(__file__).parent.parent.parent / "shared" / "audio"
DATA = Path(__file__).parent.parent / "tests" / "data"
LEVELS_DB = (-6.0, -14.0, -22.0)  # peak, dB of full scale: close, at arm's length, across a desk
HOUSE_DB = (-3.0, -10.0, -18.0)  # peak of noises: next to the microphone to the other side of a room
ECHO_DB = (-6.0, -10.0, -15.0, -20.0)  # of what we send
SENT_DB = -3.0  # peak of our voice where it leaves
ECHO_DELAY_MS = (20, 120, 300)
LONGEST_S = 6.0  # of a recording


@dataclass(frozen=True, slots=True)
class Clip:
    """A sound of HEARING_RATE, full scale 1, and what it is. `said`: our words, where it is our own echo."""

    name: str
    kind: Kind
    samples: Floats
    text: str = ""
    said: str = ""
    part: int = IN
    voice: Voice | None = None  # who says it, where it is synthesised
    sent: Floats | None = None  # what we send meanwhile, where it comes back
    taught: int = 0  # samples at the beginning that only teach the echo canceller

    @property
    def held_out(self) -> bool:
        """Whether nothing was chosen by it."""
        return self.part != IN

    @property
    def meant(self) -> bool:
        """Whether the assistant has to stop."""
        return self.kind in MEANT


# flite and espeak would spell these.
_FLITE_PHONES = {"mm hmm": "pau ah m hh ah m pau", "mm": "pau ah m m pau", "hm": "pau hh ah m m pau"}
_ESPEAK_PHONES = {"mm hmm": "[[@m'h@m]]", "mm": "[[@mm]]", "hm": "[[h@mm]]"}


@lru_cache(maxsize=1024)
def speak(voice: Voice, text: str) -> Floats:
    """Say `text`: HEARING_RATE, peak 1. Raises `FileNotFoundError` where the synthesiser is missing."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "voice.wav"
        if voice.program == "flite":
            command = ["flite", "-voice", voice.name, "--setf", f"duration_stretch={1 / voice.speed}"]
            command += ["-o", str(path)]
            command += ["-p", _FLITE_PHONES[text]] if text in _FLITE_PHONES else ["-t", text]
        else:
            command = ["espeak-ng", "-v", voice.name, "-s", str(round(160 * voice.speed)), "-w", str(path)]
            command += [_ESPEAK_PHONES.get(text, text)]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own sentences
        samples, rate = soundfile.read(path)
    return peak(soxr.resample(np.asarray(samples, np.float64), rate * voice.throat, HEARING_RATE))


def build(
    *, recordings: Path | None = RECORDINGS, every: int = 1, parts: Sequence[int] | None = None
) -> list[Clip]:
    """The whole set, or of every kind each `every`-th clip. Recordings that are not there are left out."""
    made: list[Clip] = []
    for part, voices in enumerate(VOICES):
        if parts is not None and part not in parts:
            continue
        for kind, wordings in (
            ("command", COMMANDS),
            ("question", QUESTIONS),
            ("free speech", FREE),
            ("backchannel", BACKCHANNELS),
        ):
            texts = wordings[part].split("|")
            made += _thinned(_spoken(kind, texts, voices, part), every)  # type: ignore[arg-type]
        for make in (_over_echoes, _coughs, _laughter, _doors, _music, _echoes):
            made += _thinned(make(part), every)
    if recordings is not None and (recordings / "transcripts.tsv").is_file():
        made += _thinned(_recorded(recordings), every)
    return made


Lazy = Callable[[], Clip]  # what is left out need not be made
Maker = Callable[[Random], Floats]


def _thinned(clips: Iterator[Lazy], every: int) -> list[Clip]:
    return [make() for i, make in enumerate(clips) if i % every == 0]


def _spoken(kind: Kind, texts: Sequence[str], voices: Sequence[Voice], part: int) -> Iterator[Lazy]:
    # Backchannels by everybody; of the others half the voices a wording, in turn.
    for t, text in enumerate(texts):
        for v, voice in enumerate(voices):
            if kind != "backchannel" and (t + v) % 2:
                continue
            level = LEVELS_DB[(t + v) % len(LEVELS_DB)]

            def make(text: str = text, voice: Voice = voice, level: float = level) -> Clip:
                name = f"{text} ({voice}, {level:.0f} dB)"
                return Clip(name, kind, speak(voice, text) * gain(level), text, part=part, voice=voice)

            yield make


def _recorded(folder: Path) -> Iterator[Lazy]:
    """Real voices; they are in the middle of a sentence at LONGEST_S, as an interruption would be."""
    with (folder / "transcripts.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    for i, row in enumerate(rows):

        def make(row: dict[str, str] = row, i: int = i) -> Clip:
            samples, rate = soundfile.read(folder / row["file"], always_2d=True)
            mono = soxr.resample(samples[: round(LONGEST_S * rate)].mean(axis=1), rate, HEARING_RATE)
            stem = Path(row["file"]).stem
            spoken = bool(row["text"]) or stem == "numbers"
            level = (LEVELS_DB if spoken else HOUSE_DB)[i % 3]
            cut = peak(np.asarray(mono, np.float64)) * gain(level)
            kind: Kind = "recording" if spoken else "door"
            return Clip(
                f"{stem} ({level:.0f} dB)", kind, cut, row["text"], part=IN if stem in READERS_IN else OUT
            )

        yield make


# -- what is not meant ------------------------------------------------------------------------------


def _seeds(kind: str, part: int, count: int) -> list[np.random.Generator]:
    return [np.random.default_rng([*kind.encode(), SEEDS[part], i]) for i in range(count)]


def _noises(
    kind: Kind, part: int, count: int, makers: Sequence[Callable[[np.random.Generator], Floats]]
) -> Iterator[Lazy]:
    """Noises by the makers in turn, in a room at HOUSE_DB in turn."""
    for i, rng in enumerate(_seeds(kind, part, count)):
        made, level = makers[i % len(makers)], HOUSE_DB[i // len(makers) % len(HOUSE_DB)]

        def make(i: int = i, rng: Random = rng, made: Maker = made, level: float = level) -> Clip:
            name = f"{getattr(made, '__name__', kind)} {i} ({level:.0f} dB)"
            samples = made(rng)
            if part == FRESH:  # the makers are known by now: other throats, other rooms
                size = HEARING_RATE * rng.uniform(0.85, 1.2)
                samples = in_room(soxr.resample(samples, size, HEARING_RATE), rng)
            return Clip(name, kind, peak(samples) * gain(level), part=part)

        yield make


def _coughs(part: int) -> Iterator[Lazy]:
    yield from _noises("cough", part, 30, (cough, cough, cough, clear_throat))
    if part == OUT:
        samples, _ = soundfile.read(DATA / "cough.flac")
        yield lambda: Clip("tests/data/cough", "cough", np.asarray(samples, np.float64), part=OUT)


def _laughter(part: int) -> Iterator[Lazy]:
    yield from _noises("laughter", part, 24, (laugh, laugh, breathe))


def _doors(part: int) -> Iterator[Lazy]:
    sounds = HOUSE[part]
    yield from _noises("door", part, 3 * len(sounds) + 3, (*map(sound, sounds), dishes))


def sound(description: str) -> Maker:
    """2.5 s of a sound of `models/sound`."""

    def made(rng: Random) -> Floats:
        chunks: list[SoundChunk] = []
        request = SoundRequest(SoundBrief(description=description), seed=int(rng.integers(1 << 31)))
        job = ProceduralSound().open(request)
        while len(chunks) < 25 and job.step(chunks.append):  # 2.5 s
            pass
        job.close()
        return _mono(b"".join(chunk.pcm for chunk in chunks))

    made.__name__ = description
    return made


def _music(part: int) -> Iterator[Lazy]:
    """As from a radio in the room."""
    yield from _noises("music", part, len(STYLES[part]), [piece(s) for s in STYLES[part]])


def piece(style: str) -> Maker:
    """4 s of music from a loudspeaker in a room."""

    def made(rng: Random) -> Floats:
        chunks: list[MusicChunk] = []
        job = ComposerMusic().open(MusicRequest(MusicBrief(style=style), seed=int(rng.integers(1 << 31))))
        while len(chunks) * 0.1 < 4.0 and job.step(chunks.append):
            pass
        job.close()
        return in_room(_mono(b"".join(chunk.pcm for chunk in chunks))[: 4 * HEARING_RATE], rng)

    made.__name__ = style
    return made


def _mono(pcm: bytes) -> Floats:
    stereo = np.frombuffer(pcm, "<i2").reshape(-1, 2)
    return np.asarray(soxr.resample(stereo.mean(axis=1) / 32768, SPEAKING_RATE, HEARING_RATE), np.float64)


def come_back(sent: Floats, level: float, delay: int, rng: Random) -> Floats:
    """What the microphone hears of what we send: `level` dB, `delay` ms later, in a room."""
    back = peak(in_room(sent, rng)) * float(np.abs(sent).max()) * gain(level)
    return np.concatenate([np.zeros(delay * HEARING_RATE // 1000), back])


def _over_echoes(part: int) -> Iterator[Lazy]:
    """Commands while our own voice comes back: they begin a second into it, or with its first words."""
    voices = VOICES[part]
    texts = COMMANDS[part].split("|")
    for i, rng in enumerate(_seeds("over echo", part, 24)):
        text, voice, reply = texts[i % len(texts)], voices[i % len(voices)], REPLIES[part][i % 2]
        delay, begin = ECHO_DELAY_MS[i % 3], (0.2, 1.0)[i // 2 % 2]

        def make(
            text: str = text, voice: Voice = voice, reply: str = reply, delay: int = delay,
            begin: float = begin, rng: Random = rng,
        ) -> Clip:  # fmt: skip
            earlier = speak(OUR_VOICE, EARLIER)
            sent = np.concatenate([earlier, speak(OUR_VOICE, reply)[: round(1.2 * HEARING_RATE)]])
            sent *= gain(SENT_DB)
            samples = come_back(sent, -15.0, delay, rng)
            said = speak(voice, text) * gain(-10.0)
            start = len(earlier) + round(begin * HEARING_RATE)
            both = np.zeros(max(len(samples), start + len(said)))
            both[: len(samples)] += samples
            both[start : start + len(said)] += said
            name = f"{text} ({voice}, {delay} ms, at {begin} s)"
            said_by_us = f"{EARLIER} {reply}"
            return Clip(name, "over echo", both, text, said_by_us, part, voice, sent, len(earlier))

        yield make


def _echoes(part: int) -> Iterator[Lazy]:
    """Our own words, from a loudspeaker through a room back into the microphone."""
    voices = VOICES[part][:4]
    for i, rng in enumerate(_seeds("echo", part, 24)):
        reply, voice = REPLIES[part][i % 2], voices[i // 2 % len(voices)]
        level, delay = ECHO_DB[i % len(ECHO_DB)], ECHO_DELAY_MS[i // 4 % len(ECHO_DELAY_MS)]

        def make(
            reply: str = reply, voice: Voice = voice, level: float = level, delay: int = delay,
            rng: Random = rng,
        ) -> Clip:  # fmt: skip
            sent = np.concatenate([speak(voice, EARLIER), speak(voice, reply)]) * gain(SENT_DB)
            samples = come_back(sent, level, delay, rng)
            taught = len(speak(voice, EARLIER))
            name = f"{reply[:20]}… ({voice}, {level:.0f} dB, {delay} ms)"
            said = f"{EARLIER} {reply}"
            return Clip(name, "echo", samples, reply, said, part, sent=sent, taught=taught)

        yield make
