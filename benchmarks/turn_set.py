"""Turns to be judged: sentences of several voices, with hesitations in known places, and real recordings.

Everything is made by script from a seed: flite's and espeak-ng's voices say commands, questions and free
speech, and real recordings (`../shared/audio`) are cut where they are silent anyway. A *hesitation* is 0.3 to
2 s of silence after which the same person goes on; its length is log-uniform (median 0.77 s), because pauses
in speech are log-normal (Campione & Véronis 2002):

- `inside`: between two words of a sentence, in the melody of the whole: half of them break off, in half the
  last word is drawn out, as people do who search for the next one.
- `filler`: as `inside`, after a drawn-out "um" or "uh".
- `added`: after a whole sentence, spoken as one, that is followed by another. Only time can tell.
- `recorded`: at a silence of a real recording; silences that are 0.3 s long already count as well.

Weights are fitted on DEV and figures are given for TEST: they share no voice, no sentence and no recording
(the six LibriVox recordings have one reader, though).
"""

from __future__ import annotations

import csv
import ctypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from benchmarks.report import ROOT
from models.api import HEARING_RATE, SpeechChunk, SpeechRequest
from models.tts.embedded import EmbeddedSpeech

Part = Literal["dev", "test"]
Kind = Literal["inside", "filler", "added", "recorded"]
Floats = npt.NDArray[np.float32]
Said = tuple[Floats, list[tuple[int, int]]]  # samples, and (start, end) of each word in them

AUDIO = ROOT.parent / "shared" / "audio"
SENTENCES = Path(__file__).parent / "turn_sentences.tsv"

# (family, voice, semitones): one accent of espeak-ng is one voice, whatever its pitch.
VOICES: dict[Part, tuple[tuple[str, str, float], ...]] = {
    "dev": (
        ("flite", "slt", 0.0),
        ("flite", "kal16", 0.0),
        ("espeak", "en-us", 0.0),
        ("espeak", "en-gb-scotland", 5.0),
    ),
    "test": (
        ("flite", "rms", 0.0),
        ("flite", "awb", 0.0),
        ("espeak", "en-gb-x-rp", 4.0),
        ("espeak", "en-gb-x-gbcwmd", 0.0),
    ),
}
RECORDINGS: dict[Part, tuple[str, ...]] = {
    "dev": ("libri-0870", "libri-0880", "goforward"),
    "test": ("jfk", "libri-0890", "libri-0920", "libri-0930", "something", "numbers"),
}
VARIANTS = 6  # of each recording

LEAD_S = 0.4
TAIL_S = 1.6  # after the end; longer waits are extrapolated, because nothing changes any more
SHORTEST_S, LONGEST_S = 0.3, 2.0  # of a hesitation
NOISE = 10 ** (-60 / 20)  # of the room, RMS of full scale
PLAIN, ADDED, FILLER, TWICE = 0.3, 0.08, 0.35, 0.3  # shares: of turns; of turns; of hesitations; of turns
FILLERS = ("um", "uh")
HELD, SLOWER = 0.5, 0.6  # share of hesitations whose last word is drawn out; its rate (a filler's always is)
FADE_S = 0.03  # where a voice breaks off
STEP = HEARING_RATE // 100  # samples of the envelope: 10 ms


