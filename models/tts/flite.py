"""English speech from CMU flite: no download, slt about fifty times faster than real time on one core.

A text is cut into clauses (`text.py`), one clause a step, and flite's streaming callback hands the samples
on while it still computes, so that the first sound needs neither the whole text nor the whole clause.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from typing import Literal, get_args

import numpy as np

from models.api import BackendError, Emit, Job, PhoneTime, SpeechChunk, SpeechRequest, VoicesRequest, WordTime
from models.tts import english, text
from models.tts.libflite import VOICES, Flite, Segment, Token, Voice
from models.tts.prosody import check_prosody
from models.tts.voices import VoicesJob

VoiceName = Literal["slt", "rms", "awb", "kal16", "kal"]
assert get_args(VoiceName) == VOICES

_LEAD_S = 0.010  # silence kept in front of a clause; flite gives 120 to 250 ms
_CHUNK_S = 0.040  # of sound in a SpeechChunk: two Opus frames
_SILENCE_CHUNK_S = 0.080
_RELEASE_S = 0.005  # of fade into the pause, which a voice's noise floor (-55 dB) would else end with a click


class FliteSpeech:
    """The flite backend: `SpeechRequest` (English) -> `SpeechChunk`s of 16-bit mono, 16 kHz (kal: 8 kHz).

    Words are timed by flite's own segments: to a frame of 5 ms in slt, rms and awb, to a pitch period in kal
    and kal16. Phones are ARPAbet in lower case; with "pau" for silence they cover the stream without a gap.
    The statistical voices give a phone at least 15 ms, so that speed 4 is about 3.6 times faster in slt.

    Text without anything to say (empty, punctuation, emoji) gives a stream without chunks. Words in another
    script are left out and get no time; if there is nothing else, the stream fails with a `BackendError`.

    Args:
        voice: what an empty `SpeechRequest.voice` means.

    Raises:
        BackendUnavailableError: libflite1 is not installed.
        BackendError: `voice` is none of flite's.
    """

    produces = True
    lists_voices = True

    def __init__(self, *, voice: VoiceName = "slt") -> None:
        self._flite = Flite()
        self._default = voice
        # Once over the voice's data now, so that the first clause does not wait for their pages.
        ready = SpeechRequest(text="Ready.")
        _Job(self._flite, self._voice(voice), ready).step(lambda _: None)

    def open(self, request: SpeechRequest | VoicesRequest) -> Job:
        """Raises `BackendError` for a voice, language, speed or pitch that flite does not have."""
        if isinstance(request, VoicesRequest):
            return VoicesJob(self.voices())
        check_prosody(request)
        if request.language.lower().replace("_", "-").split("-")[0] not in ("en", ""):
            raise BackendError(
                f"flite speaks English only, not {request.language!r}; for other languages use espeak"
            )
        return _Job(self._flite, self._voice(request.voice or self._default), request)

    def voices(self) -> list[tuple[str, str]]:
        """Give the voices as (name, language), the default first."""
        return [(name, "en") for name in sorted(VOICES, key=lambda name: name != self._default)]

    def _voice(self, name: str) -> Voice:
        if name.lower() not in VOICES:
            raise BackendError(f"flite has no voice {name!r}; choose one of: {', '.join(VOICES)}")
        return self._flite.voice(name.lower())


class _Job:
    """One utterance: each `step` synthesises a clause."""

    def __init__(self, flite: Flite, voice: Voice, request: SpeechRequest) -> None:
        self._flite = flite
        self._voice = voice
        self._request = request
        self._clauses: Iterator[text.Clause] = text.clauses(
            text.words(request.text), scale=max(0.5, min(1.0, request.speed))
        )
        self._sent = 0  # samples of the stream so far
        self._tried = False  # whether a word was given to flite
        self._unsayable: str | None = None  # the first word that has no English reading

    def feed(self, item: object, emit: Emit) -> bool:
        raise BackendError(f"a speech stream takes no input, but got a {type(item).__name__}")

    def step(self, emit: Emit) -> bool:
        for clause in self._clauses:
            if tokens := self._tokens(clause.words):
                self._tried = True
                self._say(clause, tokens, emit)
                return True
        if not self._tried and self._unsayable is not None:
            raise BackendError(
                f"flite cannot say {self._unsayable!r}, it speaks English only: set the text's language"
            )
        return False

    def close(self) -> None:
        self._clauses = iter(())

    def _tokens(self, words: Sequence[text.Word]) -> list[Token]:
        tokens: list[Token] = []
        for index, word in enumerate(words):
            parts = english.spoken(word.core)
            if not parts and self._unsayable is None and any(char.isalpha() for char in word.core):
                self._unsayable = word.core
            tokens += (Token(part, "", index) for part in parts[:-1])
            tokens += (Token(part, word.mark, index) for part in parts[-1:])
        return tokens

    def _say(self, clause: text.Clause, tokens: Sequence[Token], emit: Emit) -> None:
        speed = self._request.speed
        piece: _Piece | None = None

        def on_audio(rate: int, segments: Sequence[Segment], pcm: bytes) -> bool:
            nonlocal piece
            if piece is None:
                piece = _Piece(rate, clause, segments, clause.pause_ms / 1000 / speed, self._sent)
            piece.take(pcm, emit)
            return not piece.complete

        self._flite.synthesise(
            self._voice,
            tokens,
            stretch=1 / speed,
            pitch_ratio=2 ** (self._request.pitch / 12),
            piece=320,
            on_audio=on_audio,
        )
        if piece is not None:
            piece.finish(emit)
            self._sent += piece.length


class _Piece:
    """A clause on its way out: the silence flite puts around it is cut, its times moved to the stream's.

    flite's samples [lead, lead + voiced) are sent, then silence up to `length` samples in all.
    """

    def __init__(
        self, rate: int, clause: text.Clause, segments: Sequence[Segment], pause_s: float, base: int
    ) -> None:
        self._rate = rate
        sounding = [segment for segment in segments if segment.phone != "pau"]
        first, last = (sounding[0].start, sounding[-1].end) if sounding else (0.0, 0.0)
        self._skip = max(0, round((first - _LEAD_S) * rate))  # samples of flite's still to be dropped
        # The voice dies away into the pause; that is flite's, as far as it goes.
        self.length = round((last + pause_s) * rate) - self._skip if sounding else 0
        self._sent = 0
        self._held = bytearray()
        self._base_ms = base * 1000 / rate
        self._words, self._phones = self._timed(clause, segments)

    @property
    def complete(self) -> bool:
        """Whether no more of flite's samples are wanted."""
        return self._sent + len(self._held) // 2 >= self.length

    def take(self, pcm: bytes, emit: Emit) -> None:
        """Send what is due of the samples that flite made next."""
        dropped = min(self._skip, len(pcm) // 2)
        self._skip -= dropped
        room = self.length - self._sent - len(self._held) // 2
        self._held += pcm[2 * dropped :][: 2 * room]
        size = 2 * round(_CHUNK_S * self._rate)
        # One chunk is kept back, for the fade at the end.
        while len(self._held) >= 2 * size or (self._sent == 0 and len(self._held) >= size):
            self._send(bytes(self._held[:size]), emit)
            del self._held[:size]

    def finish(self, emit: Emit) -> None:
        """Send the rest, faded, and the pause behind it."""
        self._fade()
        self._held += bytes(2 * (self.length - self._sent) - len(self._held))
        size = 2 * round(_SILENCE_CHUNK_S * self._rate)
        for start in range(0, len(self._held), size):
            self._send(bytes(self._held[start : start + size]), emit)
        self._held.clear()

    def _fade(self) -> None:
        tail = np.frombuffer(bytes(self._held), np.int16).astype(np.float32)
        over = min(len(tail), round(_RELEASE_S * self._rate))
        tail[len(tail) - over :] *= np.linspace(1.0, 0.0, over, dtype=np.float32)
        self._held[:] = tail.astype(np.int16).tobytes()

    def _send(self, pcm: bytes, emit: Emit) -> None:
        self._sent += len(pcm) // 2
        due = self._base_ms + self._sent * 1000 / self._rate
        words = tuple(self._words.popleft() for _ in range(_started(self._words, due)))
        phones = tuple(self._phones.popleft() for _ in range(_started(self._phones, due)))
        emit(SpeechChunk(pcm=pcm, rate=self._rate, words=words, phones=phones))

    def _timed(
        self, clause: text.Clause, segments: Sequence[Segment]
    ) -> tuple[deque[WordTime], deque[PhoneTime]]:
        """Move flite's seconds to the stream's milliseconds, within the piece."""
        low, high = self._base_ms, self._base_ms + self.length * 1000 / self._rate
        shift = low - self._skip * 1000 / self._rate
        spans: dict[int, tuple[float, float]] = {}
        phones: deque[PhoneTime] = deque()
        for segment in segments:
            start = min(max(low, segment.start * 1000 + shift), high)
            end = high if segment is segments[-1] else min(max(low, segment.end * 1000 + shift), high)
            if end > start:
                phones.append(PhoneTime(segment.phone, start, end))
            if segment.index >= 0:
                spans[segment.index] = (spans.get(segment.index, (start, end))[0], end)
        words = deque(
            WordTime(clause.words[index].begin, clause.words[index].end, start, end)
            for index, (start, end) in spans.items()
        )
        return words, phones


def _started(times: Iterable[WordTime | PhoneTime], before: float) -> int:
    """How many of the ordered `times` begin before a moment."""
    return sum(1 for _ in takewhile(lambda time: time.start_ms < before, times))
