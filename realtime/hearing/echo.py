"""Our own voice in the person's microphone: found, taken out, and known when it is all there is. Pure.

Most browsers cancel echoes themselves: the microphone is silent while we talk, and nothing here computes.
Once something is heard while our own sound may come back:

    sent, heard -> DelayFinder: is it us, and how late?
                -> WebRTC's AEC3, from the first sample on: it removes an echo that it has never met, at the
                   cost of most of a voice that talks at the same time
                -> LinearFilter, once it has learnt the room: removes as much, and leaves the voice alone
                -> EchoGate: is what the filter left more than it usually leaves? Else it was only us

Time (`now`, s) is passed in. Samples are counted on the two timelines of `echo_path`.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher

import numpy as np
import numpy.typing as npt
from pywebrtc_audio import EchoCanceller as WebRtcCanceller

from models.api import HEARING_RATE
from realtime.hearing.echo_path import (
    BLOCK,
    PARTS,
    DelayFinder,
    Filtered,
    Floats,
    LinearFilter,
    Sent,
    Timeline,
    displaced,
)
from realtime.transport.link import StereoFrame

Pcm = npt.NDArray[np.int16]

AFTER_S = (
    1.0  # since the last frame sent: network, 300 ms of a Bluetooth loudspeaker, 400 ms of reverberation
)
QUIET = 10 ** (-60 / 20) * 32768  # RMS below which nothing is heard: the VAD rests there too
LINGER = 10  # blocks (200 ms) after the last louder one that are still filtered
# A microphone's clock that is off by more (60 ms), for PATIENCE pieces, is set anew.
STRAY = 60 * HEARING_RATE // 1000
PATIENCE = 25
# How long it takes to believe that nothing of us comes back: pieces (0.4 s) of a quiet microphone while we
# talk, or looks at what is heard (every 60 ms) that found nothing of ours. A person who speaks 0.3 to 3 s
# into our first words, with no echo, was heard in time in 35 of 35 cases; with 60 and 20 in 14. The price: 6
# of 27 sessions whose first echo came late or long (300 ms, 0.5 s of reverberation) fell silent in it, once.
UNHEARD = 20
# A delay that was found is given up after 0.7 s of our voice in a microphone that stays quiet: longer than
# any echo takes. Periodic sounds look like an echo now and then (4 of 56 clips over tones), and what is
# thought to be one costs everybody who speaks over us the attack of their first word.
GIVE_UP = 35
_AUDIBLE = 1_000  # peak of a frame, -30 dBFS, from which an echo would be noticed
_SENDING_S = 0.04  # since the last frame sent, while we talk
AROUND = 5 * BLOCK  # 100 ms: a jump within that is noticed at once, by the echo predicted
SAME_SOUND = 0.9  # normalised correlation; a voice's next period reaches 0.8
LEAD = 15 * HEARING_RATE // 1000  # of the filter before the delay that was found
REACH = 480 * HEARING_RATE // 1000  # longer delays AEC3 does not find by itself


class EchoGate:
    """Is what the filter left of a block more than the part of our echo that it cannot predict?

    In each of 9 bands the power that is left is compared with the leak expected: the echo predicted, decaying
    by 60 dB in 0.5 s as a room does, times the share of it that came through of late; and twice the noise.
    """

    EDGES = np.array([4, 12, 20, 32, 48, 68, 96, 136, 200])  # bins of 25 Hz: 100 Hz to 8 kHz
    DECAY = 10 ** (-60 / 10 * 0.02 / 0.5)  # a block, in power
    LEAST, MOST = 1e-2, 4.0  # leak: no room and loudspeaker are trusted beyond -20 dB
    OPEN_DB = 4.5  # of score, in two blocks running; echoes alone are below 4.1 in 99.9 % of them
    WIDE_DB = 8.0  # in one
    HOLD = 10  # blocks (200 ms) it stays open: words have gaps
    INFORMED, LEARNT = 8, 25  # blocks with an echo, before its verdict and the leak mean anything
    TRUST_DB, LOST_DB = -14, -10

    def __init__(self) -> None:
        self.score_db = 0.0  # left over expected, mean of the bands
        self.blocks_open = 0  # in a row
        self._leak: Floats = np.ones(len(self.EDGES), np.float32)
        self._echo: Floats = np.zeros(len(self.EDGES), np.float32)
        self._noise: Floats = np.full(len(self.EDGES), 1e9, np.float32)
        self._learnt = 0
        self._hold = 0
        self.over = False  # the last block alone speaks for somebody else
        self._trusted = False

    @property
    def leak_db(self) -> float:
        """Of the echo, how much comes through the filter (mean of the bands)."""
        return float(np.mean(10 * np.log10(self._leak)))

    @property
    def trusted(self) -> bool:
        """Whether the filter knows the room so well that what it leaves can be listened to."""
        self._trusted = self._learnt >= self.LEARNT and self.leak_db < (
            self.LOST_DB if self._trusted else self.TRUST_DB
        )
        return self._trusted

    @property
    def informed(self) -> bool:
        """Whether the filter knows enough to tell an echo alone, though not to be listened to."""
        return self._learnt >= self.INFORMED

    def saved(self) -> dict[str, object]:
        """Give all that `restore` takes: the arrays are replaced and never changed."""
        return dict(self.__dict__)

    def restore(self, state: dict[str, object]) -> None:
        """Go back to what was saved."""
        self.__dict__.update(state)

    def judge(self, left: Floats, echo: Floats) -> bool:
        """Take the power per bin of what is left of a block and of the echo; is anybody else there?"""
        rest = np.add.reduceat(left, self.EDGES)
        predicted = np.add.reduceat(echo, self.EDGES)
        self._echo = np.maximum(predicted, self.DECAY * self._echo)
        self._noise = np.minimum(self._noise * 1.01, rest) + 1.0  # up by 2 dB a second
        expected = self._leak * self._echo + 2 * self._noise + _HISS
        ratio_db = 10 * np.log10(rest / expected + 1e-6)
        self.score_db = float(np.mean(np.clip(ratio_db, -10, 20)))
        over = self.score_db > self.OPEN_DB
        near = self.score_db > self.WIDE_DB or (over and self.over)
        self.over = over
        audible = self._echo > 10 * _HISS
        # The leak follows upwards quickly, except while somebody talks: then by 4.3 dB a second, so that an
        # echo that has changed for good is known again.
        step = np.where(ratio_db > 0, 1.02 if near else 1.12, 0.95)
        leak = np.clip(self._leak * step, self.LEAST, self.MOST)
        self._leak = np.asarray(np.where(audible, leak, self._leak), np.float32)
        self._learnt += int(np.count_nonzero(audible) > len(self.EDGES) // 2)
        self._hold = self.HOLD if near else max(0, self._hold - 1)
        self.blocks_open = self.blocks_open + 1 if self._hold else 0
        return self._hold > 0


_HISS = 3e4  # power in a band of a block of noise at about -75 dBFS: rounding to 16 bits and dither


class EchoCanceller:
    """One session's canceller: told what is sent, given what is heard, it gives back what is not ours."""

    def __init__(self) -> None:
        self.delay: int | None = None  # samples from sending to hearing, once an echo was found
        self._sent = Sent()
        self._heard = Timeline()
        self._sent_at = float("-inf")
        self._stray = 0
        self._loud = 0  # blocks left to filter
        self._unheard = 0  # quiet pieces while we sent
        self._quiet = 0  # such pieces in a row, while our voice was loud enough
        self._sounding = False  # the last frame sent was
        self._run = 0  # blocks filtered in a row
        self._looked = 0  # blocks ago
        self._waiting = np.zeros(0, np.int16)  # heard, less than a block
        self._ready = np.zeros(0, np.int16)  # cleaned, not given back yet
        self._finder = DelayFinder()
        self._webrtc = WebRtcCanceller(HEARING_RATE, 1)
        self._suppressed = 0  # sample up to which AEC3 has heard
        self._filter = LinearFilter()
        self._gate = EchoGate()
        self._echo_only = False

    @property
    def echo_only(self) -> bool:
        """Whether the last piece held nothing but our own voice: it need not be listened to."""
        return self._echo_only

    def reference(self, frame: StereoFrame | None, now: float) -> None:
        """Take the frame that is sent at `now`, int16 of shape (960, 2) at 48 kHz. None is silence."""
        if frame is None:
            self._sent.skip()
        else:
            self._sent.add(frame, now)
            self._sent_at = now
            self._sounding = int(np.abs(frame[::8, 0]).max()) > _AUDIBLE

    def clean(self, pcm: bytes, now: float) -> bytes:
        """Take our voice out of int16 mono at HEARING_RATE that arrived at `now`; as many bytes come back."""
        if now - self._sent_at > AFTER_S:
            return self._pass(pcm)
        piece = np.frombuffer(pcm, "<i2")
        heard = piece.astype(np.float32)
        self._heard.write(self._place(len(piece), now), heard)
        if float(np.dot(heard, heard)) > QUIET**2 * len(heard):
            self._loud = LINGER
            self._quiet = 0
        elif not self._loud:
            sending = now - self._sent_at < _SENDING_S
            self._unheard += sending
            self._quiet += sending and self._sounding
            if self._quiet > GIVE_UP and self.delay is not None:
                self._give_up()
            return self._pass(pcm)
        waiting = np.concatenate([self._waiting, piece]) if len(self._waiting) else piece
        at = self._heard.end - len(waiting)
        cleaned = [self._ready]
        own = True
        while len(waiting) >= BLOCK:
            clean, alone = self._block(waiting[:BLOCK], at)
            cleaned.append(clean)
            own = own and alone
            waiting, at = waiting[BLOCK:], at + BLOCK
        if len(cleaned) > 1:
            self._echo_only = own
        self._waiting = waiting
        ready = np.concatenate(cleaned)
        if len(ready) < len(piece):  # pieces are not whole blocks: from now on it comes a little later
            ready = np.concatenate([np.zeros(len(piece) - len(ready), np.int16), ready])
        self._ready = ready[len(piece) :]
        return ready[: len(piece)].tobytes()

    def _give_up(self) -> None:
        """What was found is no echo, or comes back no more."""
        self.delay = None
        self._finder, self._filter, self._gate = DelayFinder(), LinearFilter(), EchoGate()

    def _pass(self, pcm: bytes) -> bytes:
        """Nothing of ours can be in it. What was held back is let go, at most a block of silence."""
        self._echo_only = False
        self._run = 0
        if len(self._ready) or len(self._waiting):
            self._ready = self._waiting = np.zeros(0, np.int16)
        return pcm

    def _place(self, length: int, now: float) -> int:
        """Where the piece begins: where the last one ended, unless the clocks disagree for long."""
        begin = self._heard.end
        off = round(now * HEARING_RATE) - length - begin
        self._stray = self._stray + 1 if abs(off) > STRAY else 0
        if self._stray <= PATIENCE and begin and abs(off) < HEARING_RATE:
            return begin
        self._stray = 0
        if self.delay is not None and abs(off) < HEARING_RATE:
            self.delay = max(0, self.delay + off)  # the same sound is now counted as that much later
        return begin + off

    def _block(self, heard: Pcm, at: int) -> tuple[Pcm, bool]:
        """Clean one BLOCK that begins at sample `at`; and was it only us?"""
        self._loud = max(0, self._loud - 1)
        self._run += 1
        sent = self._sent.convert()
        self._look(sent)
        if self.delay is None and (self._finder.misses > _ENOUGH or self._unheard > UNHEARD):
            return heard, False  # nothing of ours comes back here: this is noise, or a person
        near = True
        if self.delay is not None:
            was = self._gate.saved()
            found = self._filtered(heard, at, sent, self.delay)
            near = self._gate.judge(found.rest_power, found.echo_power)
            if self._gate.over and self._gate.blocks_open <= 5:
                moved = self._moved(at, sent, self.delay)
                if moved:
                    self.delay = max(0, self.delay + moved)
                    self._filter.undo()
                    self._gate.restore(was)
                    found = self._filtered(heard, at, sent, self.delay)
                    near = self._gate.judge(found.rest_power, found.echo_power)
            if self._gate.trusted:
                return np.clip(np.rint(found.rest), -32768, 32767).astype(np.int16), not near
        return self._suppress(at, sent), self._gate.informed and not near

    def _filtered(self, heard: Pcm, at: int, sent: Timeline, delay: int) -> Filtered:
        stop = at + BLOCK - delay + LEAD
        source = sent.read(stop - (PARTS + 1) * BLOCK, stop)
        return _better(self._filter.step(source, heard.astype(np.float32)), heard)

    def _moved(self, at: int, sent: Timeline, delay: int) -> int:
        """How much later (samples) the echo comes than it did; 0 when it does not, or it is no echo."""
        end = at + BLOCK
        heard = self._heard.read(end - 3 * BLOCK, end)
        begin = end - 3 * BLOCK - AROUND - delay + LEAD
        echo = self._filter.predict(sent.read(begin - PARTS * BLOCK, begin + 3 * BLOCK + 2 * AROUND))
        place, match = displaced(heard, echo)
        return AROUND - place if match > SAME_SOUND else 0

    def _suppress(self, at: int, sent: Timeline) -> Pcm:
        """What AEC3 makes of the BLOCK at sample `at`, and, to begin with, of the half second before."""
        end = at + BLOCK
        # A microphone's clock that was set back has been heard so far already.
        begin = min(max(self._suppressed, at - REACH), at)
        far = self.delay - REACH // 4 if self.delay is not None and self.delay > REACH else 0
        heard, ours = (
            np.clip(np.rint(samples), -32768, 32767).astype(np.int16)
            for samples in (self._heard.read(begin, end), sent.read(begin - far, end - far))
        )
        self._suppressed = end
        return self._webrtc.process(heard, ours)[-BLOCK:]

    def _look(self, sent: Timeline) -> None:
        """Look for the delay now and then: often where none is known, or the known one seems wrong."""
        self._looked += 1
        if self._run < 6:  # 120 ms of sound is the least that says anything
            return
        doubtful = self.delay is None or not self._gate.trusted or self._gate.blocks_open > 5
        if self._looked < (3 if doubtful and self._finder.misses <= _ENOUGH else 10 if doubtful else 25):
            return
        self._looked = 0
        found = self._finder.look(self._heard, sent)
        if found is None:
            return
        lost = not self._gate.trusted or self._gate.blocks_open > 5
        if self.delay is None or abs(found - self.delay) > 2 * LEAD:
            if not lost:
                return  # the filter predicts what is heard: that is a period of the voice, or of the music
            self.delay = found  # found, or jumped; then the room may well be the same
        elif abs(found - self.delay) > LEAD // 3:  # clocks that drift: the filter goes along
            self._filter.shift(self.delay - found)
            self.delay = found
        if lost:
            begin = self._heard.end - 20 * BLOCK
            heard = self._heard.read(begin, begin + 20 * BLOCK)
            source = sent.read(begin - found, begin - found + 20 * BLOCK)
            self._filter.begin(min(4.0, float(np.dot(heard, heard) / (np.dot(source, source) + 1))))