@dataclass(frozen=True, slots=True)
class Hesitation:
    """Silence from sample `start` to `stop` inside a turn."""

    start: int
    stop: int
    kind: Kind


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn: 16-bit mono at HEARING_RATE, silence at both ends; the person has finished at `stop`."""

    name: str
    family: str  # "flite", "espeak" or "real"
    voice: str
    text: str
    pcm: bytes
    stop: int
    hesitations: tuple[Hesitation, ...]


def turns(part: Part, seed: int = 0, every: int = 1) -> Iterator[Turn]:
    """Make the turns of a part, one after the other; `every` takes every n-th only.

    Raises:
        BackendUnavailableError: flite or espeak-ng is not installed.
    """
    speech = EmbeddedSpeech()
    sentences = [text for of, text in _sentences() if of == part]
    made = (
        _spoken(speech, family, voice, pitch, sentences, number, np.random.default_rng((seed, place, number)))
        for number in range(len(sentences))
        for place, (family, voice, pitch) in enumerate(VOICES[part])
        if (number * len(VOICES[part]) + place) % every == number // 7 % every
    )
    yield from made
    if AUDIO.is_dir():
        for name, text in _recordings(part):
            samples, rate = soundfile.read(AUDIO / f"{name}.flac", dtype="float32")
            assert rate == HEARING_RATE
            for variant in range(0, VARIANTS, min(every, VARIANTS)):
                rng = np.random.default_rng((seed, 1_000 + variant, len(samples)))
                yield recorded(name, text, samples, variant, rng)


def _sentences() -> list[tuple[str, str]]:
    with SENTENCES.open(encoding="utf-8") as file:
        return [(row["part"], row["text"]) for row in csv.DictReader(file, delimiter="\t")]


def _recordings(part: Part) -> list[tuple[str, str]]:
    with (AUDIO / "transcripts.tsv").open(encoding="utf-8") as file:
        rows = {
            row["file"].removesuffix(".flac"): row["text"] for row in csv.DictReader(file, delimiter="\t")
        }
    return [(name, rows[name]) for name in RECORDINGS[part] if name in rows]


def _spoken(
    speech: EmbeddedSpeech,
    family: str,
    voice: str,
    pitch: float,
    sentences: list[str],
    number: int,
    rng: np.random.Generator,
) -> Turn:
    """One sentence of one voice: plain, with hesitations inside, or with another sentence added."""
    text = sentences[number]
    speed = float(rng.uniform(0.9, 1.15))

    def say(words: str, slower: float = 1.0) -> Said:
        request = SpeechRequest(text=words, voice=voice, speed=speed * slower, pitch=pitch)
        return synthesised(speech, request)

    pieces: list[Floats] = []
    kinds: list[Kind] = []
    draw = rng.random()
    words = text.split()
    if draw < PLAIN or len(words) < 3:
        pieces.append(say(text)[0])
    elif draw < PLAIN + ADDED:
        text += " " + sentences[int(rng.integers(len(sentences)))]
        pieces += [say(words_)[0] for words_ in (sentences[number], text[len(sentences[number]) + 1 :])]
        kinds.append("added")
    else:
        count = 2 if len(words) > 5 and rng.random() < TWICE else 1
        cuts = sorted(int(k) for k in rng.choice(np.arange(1, len(words)), count, replace=False))
        fillers = [str(rng.choice(FILLERS)) if rng.random() < FILLER else "" for _ in cuts]
        held = [bool(filler) or rng.random() < HELD for filler in fillers]
        pieces = _hesitating(say, words, cuts, fillers, held)
        kinds += ["filler" if filler else "inside" for filler in fillers[: len(pieces) - 1]]
    peak = max(float(np.abs(piece).max()) for piece in pieces)
    level = np.float32(10 ** (rng.uniform(-20, -6) / 20) / max(1e-6, peak))
    gaps = [_length(rng) for _ in kinds]
    name = f"{voice}-{number}"
    return assembled(name, family, voice, text, [level * p for p in pieces], kinds, gaps, NOISE, rng)


def _length(rng: np.random.Generator) -> float:
    """Seconds of a hesitation: pauses in speech are distributed by their logarithm."""
    return float(np.exp(rng.uniform(np.log(SHORTEST_S), np.log(LONGEST_S))))


def _hesitating(
    say: Callable[[str, float], Said], words: list[str], cuts: list[int], fillers: list[str], held: list[bool]
) -> list[Floats]:
    """A sentence in pieces that end after the words `cuts`, or after a filler that follows them.

    All come from one reading of the sentence, so that no piece has the melody of an end; where the voice is
    `held`, the last word comes from a reading that is slower by SLOWER.
    """
    spoken: list[str] = []
    borders = []
    for begin, cut, filler in zip([0, *cuts], [*cuts, len(words)], [*fillers, ""], strict=True):
        spoken += [*words[begin:cut], *([filler] if filler else [])]
        borders.append(len(spoken))
    (sound, times), (slow, slow_times) = (say(" ".join(spoken), slower) for slower in (1.0, SLOWER))
    if not len(times) == len(slow_times) == len(spoken):  # a word that is read as several
        return [sound]
    pieces: list[Floats] = []
    begin = 0
    for border, long in zip(borders, [*held, False], strict=True):
        end = times[border - 1][1] if border < len(spoken) else len(sound)
        if long:
            last = slow[slice(*slow_times[border - 1])]
            pieces.append(np.concatenate([sound[begin : max(begin, times[border - 1][0])], last]))
        else:
            pieces.append(sound[begin:end])
        begin = end
    return [piece for piece in pieces if len(piece)]


def synthesised(speech: EmbeddedSpeech, request: SpeechRequest) -> Said:
    """Speak: samples at HEARING_RATE without silence at their ends, and each word's (start, end) in them."""
    ctypes.CDLL(None).srand(1)  # flite's breath is libc's rand(): the same voice every time
    chunks: list[SpeechChunk] = []
    job = speech.open(request)
    try:
        while job.step(chunks.append):
            pass
    finally:
        job.close()
    rate = chunks[0].rate
    pcm: Floats = np.frombuffer(b"".join(chunk.pcm for chunk in chunks), "<i2").astype(np.float32)
    pcm /= 32768
    sound: Floats = pcm if rate == HEARING_RATE else soxr.resample(pcm, rate, HEARING_RATE)
    first, last = ends(sound)
    times = sorted(
        (round(word.start_ms * HEARING_RATE / 1000) - first, round(word.end_ms * HEARING_RATE / 1000) - first)
        for chunk in chunks
        for word in chunk.words
    )
    return sound[first:last], [(max(0, a), min(b, last - first)) for a, b in times]


