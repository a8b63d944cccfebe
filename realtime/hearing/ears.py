"""From the microphone to turns: VAD on everything, ASR while somebody speaks, the turn detector over both.

Time is counted in samples of HEARING_RATE that have arrived, so latencies are those of the audio itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace

from models.api import (
    HEARING_RATE,
    AsrRequest,
    Audio,
    BackendError,
    EndOfUtterance,
    Hypothesis,
    SpeechProbability,
    Stream,
    TurnRequest,
    VadRequest,
)
from models.engine import Engine
from models.planner.completeness import completeness
from realtime.hearing.echo import EchoCanceller
from realtime.hearing.manner import AFTER_MS, BEFORE_MS, judged
from realtime.hearing.meant import BRIEF_SILENCE_MS
from realtime.hearing.prosody import finality
from realtime.hearing.ring import Ring
from realtime.hearing.turn import (
    Ended,
    Evidence,
    GoesOn,
    Hint,
    Interrupt,
    Onset,
    Pause,
    Rules,
    TurnDetector,
    TurnEvent,
    Withdrawn,
)
from realtime.transport.link import InputAudio

log = logging.getLogger(__name__)

RETRY_S = 1.0  # before a failed VAD stream is opened again; the engine restarts its process meanwhile
PROSODY_MS = 1_500  # of speech before a pause, that its melody is read from
MODEL_MS = 8_000  # of the utterance, that a turn model is given (Smart Turn's window)
MOST_MANUAL_S = 600  # without turn detection, since the last commit: 19 MB; a microphone was left open
DEAF_S = 1.0  # without a piece of audio, while somebody speaks: the link holds back far less
EVENTS = 64  # hearing events under way; a session that takes none for so long has long been stuck


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Somebody began to speak, `start_ms` into the session's audio."""

    start_ms: int


@dataclass(frozen=True, slots=True)
class SpeechSustained:
    """It has become more than a short noise; `evidence` says of what kind."""

    evidence: Evidence


@dataclass(frozen=True, slots=True)
class SpeechGoesOn:
    """The person speaks again after `Paused`: it was not the end."""


@dataclass(frozen=True, slots=True)
class SpeechDropped:
    """It was no speech after all."""


@dataclass(frozen=True, slots=True)
class PartialText:
    """What was understood so far; the first `stable` characters are firm."""

    text: str
    stable: int
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Paused:
    """The person is silent, and may have finished with these words. Told again when the words change."""

    text: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class TurnOver:
    """The person has finished. `text` is empty when no word was understood."""

    text: str
    start_ms: int
    stop_ms: int
    endpoint_ms: float  # from the last voiced sample to the decision
    asr_ms: float  # from the decision to the final text
    why: str
    evidence: Evidence
    pcm: bytes  # int16 mono at HEARING_RATE, from the first sample to the last voiced one
    listening: bool | None = None  # as in `Hypothesis`


@dataclass(frozen=True, slots=True)
class HearingFailed:
    """The recogniser or the detector failed; the message names cause and remedy."""

    message: str


HearingEvent = (
    SpeechStarted
    | SpeechSustained
    | SpeechGoesOn
    | SpeechDropped
    | PartialText
    | Paused
    | TurnOver
    | HearingFailed
)


