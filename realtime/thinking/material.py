"""When is what a person hums or says for a recording begun, and when is it over? Pure, over 20 ms frames.

A voice activity detector knows speech and takes a hum for noise as often as not, so here loudness decides:
what stands clear of the room's own noise is material, and a silence after it ends it.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from models.api import HEARING_RATE
from models.planner.phonetic import similarity

FRAME = HEARING_RATE // 50  # samples: 20 ms
FRAME_MS = 20
CLEAR_DB = 9.0  # above the noise floor
QUIETEST_DB = -65.0  # of the floor: a microphone that is silent between words must not make a hiss a hum
FLOOR_FRAMES = 150  # 3 s: longer than a phrase is sung in one breath without any dip, mostly
# A frame of noise stands out now and then: it is 100 ms that tell, and most of their frames. So pink noise
# 12 dB below a hum does not go on after it.
SMOOTH_FRAMES, SMOOTH_LOUD = 5, 3
ONSET_FRAMES = 10  # within 200 ms ...
ONSET_LOUD = 5  # ... 100 ms of sound: a click is shorter
LEAST_LOUD = 10  # 200 ms in all; what is less was a cough
LEAD_FRAMES = 15  # 300 ms kept before the first sound, for its soft beginning
TAIL_FRAMES = 10  # 200 ms kept after the last, for its end
GAP_FRAMES = 3  # 60 ms: the shortest quiet taken for a gap between words
PAUSE_FRAMES = 18  # 360 ms: longer than any stop inside running speech
ALONE_FRAMES = 50  # 1 s: "okay, done" slowly
# What a word of an end phrase takes, in frames: 0.3 s each as flite says "that's it", with room either way.
WORD_FRAMES, WORD_LEAST, WORD_MOST = 14, 7, 30
# Likeness of sound. Of 64 end phrases that flite spoke PocketSphinx got 38 right, and 18 of the other 26
# ("that said", "that soul", "and of note") are at least this like what was said.
ALIKE = 0.79

Verdict = Literal["waiting", "begun", "going on", "over", "empty", "full"]


def level(samples: np.ndarray[tuple[int], np.dtype[np.int16]]) -> float:
    """Loudness of int16 samples in dB of full scale; -inf for digital silence."""
    power = float(np.mean(np.square(samples.astype(np.float32) / 32768.0))) if len(samples) else 0.0
    return 10 * float(np.log10(power)) if power else float("-inf")


class NoiseFloor:
    """The quietest 100 ms of the last 3 s (minimum statistics; Martin, IEEE Trans. SAP 9(5), 2001)."""

    def __init__(self) -> None:
        self._powers: deque[float] = deque(maxlen=SMOOTH_FRAMES)
        self._levels: deque[float] = deque(maxlen=FLOOR_FRAMES)

    def hear(self, decibels: float) -> None:
        """Take a frame. Digital silence tells nothing of the room."""
        if decibels != float("-inf"):
            self._powers.append(10 ** (decibels / 10))
            self._levels.append(10 * math.log10(sum(self._powers) / len(self._powers)))

    @property
    def clear(self) -> float:
        """The level above which a frame is sound, dB of full scale."""
        floor = min(self._levels, default=QUIETEST_DB)
        if len(self._levels) < ONSET_FRAMES * 2:
            floor = min(floor, QUIETEST_DB)  # nobody has heard the room yet: the first sound may be the hum
        return max(floor, QUIETEST_DB) + CLEAR_DB


@dataclass(frozen=True, slots=True)
class Bounds:
    """`quiet_ms` of silence end the material, `patience_ms` without any give up, `most_ms` is enough."""

    quiet_ms: int
    patience_ms: int = 10_000
    most_ms: int = 120_000


class Material:
    """Follows one capture. Feed it a frame; act on what it says."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._now = 0
        self._recent: deque[bool] = deque(maxlen=ONSET_FRAMES)
        self._begun: int | None = None
        self._last = 0  # frame after the last loud one
        self._loud = 0

    @property
    def begun(self) -> bool:
        """Whether there is any material."""
        return self._begun is not None

    def frame(self, loud: bool) -> Verdict:
        """Take a frame: whether it stands clear of the noise."""
        bounds = self._bounds
        self._now += 1
        self._recent.append(loud)
        if self._begun is None:
            if sum(self._recent) >= ONSET_LOUD:
                self._begun = self._last = self._now
                self._loud = sum(self._recent)
                return "begun"
            return "empty" if self._now * FRAME_MS >= bounds.patience_ms else "waiting"
        self._loud += loud
        if loud and sum(list(self._recent)[-SMOOTH_FRAMES:]) >= SMOOTH_LOUD:
            self._last = self._now
        if (self._now - self._begun) * FRAME_MS >= bounds.most_ms:
            return "full"
        if (self._now - self._last) * FRAME_MS < bounds.quiet_ms:
            return "going on"
        if self._loud >= LEAST_LOUD:
            return "over"
        self._begun = None  # it was a cough or a door
        return "waiting"


def loudness(pcm: bytes, clear: float) -> list[bool]:
    """Which whole frames of int16 mono PCM are louder than `clear` dB of full scale."""
    samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], np.int16)
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    return [level(frame) > clear for frame in frames]


