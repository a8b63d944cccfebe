"""`python -m benchmarks peers`: voice-to-voice of one session, and how many sessions are held.

Turns of one session are taken in alternation: while one server gives its answer, the other is asked. The
levels of many sessions alternate too. Each server's own single session is what its many are compared with.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import uvloop

from benchmarks.caller_process import spoken
from benchmarks.figures import ratio, summary
from benchmarks.peers.arrivals import LATE_S
from benchmarks.peers.caller import ANSWER_S
from benchmarks.peers.contestants import NOT_MEASURED, TERMS, Contestant, Terms, contestants
from benchmarks.peers.environment import PeerError
from benchmarks.peers.sessions import (
    LATE_SHARE,
    P95_GROWTH,
    Climb,
    Level,
    finite,
    measure,
    parse_levels,
    turns_at,
)
from benchmarks.report import OURS, STOCK, Table, Tick, progress
from client.errors import ClientError
from client.speech import Speech, prepare

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Smart Turn v3.2 is 94 % sure that this, in the embedded voice, is a whole request. It takes others for
# unfinished ("Please tell me what time it is right now": 17 %), and Pipecat would then wait for 3 s.
QUESTION = "Set a timer for ten minutes."
TURNS, QUICK_TURNS = 20, 5
SESSIONS, QUICK_SESSIONS = "2,3,4,6,8,12,16,24", "3"
LEVEL_TURNS = 24  # of a level: some 2,500 frames, so that one late frame is no verdict
SPREAD_S = 0.06  # turns begin at any moment of a 20 ms packet and a 32 ms frame of the VAD
SETTLE_S = 0.5


def arguments(parser: argparse._ArgumentGroup) -> None:
    """The options of this benchmark."""
    parser.add_argument("--turns", type=int, help=f"of one session (default: {TURNS}; quick: {QUICK_TURNS})")
    parser.add_argument("--sessions", help=f"levels after one (default: {SESSIONS}; quick: {QUICK_SESSIONS})")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure. Raises `ServerError`, `PeerError`; `ValueError` for levels that make no sense."""
    quick = bool(options.quick)
    turns = getattr(options, "turns", None) or (QUICK_TURNS if quick else TURNS)
    levels = parse_levels(getattr(options, "sessions", None) or (QUICK_SESSIONS if quick else SESSIONS))
    question = prepare(spoken(QUESTION), "webrtc")
    steps = 2 * turns * (1 if quick else 2) + 2 * len(levels)
    found: dict[str, Any] = {"terms": TERMS, "question": QUESTION, "not_measured": NOT_MEASURED, "single": {}}
    with progress(steps, "peers") as tick:
        tick(0, "models load")
        with contestants("defaults", levels[-1] + 1) as servers:
            singles = uvloop.run(duel(servers, turns, question, tick))
            found["single"]["defaults"] = single_results(singles)
            climbs = uvloop.run(climb(servers, singles, levels, question, tick, quick=quick))
            found["load"] = load_results(climbs, levels[-1])
        if not quick:
            tick(0, "models load")
            terms: Terms = "equal"
            with contestants(terms, 2) as servers:
                found["single"][terms] = single_results(uvloop.run(duel(servers, turns, question, tick)))
    return found


async def duel(servers: Sequence[Contestant], turns: int, question: Speech, tick: Tick) -> dict[str, Level]:
    """One session with each server, turn by turn. Raises `PeerError` when a call cannot be made or breaks."""
    chance = random.Random(turns)  # noqa: S311 - no secret
    taken: dict[str, list[float]] = {server.name: [] for server in servers}
    try:
        async with AsyncExitStack() as stack:
            callers = {s.name: await stack.enter_async_context(s.call()) for s in servers}
            await asyncio.sleep(SETTLE_S)
            began, before = time.monotonic(), [server.cpu_s() for server in servers]
            for _ in range(turns):
                for name, caller in callers.items():
                    await caller.hear_out()
                    await asyncio.sleep(chance.uniform(0, SPREAD_S))
                    latency = await caller.ask(question)
                    taken[name].append(float("inf") if latency is None else latency)
                    tick(1, f"{name}: {'no answer' if latency is None else f'{latency:.0f} ms'}")
            wall = time.monotonic() - began
            busy = [(server.cpu_s() - cpu) / wall for server, cpu in zip(servers, before, strict=True)]
            return {
                name: Level(1, tuple(taken[name]), caller.arrivals.tally, share)
                for (name, caller), share in zip(callers.items(), busy, strict=True)
            }
    except ClientError as error:
        raise PeerError(f"a call of the comparison failed: {error}") from error