_ENOUGH = 3  # looks that found no echo, see UNHEARD


def _better(found: Filtered, heard: Pcm) -> Filtered:
    """What the filter left; or what was heard, where it would add to it: the echo is gone, or moved."""
    whole = heard.astype(np.float32)
    if float(np.dot(found.rest, found.rest)) <= float(np.dot(whole, whole)):
        return found
    padded = np.zeros(2 * BLOCK, np.float32)
    padded[BLOCK:] = whole
    spectrum = np.fft.rfft(padded)
    power = np.asarray(spectrum.real**2 + spectrum.imag**2, np.float32)
    return Filtered(whole, power, found.echo_power)


# Words by which a person takes the floor.
CONTROLS = frozenset(
    (
        *("stop", "wait", "no", "cancel", "quiet", "pause", "enough", "hey"),
        *("louder", "quieter", "yes", "okay", "ok", "hello", "help"),
    )
)
_SAID = 80  # words of ours that are compared: half a minute, more than any echo is late


def heard_ourselves(text: str, said: str) -> bool:
    """Is `text`, which the recogniser heard, a stretch of what we `said` in the last seconds?

    Of four words and more, 60 % have to stand in a stretch of ours in the same order, or 72 % of the letters:
    a recogniser that gets a third of the words wrong still gets most of their sounds. Fewer have to be all
    ours, since people answer with our words, and those in `CONTROLS` alone are never taken for ours.
    """
    heard = re.findall(r"[a-z']+", text.lower())
    ours = re.findall(r"[a-z']+", said.lower())[-_SAID:]
    if not heard or not ours or CONTROLS.issuperset(heard):
        return False
    if len(heard) < 4:
        return any(ours[begin : begin + len(heard)] == heard for begin in range(len(ours)))
    letters = SequenceMatcher(None, autojunk=False)
    letters.set_seq2(" ".join(heard))
    for begin in range(max(1, len(ours) - len(heard) + 1)):
        stretch = ours[begin : begin + len(heard) + 1]
        words = SequenceMatcher(None, stretch, heard, autojunk=False)
        same = sum(block.size for block in words.get_matching_blocks())
        if same >= max(3.0, 0.6 * len(heard)):
            return True
        letters.set_seq1(" ".join(stretch))
        if letters.quick_ratio() >= 0.72 and letters.ratio() >= 0.72:
            return True
    return False
