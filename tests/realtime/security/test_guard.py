"""What a guarded server lets through, and what it writes down."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import httpx
import pytest
from prometheus_client import generate_latest
from starlette.routing import Mount, Route, WebSocketRoute
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect

from realtime.config import ConfigError
from realtime.security.guard import is_public
from realtime.server import Server, routes
from tests.realtime.edge import KEY, Edge, edge

PUBLIC = {"/", "/static", "/openapi.json", "/healthz", "/readyz", "/metrics"}
FRIEND, FOE = "https://friend.example", "https://foe.example"
WRONG_KEY = "wr0ng-key-of-somebody"


@pytest.fixture(scope="module")
def guarded() -> Iterator[Edge]:
    with edge(f"security.allowed_origins={FRIEND}", environment={"AUDIOGPT_API_KEYS": KEY}) as made:
        yield made


@pytest.fixture
def http(guarded: Edge) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=guarded.url) as client:
        yield client


def test_every_route_is_known_to_be_public_or_needs_a_key() -> None:
    """A new route needs a key until somebody decides otherwise."""
    paths = {
        route.path
        for route in routes(object.__new__(Server))
        if isinstance(route, Route | WebSocketRoute | Mount)
    }
    assert {path for path in paths if is_public(path + "/x" * (path == "/static"))} == PUBLIC


@pytest.mark.parametrize("path", ["/", "/static/app.js", "/openapi.json", "/healthz", "/readyz", "/metrics"])
def test_what_is_public_needs_no_key(http: httpx.Client, path: str) -> None:
    assert http.get(path).status_code == 200
    assert http.get(path, headers={"Origin": FOE}).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/realtime/calls"),
        ("POST", "/v1/realtime/calls/rtc_1/hangup"),
        ("POST", "/v1/realtime/client_secrets"),
        ("GET", "/v1/realtime"),
        ("GET", "/v1/audiogpt/config"),
        ("GET", "/v1/../v1/audiogpt/config"),
        ("GET", "//v1/audiogpt/config"),
        ("GET", "/static"),
        ("DELETE", "/nowhere"),
    ],
)
def test_all_else_needs_one(http: httpx.Client, method: str, path: str) -> None:
    answer = http.request(method, path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    error = answer.json()["error"]
    assert error["code"] == "missing_api_key"
    wrong = http.request(method, path, headers={"Authorization": f"Bearer {WRONG_KEY}"})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "invalid_api_key")
    right = http.request(method, path, headers={"Authorization": f"Bearer {KEY}"})
    assert right.status_code != 401


def test_pages_of_origins_that_are_not_set_may_not_call(http: httpx.Client, guarded: Edge) -> None:
    path, key = "/v1/audiogpt/config", {"Authorization": f"Bearer {KEY}"}
    foe = http.get(path, headers={**key, "Origin": FOE})
    assert (foe.status_code, foe.json()["error"]["code"]) == (403, "origin_not_allowed")
    assert "access-control-allow-origin" not in foe.headers
    friend = http.get(path, headers={**key, "Origin": FRIEND})
    assert friend.status_code == 200
    assert friend.headers["access-control-allow-origin"] == FRIEND
    assert http.get(path, headers={**key, "Origin": guarded.url}).status_code == 200
    refused = http.get(path, headers={"Origin": FRIEND})
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == FRIEND, "so that the page can read why"


def test_a_preflight_needs_no_key(http: httpx.Client) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    assert http.options("/v1/realtime/calls", headers={**asked, "Origin": FRIEND}).status_code == 200
    assert http.options("/v1/realtime/calls", headers={**asked, "Origin": FOE}).status_code == 400


def test_a_websocket_without_a_key_is_refused_with_the_reason(guarded: Edge) -> None:
    url = f"{guarded.ws}/v1/realtime"
    with pytest.raises(InvalidStatus) as refused:
        connect(url)
    assert refused.value.response.status_code == 401
    assert json.loads(bytes(refused.value.response.body or b""))["error"]["code"] == "missing_api_key"
    with pytest.raises(InvalidStatus) as refused:
        connect(url, origin=FOE, additional_headers={"Authorization": f"Bearer {KEY}"})  # type: ignore[arg-type]
    assert refused.value.response.status_code == 403


def test_a_page_is_told_why_in_an_event(guarded: Edge) -> None:
    """A browser shows its page nothing of a handshake that failed."""
    offered = ["realtime", f"openai-insecure-api-key.{WRONG_KEY}"]
    with connect(f"{guarded.ws}/v1/realtime", subprotocols=offered, origin=FRIEND) as socket:  # type: ignore[arg-type]
        assert socket.subprotocol == "realtime"
        event = json.loads(socket.recv(10))
        assert (event["type"], event["error"]["code"]) == ("error", "invalid_api_key")
        with pytest.raises(ConnectionClosedError, match="3000"):
            socket.recv(10)


def test_refusals_are_counted(guarded: Edge, http: httpx.Client) -> None:
    http.get("/v1/audiogpt/config")
    http.get("/v1/audiogpt/config", headers={"Origin": FOE})
    counted = generate_latest(guarded.metrics.registry).decode()
    for reason in ("key", "origin"):
        assert f'audiogpt_sessions_refused_total{{reason="{reason}"}}' in counted


def test_secrets_never_reach_a_log(
    guarded: Edge, http: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    """At level debug, where the libraries write down whole requests."""
    caplog.set_level(logging.DEBUG)
    token = http.post("/v1/realtime/client_secrets", headers={"Authorization": f"Bearer {KEY}"}).json()[
        "value"
    ]
    resume = "rtc_0123456789abcdef0123.r3sume-t0ken-r3sume-t0ken-r3sume-t0ken"
    for secret in (KEY, WRONG_KEY, token, "ek_wr0ng.t0ken"):
        http.get("/v1/audiogpt/config", headers={"Authorization": f"Bearer {secret}"})
        http.get("/v1/audiogpt/config", params={"api_key": secret})
        for arguments in (
            {"additional_headers": {"Authorization": f"Bearer {secret}"}},
            {"subprotocols": ["realtime", f"openai-insecure-api-key.{secret}"]},
            {"subprotocols": ["realtime", f"openai-insecure-api-key.{secret}"], "origin": FRIEND},
        ):
            for query in ("", f"?api_key={secret}", f"?resume={resume}"):
                try:
                    with connect(f"{guarded.ws}/v1/realtime{query}", **arguments) as socket:  # type: ignore[arg-type]
                        socket.recv(10)
                except (InvalidStatus, ConnectionClosedError):
                    pass
    server = "\n".join(
        record.getMessage() for record in caplog.records if not record.name.startswith("websockets.client")
    )
    assert "/v1/realtime" in server, "something was written"
    for secret in (KEY, WRONG_KEY, token, "wr0ng.t0ken", resume, resume.partition(".")[2]):
        assert secret not in server


def test_it_does_not_serve_a_public_address_without_a_key() -> None:
    with pytest.raises(ConfigError, match="API key"), edge(host="0.0.0.0"):
        pass


def test_it_serves_a_public_address_with_one() -> None:
    with edge(host="0.0.0.0", environment={"AUDIOGPT_API_KEYS": KEY}) as made:
        assert httpx.get(f"{made.url}/v1/audiogpt/config").status_code == 401
        assert httpx.get(f"{made.url}/healthz").status_code == 200
