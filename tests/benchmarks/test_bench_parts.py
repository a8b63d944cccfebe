"""The scripted models, the look at processes, and what load is refused."""

import argparse
import json
import os
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest

from benchmarks.caller import LONGEST_S, MOST_SESSIONS, Errand
from benchmarks.caller_process import room, spoken
from benchmarks.churn import results as churn_results
from benchmarks.latency import results as latency_results
from benchmarks.latency import tables as latency_tables
from benchmarks.load import HELD_LATE, results, sessions
from benchmarks.processes import EDGE, cost, cpu_model, part_of, tree
from benchmarks.scripted import ANSWER, QUESTION, ScriptedAsr, ScriptedPlanner, ScriptedVoice
from benchmarks.server import sums
from client.audio import RATE, voiced_span
from models.api import (
    AsrRequest,
    Audio,
    ChatMessage,
    EndOfUtterance,
    PlanDone,
    PlanRequest,
    Situation,
    SpeechRequest,
    TextDelta,
)
from models.planner.completeness import completeness

URL = "http://127.0.0.1:8080"


def test_the_scripted_recogniser_hears_the_question_whatever_is_said() -> None:
    heard: list[object] = []
    job = ScriptedAsr(slots=2).open(AsrRequest())
    assert job.feed(Audio(bytes(640)), heard.append)
    assert job.feed(Audio(bytes(640)), heard.append)
    assert not job.feed(EndOfUtterance(), heard.append)
    assert [(h.text, h.final, h.end) for h in heard] == [(QUESTION, False, 320), (QUESTION, True, 640)]  # type: ignore[attr-defined]
    assert completeness(QUESTION) >= 0.8  # so that the turn ends as soon as any turn does


@pytest.mark.parametrize(
    ("asked", "answers"), [("hello", 1), ("talk for 3 answers", 3), ("talk for 999999 answers", 100)]
)
def test_the_scripted_planner_answers_as_often_as_it_is_asked(asked: str, answers: int) -> None:
    made: list[object] = []
    request = PlanRequest((ChatMessage("user", asked),), Situation("2026-11-22T12:00:00+00:00"))
    assert not ScriptedPlanner().open(request).step(made.append)
    assert isinstance(made[0], TextDelta)
    assert made[0].text.count(ANSWER) == answers
    assert made[1:] == [PlanDone()]


def test_the_scripted_voice_says_the_same_every_time() -> None:
    voice = ScriptedVoice()

    def say() -> list[object]:
        chunks: list[object] = []
        job = voice.open(SpeechRequest(f"{ANSWER} "))
        while job.step(chunks.append):
            pass
        job.close()
        return chunks

    first = say()
    assert first == say()
    assert len(first) > 2


def test_processes_are_looked_at_by_part() -> None:
    me = cost(os.getpid())
    assert me.rss_mb > 1
    assert me.threads >= 1
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert child.pid in tree(os.getpid())
        child.communicate(b"\n")
    with pytest.raises(ProcessLookupError, match="has ended"):
        cost(child.pid)
    assert cpu_model()


def test_a_models_process_is_told_from_the_edge() -> None:
    assert part_of(["python", "-m", "models.engine.host", "vad", "silero", "{}"]) == "vad"
    assert part_of(["python", "-m", "realtime", "--port", "0"]) == EDGE
    assert part_of([""]) == EDGE


def test_metrics_are_summed_over_their_labels() -> None:
    text = '# TYPE turns counter\nturns_total{end="answered"} 3\nturns_total{end="failed"} 1\n'
    assert sums(text)["turns_total"] == 4


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"urls": ("http://192.0.2.1:80",)}, "loopback"),
        ({"urls": ("http://127.0.0.1.example:80",)}, "loopback"),
        ({"talkers": MOST_SESSIONS + 1}, "sessions"),
        ({"talkers": 0}, "sessions"),
        ({"turns": 0}, "an errand ends"),
        ({"turns": 0, "seconds": LONGEST_S + 1}, "an errand ends"),
    ],
)
def test_load_is_bounded_and_stays_on_this_machine(change: dict[str, object], words: str) -> None:
    errand = asdict(Errand((URL,), turns=1))
    with pytest.raises(ValueError, match=words):
        Errand(**{**errand, **change})  # type: ignore[arg-type]


def test_levels_are_numbers_of_sessions() -> None:
    assert sessions("8,1,8") == (1, 8)
    for wrong in ("", "0", "1,x", f"{MOST_SESSIONS + 1}"):
        with pytest.raises((ValueError, argparse.ArgumentTypeError)):
            sessions(wrong)


def level(count: int, p95: float | None, late: float = 0.0, failed: int = 0) -> dict[str, object]:
    return {"sessions": count, "voice_to_voice_ms": {"p95": p95}, "late_share": late, "failed": failed}


@pytest.mark.parametrize(
    ("rows", "knee"),
    [
        ([level(1, 400), level(4, 500), level(8, 521)], 4),
        ([level(1, 400), level(4, 400, late=HELD_LATE * 2), level(8, 400)], 1),
        ([level(1, 400), level(4, 400, failed=1)], 1),
        ([level(1, None), level(4, 400)], 0),
        ([], 0),
    ],
)
def test_the_knee_is_the_last_level_before_the_first_that_is_not_held(
    rows: list[dict[str, object]], knee: int
) -> None:
    assert results(rows)["knee"] == knee


def test_latency_is_split_by_variant_and_stage() -> None:
    turns = [
        {"voice_to_voice_ms": 400.0 + k, "stages_ms": {"hear": 100.0, "endpoint": 250.0, "asr": 1.0}}
        for k in range(20)
    ]
    found = latency_results({"embedded": turns, "scripted": []}, ["no answer"])
    assert found["variants"]["embedded"]["voice_to_voice_ms"]["p95"] == 418
    assert found["variants"]["embedded"]["stages_ms"]["onset"]["p50"] is None
    assert found["variants"]["scripted"]["voice_to_voice_ms"]["count"] == 0
    assert found["embedded_to_scripted"] is None
    json.dumps(found)
    assert len(latency_tables(found)) == 2


def test_churn_tells_what_is_left_behind() -> None:
    point = {
        "edge_mb": 100.0,
        "models_mb": 400.0,
        "threads": 20,
        "sockets": 9,
        "tasks": None,
        "waited_s": 1.0,
    }
    last = {**point, "edge_mb": 103.5, "cycles": 500, "sessions": 1}
    left = churn_results([{**point, "cycles": 0, "sessions": 0}, last])["left"]
    assert left == {
        "edge_mb": 3.5,
        "models_mb": 0,
        "threads": 0,
        "sockets": 0,
        "tasks": None,
        "sessions": 1,
    }


def test_a_quiet_room_is_heard_by_nobody_and_is_no_digital_silence() -> None:
    noise = room(seed=1)
    assert 0 < np.abs(noise).max() < 200
    assert voiced_span(noise, RATE) is None
    assert np.array_equal(noise, room(seed=1))


def test_the_question_is_speech_at_the_callers_rate() -> None:
    span = voiced_span(spoken(QUESTION), RATE)
    assert span is not None
    assert 1.5 < (span.stop - span.start) / RATE < 3.0