async def climb(
    servers: Sequence[Contestant],
    singles: dict[str, Level],
    levels: Sequence[int],
    question: Speech,
    tick: Tick,
    *,
    quick: bool,
) -> dict[str, Climb]:
    """Level after level, one server after the other, each until it no longer holds."""
    climbs = {server.name: Climb(singles[server.name]) for server in servers}
    for sessions in levels:
        turns = 1 if quick else turns_at(sessions, LEVEL_TURNS, least_each=4)
        for server in servers:

            async def once(
                server: Contestant = server, sessions: int = sessions, turns: int = turns
            ) -> Level:
                return await measure(server, sessions, turns, question, quick=quick)

            level = await climbs[server.name].step(once)
            p95 = None if level is None else finite(level.p95)
            tick(1, f"{server.name}, {sessions} sessions: {'–' if p95 is None else f'p95 {p95:.0f} ms'}")
    return climbs


def single_results(levels: dict[str, Level]) -> dict[str, Any]:
    """One session of each server, and the ratios of ours to the peer's."""
    found: dict[str, Any] = {}
    for name, level in levels.items():
        answered = [value for value in level.turns_ms if finite(value) is not None]
        found[name] = {
            "voice_to_voice_ms": summary(answered).as_json(),
            "turns_ms": [finite(value) for value in level.turns_ms],
            "unanswered": len(level.turns_ms) - len(answered),
            "late_percent": round(level.tally.late_share * 100, 3),
        }
    figures = {name: each["voice_to_voice_ms"] for name, each in found.items()}
    for kind in ("p50", "p95"):
        found[f"ratio_{kind}"] = ratio(figures["ours"][kind], figures["pipecat"][kind])
    return found


def load_results(climbs: dict[str, Climb], most: int) -> dict[str, Any]:
    """Every level, how many sessions each server held, and the ratio."""
    held = {name: climb.held for name, climb in climbs.items()}
    return {
        "levels": {
            name: [level.as_json(climb.single_p95) for level in climb.levels]
            for name, climb in climbs.items()
        },
        "held": held,
        "ours_at_least": held["ours"] == most,
        "ratio": ratio(held["ours"], held["pipecat"]),
        "rule": f"p95 within {P95_GROWTH} times that of one session, under {LATE_SHARE:.1%} late frames "
        f"(over {LATE_S * 1000:.0f} ms) as the client sees them",
    }


def tables(found: dict[str, Any]) -> list[Table]:
    """Single sessions on each terms, then the levels."""
    shown = []
    for terms, each in found["single"].items():
        rows: list[tuple[object, ...]] = [
            (name, figures["count"], figures["p50"], figures["p95"], each[name]["unanswered"])
            for name in TERMS["defaults"]
            for figures in (each[name]["voice_to_voice_ms"],)
        ]
        rows.append(("ours / Pipecat", None, each["ratio_p50"], each["ratio_p95"], None))
        note = "\n".join(f"{name}: {words}" for name, words in TERMS[terms].items())
        columns = ("server", "turns", "p50", "p95", "unanswered")
        shown.append(Table(f"One session, voice-to-voice in ms, {terms}", columns, rows, note))
    load = found["load"]
    kinds = ("sessions", "turns", "unanswered", "p50_ms", "p95_ms", "late_percent", "cpu_percent_a_session")
    shown.append(
        Table(
            "Sessions at once, defaults",
            ("server", "sessions", "turns", "unanswered", "p50", "p95", "late %", "CPU % each", "held"),
            [
                (name, *(level[kind] for kind in kinds), level["holds"])
                for name, levels in load["levels"].items()
                for level in levels
            ],
            load["rule"],
        )
    )
    times = "–" if load["ratio"] is None else str(load["ratio"])
    held = [*load["held"].items(), ("ours / Pipecat", ("at least " if load["ours_at_least"] else "") + times)]
    shown.append(Table("Sessions held", ("server", "sessions"), held))
    return shown


def plot(found: dict[str, Any], figure: Figure) -> None:
    """Turns of one session in their order, and p95 against the number of sessions."""
    left, right = figure.subplots(1, 2)
    colours = {"ours": OURS, "pipecat": STOCK}
    for terms, each in found["single"].items():
        for name, colour in colours.items():
            marker = "o" if terms == "defaults" else "x"
            left.plot(each[name]["turns_ms"], marker, label=f"{name}, {terms}", color=colour)
    left.set(xlabel="turn", ylabel="voice-to-voice (ms)", ylim=(0, None))
    left.legend()
    for name, levels in found["load"]["levels"].items():
        points = [(level["sessions"], level["p95_ms"]) for level in levels if level["p95_ms"] is not None]
        at, p95 = [sessions for sessions, _ in points], [p95 for _, p95 in points]
        right.plot(at, p95, "o-", label=name, color=colours[name])
    right.set(xlabel="sessions at once", ylabel="p95 voice-to-voice (ms)", ylim=(0, ANSWER_S * 1000))
    right.legend()
