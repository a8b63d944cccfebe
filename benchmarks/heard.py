"""Interruptions at random moments over real connections: is the history what the client's recording holds?

Several callers at once let the assistant count in words of tones (`benchmarks.tones`), interrupt it by
speaking or by `response.cancel`, and compare what `conversation.item.retrieve` gives with the words in what
they received. The server is real, VAD and turn-taking included; recogniser, planner and voice are scripted.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import uvloop

from benchmarks import tones
from benchmarks.caller_process import spoken
from benchmarks.figures import percentile
from benchmarks.report import OTHER, OURS, Table, Tick, from_zero, progress
from benchmarks.scripted import QUESTION
from benchmarks.server import serving
from client.audio import RATE, WS_RATE, Pcm, resample
from client.downlink import RtpDownlink
from client.errors import ClientError, SilentServerError
from client.events import ServerEvent
from client.headless import HeadlessClient, error_of
from client.listening import Recording
from client.speech import Speech, TransportName, prepare

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INTERRUPTIONS, QUICK_INTERRUPTIONS = 1_000, 24
MOST_INTERRUPTIONS = 10_000
CALLERS, QUICK_CALLERS = 6, 3
MOST_CALLERS = 24
LATEST_S = 2.0  # after the first word was told; half of the interruptions come in the first half second
WORDS = 40  # of an answer, 10 s: nobody hears its end
PATIENCE_S = 20.0
UNHEEDED_S = 4.0  # after an interruption by speech that was taken for none, the button is pressed
ARRIVAL_S = 0.2  # for what is on its way
PHRASES = ("no stop", "wait a moment please", QUESTION)
TOLERANCE = 1  # words (issue 4)

SETTINGS = (
    "asr.backend=benchmarks.scripted:ScriptedAsr",
    "planner.backend=benchmarks.scripted:CountingPlanner",
    "tts.backend=benchmarks.scripted:ToneVoice",
)

Means = Literal["speech", "response.cancel"]


@dataclass(frozen=True, slots=True)
class Interruption:
    """One, and what came of it. Words are numbers; `end_ms` is what the server says was heard."""

    transport: str
    means: Means
    history: tuple[int, ...]
    recording: tuple[int, ...]
    end_ms: int | None
    recorded_ms: int
    lost: int  # packets, on their way

    @property
    def difference(self) -> int:
        """Words that the history has too many (above 0) or too few; a wrong one counts as two."""
        both = set(self.history) & set(self.recording)
        surplus, missing = len(self.history) - len(both), len(self.recording) - len(both)
        return surplus + missing if surplus >= missing else -(surplus + missing)


class Tape(Recording):
    """All that was received, one piece behind the other: words are counted here, not their times.

    On a busy machine the arrivals stray so far from the RTP clock that a recording on the real timeline is
    set anew, and pieces then cover each other.
    """

    def mono(self) -> Pcm:
        """The left channel, at RATE."""
        pieces = [pcm.reshape(len(pcm), -1)[:, 0] for _, pcm in self._pieces if len(pcm)]
        return resample(np.concatenate(pieces), self._rate, RATE) if pieces else np.zeros(0, np.int16)


class Caller:
    """Somebody who interrupts again and again."""

    def __init__(self, client: HeadlessClient, phrases: Sequence[Speech], seed: int) -> None:
        self._client = client
        self._phrases = phrases
        self._random = random.Random(seed)  # noqa: S311 - no secret

    async def interrupt(self) -> Interruption | None:
        """Ask, interrupt, compare; None when nothing could be interrupted. Raises `ClientError`."""
        client, rng = self._client, self._random
        means: Means = "speech" if rng.random() < 0.5 else "response.cancel"
        first = rng.randrange(tones.WORDS - WORDS - 1)
        rate = RATE if client.transport == "webrtc" else WS_RATE
        tape = client.downlink.recording = Tape(rate, client.now())
        lost = _lost(client)
        asked, response = await self._ask(f"count {WORDS} words from {first}")

        def opened(event: ServerEvent) -> bool:
            return event.type == "response.output_item.added" and event.body["response_id"] == response

        def over(event: ServerEvent) -> bool:
            return event.type == "response.done" and event.body["response"]["id"] == response

        item = await client.log.wait_for(lambda e: opened(e) or over(e), PATIENCE_S, after=asked)
        if over(item):
            return None  # what interrupted the last answer took so long that it stopped this one too
        item_id = item.body["item"]["id"]
        await asyncio.sleep(LATEST_S * rng.random() ** 2)
        if means == "speech":
            await client.speak(rng.choice(self._phrases))
        else:
            client.send({"type": "response.cancel"})
        try:
            done = await client.log.wait_for(over, UNHEEDED_S, after=asked)
        except SilentServerError:
            client.send({"type": "response.cancel"})
            done = await client.log.wait_for(over, PATIENCE_S, after=asked)
        await asyncio.sleep(ARRIVAL_S)
        recording = tape.mono()
        # What was said counts as a turn, whose answer is one word that no count has.
        if means == "speech":
            await self._quiet(done.at)
        if done.body["response"]["status"] != "cancelled":
            return None
        history = await self._history(item_id)
        if not all(first <= number < first + WORDS for number in history):
            return None  # that was the answer to the last interruption, which came late
        found = tones.read(recording)
        words = tuple(n for n in tones.heard(recording) if first <= n < first + WORDS)
        ended = next(
            (e for e in client.log.events if e.type.endswith("item.truncated") and e.at >= done.at), None
        )
        return Interruption(
            client.transport,
            means,
            history,
            words,
            None if ended is None else int(ended.body["audio_end_ms"]),
            sum(found[n] for n in range(first, first + WORDS)),
            _lost(client) - lost,
        )

    async def _ask(self, words: str) -> tuple[float, str]:
        """Type a turn; returns when, and the id of the response."""
        client = self._client
        while True:
            asked = client.text(words)
            answer = await client.log.wait_for(
                lambda event: event.type in ("response.created", "error"), PATIENCE_S, after=asked
            )
            if answer.type == "response.created":
                return asked, str(answer.body["response"]["id"])
            await self._quiet(asked)  # it was still busy with what interrupted the last answer

    async def _quiet(self, after: float) -> None:
        """Wait until the answer to the interruption is over, should there be one."""
        client = self._client
        try:
            await client.log.wait_for("response.created", 2.0, after=after)
        except SilentServerError:
            return
        await client.log.wait_for("response.done", PATIENCE_S, after=after + 1e-9)

    async def _history(self, item_id: str) -> tuple[int, ...]:
        client = self._client
        sent = client.now()
        event_id = client.send({"type": "conversation.item.retrieve", "item_id": item_id})

        def answered(event: ServerEvent) -> bool:
            if event.type == "error":
                return error_of(event).get("event_id") == event_id
            return event.type == "conversation.item.retrieved" and event.body["item"]["id"] == item_id

        answer = await client.log.wait_for(answered, PATIENCE_S, after=sent - 1e-9)
        if answer.type == "error":
            return ()  # no word of it was heard, so there is no such item
        return tuple(tones.numbers(answer.body["item"]["content"][0].get("transcript") or ""))


def _lost(client: HeadlessClient) -> int:
    """Packets that did not arrive, or too late to be played."""
    downlink = client.downlink
    return downlink.lost + downlink.late if isinstance(downlink, RtpDownlink) else 0


async def measure(
    url: str, interruptions: int, callers: int, tick: Tick, seed: int = 1
) -> list[Interruption]:
    """Interrupt the server at `url` so many times. The last caller comes over a WebSocket.

    Raises `ClientError` when a call cannot be made or is lost.
    """
    sounds = [await asyncio.to_thread(spoken, phrase) for phrase in PHRASES]
    transports: list[TransportName] = [*["webrtc"] * (callers - 1), "websocket"]  # type: ignore[list-item]
    found: list[Interruption] = []
    left = iter(range(interruptions))

    async def live(caller: Caller) -> None:
        for _ in left:
            for _ in range(3):  # an answer that was over before it could be interrupted is asked for again
                if (each := await caller.interrupt()) is not None:
                    found.append(each)
                    tick(1, f"{len(found)} interruptions")
                    break

    async with AsyncExitStack() as calls:
        people = []
        for number, transport in enumerate(transports):
            client = await calls.enter_async_context(HeadlessClient(url, transport=transport))
            phrases = [prepare(sound, transport) for sound in sounds]
            people.append(Caller(client, phrases, seed * 1_000 + number))
        async with asyncio.TaskGroup() as group:
            for person in people:
                group.create_task(live(person))
    return found


def arguments(parser: argparse._ArgumentGroup) -> None:
    """The options of this benchmark."""
    parser.add_argument(
        "--interruptions", type=int, help=f"(default: {INTERRUPTIONS}; quick: {QUICK_INTERRUPTIONS})"
    )
    parser.add_argument("--callers", type=int, help=f"(default: {CALLERS}; quick: {QUICK_CALLERS})")
    parser.add_argument("--seed", type=int, default=1)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure. Raises `ServerError`, `ValueError`, and `RuntimeError` when a call is lost."""
    count = options.interruptions or (QUICK_INTERRUPTIONS if options.quick else INTERRUPTIONS)
    callers = options.callers or (QUICK_CALLERS if options.quick else CALLERS)
    if not 0 < count <= MOST_INTERRUPTIONS:
        raise ValueError(f"--interruptions {count}: between 1 and {MOST_INTERRUPTIONS}")
    if not 1 < callers <= MOST_CALLERS:
        raise ValueError(f"--callers {callers}: between 2 and {MOST_CALLERS}")
    with progress(count, "heard") as tick, serving(*SETTINGS, sessions=callers) as server:
        try:
            found = uvloop.run(measure(server.url, count, callers, tick, options.seed))
        except* ClientError as errors:
            raise RuntimeError(f"a call was lost: {errors.exceptions[0]}") from errors
    return results(found, callers)


