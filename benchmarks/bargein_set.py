"""What may be heard while the assistant talks: real interruptions, and everything that is none.

Built by script and seeded, nothing is downloaded. Voices are those of flite and espeak-ng (Debian) at
several sizes of the throat, and the recordings of a folder; coughs, laughter and breath are made here from
noise and pulses, other noises by `models/sound`, music by the composer. Every clip is either held in, to
choose thresholds by, or held out, for the figures: no voice and no seed is in both.
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
class Voice:
    """A synthesiser's voice; `throat` scales all frequencies (another speaker's size), `speed` the tempo."""

    program: Literal["flite", "espeak-ng"]
    name: str
    throat: float = 1.0
    speed: float = 1.0

    def __str__(self) -> str:
        """Its name, for the clip's."""
        return f"{self.name}*{self.throat:g}"


@dataclass(frozen=True, slots=True)
class Clip:
    """A sound of HEARING_RATE, full scale 1, and what it is. `said`: our words, where it is our own echo."""

    name: str
    kind: Kind
    samples: Floats
    text: str = ""
    said: str = ""
    held_out: bool = False
    voice: Voice | None = None  # who says it, where it is synthesised
    sent: Floats | None = None  # what we send meanwhile, where it comes back
    taught: int = 0  # samples at the beginning that only teach the echo canceller

    @property
    def meant(self) -> bool:
        """Whether the assistant has to stop."""
        return self.kind in MEANT


OUR_VOICE = Voice("flite", "slt")
HELD_IN = (
    Voice("flite", "slt"),
    Voice("flite", "rms"),
    Voice("flite", "kal16", 1.05, 1.1),
    Voice("flite", "awb"),
    Voice("flite", "slt", 0.93, 0.9),
    Voice("espeak-ng", "en-us+m3"),
    Voice("espeak-ng", "en-gb+f2"),
    Voice("espeak-ng", "en-us+f4"),
)
HELD_OUT = (
    Voice("flite", "awb", 1.07, 1.05),
    Voice("flite", "rms", 0.93, 0.95),
    Voice("flite", "kal16", 1.1),
    Voice("flite", "slt", 1.15, 1.05),
    Voice("espeak-ng", "en-us+f3"),
    Voice("espeak-ng", "en-gb-x-rp+m7"),
)

# (held in, held out); a few words that everybody says are in both.
BACKCHANNELS = (
    "uh huh|mm hmm|yeah|okay|right|mm|yes|sure|oh|really|hm|alright|of course|that's right",
    "uh huh|mm hmm|yeah|okay|right|yep|i see|oh i see|aha|got it|sure",
)
COMMANDS = (
    "stop|wait|no|hold on|hang on|louder|pause|be quiet|stop the music|actually play jazz|turn it down|"
    "set a timer for five minutes|slower please|never mind|play something else|no wait|shut up|enough|"
    "cancel that|skip this|add some drums",
    "stop|stop it|wait a minute|no|hold on|that's enough|quiet please|mute|louder please|play some blues|"
    "add a flute|set a timer for one minute|go back|forget it|start again|turn it off",
)
QUESTIONS = (
    "what|what time is it|how much is seven times six|what is playing|why|who are you|can you hear me|pardon",
    "what did you say|what's the time|what day is it|how many is twelve plus nine|really why is that|"
    "what was that|what key is it in|how do you know",
)
FREE = (
    "i don't think that is true at all|my brother told me something else about it|"
    "that reminds me of the house by the lake|we should talk about dinner",
    "sorry i meant the other one|i have heard this story before|let me tell you what happened yesterday|"
    "that was not what i asked for|my sister is coming home tomorrow|i want to hear about the sea",
)
EARLIER = (  # our last reply, from which the echo canceller has learnt the room
    "I can play music and sounds, set timers, do sums and tell the time. Music you can describe as you like."
)
REPLIES = (
    (
        "Once upon a time there was an old house by the sea, where nobody had lived for many years.",
        "A tritone is the distance of three whole tones. It sounds restless, and wants to go on.",
    ),
    (
        "The timer is set for ten minutes. I will tell you when it is over.",
        "Here is a slow waltz in A minor, for piano and cello.",
    ),
)
STYLES = (
    ("solo piano", "jazz trio", "string quartet", "rock", "waltz", "techno", "folk", "lullaby"),
    ("solo piano", "orchestra", "bossa nova", "blues", "march", "ambient", "country", "guitar duo"),
)
HOUSE_IN = (
    "door slam", "three knocks on the door", "keyboard typing", "footsteps", "breaking glass", "telephone",
)  # fmt: skip
HOUSE_OUT = (
    "a door slams", "knock on glass", "typing", "creaky door", "footsteps on gravel", "doorbell", "dog",
    "applause", "vacuum cleaner",
)  # fmt: skip
READERS_IN = ("goforward", "libri-0870", "libri-0880", "numbers")  # the other recordings are held out

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


