"""The fuzzers for a few seconds: `python -m tests.fuzz` runs them for longer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from tests.fuzz.findings import Findings
from tests.fuzz.mutation import EVENTS, Mutator

SECONDS = 5.0
SEED = 20_261_122


# In a process of its own: Schemathesis draws in a thread, Hypothesis warns when asyncio and aiortc use
# `random` meanwhile, and a filter of warnings that pytest sets does not hold in threads.
@pytest.mark.timeout(300)
def test_nothing_wrong_harms_anybody(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fuzz", "mixed", "--minutes", str(SECONDS / 60)]
    command += ["--seed", str(SEED), "--out", str(tmp_path / "found.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr[-2_000:]
    assert "nothing was found" in done.stdout
    assert all(kind in done.stdout for kind in ("events over WebSocket", "offers", "requests")), done.stdout


def test_the_same_seed_makes_the_same_messages() -> None:
    one, other = (Mutator(Random(7)) for _ in range(2))
    assert [one.event() for _ in range(200)] == [other.event() for _ in range(200)]
    offer = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n"
    assert [one.offer(offer) for _ in range(50)] == [other.offer(offer) for _ in range(50)]


def test_most_messages_are_nearly_right_and_some_are_not_even_json() -> None:
    mutator = Mutator(Random(1))
    messages = [mutator.event() for _ in range(1_000)]
    known = {event["type"] for event in EVENTS}
    types, binary, broken = set(), 0, 0
    for message in messages:
        binary += isinstance(message, bytes)
        try:
            event = json.loads(message)
        except (ValueError, RecursionError):
            broken += 1
            continue
        if isinstance(event, dict) and isinstance(event.get("type"), str):
            types.add(event["type"])
    assert known <= types
    assert binary > 20
    assert 20 < broken < 300


def test_findings_are_kept_with_what_was_sent_before(tmp_path) -> None:  # type: ignore[no-untyped-def]
    findings = Findings(3)
    findings.sent("events", b"\xff")
    findings.sent("events", "\ud800")
    findings.add("it fell over", code=1011)
    findings.save(tmp_path / "found.json")
    saved = json.loads((tmp_path / "found.json").read_text())
    assert saved["seed"] == 3
    assert saved["findings"] == [
        {"what": "it fell over", "code": 1011, "last": [{"base64": "/w=="}, "\ud800"]}
    ]