def trimmed(pcm: bytes, loud: Sequence[bool]) -> bytes:
    """The PCM without the quiet around it, but for the lead and the tail. Empty when all of it is quiet."""
    at = [i for i, sounds in enumerate(loud) if sounds and sum(_around(loud, i)) >= SMOOTH_LOUD]
    if not at:
        return b""
    begin = max(0, at[0] - LEAD_FRAMES)
    return pcm[begin * FRAME * 2 : (at[-1] + 1 + TAIL_FRAMES) * FRAME * 2]


def _around(loud: Sequence[bool], i: int) -> Sequence[bool]:
    return loud[max(0, i - SMOOTH_FRAMES // 2) : i + SMOOTH_FRAMES // 2 + 1]


def without_end(loud: Sequence[bool], words: int) -> int:
    """The frame at which an end phrase of so many words begins, judged by the gaps before the last sound.

    Nothing tells when a word was said, so of the gaps that lie where the phrase may begin the longest is
    taken, and where there is none, the length such words usually have.
    """
    end = len(loud)
    while end and not loud[end - 1]:
        end -= 1
    best, best_length, i = max(0, end - words * WORD_FRAMES), GAP_FRAMES - 1, end
    while i > 0:
        gap_end = i
        while i and not loud[i - 1]:
            i -= 1
        far = end - gap_end
        if gap_end - i > best_length and words * WORD_LEAST <= far <= words * WORD_MOST:
            best, best_length = i, gap_end - i
        while i and loud[i - 1]:
            i -= 1
    return best


def after_pause(loud: Sequence[bool]) -> bool:
    """Whether the last sound is short and stands alone, as "done" does after a silence."""
    end = len(loud)
    while end and not loud[end - 1]:
        end -= 1
    begin = i = end
    while i and begin - i < PAUSE_FRAMES and end - begin <= ALONE_FRAMES:
        i -= 1
        if loud[i]:
            begin = i
    return 0 < end - begin <= ALONE_FRAMES


_LEAD_IN = r"(?:(?:and|okay|ok|so|alright|right|well|yes|yeah|i think|i guess|i believe)[\s,.;:!?]+)*"
_POLITE = r"(?:[\s,.;:!?]+(?:thanks|thank you|now|please|then|for now))*"
# These mean it wherever the words end ...
_PLAIN = (
    r"that(?:'s| is| was|s) (?:it|all)|that(?:'ll| will) be all|end (?:of )?(?:the |my )?"
    r"(?:note|dictation|recording|message|tune|text|memo)|stop (?:the )?(?:recording|listening|writing)"
    r"|(?:i'm|i am|im) (?:done|finished)"
)
# ... and these only alone or after a pause: "the work is done".
_BARE = r"done|finished|finish|stop(?: it| now)?|enough|the end|over(?: and out)?"
_SOUNDS = ("thatsit", "thatsall", "stoprecording", "endofnote", "imdone")  # of these, what is said most
_END = re.compile(rf"(?:^|[\s,.;:!?]+){_LEAD_IN}(?:{_PLAIN}){_POLITE}[\s.,!?]*$", re.IGNORECASE)
_BARE_END = re.compile(rf"(?:^|[\s,.;:!?]+){_LEAD_IN}(?:{_BARE}){_POLITE}[\s.,!?]*$", re.IGNORECASE)
_CANCEL = re.compile(
    r"[\s.,!?]*(?:(?:oh|no|okay|ok|actually|wait|sorry|please)[\s.,!?]+)*"
    r"(?:never ?mind|cancel(?: it| that| the recording| the note)?|forget (?:it|that|about it)"
    r"|do(?:n't| not) (?:record|write|listen)(?: \w+){0,2})(?:[\s.,!?]+(?:thanks|thank you|please|that))*"
    r"[\s.,!?]*",
    re.IGNORECASE,
)
_NOTHING = re.compile(
    r"(?:[\s.,!?]*(?:um|uh|uhm|er|hm|hmm|mm|okay|ok|right|alright|so|well))*[\s.,!?]*", re.I
)


def end_phrase(text: str, *, paused: bool) -> tuple[str, int] | None:
    """The text without the phrase that ends it, and how many words that has; None when none does.

    `paused`: what was said last stood alone, so that a bare "done" counts.
    """
    plain = text.replace("’", "'")
    found = _END.search(plain)
    bare = _BARE_END.search(plain)
    if found is None and bare is not None and (paused or bare.start() == 0):
        found = bare
    if found is None:
        return _misheard(text, paused=paused)
    return text[: found.start()].rstrip(" ,;:\n"), len(re.findall(r"[\w']+", found.group()))


def _misheard(text: str, *, paused: bool) -> tuple[str, int] | None:
    """As `end_phrase`, where a recogniser wrote "that said" for "that's it"; alone or after a pause only."""
    words = list(re.finditer(r"[\w']+", text))
    for count in range(min(len(words), 4), 1, -1):
        begin = words[-count].start()
        said = "".join(word.group() for word in words[-count:]).lower().replace("'", "")
        if (paused or count == len(words)) and any(similarity(said, known) >= ALIKE for known in _SOUNDS):
            return text[:begin].rstrip(" ,;:\n"), count
    return None


def cancels(text: str) -> bool:
    """Whether these words, and nothing else, call it off."""
    return _CANCEL.fullmatch(text.replace("’", "'")) is not None


def says_nothing(text: str) -> bool:
    """Whether these words are none to write down: "um", "okay, so"."""
    return _NOTHING.fullmatch(text) is not None
