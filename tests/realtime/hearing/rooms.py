"""A room for tests: our own voice, sent at 48 kHz, comes back into the microphone; a person talks over it.

What the loudspeaker plays reaches the microphone after a delay and through an impulse response of a direct
sound and exponentially decaying noise (Polack's model of a diffuse room). Everything is seeded, and time is
passed in, so that ten minutes of talk are judged as quickly as the machine computes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr
from scipy.signal import fftconvolve, lfilter

from benchmarks.scripted import synthesise
from models.api import HEARING_RATE, SPEAKING_RATE, Audio, SpeechProbability, VadRequest
from models.tts.embedded import EmbeddedSpeech
from models.vad.silero import SileroVad
from realtime.hearing.echo import EchoCanceller
from realtime.hearing.turn import Onset, Rules, TurnDetector
from realtime.speaking.mixer import CUT_SAMPLES
from realtime.speaking.speaker import SILENCE_FRAMES

Floats = npt.NDArray[np.float64]

FRAME = 960  # samples of a sent frame
PIECE = 320  # samples of a received one
DATA = Path(__file__).parents[2] / "data"
SHARED = Path(__file__).parents[4] / "shared" / "audio"

SENTENCES = (
    "It is a quarter past seven in the evening now.",
    "Sure, here is a calm piano piece in A minor, at sixty nine beats a minute.",
    "Twelve times nine is one hundred and eight.",
    "I have set a timer for ten seconds, and I will tell you when it is over.",
    "The rain on the tin roof gets louder from here, with some thunder far away.",
    "Okay.",
    "There is no voice with that name, so please choose one of the others.",
    "Would you like me to add a cello, or shall we leave it as it is?",
    "Once upon a time there was an old house by the sea, where nobody had lived for many years.",
    "Good question! The shortest way leads over the bridge and then along the river.",
    "Every night, a light was burning in the window, and the fishermen wondered whose it was.",
    "That did not work, because the file is missing; you can record it again if you like.",
    "Yes.",
    "The next train leaves at six forty two, and the one after that at five past seven.",
    "Half of the music you asked for is ready, the other half comes in a few seconds.",
    "I heard you say that the meeting was moved to Thursday, is that right?",
)


def decibels(value: float) -> float:
    """Linear gain of `value` dB."""
    return float(10 ** (value / 20))


def level(samples: Floats) -> float:
    """RMS of what is above -60 dBFS in frames of 20 ms, in dBFS: pauses do not count."""
    frames = samples[: len(samples) - len(samples) % PIECE].reshape(-1, PIECE)
    power = np.mean(frames**2, axis=1)
    loud = power[power > 1e-6]
    return float(10 * np.log10(np.mean(loud))) if len(loud) else -120.0


def at_level(samples: Floats, dbfs: float) -> Floats:
    """The same at another level."""
    return samples * decibels(dbfs - level(samples))


@lru_cache(maxsize=64)
def _said(text: str) -> Floats:
    chunks = synthesise(EmbeddedSpeech(), text)
    pcm = np.frombuffer(b"".join(chunk.pcm for chunk in chunks), "<i2") / 32768
    return np.asarray(soxr.resample(pcm, chunks[0].rate, SPEAKING_RATE), np.float64)


def talk(seconds: float, seed: int = 0, gap: tuple[float, float] = (0.15, 0.6)) -> Floats:
    """The embedded voice saying one sentence after another, 48 kHz mono, with pauses of `gap` seconds."""
    rng = np.random.default_rng(seed)
    parts: list[Floats] = []
    length = 0
    order: list[int] = []
    while length < seconds * SPEAKING_RATE:
        order = order or list(rng.permutation(len(SENTENCES)))
        parts += [_said(SENTENCES[order.pop()]), np.zeros(int(rng.uniform(*gap) * SPEAKING_RATE))]
        length += len(parts[-1]) + len(parts[-2])
    out = np.concatenate(parts)[: int(seconds * SPEAKING_RATE)]
    # The mixer cuts in 10 ms; a click would be no voice, and no filter has learnt what a room makes of it.
    out[-CUT_SAMPLES:] *= np.linspace(1, 0, CUT_SAMPLES)
    return out


def impulse_response(rt60: float, seed: int = 0, direct_db: float = 0.0) -> Floats:
    """A room at 16 kHz: a direct sound, then decaying noise `direct_db` below it in energy. Unit energy."""
    rng = np.random.default_rng(seed)
    length = int(rt60 * HEARING_RATE)
    time = np.arange(length) / HEARING_RATE
    tail = rng.standard_normal(length) * 10 ** (-3 * time / rt60)
    tail[: int(0.002 * HEARING_RATE)] = 0  # nothing is nearer than 70 cm of detour
    tail = lfilter([0.6], [1, -0.4], tail)  # walls swallow more of the treble
    response = tail / np.sqrt(np.sum(tail**2)) * decibels(-direct_db)
    response[0] = 1.0
    return np.asarray(response / np.sqrt(np.sum(response**2)), np.float64)


@dataclass(frozen=True)
class Room:
    """How our voice comes back.

    `echo_db`: its level, relative to what was sent. `delay_ms`: from sending to arriving, everything on the
    way included. `drift`: the person's clock runs this much faster. `drive`: the loudspeaker's distortion.
    """

    echo_db: float = -12.0
    delay_ms: float = 120.0
    rt60: float = 0.3
    noise_dbfs: float = -60.0
    drift: float = 0.0
    drive: float = 0.0
    seed: int = 0

    def hear(self, sent: Floats) -> Floats:
        """What the microphone gets of `sent` (48 kHz mono or stereo), 16 kHz, without anybody else."""
        mono = sent.mean(axis=1) if sent.ndim == 2 else sent
        rng = np.random.default_rng(self.seed + 1)
        heard = np.asarray(soxr.resample(mono, SPEAKING_RATE, HEARING_RATE), np.float64)
        dry = level(heard)
        if self.drift:
            heard = np.asarray(soxr.resample(heard, 1e6 * (1 + self.drift), 1e6), np.float64)
        if self.drive:
            heard = np.tanh(heard * self.drive) / self.drive
        heard = np.asarray(fftconvolve(heard, impulse_response(self.rt60, self.seed)), np.float64)
        if dry > -100:
            heard *= decibels(self.echo_db + dry - level(heard))
        heard = np.concatenate([np.zeros(int(self.delay_ms * HEARING_RATE / 1000)), heard])
        noise = rng.standard_normal(len(heard)) * decibels(self.noise_dbfs)
        return heard + noise


def clips(*, shared: bool = True) -> dict[str, Floats]:
    """People who interrupt: every recording of speech there is, 16 kHz, from its first voiced sample on."""
    paths = [path for path in sorted(DATA.glob("*.flac")) if path.stem not in ("cough", "noise")]
    if shared and SHARED.is_dir():
        paths += [path for path in sorted(SHARED.glob("*.flac")) if path.stem not in ("sheep", "mix1")]
    found = {}
    for path in paths:
        samples, rate = soundfile.read(path, dtype="float64", always_2d=True)
        mono = np.asarray(soxr.resample(samples.mean(axis=1), rate, HEARING_RATE), np.float64)
        found[path.stem] = mono
    return found


@dataclass
class Heard:
    """What came of listening: onsets and probabilities over the microphone's samples."""

    onsets: list[int] = field(default_factory=list)  # sample at which each was decided
    speech: list[tuple[int, float]] = field(default_factory=list)  # end of the frame, probability
    pcm: bytearray = field(default_factory=bytearray)  # cleaned
    gated: list[tuple[int, int]] = field(default_factory=list)  # samples that were called echo only


