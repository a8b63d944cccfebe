"""Interruptions over real connections: the history is what the callers received, within one word."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks import heard

INTERRUPTIONS, CALLERS = 12, 3


async def test_the_history_is_what_the_callers_received(start_server: Callable[..., Any]) -> None:
    with start_server(*heard.SETTINGS) as server:
        found = await heard.measure(server.url, INTERRUPTIONS, CALLERS, lambda steps, words: None)
    assert len(found) == INTERRUPTIONS
    assert {each.transport for each in found} == {"webrtc", "websocket"}
    assert {each.means for each in found} == {"speech", "response.cancel"}
    assert sum(len(each.recording) for each in found) > INTERRUPTIONS  # they did hear words
    for each in found:
        assert each.lost or abs(each.difference) <= heard.TOLERANCE, each
