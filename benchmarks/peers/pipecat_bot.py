"""The peer: a Pipecat bot, run by the interpreter of `.venv-peers` and by nothing else.

    .venv-peers/bin/python benchmarks/peers/pipecat_bot.py --voice answer.wav --heard "..." --answer "..."

It is the bot of Pipecat's own templates with its defaults: SmallWebRTC, Silero, Smart Turn, 16 kHz in, 24 kHz
out. Recogniser, planner and voice are scripted and take no time, as in `benchmarks/scripted.py`. Where a
choice had to be made it is the one that is faster for Pipecat: the transcript is final at the moment the VAD
reports silence, the planner is a bare processor, the voice is resampled once and handed over whole, and
nothing is logged below warnings (Pipecat's default is debug).
"""

# Pipecat is not installed where the type checker runs, so its classes are Any here.
# mypy: disable-error-code="import-not-found, import-untyped, misc, no-any-unimported, untyped-decorator"

from __future__ import annotations

import argparse
import asyncio
import socket
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import aioice.ice
import soundfile
import soxr
import uvicorn
from fastapi import FastAPI
from loguru import logger
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import (
    Frame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.settings import STTSettings, TTSSettings
from pipecat.services.stt_service import STTService
from pipecat.services.tts_service import TTSService
from pipecat.transports.base_transport import TransportParams
from pipecat.transports.smallwebrtc.connection import SmallWebRTCConnection
from pipecat.transports.smallwebrtc.request_handler import SmallWebRTCRequest, SmallWebRTCRequestHandler
from pipecat.transports.smallwebrtc.transport import SmallWebRTCTransport
from pipecat.turns.user_stop import SpeechTimeoutUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import UserTurnStrategies
from pipecat.utils.time import time_now_iso8601
from pipecat.workers.runner import WorkerRunner

OUT_RATE = 24_000  # Hz; Pipecat's default, so that nothing is resampled on the way
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Script:
    """What the scripted models do."""

    heard: str
    answer: str
    voice: bytes  # int16 mono at OUT_RATE
    turn: str  # "smart": Pipecat's default; "silence": the VAD's silence alone ends a turn


class ScriptedStt(STTService):
    """Says `heard` the moment the VAD reports silence, as a final transcript."""

    def __init__(self, heard: str) -> None:
        super().__init__(ttfs_p99_latency=0.0, settings=STTSettings(model=None, language=None))
        self._heard = heard

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        yield None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, VADUserStoppedSpeakingFrame):
            await self.push_frame(TranscriptionFrame(self._heard, "", time_now_iso8601(), finalized=True))


class ScriptedPlanner(FrameProcessor):
    """Answers the same to every context."""

    def __init__(self, answer: str) -> None:
        super().__init__()
        self._answer = answer

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMContextFrame):
            await self.push_frame(frame, direction)
            return
        await self.push_frame(LLMFullResponseStartFrame())
        await self.push_frame(LLMTextFrame(self._answer))
        await self.push_frame(LLMFullResponseEndFrame())


class ScriptedVoice(TTSService):
    """Hands over one clip for every text."""

    def __init__(self, voice: bytes) -> None:
        super().__init__(
            push_start_frame=True,
            push_stop_frames=True,
            sample_rate=OUT_RATE,
            settings=TTSSettings(model=None, voice=None, language=None),
        )
        self._voice = voice

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        yield TTSAudioRawFrame(self._voice, OUT_RATE, 1, context_id=context_id)


async def converse(connection: SmallWebRTCConnection, script: Script) -> None:
    """One call, from the offer to the end."""
    transport = SmallWebRTCTransport(
        webrtc_connection=connection,
        params=TransportParams(audio_in_enabled=True, audio_out_enabled=True),
    )
    strategies = None
    if script.turn == "silence":
        strategies = UserTurnStrategies(stop=[SpeechTimeoutUserTurnStopStrategy(user_speech_timeout=0.0)])
    aggregators = LLMContextAggregatorPair(
        LLMContext(),
        user_params=LLMUserAggregatorParams(
            vad_analyzer=SileroVADAnalyzer(), user_turn_strategies=strategies
        ),
    )
    worker = PipelineWorker(
        Pipeline(
            [
                transport.input(),
                ScriptedStt(script.heard),
                aggregators.user(),
                ScriptedPlanner(script.answer),
                ScriptedVoice(script.voice),
                transport.output(),
                aggregators.assistant(),
            ]
        )
    )

    @transport.event_handler("on_client_disconnected")
    async def hung_up(_transport: Any, _client: Any) -> None:
        await worker.cancel()

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()


def build(script: Script) -> FastAPI:
    """The application: `POST /api/offer`, as Pipecat's development runner has it."""
    handler = SmallWebRTCRequestHandler()
    calls: set[asyncio.Task[None]] = set()
    app = FastAPI()

    @app.post("/api/offer")
    async def offer(request: SmallWebRTCRequest) -> dict[str, str] | None:
        async def begin(connection: SmallWebRTCConnection) -> None:
            call = asyncio.create_task(converse(connection, script))
            calls.add(call)
            call.add_done_callback(calls.discard)

        answer: dict[str, str] | None = await handler.handle_web_request(request, begin)
        return answer

    @app.get("/health")
    async def health() -> dict[str, int]:
        return {"sessions": len(calls)}

    return app


def load_voice(path: str) -> bytes:
    """A mono WAV file as int16 at `OUT_RATE`."""
    samples, rate = soundfile.read(path, dtype="float32")
    return bytes((soxr.resample(samples, rate, OUT_RATE) * 32767).astype("<i2").tobytes())


def main() -> int:
    """Serve until a signal comes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--voice", required=True, help="WAV file of the answer")
    parser.add_argument("--heard", required=True, help="what the recogniser understands")
    parser.add_argument("--answer", required=True, help="what the planner says")
    parser.add_argument("--turn", choices=("smart", "silence"), default="smart", help="what ends a turn")
    given = parser.parse_args()
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    # aioice leaves out the loopback address, which on a test machine is the only one there is.
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: [HOST]
    listener = socket.create_server((HOST, 0), backlog=128)
    print(f"ready http://{HOST}:{listener.getsockname()[1]}", flush=True)
    app = build(Script(given.heard, given.answer, load_voice(given.voice), given.turn))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    server.run(sockets=[listener])
    return 0


if __name__ == "__main__":
    sys.exit(main())
