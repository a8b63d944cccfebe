"""The contract between the edge and everything that computes.

A *role* is a job in the conversation (`vad`, `asr`, `turn`, `planner`, `tts`, `music`, `sound`). A
*backend* does one role; a role of `OPTIONAL` may have none. The edge asks the engine for a `Stream` with a
`Request`; what may be sent into the stream and what comes out is fixed by the role:

    role     request         in                        out
    vad      VadRequest      Audio                     SpeechProbability
    asr      AsrRequest      Audio, EndOfUtterance     Hypothesis
    turn     TurnRequest     -                         TurnProbability
    planner  PlanRequest     -                         TextDelta, ToolCall, PlanDone
    tts      SpeechRequest   -                         SpeechChunk
    tts      VoicesRequest   -                         Voice
    music    MusicRequest    SteerMusic                MusicChunk
    sound    SoundRequest    -                         SoundChunk

Every PCM field holds little-endian signed 16-bit samples, channels interleaved. Times are in
milliseconds, rates in Hz. Messages are msgspec structs, because they cross a process border: a
backend computes in its own process (see `models/engine`), so that nothing it does holds up the edge.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

import msgspec

from models.plan import MusicBrief, SoundBrief

Role = Literal["vad", "asr", "turn", "planner", "tts", "music", "sound"]
ROLES: tuple[Role, ...] = ("vad", "asr", "turn", "planner", "tts", "music", "sound")
OPTIONAL: frozenset[Role] = frozenset({"turn"})  # roles without which a conversation works too

HEARING_RATE = 16_000  # Hz, mono: what VAD and ASR are given
SPEAKING_RATE = 48_000  # Hz, stereo: what music and sound produce, and what the mixer works in
VAD_FRAME = 512  # samples of HEARING_RATE that Silero judges at a time: 32 ms


class BackendError(Exception):
    """A stream failed. The message says the cause and, where there is one, the remedy."""


class BackendUnavailableError(BackendError):
    """A backend cannot be loaded here: a package, a library or a file is missing. The message names it."""


class BusyError(BackendError):
    """The engine holds as many streams of this role as it can serve; try again later."""


class Message(msgspec.Struct, frozen=True, tag=True):
    """Base of everything that crosses the border between edge and backend."""


# -- hearing ----------------------------------------------------------------------------------------


class Audio(Message, frozen=True, tag=True):
    """A piece of what the person said: mono, HEARING_RATE.

    `concealed` marks samples made up to hide a lost packet, so that a recogniser may distrust them.
    """

    pcm: bytes
    concealed: bool = False


class EndOfUtterance(Message, frozen=True, tag=True):
    """The person has finished: give the final hypothesis and end the stream.

    `over_us`: they spoke while we did; only then does anybody ask whether they were `listening`.
    """

    over_us: bool = False


class VadRequest(Message, frozen=True, tag=True):
    """Judge audio sent in any piece size, VAD_FRAME samples at a time, for as long as it comes."""


class SpeechProbability(Message, frozen=True, tag=True):
    """How likely the VAD_FRAME samples that end at `end` hold speech (0 to 1); `rms` is linear, 0 to 1."""

    probability: float
    end: int  # samples since the stream began
    rms: float


class AsrRequest(Message, frozen=True, tag=True):
    """Recognise one utterance. `adaptation` is what the `Hypothesis` of this speaker's last one carried."""

    language: str = "en"
    adaptation: str | None = None


class Hypothesis(Message, frozen=True, tag=True):
    """What the recogniser believes so far; `final` ones end the stream.

    The first `stable` characters of `text` have been the same in consecutive hypotheses and will hardly
    change (LocalAgreement, Polák et al. 2023). `end` counts the HEARING_RATE samples heard so far.
    `listening`: short as it is, it sounds more like a sign of listening ("uh-huh") than like a short request;
    None where the recogniser cannot tell, or where it is not short.
    """

    text: str
    stable: int
    end: int
    final: bool = False
    adaptation: str | None = None
    listening: bool | None = None


class TurnRequest(Message, frozen=True, tag=True):
    """Judge whether the speaker has finished, from the utterance so far and the silence after it.

    Mono, HEARING_RATE; backends look at the last few seconds only (Smart Turn: 8), so more need not be sent.
    """

    pcm: bytes


