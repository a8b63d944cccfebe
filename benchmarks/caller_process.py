"""The process behind `Callers`: `python -m benchmarks.caller_process ERRAND`, started by `caller.py`.

Everything said is encoded once and shared; of an answer only the sound up to its first voiced sample is
decoded (`HeadlessClient(record=False)`).
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from typing import Any

import numpy as np
import uvloop

from benchmarks.caller import Errand
from benchmarks.path import FaultyPath, FaultySignalling
from benchmarks.scripted import synthesise
from client.audio import RATE, Pcm, resample
from client.errors import ClientError, SilentServerError
from client.headless import HeadlessClient
from client.speech import Speech, prepare
from models.tts.embedded import EmbeddedSpeech

ANSWER_S = 10.0  # for an answer to begin, and again for it to end
LONGEST_ANSWER_S = 300.0
PAUSE_S = (0.5, 1.5)
CONNECTING = 4  # at a time: a handshake costs the server 10 ms and more
ROOM_S = 10.0
ROOM_DBFS = -65.0  # an open microphone in a quiet room; digital silence would flatter the decoder


def spoken(text: str) -> Pcm:
    """A text in the embedded voice, mono int16 at the client's rate."""
    chunks = synthesise(EmbeddedSpeech(), text)
    samples = np.frombuffer(b"".join(chunk.pcm for chunk in chunks), np.int16)
    return resample(samples, chunks[0].rate, RATE)


def room(seed: int) -> Pcm:
    """Faint white noise."""
    noise = np.random.default_rng(seed).normal(0.0, 32768 * 10 ** (ROOM_DBFS / 20), round(ROOM_S * RATE))
    return np.round(noise).astype(np.int16)


def say(event: str, **values: Any) -> None:
    """One line to the benchmark."""
    print(json.dumps({"event": event, **values}), flush=True)


def arrival(client: HeadlessClient, kind: str, after: float) -> float | None:
    """When the first event of a kind after a moment came."""
    return next((event.at for event in client.log.events if event.type == kind and event.at > after), None)


