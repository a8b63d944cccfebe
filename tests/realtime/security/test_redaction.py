"""What logs may say. That a running server keeps to it is in `test_guard.py`."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.security.redaction import HIDDEN, LOGGERS, UNTRUE, install, redacted

SECRET = "v3ry-s3cret_v4lue.x0123456789abcdef"
NAMED = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGH0123456789-_.", min_size=20, max_size=60)


@pytest.mark.parametrize(
    "line",
    [
        "< Authorization: Bearer {}",
        "< authorization: bearer {}",
        "headers=[(b'authorization', b'Bearer {}'), (b'host', b'x')]",
        "Authorization: Basic {}",
        "< Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.{}, openai-agents-sdk.1",
        '127.0.0.1:5 - "WebSocket /v1/realtime?model=x&resume={}&last_event=e" [accepted]',
        '127.0.0.1:5 - "WebSocket /v1/realtime?api_key={}" 401',
        "GET /v1/realtime?token={}",
        "the client said ek_{}",
        "HTTP Request: POST http://worker/v1/realtime/calls?resume=rtc_0_{}",
        "< X-AudioGPT-Resume: {}",
        "rtc_0_0123456789abcdef0123.{}",
        "rtc_0123456789abcdef0123.{}",
    ],
)
@given(secret=NAMED)
def test_secrets_are_hidden(line: str, secret: str) -> None:
    if line.startswith("rtc_"):
        secret = secret.replace(".", "_")
    shown = redacted(line.format(secret))
    assert secret not in shown
    assert HIDDEN in shown


@pytest.mark.parametrize(
    "line",
    ["sess_1: begins over webrtc", "rtc_0_0123456789abcdef0123: resumed over websocket", "keys: 3", ""],
)
def test_everything_else_stays(line: str) -> None:
    assert redacted(line) == line


def test_the_libraries_that_see_requests_are_redacted() -> None:
    install()
    install()
    for name in LOGGERS:
        log = logging.getLogger(name)
        assert len(log.filters) == 1

        def shown(text: str, *arguments: str, log: logging.Logger = log) -> str | None:
            record = log.makeRecord(log.name, logging.WARNING, "file", 1, text, arguments, None)
            return record.getMessage() if log.filter(record) else None

        line = shown("%s - Bearer %s", "x", SECRET)
        assert line is not None
        assert SECRET not in line
        assert shown(UNTRUE) is None
        assert shown("100 % sure") == "100 % sure"
