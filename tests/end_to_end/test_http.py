"""Bad input over HTTP and WebSocket gets a clear answer, and harms nobody."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from socket import SHUT_RDWR
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

SDP = "application/sdp"
CALLS = "/v1/realtime/calls"


@pytest.fixture
def http(server: Any) -> Any:
    with httpx.Client(base_url=server.url, timeout=10) as client:
        yield client


@pytest.mark.parametrize(
    ("content", "kind", "status", "words"),
    [
        (b"", SDP, 400, "no SDP offer"),
        (b"hello", SDP, 400, "SDP"),
        (b"v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n", SDP, 400, "audio"),
        (b"\xff\xfe", SDP, 400, "body is not"),
        (b"{", "application/json", 400, "body is not"),
        (b"[]", "application/json", 400, "`sdp`"),
        (b"x", "text/plain", 415, "application/sdp"),
        (b"x", "", 415, "application/sdp"),
        (b"v" * 100_000, SDP, 413, "larger than"),
        (b"x", "multipart/form-data; boundary=b", 400, "form"),
    ],
)
def test_a_bad_offer_is_explained(http: Any, content: bytes, kind: str, status: int, words: str) -> None:
    answer = http.post(CALLS, content=content, headers={"Content-Type": kind})
    assert answer.status_code == status
    assert words in answer.json()["error"]["message"]


def test_unknown_paths_methods_and_calls(http: Any) -> None:
    assert http.get("/nowhere").status_code == 404
    assert http.get(CALLS).status_code == 405
    gone = http.post(f"{CALLS}/rtc_none/hangup")
    assert gone.status_code == 404
    assert "no such call" in gone.json()["error"]["message"]


def test_the_page_and_its_files_are_served(http: Any) -> None:
    page = http.get("/")
    assert page.status_code == 200
    assert "text/html" in page.headers["content-type"]
    assert http.get("/static/app.js").status_code == 200
    assert http.get("/static/../server.py").status_code == 404


def test_health_readiness_metrics_and_config(http: Any) -> None:
    assert http.get("/healthz").text == "ok\n"
    assert http.get("/readyz").status_code == 200
    metrics = http.get("/metrics").text
    for name in (
        "audiogpt_sessions",
        "audiogpt_turn_stage_seconds",
        "audiogpt_event_loop_lag_seconds",
        "audiogpt_frames_late_total",
        "audiogpt_frames_dropped_total",
    ):
        assert name in metrics
    config = http.get("/v1/audiogpt/config").json()
    assert config["profile"] == "embedded"
    assert config["backends"]["asr"] == "pocketsphinx"


def test_bad_events_over_the_websocket(server: Any) -> None:
    url = server.url.replace("http", "ws") + "/v1/realtime?model=any"
    with connect(url, subprotocols=["realtime"]) as socket:  # type: ignore[list-item]
        assert socket.subprotocol == "realtime"
        assert json.loads(socket.recv())["type"] == "session.created"

        def error(sent: Any) -> dict[str, Any]:
            socket.send(sent)
            while (event := json.loads(socket.recv(10)))["type"] != "error":
                pass
            found: dict[str, Any] = event["error"]
            return found

        assert error("not json")["code"] == "invalid_json"
        assert error('{"type":"x","event_id":"e1"}')["event_id"] == "e1"
        assert error('{"type":"input_audio_buffer.append","audio":"***"}')["code"] == "invalid_audio"
        assert "whole 16-bit" in error('{"type":"input_audio_buffer.append","audio":"AAAA"}')["message"]
        wrong = {
            "type": "session.update",
            "session": {"audio": {"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 1}}}},
        }
        assert error(json.dumps(wrong))["code"] == "invalid_value"


def test_workers_know_each_others_keys_and_tokens(start_server: Any) -> None:
    """Whichever worker made a token, and whichever it reaches."""
    key = "a-key-for-tests-0001"
    with (
        start_server("server.workers=2", AUDIOGPT_API_KEYS=key) as server,
        httpx.Client(base_url=server.url, timeout=10, headers={"Authorization": f"Bearer {key}"}) as http,
        ExitStack() as calls,
    ):
        assert httpx.get(f"{server.url}/v1/audiogpt/config").status_code == 401
        url = server.url.replace("http", "ws") + "/v1/realtime"
        for _ in range(6):
            secret = http.post("/v1/realtime/client_secrets", json={"session": {"instructions": "be brief"}})
            headers = {"Authorization": f"Bearer {secret.json()['value']}"}
            socket = calls.enter_context(connect(url, additional_headers=headers))
            created = json.loads(socket.recv(10))
            assert (created["type"], created["session"]["instructions"]) == ("session.created", "be brief")
    assert key not in server.output


def test_a_client_that_vanishes_frees_its_place(server: Any, http: Any) -> None:
    url = server.url.replace("http", "ws") + "/v1/realtime"
    before = _sessions(http)
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "what can you do"}]}
    with connect(url) as socket:
        socket.send(json.dumps({"type": "conversation.item.create", "item": item}))
        socket.send('{"type":"response.create"}')
        while json.loads(socket.recv(10))["type"] != "response.output_audio.delta":
            pass
        socket.socket.shutdown(SHUT_RDWR)  # as a machine that loses its network: no goodbye
    for _ in range(500):
        if _sessions(http) <= before:  # calls of other tests may end meanwhile
            break
    else:
        pytest.fail("the session goes on without its client")


def _sessions(http: Any) -> float:
    for line in http.get("/metrics").text.splitlines():
        if line.startswith("audiogpt_sessions "):
            return float(line.split()[1])
    raise AssertionError("no audiogpt_sessions")


def realtime(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "realtime", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--set", "server.prot=1"], 2, "server has: host, port"),
        (["--set", "nonsense"], 2, "section.key=value"),
        (["--set", "asr.backend=magic"], 2, "choose one of: pocketsphinx"),
        (["--profile", "huge"], 2, "choose one of: embedded"),
        (["--config", "/nowhere.toml"], 2, "cannot read the settings file"),
        (["--host", "203.0.113.1", "--port", "0"], 2, "cannot listen on 203.0.113.1"),
        (["--host", "0.0.0.0", "--port", "0"], 2, "export AUDIOGPT_API_KEYS="),
        (["--host", "::", "--port", "0", "--workers", "2"], 2, "--host 127.0.0.1"),
        (["--set", "security.allowed_origins=example.org"], 2, "scheme://host"),
    ],
)
def test_wrong_settings_are_explained(arguments: list[str], code: int, words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "realtime", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code
    assert words in done.stderr


def test_a_busy_port_is_explained(server: Any) -> None:
    port = server.url.rpartition(":")[2]
    done = subprocess.run(
        [sys.executable, "-m", "realtime", "--port", port],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "Choose another with --port" in done.stderr


def test_help_explains_every_setting() -> None:
    done = realtime("--help")
    for setting in ("server.port=8080", "planner.url=", "turn.silence_ms=", "tts.voice="):
        assert setting in done.stdout