class Conversation:
    """The callers and what they share."""

    def __init__(self, errand: Errand, question: Speech) -> None:
        self._errand = errand
        self._question = question
        self._floor = asyncio.Lock()  # who talks, when only one may; first come, first served
        self._random = random.Random(errand.seed)  # noqa: S311 - no secret
        self.clients: list[HeadlessClient] = []
        self.lost = 0
        self._until = float("inf")

    async def talk(self, number: int, client: HeadlessClient) -> None:
        """A talker's life."""
        errand, loop = self._errand, asyncio.get_running_loop()
        await asyncio.sleep(self._random.uniform(0, errand.warm_up_s))
        done = 0
        while done < errand.turns if errand.turns else loop.time() < self._until:
            try:
                if errand.exclusive:
                    async with self._floor:
                        await self._turn(number, client)
                        await asyncio.sleep(PAUSE_S[0])
                else:
                    await self._turn(number, client)
            except ClientError as error:
                self.lost += 1
                say("lost", session=number, reason=str(error))
                return
            done += 1
            await asyncio.sleep(self._random.uniform(*PAUSE_S))

    async def listen(self, client: HeadlessClient, noise: Speech) -> None:
        """A listener's life."""
        try:
            while True:
                await client.speak(noise)
        except ClientError as error:
            self.lost += 1
            say("lost", session=self.clients.index(client), reason=str(error))

    async def _turn(self, number: int, client: HeadlessClient) -> None:
        """One question and its answer. Raises `ClientError` when the call is over."""
        began = client.now()
        if self._errand.typed:
            asked = client.text(self._errand.typed)
        else:
            asked = (await client.speak(self._question)).voiced_end
        try:
            latency = await client.log.wait_for("audiogpt.turn.latency", ANSWER_S, after=asked)
            await client.log.wait_for("output_audio_buffer.stopped", LONGEST_ANSWER_S, after=asked)
        except SilentServerError as error:
            say("failed", session=number, reason=str(error))
            return
        sound = client.ear.first_after(asked)
        if sound is None:
            say("failed", session=number, reason="an answer without a sound")
            return
        stages: dict[str, float] = latency.body["stages_ms"]
        stopped = arrival(client, "input_audio_buffer.speech_stopped", asked)
        started = arrival(client, "output_audio_buffer.started", asked)
        if stopped is not None and started is not None:
            # What the server cannot see: until it has heard the end, and from the first frame to a voice.
            known = stages.get("endpoint", 0.0) + stages.get("asr", 0.0)
            stages = {"hear": (stopped - asked) * 1000 - known, **stages}
            stages["onset"] = (sound.start - started) * 1000
        say(
            "turn",
            session=number,
            began=began,
            voice_to_voice_ms=(sound.start - asked) * 1000,
            stages_ms=stages,
        )

    async def run(self, orders: asyncio.Queue[str]) -> None:
        """Do the errand. Raises `ClientError` when a call cannot be made."""
        errand, loop = self._errand, asyncio.get_running_loop()
        noise = prepare(room(errand.seed), "webrtc")
        count = errand.talkers + errand.listeners
        async with AsyncExitStack() as calls:
            gate = asyncio.Semaphore(CONNECTING)

            async def connect(number: int) -> HeadlessClient:
                async with gate:
                    url = errand.urls[number % len(errand.urls)]
                    signalling = None
                    if errand.faults:
                        faults = errand.faults[number % len(errand.faults)]
                        relay = FaultyPath(
                            loss=faults.loss, jitter_ms=faults.jitter_ms, seed=errand.seed + number
                        )
                        signalling = FaultySignalling(url, await calls.enter_async_context(relay))
                    client = HeadlessClient(url, record=False, signalling=signalling)
                    return await calls.enter_async_context(client)

            self.clients = list(await asyncio.gather(*(connect(number) for number in range(count))))
            say("connected", sessions=count)
            await orders.get()
            lives: list[Awaitable[None]] = [
                self.talk(n, client) for n, client in enumerate(self.clients[: errand.talkers])
            ]
            others = [asyncio.ensure_future(self.listen(c, noise)) for c in self.clients[errand.talkers :]]
            began = loop.time() + errand.warm_up_s
            if errand.seconds:
                self._until = began + errand.seconds
            timing = asyncio.ensure_future(self._tell_window(began))
            await asyncio.gather(*lives, timing)
            say("done", lost=self.lost, packets_lost=sum(c.downlink.lost for c in self.clients))  # type: ignore[attr-defined]
            await orders.get()
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

    async def _tell_window(self, began: float) -> None:
        """Report begin and end of the measured time, and what we ourselves cost in it."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, began - loop.time()))
        say("begin", at=loop.time())
        before = (loop.time(), time.process_time(), *self._packets())
        if self._errand.seconds:
            await asyncio.sleep(self._errand.seconds)
        else:
            return
        after = (loop.time(), time.process_time(), *self._packets())
        wall, cpu, sent, late = (new - old for old, new in zip(before, after, strict=True))
        say("end", wall_s=wall, cpu_s=cpu, late_share=late / max(1, sent))

    def _packets(self) -> tuple[int, int]:
        microphones = [client.microphone for client in self.clients]
        return sum(m.sent for m in microphones), sum(m.late for m in microphones)


async def main(errand: Errand) -> None:
    """Take orders on stdin and do the errand."""
    orders: asyncio.Queue[str] = asyncio.Queue(4)
    loop = asyncio.get_running_loop()

    def read() -> None:
        line = sys.stdin.readline()
        if line:
            orders.put_nowait(line.strip())
        else:
            loop.remove_reader(sys.stdin)

    loop.add_reader(sys.stdin, read)
    question = prepare(spoken(errand.question), "webrtc")
    await Conversation(errand, question).run(orders)


if __name__ == "__main__":
    try:
        uvloop.run(main(Errand.read(sys.argv[1])))
    except ClientError as problem:
        sys.exit(str(problem))
    except KeyboardInterrupt:
        sys.exit(130)