class Ears:
    """One session's hearing. `run` it with the link's audio; read `events`."""

    def __init__(self, engine: Engine, rules: Rules, *, prefix_ms: int, language: str) -> None:
        self.events: asyncio.Queue[HearingEvent] = asyncio.Queue(EVENTS)  # full: hearing waits
        self.language = language
        self.automatic = True  # False: no turn detection, the client commits
        self.completeness: Callable[[str], float] = completeness
        self.brief: Callable[[str, Evidence], bool] = lambda text, evidence: False  # see `meant.brief`
        self.over_us = False  # the utterance under way began while we could be heard
        self.tap: Callable[[bytes], None] | None = None  # is given every piece, heard or not
        self.echo: EchoCanceller | None = None  # takes our own voice out
        self._engine = engine
        self._turn = TurnDetector(rules)
        self.prefix_ms = prefix_ms  # of audio before the onset that belongs to an utterance
        self._ring = Ring()
        self._vad: Stream[SpeechProbability] | None = None
        self._utterance: Stream[Hypothesis] | None = None
        # Utterances that are over, until their final text is there: how and when (loop time), their audio.
        self._finishing: dict[Stream[Hypothesis], tuple[Ended, float, bytes]] = {}
        self._began = 0  # sample at which the current utterance began
        self._over = 0  # sample at which the last one had ended: what it heard is not heard again
        self._retry_at = 0.0  # loop time before which a recogniser that failed is not asked again
        self._adaptation: str | None = None
        self._text = ""  # of the utterance under way
        self._paused = False  # in the utterance under way, there is silence
        self._asked = (0, "")  # the last pause and words that were looked at by `brief`
        self._arrived = 0.0  # loop time of the last piece of audio
        self._group = asyncio.TaskGroup()
        self._clock: Callable[[], float] = asyncio.get_running_loop().time

    @property
    def milliseconds(self) -> int:
        """How much audio has arrived."""
        return self._ring.total * 1000 // HEARING_RATE

    def set_rules(self, rules: Rules) -> None:
        """Use other thresholds from the next frame on."""
        self._turn.rules = rules

    async def run(self, audio: AsyncIterator[InputAudio]) -> None:
        """Listen until the audio ends."""
        async with self._group as group:
            judged = group.create_task(self._judge(), name="vad")
            async for piece in audio:
                self._arrived = self._clock()
                pcm = self._without_echo(piece.pcm)
                self._ring.append(pcm)
                if self.tap is not None:
                    self.tap(pcm)
                message = Audio(pcm, piece.concealed)
                if not self.automatic and self._ring.total - self._began > MOST_MANUAL_S * HEARING_RATE:
                    await self._forget()
                # The utterance first: one that begins while the VAD takes the piece has it from the ring.
                if self._utterance is not None:
                    await self._utterance.send(message)
                elif not self.automatic and self._clock() >= self._retry_at:
                    await self._open(self._ring.total - len(pcm) // 2)
                if self._vad is not None:
                    if self.echo and self.echo.echo_only:  # our own voice is all that is heard: nobody speaks
                        message = Audio(bytes(len(pcm)), piece.concealed)
                    await self._vad.send(message)
            judged.cancel()
            if self._utterance is not None:
                await self._utterance.aclose()

    async def _forget(self) -> None:
        """Let go of what was heard and not committed for very long."""
        if self._utterance is not None:
            await self._drop()
            minutes = MOST_MANUAL_S // 60
            message = f"nothing was committed for {minutes} minutes; what was heard until now is forgotten"
            await self.events.put(HearingFailed(message))

    def _without_echo(self, pcm: bytes) -> bytes:
        if self.echo is None:
            return pcm
        try:
            return self.echo.clean(pcm, self._arrived)
        except Exception:  # hearing ourselves is bad, hearing nothing is worse
            log.exception("the echo canceller failed, and is off for the rest of this session")
            self.echo = None
            return pcm

    def hint(self, kind: Hint, value: float) -> None:
        """Somebody else's opinion of whether the turn is over: 0, it goes on; 1, it is."""
        self._turn.hint(kind, value)

    async def commit(self) -> bool:
        """End the turn now (`input_audio_buffer.commit`). False when nothing was said."""
        if self.automatic:
            events = self._turn.commit(self._ring.total)
        elif self._utterance is not None:
            events = [Ended(self._began, self._ring.total, self._ring.total, "committed")]
            self._turn.reset()  # one may have been under way when the client took over
        else:
            events = []
        await self._act(events)
        return bool(events)

    async def clear(self) -> bool:
        """Forget what is being said (`input_audio_buffer.clear`). True when `SpeechDropped` tells of it."""
        speaking = self._turn.speaking
        self._turn.reset()
        await self._drop()
        if speaking:
            await self.events.put(SpeechDropped())
        return speaking

    async def _judge(self) -> None:
        told = False  # of a failure that lasts
        while True:
            origin = self._ring.total
            try:
                async with aclosing(self._engine.open(VadRequest())) as self._vad:
                    async for frame in self._vad:
                        told = False
                        if self.automatic:
                            at = SpeechProbability(frame.probability, frame.end + origin, frame.rms)
                            await self._act(self._turn.frame(at))
                            await self._settle(at.end)
                return
            except BackendError as error:
                self._vad = None
                if not told:
                    await self.events.put(HearingFailed(str(error)))
                told = True
                await asyncio.sleep(RETRY_S)

    async def _settle(self, at: int) -> None:
        """What is hardly a request need not be waited for as long as one."""
        if self._turn.started is None or at - self._turn.stop < BRIEF_SILENCE_MS * HEARING_RATE // 1000:
            return
        asked = (self._turn.stop, self._text)
        if asked == self._asked:
            return  # in a silence nothing changes but the words, and comparing them with ours takes 4 ms
        self._asked = asked
        if self.brief(self._text, self._turn.evidence()):
            await self._act(self._turn.commit(at, "brief"))

    async def _act(self, events: list[TurnEvent]) -> None:
        for event in events:
            match event:
                case Onset(start):
                    await self._open(start - self.prefix_ms * HEARING_RATE // 1000)
                    self._group.create_task(self._watch(start), name="attention")
                    await self.events.put(SpeechStarted(start * 1000 // HEARING_RATE))
                case Interrupt():
                    await self.events.put(SpeechSustained(self._turn.evidence()))
                case GoesOn():
                    self._paused = False
                    await self.events.put(SpeechGoesOn())
                case Pause(start, stop):
                    self._paused = True
                    self._consider(start, stop)
                    if self._text:
                        await self.events.put(Paused(self._text, self._turn.evidence()))
                case Withdrawn():
                    await self._drop()
                    await self.events.put(SpeechDropped())
                case Ended() if self._utterance is None:  # its recogniser failed, which was told already
                    await self.events.put(SpeechDropped())
                case Ended():
                    self._over = event.stop
                    stream, self._utterance = self._utterance, None
                    decided = self._clock()
                    pcm = self._ring.between(self._began, event.stop)
                    if self.over_us:
                        event = self._with_manner(event)
                    self._finishing[stream] = (event, decided, pcm)
                    self._ring.kept = None
                    await stream.send(EndOfUtterance(self.over_us))

    def _with_manner(self, ended: Ended) -> Ended:
        begin = ended.start - BEFORE_MS * HEARING_RATE // 1000
        sound = self._ring.between(begin, ended.stop + AFTER_MS * HEARING_RATE // 1000)
        return replace(ended, evidence=judged(ended.evidence, sound))

    async def _open(self, since: int) -> None:
        """Begin an utterance with the audio from sample `since` on."""
        await self._drop()  # of manual mode, when the client has just left it
        stream = self._engine.open(AsrRequest(self.language, self._adaptation))
        self._utterance = stream
        self._text = ""
        self._paused = False
        self._began = self._ring.kept = max(self._over, since)
        self._group.create_task(self._recognise(stream), name="asr")
        # One message, written before anything is awaited: later pieces cannot overtake it.
        heard = self._ring.between(self._began)
        # A call that has just begun has nothing before its first word. A recogniser without it mishears that.
        await stream.send(Audio(bytes(max(0, 2 * -since)) + heard))

    def _consider(self, start: int, stop: int) -> None:
        """Ask how the voice sounded before this pause, and the turn model where there is one."""
        heard = self._ring.between(max(start, stop - PROSODY_MS * HEARING_RATE // 1000), stop)
        if (found := finality(heard)) is not None:
            self._turn.hint("prosody", found)
        if "turn" in self._engine.assignments:
            said = self._ring.between(max(start, self._ring.total - MODEL_MS * HEARING_RATE // 1000))
            self._group.create_task(self._ask(TurnRequest(said), stop), name="turn")

    async def _ask(self, request: TurnRequest, stop: int) -> None:
        try:
            async with aclosing(self._engine.open(request)) as stream:
                async for answer in stream:
                    if self._paused and self._turn.stop == stop:  # else it is of an earlier pause
                        self._turn.hint("model", answer.probability)
        except BackendError as error:
            log.debug("no opinion of the turn model: %s", error)

    async def _watch(self, start: int) -> None:
        """End the turn when no audio comes any more: silence is heard only by those who hear something."""
        while self._turn.started == start:
            missing = self._clock() - self._arrived
            if missing >= DEAF_S:
                await self._act(self._turn.commit(self._ring.total, "no audio"))
                return
            await asyncio.sleep(DEAF_S - missing)

    async def _drop(self) -> None:
        self._ring.kept = None
        if self._utterance is not None:
            stream, self._utterance = self._utterance, None
            await stream.aclose()

    async def _recognise(self, stream: Stream[Hypothesis]) -> None:
        text, listening = "", None
        try:
            async with aclosing(stream):
                async for heard in stream:
                    text = heard.text
                    if heard.final:
                        self._adaptation, listening = heard.adaptation, heard.listening
                    elif stream is self._utterance:
                        self._text = heard.text
                        if self.automatic:
                            await self._act(self._turn.words(heard.text, self.completeness(heard.text)))
                        await self.events.put(PartialText(heard.text, heard.stable, self._turn.evidence()))
                        if self._paused and heard.text:
                            await self.events.put(Paused(heard.text, self._turn.evidence()))
        except BackendError as error:
            await self.events.put(HearingFailed(str(error)))
        if stream is self._utterance:  # it failed in the middle: this turn is lost, the next one is not
            self._utterance = None
            self._retry_at = self._clock() + RETRY_S
        if stream in self._finishing:
            ended, decided, pcm = self._finishing.pop(stream)
            await self.events.put(
                TurnOver(
                    text=text,
                    start_ms=ended.start * 1000 // HEARING_RATE,
                    stop_ms=ended.stop * 1000 // HEARING_RATE,
                    endpoint_ms=(ended.at - ended.stop) * 1000 / HEARING_RATE,
                    asr_ms=(self._clock() - decided) * 1000,
                    why=ended.why,
                    evidence=ended.evidence,
                    pcm=pcm,
                    listening=listening,
                )
            )