def build(*, recordings: Path | None = RECORDINGS, every: int = 1) -> list[Clip]:
    """The whole set, or of every kind each `every`-th clip. Recordings that are not there are left out."""
    made: list[Clip] = []
    for held_out, voices in ((False, HELD_IN), (True, HELD_OUT)):
        for kind, wordings in (
            ("command", COMMANDS),
            ("question", QUESTIONS),
            ("free speech", FREE),
            ("backchannel", BACKCHANNELS),
        ):
            texts = wordings[held_out].split("|")
            made += _thinned(_spoken(kind, texts, voices, held_out), every)  # type: ignore[arg-type]
        for make in (_over_echoes, _coughs, _laughter, _doors, _music, _echoes):
            made += _thinned(make(held_out), every)
    if recordings is not None and (recordings / "transcripts.tsv").is_file():
        made += _thinned(_recorded(recordings), every)
    return made


Lazy = Callable[[], Clip]  # what is left out need not be made
Maker = Callable[[Random], Floats]


def _thinned(clips: Iterator[Lazy], every: int) -> list[Clip]:
    return [make() for i, make in enumerate(clips) if i % every == 0]


def _spoken(kind: Kind, texts: Sequence[str], voices: Sequence[Voice], held_out: bool) -> Iterator[Lazy]:
    # Backchannels by everybody; of the others half the voices a wording, in turn.
    for t, text in enumerate(texts):
        for v, voice in enumerate(voices):
            if kind != "backchannel" and (t + v) % 2:
                continue
            level = LEVELS_DB[(t + v) % len(LEVELS_DB)]

            def make(text: str = text, voice: Voice = voice, level: float = level) -> Clip:
                name = f"{text} ({voice}, {level:.0f} dB)"
                return Clip(
                    name, kind, speak(voice, text) * gain(level), text, held_out=held_out, voice=voice
                )

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
            return Clip(f"{stem} ({level:.0f} dB)", kind, cut, row["text"], held_out=stem not in READERS_IN)

        yield make


# -- what is not meant ------------------------------------------------------------------------------


def _seeds(kind: str, held_out: bool, count: int) -> list[np.random.Generator]:
    return [np.random.default_rng([*kind.encode(), 2 if held_out else 1, i]) for i in range(count)]


