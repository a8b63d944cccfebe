"""One session's replies: at most one is heard, and the next may be prepared while the person still speaks.

    prepare ──> withdraw            the person goes on, or other words are understood
       └─────> answer ─> release    the turn is decided, with the same words
    answer ──────────> new reply    there was nothing prepared

A reply is interrupted here and nowhere else: its task is cancelled and waited for, then it closes itself.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from openai.types.realtime import RateLimitsUpdatedEvent

from models.api import BackendError
from realtime import own_events
from realtime.process import first_cause
from realtime.protocol import ProtocolError
from realtime.response import Reason, Response
from realtime.response_options import ResponseOptions
from realtime.response_request import options_of
from realtime.security.limits import OverLimitError
from realtime.speaking.reply import Reply
from realtime.speaking.speech import VoiceSettings
from realtime.telemetry import Stopwatch
from realtime.thinking.history import Entry

if TYPE_CHECKING:
    from realtime.session import Session

log = logging.getLogger(__name__)

SAID = 200  # characters of our own words that may still be in the room, some 12 s
ECHO_S = 1.5  # after our last sound
MOST_BESIDE = 4  # out-of-band responses in text at once: each may hold a language model's connection
TURNS_WAITING = 8  # turns not yet answered; a client that sends more at once is told so


@dataclass(frozen=True, slots=True)
class Prepared:
    """A reply under way, and the task that runs it."""

    reply: Reply
    task: asyncio.Task[None]


@dataclass(frozen=True, slots=True)
class Turn:
    """Something to answer, and what of its latency is already known."""

    question: Entry
    earlier_ms: dict[str, float] = field(default_factory=dict)
    began: float = 0.0  # loop time at which it was ready to be answered
    asked: bool = True  # by the person, who waits for the answer; a timer's end is not
    options: ResponseOptions | None = None  # None: what the session says when it is answered
    prepared: Prepared | None = None

    @property
    def beside(self) -> bool:
        """Whether the conversation knows nothing of it."""
        return self.options is not None and self.options.out_of_band


class Turns:
    """Answers one session's turns, one after the other. Run it with `converse`."""

    def __init__(self, session: Session, group: asyncio.TaskGroup) -> None:
        self._session = session
        self._group = group
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Queue[Turn] = asyncio.Queue(TURNS_WAITING)
        self._current: Prepared | None = None
        self._draft: Prepared | None = None
        self._reason: Reason | None = None
        self._beside: dict[str, asyncio.Task[None]] = {}  # out-of-band responses in text, by id
        self._waiting_inside = 0  # of those that wait, the ones of the conversation

    @property
    def busy(self) -> bool:
        """Whether the conversation has a response that another one would have to wait for.

        One that has called the client's functions does not count, once it is planned: the answer to what they
        returned may be asked for while the words that go with the call are still being spoken.
        """
        if self._waiting_inside:
            return True
        reply = self.reply
        return reply is not None and not reply.options.out_of_band and not reply.called

    @property
    def replying(self) -> bool:
        """Whether a reply is under way or about to be."""
        return self._current is not None or not self._waiting.empty()

    @property
    def reply(self) -> Reply | None:
        """The reply under way."""
        return self._current.reply if self._current else None

    @property
    def asks(self) -> bool:
        """Whether a "yes" would be an answer: what is being said, or was said last, is a question."""
        if self._current is not None:
            return self._current.reply.asks
        last = self._session.history.last
        return last is not None and last.role == "assistant" and last.text.endswith("?")

    @property
    def said(self) -> str:
        """Our words of the last moments, for whoever wonders whether they are heard again."""
        session = self._session
        if self._current is not None:
            return self._current.reply.response.transcript[-SAID:]
        last = session.history.last
        if last is None or last.role != "assistant" or self._loop.time() - session.speaker.spoke_at > ECHO_S:
            return ""
        return last.text[-SAID:]

    # -- speculation ------------------------------------------------------------------------------------

    def prepare(self, item_id: str, text: str) -> None:
        """The person may have finished with these words: begin an answer that nobody notices yet."""
        draft = self._draft
        if draft is not None and draft.reply.question.id == item_id and same(draft.reply.question.text, text):
            return
        self.withdraw()
        reply = self._begin(Entry(item_id, "user", text))
        self._draft = Prepared(reply, self._group.create_task(self._run(reply), name="draft"))

    def withdraw(self) -> None:
        """Forget what was prepared."""
        draft, self._draft = self._draft, None
        if draft is not None and draft.task.cancel():
            self._session.metrics.drafts.labels("withdrawn").inc()

    def close(self) -> None:
        """Forget what was prepared for turns that will not be answered any more: the session is over."""
        self.withdraw()
        while not self._waiting.empty():
            turn = self._waiting.get_nowait()
            if turn.prepared is not None:
                turn.prepared.task.cancel()

    def _fitting(self, question: Entry) -> Prepared | None:
        """What was prepared, if it answers this; else it is forgotten. One that has failed is tried again."""
        draft, self._draft = self._draft, None
        if draft is None:
            return None
        prepared = draft.reply.question
        if prepared.id == question.id and same(prepared.text, question.text) and not draft.task.done():
            self._session.metrics.drafts.labels("used").inc()
            return draft
        draft.task.cancel()
        self._session.metrics.drafts.labels("useless").inc()
        return None

    # -- replies ----------------------------------------------------------------------------------------

    def answer(
        self,
        question: Entry,
        *,
        earlier_ms: Mapping[str, float] | None = None,
        asked: bool = True,
        options: ResponseOptions | None = None,
    ) -> bool:
        """Answer the conversation as it stands, up to this item. False when too many turns are waiting."""
        now = self._loop.time()
        fitting = self._fitting(question) if asked and options is None else None
        turn = Turn(question, dict(earlier_ms or {}), now, asked, options, fitting)
        try:
            self._waiting.put_nowait(turn)
        except asyncio.QueueFull:
            if turn.prepared:
                turn.prepared.task.cancel()
            return False
        self._waiting_inside += not turn.beside
        return True

    def answer_beside(self, options: ResponseOptions) -> None:
        """Answer in writing beside the conversation: it waits for nothing and holds up nothing.

        Raises `ProtocolError` when too many do so already, or too many responses were asked for.
        """
        if len(self._beside) >= MOST_BESIDE:
            raise ProtocolError(
                f"{len(self._beside)} out-of-band responses are in progress; wait for one's response.done",
                code="too_many_responses",
            )
        session = self._session
        question = session.history.last or Entry("", "system", "")
        if not self._may_answer(Turn(question)):
            return
        reply = self._begin(question, options)
        reply.release(question, Stopwatch(self._loop.time), timed=False)
        task = self._group.create_task(self._run(reply), name="beside")
        self._beside[reply.response.id] = task
        task.add_done_callback(lambda _: self._beside.pop(reply.response.id, None))

    async def cancel_beside(self, response_id: str | None) -> bool:
        """Stop the out-of-band response in text of this id; False when there is none."""
        await asyncio.sleep(0)  # as in `interrupt`
        task = self._beside.get(response_id or "")
        return task is not None and task.cancel()

    async def converse(self) -> None:
        """Answer turns for as long as the session lasts."""
        try:
            await self._converse()
        finally:
            for task in list(self._beside.values()):
                task.cancel()

    async def _converse(self) -> None:
        session = self._session
        while True:
            turn = await self._waiting.get()
            self._waiting_inside -= not turn.beside
            if not turn.asked:
                await session.heard.quiet.wait()  # a timer that is over does not talk into what is being said
            if not self._may_answer(turn):
                continue
            current = turn.prepared
            if current is None or current.task.done():
                reply = self._begin(turn.question, turn.options)
                current = Prepared(reply, self._group.create_task(self._run(reply), name="reply"))
            self._current = current
            session.toolbox.response_id = current.reply.response.id
            stopwatch = Stopwatch(self._loop.time, turn.earlier_ms, turn.began)
            current.reply.release(turn.question, stopwatch, timed=turn.asked and bool(turn.question.id))
            session.show_activity()
            if not session.heard.speaking:
                session.mixer.unhush()  # it was silent while the person spoke
            await asyncio.wait({current.task})
            self._current = None
            session.show_activity()

    def _may_answer(self, turn: Turn) -> bool:
        """Whether the owner of this session has answers left this minute; they are told what is left."""
        session = self._session
        if session.meter is None:
            return True
        try:
            session.meter.response()
        except OverLimitError as error:
            if turn.prepared:
                turn.prepared.task.cancel()
            session.outbox.error(ProtocolError(str(error), code=error.code))
            session.mixer.unhush()
            return False
        left = [asdict(remaining) for remaining in session.meter.remaining()]
        session.outbox.send(RateLimitsUpdatedEvent, rate_limits=left)
        return True

    async def interrupt(self, reason: Reason | None = None) -> bool:
        """Stop the reply under way; False when there is none. The history is cut to what was heard."""
        current = self._current
        if current is None or current.task.done():
            return False
        self._reason = reason
        await asyncio.sleep(0)  # a task that is cancelled before its first step could not say `response.done`
        current.task.cancel()
        await asyncio.wait({current.task})
        return True

    def _begin(self, question: Entry, options: ResponseOptions | None = None) -> Reply:
        session = self._session
        if options is None:
            options = options_of(None, session.state, session.history)
        after = question.id if options.context is None else session.history.last_id
        return Reply(
            engine=session.engine,
            planner=session.planner,
            speaker=session.speaker,
            outbox=session.outbox,
            history=session.history,
            voice=self._voice(options.voice),
            metrics=session.metrics,
            question=question,
            response=Response(
                session.outbox,
                buffered=session.link.kind == "webrtc",
                conversation_id=None if options.out_of_band else session.conversation_id,
                modality=options.modality,
                metadata=options.metadata,
                previous_item_id=after or None,
                max_output_tokens=options.max_output_tokens,
            ),
            options=options,
            after=after,
            recalled_ms=lambda: session.link.recalled_ms,
            on_speaking=session.show_activity,
            on_fit=lambda fit: session.ears.hint("planner", fit),
        )

    def _voice(self, name: str) -> VoiceSettings:
        """The session's voice, or the one that this response alone is to have."""
        session = self._session
        if not name or name == session.voice.name:
            return session.voice
        if session.voices and name not in session.voices:  # clients name the voices of other servers
            message = f"there is no voice {name!r}; the voice stays. There are: {', '.join(session.voices)}"
            session.outbox.send(own_events.Notice, level="warning", message=message)
            return session.voice
        return replace(session.voice, name=name)

    async def _run(self, reply: Reply) -> None:
        """The one place where a reply is guarded: nothing that fails in it ends the session."""
        session = self._session
        turns = session.metrics.turns
        try:
            await reply.run()
            turns.labels("answered").inc()
        except asyncio.CancelledError:
            if reply.response.id in self._beside:
                reply.interrupted("client_cancelled")
            elif reply.released:
                noticed = reply.interrupted(self._reason)
                turns.labels("interrupted").inc()
                unnoticed = self._reason == "turn_detected" and not noticed
                reply.question.goes_on = unnoticed and not reply.options.out_of_band
            raise
        except Exception as error:
            cause = first_cause(error)
            if not isinstance(cause, BackendError):
                log.exception("session %s: a reply failed", session.id)
            if not reply.released:
                return  # nobody has asked for it yet; whoever does gets a fresh one
            message = str(cause) if isinstance(cause, BackendError) else f"{type(cause).__name__}: {cause}"
            log.warning("session %s: %s", session.id, message)
            turns.labels("failed").inc()
            reply.failed(message)
            session.outbox.send(own_events.Notice, level="error", message=message)


def same(one: str, other: str) -> bool:
    """Whether two transcripts have the same words."""
    return re.findall(r"[\w']+", one.lower()) == re.findall(r"[\w']+", other.lower())
