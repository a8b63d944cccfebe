"""Word errors, false words and cost of the embedded recogniser: `python -m benchmarks.asr`.

The commands are held out: none is a sentence that `models/asr/domain.py` can make, so the table tells
how the recogniser takes requests that its author did not think of. They are spoken here by four voices
of flite (Debian package `flite`), at three speeds and three sizes of the throat, loud and faint, clean and in
noise, with the half second of silence around them that the edge leaves. Nothing comes from the network.

Tables: WER of every condition, first utterance of a stranger ("cold") and going on from what the last
one taught ("carried"); words heard where nobody speaks; CPU time and the work left when speech ends.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import itertools
import subprocess
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from models.api import (
    HEARING_RATE,
    SPEAKING_RATE,
    AsrRequest,
    Audio,
    EndOfUtterance,
    Hypothesis,
    MusicChunk,
    MusicRequest,
)
from models.asr.pocketsphinx import PocketSphinxAsr
from models.music.composer import ComposerMusic
from models.plan import MusicBrief

Floats = npt.NDArray[np.float64]

COMMANDS = """
put on something soft for reading
i feel like hearing an old waltz
could we have a slow tune for two guitars
give us a fast march with a lot of trumpet
how about some dance music from brazil
let me hear a sad song on the violin
i need a cheerful melody for my daughter's birthday
start with a quiet harp and bring in the strings
a little jazz for the evening please
begin a bright country song in g major
half time
double time
bring the bass up
drop the drums out
take the trumpet away
throw in a cello
can we have less piano
swap the flute for an oboe
slow down a bit
a touch faster
go back to how it was before
too loud
that's too fast for me
lift it a tiny bit
let it fade out slowly
give me the chorus one more time
what chord was that
which key are we in
keep the tune but change the beat
that's enough
hold on a second
stop the music now
silence please
hush
go ahead
make the sound of a waterfall
i would like to hear wolves in the night
an old train coming closer
fill the room with the sound of the sea
let a storm come up and then go away
wake me in twenty minutes
let me know when fifteen minutes have passed
give me six minutes for the rice
how long until the bread is ready
forget the timer
what do you get when you multiply seven by eight
how many is thirty five and sixty
take fourteen away from fifty
divide ninety by six
what's the hour
which day of the month is it
is it going to rain tomorrow
who painted the mona lisa
why is the sky blue
how tall is the highest mountain in the world
what do people eat in norway
no i meant the other one
not that one
i said green not clean
no it was the violin
sorry i wanted a minor chord
wrong song
nice to meet you
what would you like to talk about
do you know any good stories
i'm a bit tired today
it was a long day at work
that was really good
you're very kind
where did you learn to play
tell me what happened to the romans
spell the word banana
please repeat the last sentence
put down these words for me
sing me the first line again
erase the hiss from what i recorded
send the voice over to my right ear
is there a gap in the tape
compare the two recordings
how does the melody go
""".strip().splitlines()

BACKCHANNELS = ("uh huh", "mm hmm", "yeah", "okay", "right", "i see")
PHONES = {"mm hmm": "pau ah m hh ah m pau"}  # flite would spell it

VOICES = ("slt", "rms", "awb", "kal16")
STRETCH = (1.0, 0.88, 1.14)  # duration
THROAT = (1.0, 1.06, 0.95)  # all frequencies: another speaker's size
LEVELS = (-3, -20)  # dB of full scale at the peak
SNRS = (None, 20)  # dB between the sentence and the noise
LEAD_S = 0.3
TRAIL_S = 0.5
PIECE = HEARING_RATE // 50  # 20 ms: what the edge sends


@dataclass(slots=True)
class Score:
    """Word errors of some utterances, what they cost and what was left to do at their end."""

    words: int = 0
    errors: int = 0
    audio_s: float = 0.0
    cpu_s: float = 0.0
    finish_ms: list[float] = field(default_factory=list)
    piece_ms: list[float] = field(default_factory=list)
    wrong: list[tuple[str, str]] = field(default_factory=list)

    @property
    def wer(self) -> float:
        """Word error rate in %."""
        return 100 * self.errors / max(1, self.words)


def flite(text: str, voice: str, stretch: float) -> Floats:
    """Speak `text`: 16 kHz, full scale 1. Raises `FileNotFoundError` where flite is not installed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "voice.wav"
        options = ["-voice", voice, "--setf", f"duration_stretch={stretch}", "-o", str(path)]
        command = ["flite", *options, *(("-p", PHONES[text]) if text in PHONES else ("-t", text))]
        subprocess.run(command, check=True)  # noqa: S603 - our own sentences
        samples, rate = soundfile.read(path)
    assert rate == HEARING_RATE
    return np.asarray(samples, np.float64)


