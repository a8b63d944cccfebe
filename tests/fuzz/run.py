"""One run: a server and a bystander in processes of their own, offenders here, and what is left after."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from benchmarks.processes import EDGE, Cost
from benchmarks.scripted import SETTINGS
from benchmarks.server import ROOT, Server, serving, wait_until_empty
from tests.fuzz.findings import Findings
from tests.fuzz.http import with_requests
from tests.fuzz.mutation import Mutator
from tests.fuzz.offenders import over_data_channel, over_websocket, with_offers

KINDS = ("events", "sdp", "http")
SESSIONS = 24
FLAGS = (
    *SETTINGS,
    "server.connect_timeout=2",
    "server.resume_grace=1",
    "security.responses_per_minute=10000",
)
WARM_S = 4.0
EMPTY_S = 40.0  # a client that vanishes over WebRTC is noticed after 10 s
REPORT_S = 60.0
# What may be left. Memory: what the allocator keeps.
MOST_LEFT_MB = 64.0  # +50 from the first minute on, and no more after five: what was loaded and cached
MOST_LEFT_THREADS = 8  # pools that grow to their size; after five minutes of events there was 1 more
MOST_LEFT_SOCKETS = 2
MOST_LEFT_TASKS = 2
# Between two pieces of the bystander's answer. On two cores that others kept busy too, 460 to 1,080 ms were
# seen in short runs; a server that stands still for an offender shows more.
MOST_GAP_MS = 3_000.0
LOGGED = (" ERROR ", " CRITICAL ", "Traceback")  # never to be in the log
TASKS = "audiogpt_event_loop_tasks"


@dataclass(frozen=True, slots=True)
class Left:
    """What there is while nobody calls."""

    edge: Cost
    tasks: float

    @classmethod
    def of(cls, server: Server) -> Left:
        """Look at a server, once all sessions are over."""
        return cls(server.costs().get(EDGE, Cost()), server.metrics().get(TASKS, 0.0))


@dataclass(slots=True)
class Result:
    """Everything there is to tell."""

    findings: Findings
    before: Left
    after: Left
    bystander: dict[str, Any] = field(default_factory=dict)
    log_from: int = 0  # the line of the server's log with which the run began

    def lines(self) -> list[str]:
        """For people."""
        one, other, by = self.before, self.after, self.bystander
        rows = [f"seed {self.findings.seed}: {sum(self.findings.cases.values())} cases"]
        rows += [f"  {count:7} {kind}" for kind, count in sorted(self.findings.cases.items())]
        rows.append("answers")
        rows += [f"  {count:7} {kind}" for kind, count in self.findings.answers.most_common()]
        rows.append(
            f"bystander: {by.get('turns')} turns, {by.get('deltas')} pieces of sound, worst gap "
            f"{by.get('gap_ms')} ms, first sound after {by.get('latency_ms')}"
        )
        rows.append(
            f"edge before/after: {one.edge.rss_mb:.1f}/{other.edge.rss_mb:.1f} MB, "
            f"{one.edge.threads}/{other.edge.threads} threads, "
            f"{one.edge.sockets}/{other.edge.sockets} sockets, {one.tasks:.0f}/{other.tasks:.0f} tasks"
        )
        rows += [f"FOUND: {wrong['what']} {_short(wrong)}" for wrong in self.findings.wrong]
        return rows


def _short(wrong: dict[str, Any]) -> str:
    return " ".join(
        f"{key}={str(value)[:300]}" for key, value in wrong.items() if key not in ("what", "last")
    )


@contextmanager
def _bystander(url: str, result: dict[str, Any], findings: Findings) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fuzz.bystander", url],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        if not process.stdout.readline():
            findings.add("the bystander had no answer")
        yield
        out, errors = process.communicate("", timeout=REPORT_S)
        if process.returncode:
            findings.add("the bystander was thrown out", error=errors[-1_000:])
        else:
            result.update(json.loads(out))
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


async def _offend(url: str, kinds: list[str], random: Random, findings: Findings, seconds: float) -> None:
    until = time.monotonic() + seconds

    def mutator() -> Mutator:
        return Mutator(Random(random.randrange(2**32)))

    async with asyncio.TaskGroup() as group:
        if "events" in kinds:
            for _ in range(3):
                group.create_task(over_websocket(url, mutator(), findings, until))
            group.create_task(over_data_channel(url, mutator(), findings, until))
        if "sdp" in kinds:
            group.create_task(with_offers(url, mutator(), findings, until))
        if "http" in kinds:
            group.create_task(asyncio.to_thread(with_requests, url, random, findings, until))


def fuzz(kinds: list[str], seconds: float, seed: int, *, warm_s: float = WARM_S) -> Result:
    """Fuzz for so long, and look at everything."""
    findings = Findings(seed)
    with serving(*FLAGS, sessions=SESSIONS) as server:
        return _fuzzed(server, kinds, seconds, findings, warm_s)


def _fuzzed(server: Server, kinds: list[str], seconds: float, findings: Findings, warm_s: float) -> Result:
    bystander: dict[str, Any] = {}
    log_from = len(server.lines)
    # The first of everything makes the server grow to its working size; it is no leak.
    fresh = Left.of(server)
    asyncio.run(_offend(server.url, kinds, Random(findings.seed + 1), findings, warm_s))
    wait_until_empty(server, EMPTY_S)
    before = _settled(server, fresh)
    with _bystander(server.url, bystander, findings):
        asyncio.run(_offend(server.url, kinds, Random(findings.seed), findings, seconds))
    if left := wait_until_empty(server, EMPTY_S):
        findings.add(f"{left:.0f} sessions are left")
    after = _settled(server, before)
    result = Result(findings, before, after, bystander, log_from)
    _judge(result, server)
    return result


def _settled(server: Server, before: Left) -> Left:
    """What is there once sockets and tasks had a moment to end."""
    for _ in range(20):
        now = Left.of(server)
        if now.tasks <= before.tasks and now.edge.sockets <= before.edge.sockets:
            break
        time.sleep(0.5)
    return now


def _judge(result: Result, server: Server) -> None:
    findings, one, other = result.findings, result.before, result.after
    for name, grown, most in (
        ("MB", other.edge.rss_mb - one.edge.rss_mb, MOST_LEFT_MB),
        ("threads", other.edge.threads - one.edge.threads, MOST_LEFT_THREADS),
        ("sockets", other.edge.sockets - one.edge.sockets, MOST_LEFT_SOCKETS),
        ("tasks", other.tasks - one.tasks, MOST_LEFT_TASKS),
    ):
        if grown > most:
            findings.add(f"{grown:.1f} {name} more than before are left; {most:.0f} are allowed")
    lines = server.lines[result.log_from :]
    wrong = [line for line in lines if any(word in line for word in LOGGED)]
    if wrong:
        first = lines.index(wrong[0])
        findings.add("the log has errors", count=len(wrong), log="\n".join(lines[first : first + 60]))
    by = result.bystander
    for rule in [*by.get("violations", []), *by.get("faults", [])][:10]:
        findings.add("the bystander's events are wrong", rule=rule)
    if by.get("gap_ms", 0) > MOST_GAP_MS:
        findings.add("the bystander's sound had a gap", ms=by["gap_ms"])