class TurnProbability(Message, frozen=True, tag=True):
    """How likely the speaker has finished, 0 to 1. It ends the stream."""

    probability: float


# -- thinking ---------------------------------------------------------------------------------------


class ChatMessage(Message, frozen=True, tag=True):
    """One entry of the conversation, in the chat-completions sense.

    `role` "tool" carries the observation that answers the call `call_id`; an "assistant" message may
    carry the calls it made. An assistant's `content` holds only what the person heard; `interrupted`
    says there was more, and `unheard` what of it was known.
    """

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    call_id: str | None = None
    calls: tuple[ToolCall, ...] = ()
    interrupted: bool = False
    unheard: str = ""


class ToolSchema(Message, frozen=True, tag=True):
    """A tool as a language model is shown it: JSON schema of the arguments, generated from code.

    `client`: the client's own function, described by the client; it is called over the protocol.
    """

    name: str
    description: str
    parameters: dict[str, Any]
    client: bool = False


class Situation(Message, frozen=True, tag=True):
    """What a planner may need to know of the moment, besides the words."""

    now: str  # ISO 8601 with offset
    playing: str | None = None  # what plays (or was playing when the person began to speak)
    timers: tuple[str, ...] = ()  # "tea, 42 seconds left"


class PlanRequest(Message, frozen=True, tag=True):
    """Decide what to do about the last of `messages` (a user's words or a tool's observation).

    `tool_choice` says whether tools may, must or must not be called; `forced_tool` names the one that must
    be. Without `parallel_tool_calls` at most one of the client's functions is called in a round.
    `max_output_tokens`, in the planner's own tokens, bounds the round; None for no bound.
    """

    messages: tuple[ChatMessage, ...]
    situation: Situation
    tools: tuple[ToolSchema, ...] = ()
    instructions: str = ""
    tool_choice: Literal["auto", "none", "required"] = "auto"
    forced_tool: str = ""
    parallel_tool_calls: bool = True
    max_output_tokens: int | None = None


class TextDelta(Message, frozen=True, tag=True):
    """Words to say, as they come; deltas concatenate to the whole text."""

    text: str


class ToolCall(Message, frozen=True, tag=True):
    """A step of the plan: `name` is one of the offered tools, `arguments` a JSON object as text."""

    call_id: str
    name: str
    arguments: str


class PlanDone(Message, frozen=True, tag=True):
    """The planner has finished this round. Token counts are 0 where a planner has no tokens.

    `cached_tokens` are those of the input that it had read before; `truncated`: it stopped at
    `PlanRequest.max_output_tokens`. `fit` is how well it could make sense of the words, 0 to 1; None where a
    planner cannot tell.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    fit: float | None = None
    cached_tokens: int = 0
    truncated: bool = False


# -- speaking ---------------------------------------------------------------------------------------


class WordTime(Message, frozen=True, tag=True):
    """A spoken word: the characters [begin, end) of the request's text, and when it sounds."""

    begin: int
    end: int
    start_ms: float  # since the first sample of the utterance
    end_ms: float


class PhoneTime(Message, frozen=True, tag=True):
    """A spoken phone, in the backend's own alphabet (ARPAbet in flite), and when it sounds."""

    phone: str
    start_ms: float
    end_ms: float


class SpeechRequest(Message, frozen=True, tag=True):
    """Say `text`: a clause or a sentence. An empty `voice` is the backend's own choice for `language`.

    `speed` 1.0 is the voice's natural rate, 0.25 to 4; `pitch` is in semitones from the natural one.
    """

    text: str
    voice: str = ""
    language: str = "en"
    speed: float = 1.0
    pitch: float = 0.0


class VoicesRequest(Message, frozen=True, tag=True):
    """Name every `Voice` there is, the one for an empty `SpeechRequest.voice` first."""


class Voice(Message, frozen=True, tag=True):
    """A voice: its name for `SpeechRequest.voice`, and the language it speaks (BCP 47)."""

    name: str
    language: str


class SpeechChunk(Message, frozen=True, tag=True):
    """Mono speech. A word's times come at the latest with the chunk that holds its first sample."""

    pcm: bytes
    rate: int
    words: tuple[WordTime, ...] = ()
    phones: tuple[PhoneTime, ...] = ()