def spoken(texts: Sequence[str]) -> list[tuple[str, str, Floats]]:
    """Speak every text with one of the voices in turn: (voice, text, samples)."""
    out = []
    for i, text in enumerate(texts):
        voice, stretch = VOICES[i % 4], STRETCH[i // 4 % 3]
        samples = flite(text, voice, stretch)
        samples = soxr.resample(samples, THROAT[i // 12 % 3] * HEARING_RATE, HEARING_RATE)
        out.append((voice, text, samples / np.abs(samples).max()))
    return out


def room(samples: Floats, level: float, snr: float | None) -> bytes:
    """Set an utterance at a peak of `level` dB into near silence, or into noise that is `snr` dB fainter."""
    seed = int.from_bytes(hashlib.sha256(samples.tobytes()).digest()[:4])  # the same noise every time
    rng = np.random.default_rng(seed)
    rms = float(np.sqrt(np.mean(np.square(samples))))
    whole = np.concatenate(
        [np.zeros(round(LEAD_S * HEARING_RATE)), samples, np.zeros(round(TRAIL_S * HEARING_RATE))]
    )
    smooth = np.convolve(rng.normal(0, 1, len(whole) + 7), np.ones(8) / 8, "valid")
    # 50 dB: the microphone's own noise, which is never quite absent
    whole += smooth / smooth.std() * rms * 10 ** (-(50 if snr is None else snr) / 20)
    return quantised(whole, level)


def quantised(samples: Floats, level: float) -> bytes:
    """Make 16-bit samples, full scale at `level` dB."""
    pcm: bytes = (samples * 10 ** (level / 20) * 32767).clip(-32768, 32767).astype("<i2").tobytes()
    return pcm


def errors(said: str, heard: str) -> int:
    """Count the words to insert, delete or change (Levenshtein)."""
    before, after = normal(said).split(), normal(heard).split()
    row = list(range(len(after) + 1))
    for i, word in enumerate(before, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(after, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (word != other))
    return row[-1]


def normal(text: str) -> str:
    """Leave out what is spelling only."""
    return text.replace("-", " ").replace("mhm", "mm hmm")


def hear(asr: PocketSphinxAsr, pcm: bytes, adaptation: str | None, score: Score) -> Hypothesis:
    """Recognise one utterance as the edge sends it, 20 ms at a time, and note its costs."""
    out: list[Hypothesis] = []
    job = asr.open(AsrRequest(adaptation=adaptation))
    began = time.process_time()
    for start in range(0, len(pcm), 2 * PIECE):
        before = time.process_time()
        job.feed(Audio(pcm[start : start + 2 * PIECE]), out.append)
        score.piece_ms.append((time.process_time() - before) * 1000)
    ended = time.process_time()
    job.feed(EndOfUtterance(), out.append)
    now = time.process_time()
    job.close()
    score.audio_s += len(pcm) / 2 / HEARING_RATE
    score.cpu_s += now - began
    score.finish_ms.append((now - ended) * 1000)
    return out[-1]


def judge(asr: PocketSphinxAsr, clips: Iterable[tuple[str, str, bytes]], *, carried: bool) -> Score:
    """Recognise (speaker, text, pcm) in order; `carried` hands each speaker's adaptation on."""
    score = Score()
    known: dict[str, str | None] = {}
    for speaker, text, pcm in clips:
        final = hear(asr, pcm, known.get(speaker) if carried else None, score)
        known[speaker] = final.adaptation
        score.words += len(normal(text).split())
        score.errors += errors(text, final.text)
        if normal(final.text) != normal(text):
            score.wrong.append((text, final.text))
    return score


def music(style: str, seconds: float = 6.0) -> bytes:
    """Render music as a microphone beside the loudspeaker would hear it."""
    out: list[MusicChunk] = []
    job = ComposerMusic().open(MusicRequest(MusicBrief(style=style), seed=1))
    while len(out) * 0.1 < seconds and job.step(out.append):
        pass
    job.close()
    stereo = np.frombuffer(b"".join(chunk.pcm for chunk in out), "<i2").reshape(-1, 2)
    mono = soxr.resample(stereo.mean(axis=1) / 32768, SPEAKING_RATE, HEARING_RATE)
    return quantised(mono / np.abs(mono).max(), -6)


def noises() -> dict[str, bytes]:
    """Sounds without words, 4 to 6 s each."""
    rng = np.random.default_rng(0)
    white = rng.normal(0, 1, 4 * HEARING_RATE)
    seconds = np.arange(4 * HEARING_RATE) / HEARING_RATE
    hum = sum(np.sin(2 * np.pi * 50 * k * seconds) / k for k in range(1, 8))
    made = {
        "white noise, -50 dB": white * 10 ** (-50 / 20),
        "white noise, -15 dB": white * 10 ** (-15 / 20),
        "mains hum": 0.1 * np.asarray(hum),
        "1 kHz tone": 0.2 * np.sin(2 * np.pi * 1000 * seconds),
    }
    out = {name: quantised(x, 0) for name, x in made.items()}
    return out | {f"music: {style}": music(style) for style in ("solo piano", "jazz trio", "string quartet")}


def recordings(folder: Path) -> list[tuple[str, str, bytes]]:
    """Read the (file, text, pcm) that `folder`/transcripts.tsv lists; no text where nobody speaks."""
    with (folder / "transcripts.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    clips = []
    for row in rows:
        samples, rate = soundfile.read(folder / row["file"], dtype="int16")
        if rate != HEARING_RATE or samples.ndim != 1:
            raise ValueError(f"{row['file']} has to be {HEARING_RATE} Hz mono")
        clips.append((row["file"], row["text"], samples.tobytes()))
    return clips


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Word errors and cost of the embedded recogniser.")
    parser.add_argument("--every", type=int, default=1, help="take every N-th command only")
    parser.add_argument("--domain-weight", type=float, help="share of the assistant's own language model")
    parser.add_argument("--recordings", type=Path, help="a folder with a transcripts.tsv (file, text)")
    parser.add_argument("--wrong", action="store_true", help="list what was misheard")
    args = parser.parse_args()

    began = time.process_time()
    options = {} if args.domain_weight is None else {"domain_weight": args.domain_weight}
    asr = PocketSphinxAsr(slots=1, **options)
    print(f"load {1000 * (time.process_time() - began):.0f} ms of CPU")

    everything: list[Score] = []

    def row(name: str, clips: list[tuple[str, str, bytes]]) -> None:
        cold, carried = (judge(asr, clips, carried=carried) for carried in (False, True))
        everything.extend((cold, carried))
        print(f"{name:32}{cold.words:7}{cold.wer:8.1f}{carried.wer:9.1f}", flush=True)
        if args.wrong:
            for said, heard in cold.wrong:
                print(f"    {said!r} -> {heard!r}")

    print(f"\n{'':32}{'words':>7}{'cold %':>8}{'carried %':>10}")
    commands = spoken(COMMANDS[:: args.every])
    small = spoken([text for text in BACKCHANNELS for _ in VOICES])
    for level in LEVELS:
        for snr in SNRS:
            where = f"{level} dB, {'clean' if snr is None else f'noise at {snr} dB'}"
            for name, said in (("commands", commands), ("backchannels", small)):
                row(f"{name}, {where}", [(v, text, room(x, level, snr)) for v, text, x in said])
    quiet = noises()
    if args.recordings:
        clips = recordings(args.recordings)
        for reader, same in itertools.groupby(clips, lambda clip: clip[0].split("-")[0]):
            if spoken_here := [(reader, text, pcm) for _, text, pcm in same if text]:
                row(reader, spoken_here)
        quiet |= {name: pcm for name, text, pcm in clips if not text}

    print("\nwords where nobody speaks")
    for name, pcm in quiet.items():
        print(f"{name:32}{hear(asr, pcm, None, Score()).text!r}", flush=True)

    cpu, audio = sum(s.cpu_s for s in everything), sum(s.audio_s for s in everything)
    finish = np.percentile([ms for s in everything for ms in s.finish_ms], (50, 95))
    piece = np.percentile([ms for s in everything for ms in s.piece_ms], (50, 95))
    print(f"\nCPU: {cpu / audio:.3f} of a core; a 20 ms piece p50 {piece[0]:.1f} ms, p95 {piece[1]:.1f} ms;")
    print(f"left to do when speech has ended: p50 {finish[0]:.1f} ms, p95 {finish[1]:.1f} ms")


if __name__ == "__main__":
    main()
