"""Requests that Schemathesis makes up from the server's own description."""

from __future__ import annotations

import time
from random import Random

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.errors import UnsupportedSchema
from schemathesis.core.failures import Failure, FailureGroup

from tests.fuzz.findings import Findings
from tests.realtime.test_openapi import CHECKED, drawable

ROUND = 20  # cases of an operation before the next one's turn


def with_requests(url: str, random: Random, findings: Findings, until: float) -> None:
    """Try every operation, right and wrong, in turns. Blocks: run it in a thread."""
    described = schemathesis.openapi.from_url(f"{url}/openapi.json")
    paths = list(described.raw_schema["paths"])
    while time.monotonic() < until:
        for path in random.sample(paths, len(paths)):
            for operation in described[path].values():
                mode = random.choice(list(GenerationMode))
                try:
                    _round(operation, mode, random.randrange(2**32), findings, until)
                except (Failure, FailureGroup, AssertionError) as error:
                    findings.add("an answer is not as described", path=path, error=str(error)[:2_000])
                except (UnsupportedSchema, Unsatisfiable) as error:
                    # Where an operation has nothing that could be negated, there is nothing to try.
                    findings.answers[f"{type(error).__name__} of Schemathesis"] += 1


def _round(operation: object, mode: GenerationMode, number: int, findings: Findings, until: float) -> None:
    cases = operation.as_strategy(generation_mode=mode)  # type: ignore[attr-defined]

    @seed(number)
    @settings(
        max_examples=ROUND,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(drawable(cases))
    def check(case: object) -> None:
        if time.monotonic() > until:
            return
        findings.sent(f"requests {mode.value}", str(case)[:2_000])
        answer = case.call()  # type: ignore[attr-defined]
        findings.answers[f"HTTP {answer.status_code}"] += 1
        case.validate_response(answer, checks=CHECKED)  # type: ignore[attr-defined]

    check()
