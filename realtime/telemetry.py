"""What is counted and timed: Prometheus metrics, and the stages of a turn."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

STAGES = ("endpoint", "asr", "plan", "speech", "send")
# Seconds. Fine where a person feels it (50 to 800 ms), coarse beyond.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.5, 5.0, 10.0)
LAG_INTERVAL = 0.1  # s between two looks at how late the loop is


class Metrics:
    """The process's metrics, in a registry of their own so that tests can make as many as they like."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.sessions = Gauge("audiogpt_sessions", "Calls in progress", registry=self.registry)
        self.sessions_total = Counter(
            "audiogpt_sessions_started", "Calls begun", ["transport"], registry=self.registry
        )
        self.resumed = Counter(
            "audiogpt_sessions_resumed",
            "Calls resumed over a new connection",
            ["transport"],
            registry=self.registry,
        )
        self.refused = Counter(
            "audiogpt_sessions_refused", "Calls refused", ["reason"], registry=self.registry
        )
        self.stage = Histogram(
            "audiogpt_turn_stage_seconds",
            "Time a turn spent in a stage",
            ["stage"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.turn = Histogram(
            "audiogpt_turn_seconds",
            "From the last voiced sample of the person to the first of the assistant",
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.turns = Counter("audiogpt_turns", "Turns by how they ended", ["end"], registry=self.registry)
        self.decisions = Counter(
            "audiogpt_turn_decisions", "What was made of an utterance", ["decision"], registry=self.registry
        )
        self.drafts = Counter(
            "audiogpt_drafts", "Answers begun before the turn was decided", ["end"], registry=self.registry
        )
        self.loop_lag = Histogram(
            "audiogpt_event_loop_lag_seconds",
            "How late the event loop runs what is due",
            buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0),
            registry=self.registry,
        )
        self.tasks = Gauge("audiogpt_event_loop_tasks", "Tasks of the event loop", registry=self.registry)
        self.frames = Counter("audiogpt_frames_sent", "Audio frames sent", registry=self.registry)
        self.frames_late = Counter(
            "audiogpt_frames_late", "Audio frames sent over 10 ms late", registry=self.registry
        )
        self.frames_dropped = Counter(
            "audiogpt_frames_dropped", "Audio frames of the person dropped", registry=self.registry
        )
        self.frames_concealed = Counter(
            "audiogpt_frames_concealed",
            "Audio frames of the person made up for lost ones",
            registry=self.registry,
        )
        self.failures = Counter(
            "audiogpt_failures", "Failures that a person was told of", ["role"], registry=self.registry
        )


async def watch_loop(metrics: Metrics) -> None:
    """Observe the event loop's lag for as long as it runs."""
    loop = asyncio.get_running_loop()
    for look in itertools.count():
        due = loop.time() + LAG_INTERVAL
        await asyncio.sleep(LAG_INTERVAL)
        metrics.loop_lag.observe(max(0.0, loop.time() - due))
        if look % 10 == 0:
            metrics.tasks.set(len(asyncio.all_tasks()))


@dataclass(slots=True)
class Stopwatch:
    """The stages of one turn: `mark` ends one. What came before `began` (clock time) is in `earlier` ms."""

    clock: Callable[[], float]
    earlier: dict[str, float] = field(default_factory=dict)
    began: float = 0.0
    _stages: dict[str, float] = field(default_factory=dict)

    def mark(self, stage: str) -> None:
        """The stage is over. Only the first mark of a stage counts."""
        if stage not in self._stages:
            now = self.clock()
            self._stages[stage] = (now - self.began) * 1000
            self.began = now

    def marked(self, stage: str) -> bool:
        """Whether the stage is over."""
        return stage in self._stages

    def stages(self) -> dict[str, float]:
        """Milliseconds by stage, in the order of STAGES."""
        known = {**self.earlier, **self._stages}
        return {stage: round(known[stage], 1) for stage in STAGES if stage in known}