def envelope(sound: Floats) -> Floats:
    """RMS of every 10 ms, in dB below the 95th percentile."""
    whole = sound[: len(sound) // STEP * STEP].reshape(-1, STEP)
    level = 20 * np.log10(np.sqrt(np.mean(np.square(whole), axis=1)) + 1e-6)
    found: Floats = (level - np.percentile(level, 95)).astype(np.float32)
    return found


def ends(sound: Floats, quiet: float = -38.0) -> tuple[int, int]:
    """First and last sample of what is louder than `quiet` dB below the loud parts."""
    loud = np.flatnonzero(envelope(sound) > quiet)
    return int(loud[0]) * STEP, (int(loud[-1]) + 1) * STEP


def silences(sound: Floats, least_s: float, quiet: float) -> list[tuple[int, int]]:
    """Where it is quieter than `quiet` dB below the loud parts for `least_s`: (start, stop) in samples."""
    still = np.concatenate([[0], envelope(sound) < quiet, [0]]).astype(np.int8)
    edges = np.diff(still)
    runs = zip(np.flatnonzero(edges > 0), np.flatnonzero(edges < 0), strict=True)
    return [(int(a) * STEP, int(b) * STEP) for a, b in runs if (b - a) * STEP >= least_s * HEARING_RATE]


def recorded(name: str, text: str, sound: Floats, variant: int, rng: np.random.Generator) -> Turn:
    """One recording; every variant but the first has a hesitation at one of its own silences."""
    first, last = ends(sound, -32)
    sound = sound[first:last]
    floor = 10 ** (float(np.percentile(envelope(sound), 2)) / 20) * _loud(sound)
    places = [
        (a + b) // 2
        for a, b in silences(sound, 0.06, -26)
        if a > 0.4 * HEARING_RATE and b < len(sound) - 0.4 * HEARING_RATE and b - a < 0.3 * HEARING_RATE
    ]
    pieces, kinds, gaps = [sound], [], []
    if variant and places:
        at = int(rng.choice(places))
        pieces, kinds = [sound[:at], sound[at:]], ["recorded"]
        gaps = [_length(rng)]
    whole: list[Kind] = ["recorded" for _ in kinds]
    turn = assembled(f"{name}-{variant}", "real", name, text, pieces, whole, gaps, max(NOISE, floor), rng)
    # Its own long silences are hesitations too; each is told once, in the variant without another.
    if variant:
        return turn
    lead = round(LEAD_S * HEARING_RATE)
    own = [
        Hesitation(lead + a, lead + b, "recorded")
        for a, b in silences(sound, SHORTEST_S, -26)
        if a > 0 and b < len(sound) - STEP  # else it is a soft beginning or end
    ]
    return Turn(turn.name, turn.family, turn.voice, turn.text, turn.pcm, turn.stop, tuple(own))


def _loud(sound: Floats) -> float:
    whole = sound[: len(sound) // STEP * STEP].reshape(-1, STEP)
    return float(np.percentile(np.sqrt(np.mean(np.square(whole), axis=1)), 95))


def assembled(
    name: str,
    family: str,
    voice: str,
    text: str,
    pieces: list[Floats],
    kinds: list[Kind],
    gaps: list[float],
    noise: float,
    rng: np.random.Generator,
) -> Turn:
    """Pieces of speech with `gaps` (s) between them, in a room whose noise has an RMS of `noise`."""
    fade = round(FADE_S * HEARING_RATE)
    parts: list[Floats] = [np.zeros(round(LEAD_S * HEARING_RATE), np.float32)]
    hesitations = []
    at = len(parts[0])
    for index, piece in enumerate(pieces):
        shaped = piece.astype(np.float32).copy()
        shaped[-fade:] *= np.linspace(1, 0, min(fade, len(shaped)), dtype=np.float32)
        parts.append(shaped)
        at += len(shaped)
        if index < len(kinds):
            gap = round(gaps[index] * HEARING_RATE)
            hesitations.append(Hesitation(at, at + gap, kinds[index]))
            parts.append(np.zeros(gap, np.float32))
            at += gap
    parts.append(np.zeros(round(TAIL_S * HEARING_RATE), np.float32))
    whole: Floats = np.concatenate(parts)
    whole += rng.normal(0, noise, len(whole)).astype(np.float32)
    pcm = (whole * 32767).clip(-32768, 32767).astype("<i2").tobytes()
    return Turn(name, family, voice, text, pcm, at, tuple(hesitations))