class MusicRequest(Message, frozen=True, tag=True):
    """Play what `brief` describes. The same brief and seed give the same piece."""

    brief: MusicBrief
    seed: int = 0


class SteerMusic(Message, frozen=True, tag=True):
    """Change the piece that plays into what `brief` now says, from the next bar line on.

    It is answered with a `MusicChunk` without sound: its one state is that of the first changed bar, with the
    `offset` counted from the end of what came before; without a state, the brief cannot be played and the
    piece goes on as it was.
    """

    brief: MusicBrief


class MusicState(Message, frozen=True, tag=True):
    """What sounds from the bar that begins `offset` samples (frames) into the chunk that carries this."""

    offset: int
    bar: int  # 1 is the first
    beats: int  # of this bar
    tempo: float  # quarter notes a minute
    key: str  # "A minor"
    section: str
    chords: tuple[str, ...]
    instruments: tuple[str, ...]


class MusicChunk(Message, frozen=True, tag=True):
    """Stereo music at SPEAKING_RATE, at most 200 ms of it."""

    pcm: bytes
    states: tuple[MusicState, ...] = ()


class SoundRequest(Message, frozen=True, tag=True):
    """Make the sound that `brief` describes. The same brief and seed give the same samples."""

    brief: SoundBrief
    seed: int = 0


class SoundChunk(Message, frozen=True, tag=True):
    """Stereo sound at SPEAKING_RATE, at most 200 ms of it."""

    pcm: bytes


Request = (
    VadRequest
    | AsrRequest
    | TurnRequest
    | PlanRequest
    | SpeechRequest
    | VoicesRequest
    | MusicRequest
    | SoundRequest
)
Input = Audio | EndOfUtterance | SteerMusic
Output = (
    SpeechProbability
    | Hypothesis
    | TurnProbability
    | TextDelta
    | ToolCall
    | PlanDone
    | SpeechChunk
    | Voice
    | MusicChunk
    | SoundChunk
)

ROLE_OF: Mapping[type, Role] = {
    VadRequest: "vad",
    AsrRequest: "asr",
    TurnRequest: "turn",
    PlanRequest: "planner",
    SpeechRequest: "tts",
    VoicesRequest: "tts",
    MusicRequest: "music",
    SoundRequest: "sound",
}

Emit = Callable[[Any], None]


class Job(Protocol):
    """One stream inside its backend, driven by the engine's runner; never called from two threads.

    A job that listens does its work in `feed`; a job that produces does it in `step`, one short quantum a
    call (some 10 ms of computing), so that the runner can turn to whoever is most pressed in between.
    `emit` may be called at any time inside either; it never blocks.
    """

    def feed(self, item: Any, emit: Emit) -> bool:
        """Take one message of the edge. Return False when the stream is complete."""
        ...

    def step(self, emit: Emit) -> bool:
        """Produce the next piece. Return False when there is nothing more to come."""
        ...

    def close(self) -> None:
        """Give back what the job holds (a slot, a synthesiser). Called once, however the stream ended."""
        ...


@runtime_checkable
class Backend(Protocol):
    """A loaded model that computes in its own process. Constructed once with its options as keywords.

    `produces` tells the runner which of a job's methods drives it: True, `step` is called whenever the
    edge has room for more; False, only `feed` is called. Raises `BackendUnavailableError` from the
    constructor when something is missing, `BackendError` from a job when a request cannot be met.
    A voice with `lists_voices = True` is asked for its `VoicesRequest` too.
    """

    produces: bool

    def open(self, request: Any) -> Job: ...


@runtime_checkable
class AsyncBackend(Protocol):
    """A backend that only waits (an HTTP API) or thinks for microseconds: it runs on the edge's loop."""

    def stream(self, request: Any) -> AsyncIterator[Any]: ...

    async def aclose(self) -> None: ...


Out_co = TypeVar("Out_co", covariant=True)


class Stream(Protocol[Out_co]):
    """What `Engine.open` returns: an async iterator with bounded output.

    Closing it aborts the work and frees its slot. Iteration raises `BackendError` when the work failed.
    """

    async def send(self, item: Input) -> None: ...

    def __aiter__(self) -> AsyncIterator[Out_co]: ...

    async def __anext__(self) -> Out_co: ...

    async def aclose(self) -> None: ...
