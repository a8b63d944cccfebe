"""Our own server events, for what the OpenAI Realtime protocol lacks. No stock client needs them.

Every event has an `event_id` as the protocol's events do. The README shows one JSON example of each.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

Activity = Literal["listening", "hearing", "thinking", "speaking", "playing"]


class SessionInfo(BaseModel):
    """Sent after `session.created`: what runs here.

    `resume` is for this client alone: with it, a call whose connection was lost is taken up again within
    `resume_grace` s. It is null for a client that did not ask to be waited for.
    """

    type: Literal["audiogpt.session.info"] = "audiogpt.session.info"
    event_id: str
    profile: str
    backends: dict[str, str]  # role -> backend name
    version: str
    resume: str | None = None
    resume_grace: float | None = None
    voices: list[str] = []  # to choose from, the default first; empty where the voice cannot tell


class ActivityChanged(BaseModel):
    """What the assistant is doing now. `detail` is words for the person, often empty."""

    type: Literal["audiogpt.activity"] = "audiogpt.activity"
    event_id: str
    state: Activity
    detail: str = ""


class TranscriptPartial(BaseModel):
    """The person's words so far; replaces the last one of `item_id`. The first `stable` chars are firm."""

    type: Literal["audiogpt.input_transcript.partial"] = "audiogpt.input_transcript.partial"
    event_id: str
    item_id: str
    text: str
    stable: int


class TurnDecision(BaseModel):
    """What was made of an utterance, and why.

    `decision`: "answer", "interrupt" (of the assistant, while the person still speaks), or one of the reasons
    to go on as if nothing had been said: "backchannel", "noise", "echo". `evidence` holds the figures.
    """

    type: Literal["audiogpt.turn.decision"] = "audiogpt.turn.decision"
    event_id: str
    item_id: str
    decision: Literal["answer", "interrupt", "backchannel", "noise", "echo", "captured"]
    why: str
    evidence: dict[str, float | None]


class Progress(BaseModel):
    """Work that takes longer than a moment: what is being done, for how long already.

    Sent at 1.5 s and then every 2 s for as long as nothing can be heard of it.
    """

    type: Literal["audiogpt.progress"] = "audiogpt.progress"
    event_id: str
    response_id: str
    message: str
    elapsed_ms: int


class CaptureChanged(BaseModel):
    """Material is being collected and not obeyed ("write down what I say next"), or was.

    `artefact_id`, `text` and `duration_ms` are those of what was kept, with `state` "done".
    """

    type: Literal["audiogpt.capture"] = "audiogpt.capture"
    event_id: str
    kind: Literal["dictation", "melody", "recording"]
    state: Literal["waiting", "listening", "done", "empty", "cancelled"]
    artefact_id: str | None = None
    text: str = ""
    duration_ms: float | None = None


class TurnLatency(BaseModel):
    """Where the milliseconds of a turn went, from the person's last voiced sample to ours leaving.

    `stages_ms` holds, in order: `endpoint` (deciding that the turn is over, with what the network and the
    jitter buffer held), `asr` (final text), `plan` (first words or step), `speech` (first audio of voice,
    music or sound), `send` (until its frame left). They add up to `total_ms`. A typed turn has no
    `endpoint` and no `asr`.
    """

    type: Literal["audiogpt.turn.latency"] = "audiogpt.turn.latency"
    event_id: str
    item_id: str
    response_id: str
    stages_ms: dict[str, float]
    total_ms: float


class ArtefactCreated(BaseModel):
    """Something was made or kept. `duration_ms` is null while it is unbounded.

    `number` counts all that the session has made or kept, from 1, and a person may refer to it so ("play
    number two"); `text` is the words of what was said or written; `url`, where there is one, is the path to
    download it from, with the key that the session began with where one is needed.
    """

    type: Literal["audiogpt.artefact.created"] = "audiogpt.artefact.created"
    event_id: str
    id: str
    kind: Literal["music", "sound", "speech", "text", "image"]
    name: str
    number: int | None = None
    text: str = ""
    duration_ms: float | None = None
    url: str | None = None
    response_id: str | None = None


class MusicState(BaseModel):
    """What the music is at, sent when a bar begins to sound, and once with `playing` false when it ends."""

    type: Literal["audiogpt.music.state"] = "audiogpt.music.state"
    event_id: str
    artefact_id: str
    playing: bool
    bar: int = 0
    beats: int = 0
    tempo: float = 0
    key: str = ""
    section: str = ""
    chords: list[str] = []
    instruments: list[str] = []


class TimerChanged(BaseModel):
    """A timer was set, cancelled or is over."""

    type: Literal["audiogpt.timer"] = "audiogpt.timer"
    event_id: str
    label: str
    seconds: float
    state: Literal["set", "cancelled", "over"]


class Notice(BaseModel):
    """Something the person should know, in words: a fallback, a failed step with its remedy."""

    type: Literal["audiogpt.notice"] = "audiogpt.notice"
    event_id: str
    level: Literal["info", "warning", "error"]
    message: str


OwnEvent = (
    SessionInfo
    | ActivityChanged
    | TranscriptPartial
    | TurnDecision
    | Progress
    | CaptureChanged
    | TurnLatency
    | ArtefactCreated
    | MusicState
    | TimerChanged
    | Notice
)
