"""One stage of a dialogue with a Pipecat pipeline around `OpenAIRealtimeLLMService`. Prints one line of JSON.

    .venv-pipecat/bin/python pipecat_client.py STAGE '{"url", "key", "story", "voices": {name: PCM16 file}}'

It runs in an environment of its own, without our packages. The pipeline is that of Pipecat's own example
`realtime-openai.py`; in place of a sound card stand a microphone and a loudspeaker that keep time.
"""

from __future__ import annotations

import asyncio
import json
import sys
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

from loguru import logger
from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    InterruptionFrame,
    LLMRunFrame,
    LLMUpdateSettingsFrame,
    OutputAudioRawFrame,
    StartFrame,
)
from pipecat.observers.base_observer import BaseObserver, FramePushed
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.services.llm_service import FunctionCallParams
from pipecat.services.openai.realtime import events
from pipecat.services.openai.realtime.llm import OpenAIRealtimeLLMService
from pipecat.transports.base_input import BaseInputTransport
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import TransportParams
from pipecat.workers.runner import WorkerRunner

PATIENCE = 40.0  # s for one step, on a machine that is busy with other tests
RATE = 24_000
PIECE_MS = 20
PIECE = RATE * 2 * PIECE_MS // 1000  # bytes
PARAMS = TransportParams(
    audio_in_enabled=True, audio_out_enabled=True, audio_in_sample_rate=RATE, audio_out_sample_rate=RATE
)


class Microphone(BaseInputTransport):
    """Says what it is given, and is silent otherwise."""

    def __init__(self) -> None:
        super().__init__(PARAMS)
        self.spoken = bytearray()
        self._ticking: asyncio.Task[None] | None = None

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)
        self._ticking = asyncio.create_task(self._tick())

    async def cleanup(self) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
        await super().cleanup()

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            piece, self.spoken = self.spoken[:PIECE], self.spoken[PIECE:]
            audio = bytes(piece.ljust(PIECE, b"\0"))
            await self.push_audio_frame(InputAudioRawFrame(audio=audio, sample_rate=RATE, num_channels=1))
            due += PIECE_MS / 1000
            await asyncio.sleep(max(0.0, due - loop.time()))


class Loudspeaker(BaseOutputTransport):
    """Plays as long as a real one would, and knows how loud it was."""

    def __init__(self) -> None:
        super().__init__(PARAMS)
        self.loudest = 0

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        self.loudest = max(self.loudest, *map(abs, array("h", frame.audio)))
        await asyncio.sleep(frame.num_frames / frame.sample_rate)
        return True