@lru_cache(maxsize=1)
def _vad() -> SileroVad:
    return SileroVad()


def frames(sent: Floats) -> Iterator[npt.NDArray[np.int16] | None]:
    """`sent` (48 kHz) as the speaker sends it: stereo frames of 20 ms, None for silence."""
    stereo = sent if sent.ndim == 2 else np.stack([sent, sent], axis=1)
    whole = np.clip(np.rint(stereo * 32767), -32768, 32767).astype(np.int16)
    for begin in range(0, len(whole) - FRAME + 1, FRAME):
        frame = whole[begin : begin + FRAME]
        yield frame if frame.any() else None


def listen(
    sent: Floats,
    microphone: Floats,
    *,
    canceller: EchoCanceller | None = None,
    pieces: Callable[[], int] = lambda: PIECE,
    jitter_ms: float = 8.0,
    seed: int = 0,
    gate: bool = True,
) -> Heard:
    """Run a call through the canceller, the VAD and the turn detector, as `Ears` does.

    Every frame is sent on a 20 ms clock, and every piece arrives when its last sample has been spoken; both
    are late by up to `jitter_ms`.
    """
    canceller = canceller or EchoCanceller()
    rng = np.random.default_rng(seed)
    heard = Heard()
    turns = TurnDetector(Rules().while_speaking())
    found: list[SpeechProbability] = []
    vad = _vad().open(VadRequest())
    outgoing = frames(sent)
    left, silent = 0, SILENCE_FRAMES
    taken = 0
    whole = np.clip(np.rint(microphone * 32768), -32768, 32767).astype("<i2")
    while taken < len(whole):
        piece = whole[taken : taken + pieces()]
        taken += len(piece)
        time = taken / HEARING_RATE
        while left * FRAME / SPEAKING_RATE < time:
            frame = next(outgoing, None)
            rested = silent >= SILENCE_FRAMES  # who rests starts at once, and not when the loop comes round
            late = 0.0 if rested else rng.uniform(0, jitter_ms / 1000)
            silent = 0 if frame is not None else silent + 1
            if silent <= SILENCE_FRAMES:
                canceller.reference(frame, left * FRAME / SPEAKING_RATE + late)
            left += 1
        clean = canceller.clean(piece.tobytes(), time + rng.uniform(0, jitter_ms / 1000))
        heard.pcm += clean
        if canceller.echo_only:
            heard.gated.append((taken - len(piece), taken))
        vad.feed(Audio(bytes(len(clean)) if gate and canceller.echo_only else clean), found.append)
        for judged in found:
            heard.speech.append((judged.end, judged.probability))
            heard.onsets += [judged.end for event in turns.frame(judged) if isinstance(event, Onset)]
        found.clear()
    return heard


def main() -> None:
    """Ten minutes of talk over the grid of the issue, a session a minute or less; prints every onset."""
    cases = [
        (db, delay, rt60) for rt60 in (0.2, 0.35, 0.5) for db in (-6, -12, -20) for delay in (20, 120, 300)
    ]
    total = 0
    for seed, (db, delay, rt60) in enumerate(cases):
        sent = talk(600 / len(cases), seed)
        onsets = listen(sent, Room(db, delay, rt60, seed=seed).hear(sent), seed=seed).onsets
        total += len(onsets)
        seconds = [round(onset / HEARING_RATE, 2) for onset in onsets]
        print(f"echo {db} dB, {delay} ms, RT60 {rt60} s: onsets {seconds}")
    print(f"{total} onsets in ten minutes")


if __name__ == "__main__":
    main()