def _noises(
    kind: Kind, held_out: bool, count: int, makers: Sequence[Callable[[np.random.Generator], Floats]]
) -> Iterator[Lazy]:
    """Noises by the makers in turn, in a room at HOUSE_DB in turn."""
    for i, rng in enumerate(_seeds(kind, held_out, count)):
        made, level = makers[i % len(makers)], HOUSE_DB[i // len(makers) % len(HOUSE_DB)]

        def make(i: int = i, rng: Random = rng, made: Maker = made, level: float = level) -> Clip:
            name = f"{getattr(made, '__name__', kind)} {i} ({level:.0f} dB)"
            return Clip(name, kind, peak(made(rng)) * gain(level), held_out=held_out)

        yield make


def _coughs(held_out: bool) -> Iterator[Lazy]:
    yield from _noises("cough", held_out, 30, (cough, cough, cough, clear_throat))
    if held_out:
        samples, _ = soundfile.read(DATA / "cough.flac")
        yield lambda: Clip("tests/data/cough", "cough", np.asarray(samples, np.float64), held_out=True)


def _laughter(held_out: bool) -> Iterator[Lazy]:
    yield from _noises("laughter", held_out, 24, (laugh, laugh, breathe))


def _doors(held_out: bool) -> Iterator[Lazy]:
    sounds = HOUSE_OUT if held_out else HOUSE_IN
    yield from _noises("door", held_out, 3 * len(sounds) + 3, (*map(_sound, sounds), dishes))


def _sound(description: str) -> Maker:
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


def _music(held_out: bool) -> Iterator[Lazy]:
    """As from a radio in the room."""
    yield from _noises("music", held_out, len(STYLES[held_out]), [_piece(s) for s in STYLES[held_out]])


def _piece(style: str) -> Maker:
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


def _come_back(sent: Floats, level: float, delay: int, rng: Random) -> Floats:
    """What the microphone hears of what we send: `level` dB, `delay` ms later, in a room."""
    back = peak(in_room(sent, rng)) * float(np.abs(sent).max()) * gain(level)
    return np.concatenate([np.zeros(delay * HEARING_RATE // 1000), back])


def _over_echoes(held_out: bool) -> Iterator[Lazy]:
    """Commands while our own voice comes back: they begin a second into it, or with its first words."""
    voices = HELD_OUT if held_out else HELD_IN
    texts = COMMANDS[held_out].split("|")
    for i, rng in enumerate(_seeds("over echo", held_out, 24)):
        text, voice, reply = texts[i % len(texts)], voices[i % len(voices)], REPLIES[held_out][i % 2]
        delay, begin = ECHO_DELAY_MS[i % 3], (0.2, 1.0)[i // 2 % 2]

        def make(
            text: str = text, voice: Voice = voice, reply: str = reply, delay: int = delay,
            begin: float = begin, rng: Random = rng,
        ) -> Clip:  # fmt: skip
            earlier = speak(OUR_VOICE, EARLIER)
            sent = np.concatenate([earlier, speak(OUR_VOICE, reply)[: round(1.2 * HEARING_RATE)]])
            sent *= gain(SENT_DB)
            samples = _come_back(sent, -15.0, delay, rng)
            said = speak(voice, text) * gain(-10.0)
            start = len(earlier) + round(begin * HEARING_RATE)
            both = np.zeros(max(len(samples), start + len(said)))
            both[: len(samples)] += samples
            both[start : start + len(said)] += said
            name = f"{text} ({voice}, {delay} ms, at {begin} s)"
            said_by_us = f"{EARLIER} {reply}"
            return Clip(name, "over echo", both, text, said_by_us, held_out, voice, sent, len(earlier))

        yield make


def _echoes(held_out: bool) -> Iterator[Lazy]:
    """Our own words, from a loudspeaker through a room back into the microphone."""
    voices = (HELD_OUT if held_out else HELD_IN)[:4]
    for i, rng in enumerate(_seeds("echo", held_out, 24)):
        reply, voice = REPLIES[held_out][i % 2], voices[i // 2 % len(voices)]
        level, delay = ECHO_DB[i % len(ECHO_DB)], ECHO_DELAY_MS[i // 4 % len(ECHO_DELAY_MS)]

        def make(
            reply: str = reply, voice: Voice = voice, level: float = level, delay: int = delay,
            rng: Random = rng,
        ) -> Clip:  # fmt: skip
            sent = np.concatenate([speak(voice, EARLIER), speak(voice, reply)]) * gain(SENT_DB)
            samples = _come_back(sent, level, delay, rng)
            taught = len(speak(voice, EARLIER))
            name = f"{reply[:20]}… ({voice}, {level:.0f} dB, {delay} ms)"
            said = f"{EARLIER} {reply}"
            return Clip(name, "echo", samples, reply, said, held_out, sent=sent, taught=taught)

        yield make
