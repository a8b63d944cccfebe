"""Make the spoken clips of the tests: `python tests/data/make_voices.py`.

The voices are flite's (Debian packages `flite`, BSD licence), so the clips may be given away. Each becomes
<name>.flac beside this file, 16 kHz mono, and a line of transcripts.tsv; the clips are checked in, so that
the tests need no synthesiser. `fake_microphone` writes what Chromium plays as a microphone
(`--use-fake-device-for-media-stream --use-file-for-fake-audio-capture=FILE`).
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

HERE = Path(__file__).parent
RATE = 16_000
MICROPHONE_RATE = 48_000

Samples = npt.NDArray[np.int16]

# name -> (voice, text)
SPOKEN: dict[str, tuple[str, str]] = {
    "hello": ("slt", "hello how are you"),
    "what_time_is_it": ("slt", "what time is it"),
    "what_time_is_it_kal16": ("kal16", "what time is it"),
    "play_piano": ("kal16", "play a calm piano piece in a minor"),
    "stop": ("slt", "stop"),
    "stop_kal16": ("kal16", "stop"),
    "louder": ("slt", "louder"),
    "uh_huh": ("slt", "uh huh"),
    "twelve_times_nine": ("kal16", "what's twelve times nine"),
    "set_timer": ("slt", "set a timer for ten seconds"),
    "say_here_we_go": ("slt", "say here we go"),
    "make_rain": ("kal16", "make rain on a tin roof with thunder far away"),
    "add_cello": ("slt", "same thing but no drums and add a cello"),
    "long_story": (
        "slt",
        "once upon a time there was an old house by the sea where nobody had lived for many years "
        "but every night a light was burning in the window",
    ),
}
BURST = "cough"  # noise with a sharp attack, no voice
NOISE = "noise"  # a fan: steady low-pass noise


def synthesise(voice: str, text: str) -> Samples:
    """Speak `text` with a voice of flite: 16 kHz mono."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "voice.wav"
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(path)], check=True)
        samples, rate = soundfile.read(path, dtype="int16")
    return resample(samples, rate, RATE)


def resample(samples: Samples, rate: int, to: int) -> Samples:
    """Convert mono 16-bit samples from one rate to another."""
    if rate == to:
        return samples
    converted: Samples = soxr.resample(samples, rate, to)
    return converted


def burst(seed: int = 1) -> Samples:
    """Half a second of noise that begins sharply and dies away, like a cough or a door: RMS peak -15 dB."""
    rng = np.random.default_rng(seed)
    decay = np.exp(-np.arange(RATE // 2) / (0.06 * RATE))
    return (rng.normal(0, 5800, RATE // 2) * decay).clip(-32768, 32767).astype(np.int16)


def noise(seconds: float = 1.5, seed: int = 2) -> Samples:
    """Steady low-pass noise, RMS -40 dB."""
    rng = np.random.default_rng(seed)
    smooth = np.convolve(rng.normal(0, 1, int(seconds * RATE) + 7), np.ones(8) / 8, "valid")
    steady: Samples = (smooth / smooth.std() * 327).astype(np.int16)
    return steady


def silence(seconds: float, rate: int = RATE) -> Samples:
    """Digital silence."""
    return np.zeros(round(seconds * rate), np.int16)


def read(name: str) -> Samples:
    """Read a clip by its name: 16 kHz mono."""
    samples, rate = soundfile.read(HERE / f"{name}.flac", dtype="int16")
    assert rate == RATE
    clip: Samples = samples
    return clip


def transcripts() -> dict[str, str]:
    """Map every clip's name to its words, "" where nobody speaks."""
    lines = (HERE / "transcripts.tsv").read_text().splitlines()[1:]
    return {name: text for name, text, _ in (line.split("\t") for line in lines)}


def fake_microphone(path: Path, parts: Sequence[str | float]) -> float:
    """Write clips (by name) and silences (in seconds), in order, as one 48 kHz mono WAV.

    Returns its length in seconds. Chromium plays the file in a loop unless told `%noloop`, so end with
    a silence longer than the test.
    """
    pieces = [
        silence(part, MICROPHONE_RATE)
        if isinstance(part, (int, float))
        else resample(read(part), RATE, MICROPHONE_RATE)
        for part in parts
    ]
    samples = np.concatenate(pieces)
    soundfile.write(path, samples, MICROPHONE_RATE, subtype="PCM_16", format="WAV")
    return len(samples) / MICROPHONE_RATE


def main() -> None:
    """Write every clip and transcripts.tsv."""
    lines = ["name\ttext\tnote"]
    for name, (voice, text) in SPOKEN.items():
        soundfile.write(HERE / f"{name}.flac", synthesise(voice, text), RATE, subtype="PCM_16")
        lines.append(f"{name}\t{text}\tflite {voice}")
    for name, samples in ((BURST, burst()), (NOISE, noise())):
        soundfile.write(HERE / f"{name}.flac", samples, RATE, subtype="PCM_16")
        lines.append(f"{name}\t\tno speech")
    (HERE / "transcripts.tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