def results(found: Sequence[Interruption], callers: int) -> dict[str, Any]:
    """The differences by how it was interrupted, and the worst of all."""
    worst = sorted(found, key=lambda each: -abs(each.difference))[:5]
    return {
        "interruptions": len(found),
        "callers": callers,
        "beyond_tolerance": sum(abs(each.difference) > TOLERANCE for each in found),
        "groups": list(_groups(found)),
        "worst": [{"difference": each.difference, **asdict(each)} for each in worst if each.difference],
    }


def _groups(found: Sequence[Interruption]) -> Iterator[dict[str, Any]]:
    def key(each: Interruption) -> tuple[str, str]:
        return each.transport, each.means

    for (transport, means), members in itertools.groupby(sorted(found, key=key), key=key):
        group = list(members)
        ends = [each.end_ms - each.recorded_ms for each in group if each.end_ms is not None]
        yield {
            "transport": transport,
            "means": means,
            "count": len(group),
            "words_heard": sum(len(each.recording) for each in group) / len(group),
            "differences": dict(sorted(Counter(each.difference for each in group).items())),
            "end_error_ms": [percentile(ends, share) for share in (0.05, 0.5, 0.95)] if ends else None,
        }


def tables(found: dict[str, Any]) -> list[Table]:
    """How many interruptions left how many words too many or too few in the history."""
    groups: list[Mapping[str, Any]] = found["groups"]
    spread = sorted({int(d) for group in groups for d in group["differences"]} | {-1, 0, 1})
    rows: list[tuple[object, ...]] = []
    for group in groups:
        counts = {int(d): count for d, count in group["differences"].items()}
        ends = group["end_error_ms"] or (None, None, None)
        rows.append(
            (
                f"{group['transport']}, {group['means']}",
                group["count"],
                group["words_heard"],
                *(counts.get(d, 0) for d in spread),
                *ends,
            )
        )
    return [
        Table(
            f"{found['interruptions']} interruptions by {found['callers']} callers",
            (
                *("", "count", "words heard"),
                *(f"{d:+d}" if d else "same" for d in spread),
                *("end p5 (ms)", "p50", "p95"),
            ),
            rows,
            "words that the history has more (+) or less (-) than the recording; end: audio_end_ms less what "
            f"was recorded. Asked for: at most {TOLERANCE} word, every time; beyond it: "
            f"{found['beyond_tolerance']}",
        )
    ]


def plot(found: dict[str, Any], figure: Figure) -> None:
    """Differences as bars, by transport."""
    axes = figure.subplots()
    for offset, (transport, colour) in enumerate((("webrtc", OURS), ("websocket", OTHER))):
        counts: Counter[int] = Counter()
        for group in found["groups"]:
            if group["transport"] == transport:
                counts.update({int(d): count for d, count in group["differences"].items()})
        places = [d + 0.4 * offset - 0.2 for d in counts]
        axes.bar(places, list(counts.values()), 0.4, color=colour, label=transport)
    axes.set(xlabel="words in the history beyond those in the recording", ylabel="interruptions")
    axes.set_yscale("symlog")
    from_zero(axes)
    axes.legend()