class Watcher(BaseObserver):
    """What went through the pipeline, and waiting for it."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[Frame] = []
        self._changed = asyncio.Event()

    async def on_push_frame(self, data: FramePushed) -> None:
        known = any(frame is data.frame for frame in self.frames[-50:])  # each processor passes it on
        if not known and not isinstance(data.frame, (InputAudioRawFrame, OutputAudioRawFrame)):
            self.frames.append(data.frame)
        self._changed.set()

    def errors(self) -> list[str]:
        return list(dict.fromkeys(frame.error for frame in self.frames if isinstance(frame, ErrorFrame)))

    def changed(self) -> None:
        self._changed.set()

    async def until(self, what: str, found: Callable[[], Any]) -> Any:
        try:
            async with asyncio.timeout(PATIENCE):
                while not (value := found()):
                    if errors := self.errors():
                        raise RuntimeError(f"while waiting for {what}: {errors}")
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            names = " ".join(type(frame).__name__ for frame in self.frames[-80:])
            raise RuntimeError(f"waited in vain for {what}; saw {names}") from None
        return value


class Conversation:
    """The pipeline and what happens in it."""

    def __init__(self, given: dict[str, Any], first: str, tools: ToolsSchema | None = None) -> None:
        self.given = given
        self.received: list[dict[str, Any]] = []
        self.watcher = Watcher()
        self.microphone, self.loudspeaker = Microphone(), Loudspeaker()
        self.calls: list[dict[str, Any]] = []
        self.llm = OpenAIRealtimeLLMService(
            api_key=given["key"],
            base_url=given["url"].replace("http", "ws") + "/v1/realtime",
            settings=OpenAIRealtimeLLMService.Settings(
                system_instruction="Be brief.",
                session_properties=events.SessionProperties(
                    audio=events.AudioConfiguration(
                        input=events.AudioInput(
                            transcription=events.InputAudioTranscription(),
                            turn_detection=events.SemanticTurnDetection(),
                            noise_reduction=events.InputAudioNoiseReduction(type="near_field"),
                        ),
                        output=events.AudioOutput(voice="rms"),
                    ),
                ),
            ),
        )
        self.llm.register_function("set_lights", self._set_lights)
        messages = [{"role": "developer", "content": first}] if first else []
        self.context = LLMContext(messages, tools) if tools else LLMContext(messages)
        aggregators = LLMContextAggregatorPair(self.context)
        self.worker = PipelineWorker(
            Pipeline(
                [
                    self.microphone,
                    aggregators.user(),
                    self.llm,
                    self.loudspeaker,
                    aggregators.assistant(),
                ]
            ),
            observers=[self.watcher],
        )
        self._watch_the_wire()

    def _watch_the_wire(self) -> None:
        """Note what the service is sent, as it is parsed; nothing is changed."""
        parse = events.parse_server_event

        def note(text: str) -> Any:
            self.received.append(json.loads(text))
            self.watcher.changed()
            return parse(text)

        events.parse_server_event = note

    async def _set_lights(self, params: FunctionCallParams) -> None:
        self.calls.append(dict(params.arguments))
        await params.result_callback(f"the lights are {params.arguments['state']}")

    def say(self, name: str) -> None:
        self.microphone.spoken += Path(self.given["voices"][name]).read_bytes()

    def said(self) -> str:
        """What the context says that the assistant said."""
        return " | ".join(str(each["content"]) for each in self._messages("assistant"))

    def heard(self) -> str:
        return " | ".join(str(each["content"]) for each in self._messages("user"))

    def _messages(self, role: str) -> list[Any]:
        found = [each for each in self.context.get_messages() if isinstance(each, dict)]
        return [each for each in found if each.get("role") == role and each.get("content")]

    async def event(self, kind: str, after: int = 0, **wanted: Any) -> dict[str, Any]:
        def found() -> dict[str, Any] | None:
            for event in self.received[after:]:
                if event["type"] == kind and all(event.get(name) == value for name, value in wanted.items()):
                    return event
            return None

        event: dict[str, Any] = await self.watcher.until(kind, found)
        return event

    async def frame(self, kind: type[Frame]) -> Frame:
        def found() -> Frame | None:
            return next((frame for frame in self.watcher.frames if isinstance(frame, kind)), None)

        frame: Frame = await self.watcher.until(kind.__name__, found)
        return frame

    async def remembers(self, word: str) -> None:
        await self.watcher.until(f"{word!r} in the context", lambda: word in self.said())

    def count(self, kind: str) -> int:
        return sum(event["type"] == kind for event in self.received)

    def settled(self) -> bool:
        """Whether every response has come to its end."""
        return self.count("response.created") == self.count("response.done")

    def report(self) -> dict[str, Any]:
        return {
            "errors": self.watcher.errors(),
            "calls": self.calls,
            "heard": self.heard(),
            "said": self.said(),
            "loudest": self.loudspeaker.loudest,
            "created": self.count("response.created"),
            "done": self.count("response.done"),
        }


async def voice(conversation: Conversation) -> dict[str, Any]:
    """The client asks for a greeting though nothing has been said; then a spoken question."""
    await conversation.event("response.done")
    conversation.say("question")
    await conversation.remembers("108")
    return {}


async def tool(conversation: Conversation) -> dict[str, Any]:
    await conversation.event("response.done")
    conversation.say("request")
    await conversation.watcher.until("a call", lambda: conversation.calls)
    await conversation.remembers("lights are on")
    return {}


async def interruption(conversation: Conversation) -> dict[str, Any]:
    first = await conversation.event("response.output_audio_transcript.delta", delta=" house")
    await conversation.frame(BotStartedSpeakingFrame)
    conversation.say("question")
    await conversation.event("conversation.item.truncated", item_id=first["item_id"])
    await conversation.frame(InterruptionFrame)
    await conversation.remembers("108")
    item = await conversation.llm.retrieve_conversation_item(first["item_id"])
    cuts = [each for each in conversation.received if each["type"] == "conversation.item.truncated"]
    ends = [each["audio_end_ms"] for each in cuts if each["item_id"] == first["item_id"]]
    return {"truncated_ms": ends, "kept": item.content[0].transcript}


async def music(conversation: Conversation) -> dict[str, Any]:
    """Music comes as a response of its own; the person speaks over it, and Pipecat cuts that as any other."""
    alone = await conversation.event("audiogpt.activity", state="playing")
    await conversation.event("response.output_audio.delta", conversation.received.index(alone))
    conversation.say("question")
    await conversation.remembers("108")
    conversation.say("stop")
    await conversation.watcher.until("the end of the music", conversation.settled)
    return {}


async def update(conversation: Conversation) -> dict[str, Any]:
    await conversation.event("response.done")
    at = len(conversation.received)
    properties = events.SessionProperties(
        audio=events.AudioConfiguration(
            input=events.AudioInput(turn_detection=events.TurnDetection(silence_duration_ms=700)),
            output=events.AudioOutput(voice="slt", speed=1.2),
        )
    )
    settings = OpenAIRealtimeLLMService.Settings(
        system_instruction="Speak like a captain.", session_properties=properties
    )
    await conversation.worker.queue_frame(LLMUpdateSettingsFrame(delta=settings))
    updated = await conversation.event("session.updated", at)
    conversation.say("question")
    await conversation.remembers("108")
    return {"session": updated["session"]}


LIGHTS = FunctionSchema(
    name="set_lights",
    description="Switch the lights on or off.",
    properties={"state": {"type": "string", "enum": ["on", "off"]}},
    required=["state"],
)
STAGES = {"voice": voice, "tool": tool, "interruption": interruption, "music": music, "update": update}


async def main(stage: str, given: dict[str, Any]) -> None:
    story = f"say {given['story']}"
    first = {"interruption": story, "voice": "", "music": "play a calm piano piece"}.get(stage, "say hello")
    tools = ToolsSchema(standard_tools=[LIGHTS]) if stage == "tool" else None
    conversation = Conversation(given, first, tools)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(conversation.worker)
    running = asyncio.create_task(runner.run())
    try:
        await conversation.worker.queue_frame(LLMRunFrame())
        found = await STAGES[stage](conversation)
        print(json.dumps({**found, **conversation.report()}))
    finally:
        await conversation.worker.cancel()
        await running


if __name__ == "__main__":
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
