"""The fuzzers for a few seconds: `python -m tests.fuzz` runs them for longer."""

from __future__ import annotations

import json
from random import Random

import pytest

from tests.fuzz.findings import Findings
from tests.fuzz.mutation import EVENTS, Mutator
from tests.fuzz.run import KINDS, fuzz

SECONDS = 5.0
SEED = 20_261_122


# Schemathesis draws in a thread; that asyncio and aiortc use `random` meanwhile is not its fault.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module")
@pytest.mark.timeout(300)
def test_nothing_wrong_harms_anybody() -> None:
    result = fuzz(list(KINDS), SECONDS, SEED, warm_s=2.0)
    assert result.findings.wrong == [], "\n".join(result.lines())
    assert result.bystander["turns"] >= 1
    kinds = " ".join(result.findings.cases)
    assert all(kind in kinds for kind in ("events over WebSocket", "offers", "requests")), kinds


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
