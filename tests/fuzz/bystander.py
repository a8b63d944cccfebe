"""`python -m tests.fuzz.bystander URL`: somebody who talks to the server all the time, in their own process.

Speaks a request over a WebSocket in real time, hears the answer, and again, until its standard input closes.
Prints "talking" once it had an answer, and in the end one JSON object: turns, the longest gap between two
pieces of an answer's sound, the latencies, and every rule of the protocol that its events broke.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import time
from pathlib import Path

import numpy as np
from websockets.asyncio.client import connect

from client.audio import load
from tests.realtime.conformance.order import OWN, Order
from tests.realtime.conformance.shapes import faults

SPEECH = Path(__file__).parents[1] / "data" / "what_time_is_it.flac"
FRAME_S = 0.02
QUIET_S = 0.4  # between an answer and the next request
ANSWER_S = 20.0  # no answer for so long is a finding


class Bystander:
    """One session over a WebSocket."""

    def __init__(self, url: str) -> None:
        self.url = url.replace("http", "ws", 1) + "/v1/realtime?model=any"
        self.order = Order("websocket")
        self.faults: list[str] = []
        self.turns = 0
        self.gap_ms = 0.0
        self.latencies_ms: list[float] = []
        self.deltas = 0
        self._last_delta: float | None = None
        self._stopped: float | None = None
        self._answered = asyncio.Event()
        pcm = load(SPEECH)[::2]  # 48 kHz to 24: the recogniser of a fuzzed server is a script
        size = round(24_000 * FRAME_S)
        pieces = [pcm[at : at + size].astype("<i2").tobytes() for at in range(0, len(pcm), size)]
        self._speech = [self._append(piece) for piece in pieces]
        self._silence = self._append(bytes(2 * size))

    @staticmethod
    def _append(pcm: bytes) -> str:
        audio = base64.b64encode(np.frombuffer(pcm, np.uint8).tobytes()).decode()
        return json.dumps({"type": "input_audio_buffer.append", "audio": audio})

    async def talk(self, until: asyncio.Event) -> None:
        """Converse until told to stop."""
        async with connect(self.url, compression=None, proxy=None, max_size=None) as socket:
            listening = asyncio.create_task(self._listen(socket))
            due = time.monotonic()
            while not until.is_set():
                self._answered.clear()
                quiet = [self._silence] * round(QUIET_S / FRAME_S)
                for event in [*quiet, *self._speech]:
                    await socket.send(event)
                    due += FRAME_S
                    await asyncio.sleep(due - time.monotonic())
                give_up = time.monotonic() + ANSWER_S
                while not self._answered.is_set():
                    await socket.send(self._silence)
                    due += FRAME_S
                    await asyncio.sleep(due - time.monotonic())
                    if time.monotonic() > give_up or listening.done():
                        self.faults.append(f"no answer within {ANSWER_S} s, after {self.turns} turns")
                        until.set()
                        break
                else:
                    self.turns += 1
                    if self.turns == 1:
                        print("talking", flush=True)
            await socket.close()
            await listening

    async def _listen(self, socket: object) -> None:
        async for text in socket:  # type: ignore[attr-defined]
            now = time.monotonic()
            event = json.loads(text)
            kind = event["type"]
            self.order.feed(event)
            if not kind.startswith(OWN) and kind != "response.output_audio.delta":
                self.faults += [f"{kind}: {fault}" for fault in faults(event)]
            if kind == "response.output_audio.delta":
                self.deltas += 1
                if self._last_delta is not None:
                    self.gap_ms = max(self.gap_ms, (now - self._last_delta) * 1000)
                elif self._stopped is not None:
                    self.latencies_ms.append((now - self._stopped) * 1000)
                self._last_delta = now
            elif kind == "input_audio_buffer.speech_stopped":
                self._stopped = now
            elif kind == "response.done":
                self._last_delta = None
                self._answered.set()


async def main(url: str) -> None:
    """Talk until standard input closes; then report."""
    bystander = Bystander(url)
    until = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.run_in_executor(None, lambda: (sys.stdin.read(), loop.call_soon_threadsafe(until.set)))
    await bystander.talk(until)
    latencies = sorted(bystander.latencies_ms) or [0.0]
    print(
        json.dumps(
            {
                "turns": bystander.turns,
                "deltas": bystander.deltas,
                "gap_ms": round(bystander.gap_ms, 1),
                "latency_ms": {
                    "median": round(latencies[len(latencies) // 2], 1),
                    "worst": round(latencies[-1], 1),
                },
                "violations": [str(violation) for violation in bystander.order.violations],
                "faults": bystander.faults,
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
