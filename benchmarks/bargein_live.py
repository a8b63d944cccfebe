"""Interruptions over a real connection: how soon is the assistant silent, and how soon is it back?

The server is real, recogniser, VAD and turn-taking included; what it says is counted out in words of tones
(`benchmarks.tones`), so that a recording tells which of them came through. A caller lets it talk, plays a
clip of `benchmarks.bargein_set` into the microphone, and listens.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from benchmarks import tones
from benchmarks.bargein_set import Clip, Kind
from benchmarks.report import Tick
from client.audio import BLOCK_MS, RATE, Pcm, block_energies, to_pcm
from client.errors import SilentServerError
from client.headless import HeadlessClient
from client.listening import VOICED_ENERGY, Recording
from client.speech import prepare
from models.api import HEARING_RATE

SETTINGS = (
    "planner.backend=benchmarks.scripted:CountingPlanner",
    "tts.backend=benchmarks.scripted:ToneVoice",
)
WORDS = 40  # of an answer, 10 s
LATEST_S = 1.5  # after our first sample; a third of the clips come within the first half second
PATIENCE_S = 15.0
RESUMED_S = 2.6  # after the clip, for the assistant to come back or to have stopped for good
QUIET_S = 0.5  # without an event of a response, after which none will come
PLACED_S = 0.5  # that the recording may lead the arrivals
SILENT_MS = 100  # without our voice: words of tones follow each other without a gap
BREAK_MS = 40  # sound shorter than this does not end a silence
WINDOW_MS = 20  # what `tones` looks at: it cannot tell less
AUDIBLE_DB = 30.0  # below the loudest 5 ms of a clip, it is over: what is left is the room's

Spans = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Taken:
    """What happened to one clip. Times in ms; None: it did not happen.

    `silent_ms` counts from the beginning of the sound that was noticed to our last audible sample;
    `resumed_ms` from the end of the last sound before it to our first audible sample; `lost_ms` is what is
    missing of our words (negative: heard twice), None where we did not go on.
    """

    kind: Kind
    name: str
    meant: bool
    into_ms: float  # how long we had been heard when it began
    silent_ms: float | None
    resumed_ms: float | None
    stopped: bool
    lost_ms: float | None
    missing_words: int = 0


class Caller:
    """Somebody who lets the assistant talk, and makes a noise."""

    def __init__(self, client: HeadlessClient, seed: int) -> None:
        self._client = client
        self._random = random.Random(seed)  # noqa: S311 - no secret

    async def play(self, clip: Clip) -> Taken | None:
        """One clip; None when the answer was not heard in time. Raises `ClientError`."""
        client, rng = self._client, self._random
        speech = await asyncio.to_thread(prepare, _wide(clip), "webrtc")
        recording = Recording(RATE, client.now() - PLACED_S)
        client.downlink.recording = recording
        began = client.now() - PLACED_S
        first = rng.randrange(tones.WORDS - WORDS - 1)
        asked = client.text(f"count {WORDS} words from {first}")
        created = await client.log.wait_for("response.created", PATIENCE_S, after=asked)
        response = created.body["response"]["id"]
        await client.log.wait_for("output_audio_buffer.started", PATIENCE_S, after=asked)
        await asyncio.sleep(LATEST_S * rng.random())
        spoken = await client.speak(speech)
        stopped = await self._stopped(response, asked, spoken.voiced_end + RESUMED_S)
        pcm = recording.render(client.now() + PLACED_S)[:, 0]
        noticed = any(
            event.type == "input_audio_buffer.speech_started" and event.at > spoken.voiced_start
            for event in client.log.events
        )
        await self._quiet()
        noise = sounds_of(clip)
        shift = (spoken.voiced_start - began) * 1000 - noise[0][0]
        noise = [(start + shift, stop + shift) for start, stop in noise]
        return judge(clip, pcm, noise, first=first, noticed=noticed, stopped=stopped)

    async def _stopped(self, response: str, asked: float, until: float) -> bool:
        """Whether our words are cancelled before `until`."""
        try:
            await self._done(response, asked, until - self._client.now())
        except SilentServerError:
            return False
        return True

    async def _done(self, response: str, asked: float, within: float) -> None:
        await self._client.log.wait_for(
            lambda event: event.type == "response.done" and event.body["response"]["id"] == response,
            max(0.05, within),
            after=asked,
        )

    async def _quiet(self) -> None:
        """End the answer, and the answer to the interruption, until no more comes."""
        client = self._client
        while True:
            client.interrupt()
            looked = client.now()
            await asyncio.sleep(QUIET_S)
            of_responses = [event for event in client.log.events if event.type.startswith("response.")]
            begun, done = (
                {event.body["response"]["id"] for event in of_responses if event.type == f"response.{kind}"}
                for kind in ("created", "done")
            )
            if begun <= done and all(event.at < looked for event in of_responses):
                return


def judge(clip: Clip, pcm: Pcm, noise: Spans, *, first: int, noticed: bool, stopped: bool) -> Taken | None:
    """What a recording says, into which the sounds of the clip fell at `noise` (ms). Pure.

    None where we were not heard when the clip began.
    """
    ours = stretches(block_energies(pcm, RATE) > VOICED_ENERGY)
    if not ours or ours[0][0] > noise[0][0]:
        return None
    silent, resumed = None, None
    for (_, stop), following in zip(ours, [*ours[1:], None], strict=True):
        if noticed and stop >= noise[0][0] and (following is not None or stopped):
            silent = stop - max(start for start, _ in noise if start <= stop)
            if following is not None and not stopped:
                resumed = following[0] - max((end for _, end in noise if end <= following[0]), default=stop)
            break
    heard = tones.read(pcm)
    words = range(first, max([n for n in tones.heard(pcm) if first <= n < first + WORDS], default=first))
    # A window at each border of two words is of neither.
    lost = [tones.length_ms(n) - heard[n] - 2 * tones.HOP_MS for n in words]
    return Taken(
        clip.kind,
        clip.name,
        clip.meant,
        noise[0][0] - ours[0][0],
        silent,
        resumed,
        stopped,
        None if stopped else float(sum(ms for ms in lost if abs(ms) > WINDOW_MS)),
        sum(heard[n] < tones.length_ms(n) / 2 - 2 * tones.HOP_MS for n in words) if not stopped else 0,
    )


def sounds_of(clip: Clip) -> Spans:
    """Where a clip sounds (ms): within AUDIBLE_DB of its loudest block."""
    energies = block_energies(_wide(clip), RATE)
    return stretches(energies > energies.max() * 10 ** (-AUDIBLE_DB / 10), least_ms=BLOCK_MS)


def stretches(loud: NDArray[np.bool_], *, least_ms: int = BREAK_MS) -> Spans:
    """Where there is sound (ms), without silences below SILENT_MS and sounds below `least_ms`."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], loud, [False]]).astype(np.int8)))
    found: Spans = []
    for start, stop in zip(edges[::2] * BLOCK_MS, edges[1::2] * BLOCK_MS, strict=True):
        if found and start - found[-1][1] < SILENT_MS:
            found[-1] = (found[-1][0], float(stop))
        else:
            found.append((float(start), float(stop)))
    return [(start, stop) for start, stop in found if stop - start >= least_ms]


async def measure(url: str, clips: Sequence[Clip], tick: Tick, seed: int = 1) -> list[Taken]:
    """Play the clips to the server at `url`, one after the other. Raises `ClientError`."""
    found: list[Taken] = []
    async with HeadlessClient(url) as client:
        caller = Caller(client, seed)
        for clip in clips:
            try:
                taken = await caller.play(clip)
            except SilentServerError:
                taken = None
            tick(1, clip.name if taken is None else f"{clip.kind}: {_in_words(taken)}")
            if taken is not None:
                found.append(taken)
    return found


def _in_words(taken: Taken) -> str:
    if taken.silent_ms is None:
        return "not noticed"
    back = "stopped" if taken.resumed_ms is None else f"back after {taken.resumed_ms:.0f} ms"
    return f"silent after {taken.silent_ms:.0f} ms, {back}"


def _wide(clip: Clip) -> Pcm:
    pcm: Any = soxr.resample(clip.samples, HEARING_RATE, RATE)
    return to_pcm(pcm)
