"""Speech in about a hundred languages from eSpeak NG, run as a program of its own.

eSpeak NG is GPL-3, so it is not linked: the `espeak-ng` program is started for each clause (12 to 16 ms from
start to the last sample of a sentence) and its standard output is what is heard.

Word times. The program reports no events, so every clause is spoken twice at the same time, the second time
with a gap of 200 ms before each word (`-g 20`). The gaps show where the words begin and end in the second
reading; taking them out gives the times in the first, which is the one that is heard (the two differ in how
sounds meet at the borders of words). Where the gaps cannot be matched with the words of the text ("1998" is
read as four) the time between two pauses is shared by the letters instead.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from models.api import (
    BackendError,
    BackendUnavailableError,
    Emit,
    Job,
    SpeechChunk,
    SpeechRequest,
    VoicesRequest,
    WordTime,
)
from models.tts import text
from models.tts.gaps import QUIET, Samples, word_times
from models.tts.prosody import check_prosody
from models.tts.voices import VoicesJob

_WAV_HEADER = 44  # bytes; the rate is the 32-bit number at 24
# The gap of the second reading, in espeak's units: about 211 ms at speed 1, 70 to 270 ms at those above 1.3,
# where a unit is shorter. It must be longer than any silence inside a word, such as an Italian "tt": 120 ms.
_GAP, _GAP_WHEN_FAST = 20, 60
_WORDS_A_MINUTE = 175  # espeak's natural rate; it goes no slower than 80, which is a speed of 0.46
_SLOWEST = 80
_BASE_OF_F0 = 0.6
_CHUNK_S = 0.040
_PATIENCE_S = 0.010  # a step waits no longer than this for the program
_LEAD_S = 0.010
_TAIL_S = 0.015  # kept of the decay
_SCALE = 3.0  # clauses three times as long as flite's: espeak is ten times as fast


@dataclass(frozen=True, slots=True)
class EspeakVoice:
    """A voice: `file` is what `-v` takes, `languages` the tags it speaks, the best first."""

    name: str
    file: str
    languages: tuple[str, ...]


class EspeakSpeech:
    """The espeak-ng backend: `SpeechRequest` in any of its languages -> `SpeechChunk`s, 22.05 kHz mono.

    `SpeechRequest.voice` is a name or a tag of `voices()` ("German", "en-gb-scotland"); empty, the voice of
    `language` (a BCP 47 tag; "pt-AO" falls back to "pt"). It gives no phones. Word times are within 15 ms of
    the sound at the median and 36 ms at p90 (measured in seven languages, by cross-correlating the readings).

    The program goes no slower than a speed of 0.46, and moves the pitch by -6 to +8 semitones: what lies
    beyond is spoken at these. Text without anything to say gives a stream without chunks.

    Args:
        program: the espeak-ng program, a name to be found on PATH or a path.

    Raises:
        BackendUnavailableError: the program is not installed or does not run.
    """

    produces = True
    lists_voices = True

    def __init__(self, *, program: str = "espeak-ng") -> None:
        found = shutil.which(program)
        if found is None:
            raise BackendUnavailableError(f"the program {program!r} is not installed: apt install espeak-ng")
        self._program = found
        self._voices = _list_voices(found)

    def open(self, request: SpeechRequest | VoicesRequest) -> Job:
        """Raises `BackendError` for a voice or language espeak-ng lacks, or a speed or pitch out of range."""
        if isinstance(request, VoicesRequest):
            return VoicesJob(self.voices())
        check_prosody(request)
        return _Job(self._program, self._voice(request), request)

    def voices(self) -> list[tuple[str, str]]:
        """Give the voices as (name, language tag)."""
        return [(voice.name, voice.languages[0]) for voice in self._voices]

    def find(self, voice: str) -> EspeakVoice | None:
        """Look a voice up by its name, its tag or its file, in any case."""
        wanted = voice.lower()
        for known in self._voices:
            if wanted in (known.name.lower(), known.languages[0], known.file.lower()):
                return known
        return None

    def _voice(self, request: SpeechRequest) -> EspeakVoice:
        if request.voice:
            if found := self.find(request.voice):
                return found
            names = ", ".join(voice.name for voice in self._voices)
            raise BackendError(f"espeak-ng has no voice {request.voice!r}; choose one of: {names}")
        tag = request.language.lower().replace("_", "-")
        while tag:
            # A voice's first tag is its own; the others are what it may stand in for.
            for rank in (0, 1, 2, 3):
                for voice in self._voices:
                    if rank < len(voice.languages) and voice.languages[rank] == tag:
                        return voice
            tag = tag.rpartition("-")[0]
        tags = ", ".join(sorted({voice.languages[0] for voice in self._voices}))
        raise BackendError(f"espeak-ng does not speak {request.language!r}; choose one of: {tags}")


class _Job:
    """One utterance. The next clause is read by the program while the one before is listened to."""

    def __init__(self, program: str, voice: EspeakVoice, request: SpeechRequest) -> None:
        speed = max(_SLOWEST, round(_WORDS_A_MINUTE * request.speed))
        self._command = [program, "-v", voice.file, "-s", str(speed), "-p", str(_pitch_option(request.pitch))]
        self._speed = speed / _WORDS_A_MINUTE
        self._gap = _GAP if self._speed < 1.3 else _GAP_WHEN_FAST
        self._text = request.text
        self._clauses: Iterator[text.Clause] = text.clauses(text.words(request.text), _SCALE)
        self._reading: _Reading | None = None
        self._sent = 0  # samples

    def feed(self, item: object, emit: Emit) -> bool:
        raise BackendError(f"a speech stream takes no input, but got a {type(item).__name__}")

    def step(self, emit: Emit) -> bool:
        if self._reading is None:
            self._reading = self._read_next()
            if self._reading is None:
                return False
        if not self._reading.ready(_PATIENCE_S):
            return True
        done, self._reading = self._reading, None
        try:
            heard, gapped, rate = done.result()
        finally:
            done.close()
        self._reading = self._read_next()
        self._say(done.clause, heard, gapped, rate, emit)
        return True

    def close(self) -> None:
        self._clauses = iter(())
        if self._reading is not None:
            self._reading.close()
            self._reading = None

    def _read_next(self) -> _Reading | None:
        for clause in self._clauses:
            return _Reading(self._command, self._gap, self._text, clause)
        return None

    def _say(self, clause: text.Clause, heard: Samples, gapped: Samples, rate: int, emit: Emit) -> None:
        sounding = np.flatnonzero(np.abs(heard.astype(np.int32)) > QUIET)
        if len(sounding) == 0:
            return
        lead = max(0, int(sounding[0]) - round(_LEAD_S * rate))
        end = min(len(heard), int(sounding[-1]) + round(_TAIL_S * rate))
        pause = np.zeros(round(clause.pause_ms / 1000 / self._speed * rate), np.int16)
        pcm = np.concatenate((heard[lead:end], pause))
        base = self._sent * 1000 / rate
        times = deque(
            WordTime(word.begin, word.end, base + start * 1000, base + stop * 1000)
            for word, (start, stop) in zip(
                clause.words, word_times(clause.words, heard[lead:end], gapped, rate), strict=True
            )
        )
        size = round(_CHUNK_S * rate)
        for at in range(0, len(pcm), size):
            piece = pcm[at : at + size]
            self._sent += len(piece)
            due: list[WordTime] = []
            while times and times[0].start_ms < self._sent * 1000 / rate:
                due.append(times.popleft())
            emit(SpeechChunk(pcm=piece.tobytes(), rate=rate, words=tuple(due)))


class _Reading:
    """The program at work on a clause, twice: as it is to be heard, and with gaps between the words."""

    def __init__(self, command: Sequence[str], gap: int, whole: str, clause: text.Clause) -> None:
        self.clause = clause
        begin, end = clause.words[0].begin, clause.words[-1].end
        # The mark makes the melody of the clause; one that was cut short goes on as before a comma.
        said = (
            re.sub(r"[\x00-\x1f\ud800-\udfff]", " ", whole[begin:end]) + (clause.words[-1].mark or ",") + "\n"
        )
        self._outputs: list[BinaryIO] = []
        self._processes: list[subprocess.Popen[bytes]] = []
        try:
            for extra in ((), ("-g", str(gap))):
                self._start([*command, "-z", *extra, "--stdin", "--stdout"], said.encode())
        except OSError as error:
            self.close()
            raise BackendError(f"espeak-ng does not start: {error}") from error

    def _start(self, command: list[str], said: bytes) -> None:
        # Files in memory, not pipes: neither side ever waits for the other to read.
        output = os.fdopen(os.memfd_create("speech"), "w+b")
        self._outputs.append(output)
        with os.fdopen(os.memfd_create("text"), "w+b") as source:
            source.write(said)
            source.seek(0)
            process = subprocess.Popen(command, stdin=source, stdout=output, stderr=subprocess.DEVNULL)  # noqa: S603  a fixed program; the text goes through its input
            self._processes.append(process)

    def ready(self, patience: float) -> bool:
        """Wait at most `patience` seconds; return whether both readings are there."""
        deadline = time.monotonic() + patience
        try:
            for process in self._processes:
                process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return False
        return True

    def result(self) -> tuple[Samples, Samples, int]:
        """Give the reading to be heard, the one with gaps, and their rate."""
        if any(process.returncode for process in self._processes):
            raise BackendError(f"espeak-ng failed with exit status {self._processes[0].returncode}")
        readings = []
        rate = 22_050
        for output in self._outputs:
            output.seek(0)
            data = output.read()
            if len(data) > _WAV_HEADER:
                rate = int.from_bytes(data[24:28], "little")
            body = data[_WAV_HEADER:]
            readings.append(np.frombuffer(body[: len(body) // 2 * 2], "<i2"))
        return readings[0], readings[1], rate

    def close(self) -> None:
        """End what still runs, and leave no zombie."""
        for process in self._processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        for output in self._outputs:
            output.close()
        self._outputs.clear()


def _pitch_option(semitones: float) -> int:
    """Give the `-p` (0 to 99) that moves the melody by so many semitones, or comes nearest.

    espeak's table is exponential, an octave in 50 steps, but moves only the base of the voice, which is about
    0.6 of its f0 (measured in German: -p 20, 70 and 92 gave -2.6, +3.2 and +6.8); the excursions stay.
    """
    base = 1 + (2 ** (semitones / 12) - 1) / _BASE_OF_F0
    return min(99, max(0, round(50 + 50 * math.log2(max(base, 0.5)))))


def _list_voices(program: str) -> list[EspeakVoice]:
    try:
        done = subprocess.run([program, "--voices"], capture_output=True, check=True, timeout=10)  # noqa: S603  a fixed program, no input
    except (OSError, subprocess.SubprocessError) as error:
        raise BackendUnavailableError(
            f"{program} does not run ({error}): apt install --reinstall espeak-ng"
        ) from error
    voices = []
    for line in done.stdout.decode("utf-8", "replace").splitlines()[1:]:
        _, tag, _, name, file, *others = line.split()
        also = re.findall(r"\((\S+) \d+\)", " ".join(others))
        voices.append(
            EspeakVoice(name.replace("_", " "), file, (tag.lower(), *(other.lower() for other in also)))
        )
    return voices
