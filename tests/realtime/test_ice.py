"""STUN and TURN settings, and credentials that expire."""

from __future__ import annotations

import pytest

from realtime import config
from realtime.config import ConfigError
from realtime.ice import IceServers, turn_credentials
from realtime.transport.webrtc import IceServer

URLS = "media.ice_servers=stun:s.example:3478,turn:t.example:3478?transport=udp,turns:t.example"
SECRET = {"TURN_SECRET": "north"}


def servers(*flags: str, environment: dict[str, str] | None = None) -> IceServers:
    known = environment or {}
    return IceServers(config.load(flags, environment=known).media, known)


def test_credentials_are_those_that_coturn_expects() -> None:
    # What `printf 1433895918:user | openssl dgst -sha1 -hmac north -binary | base64` says.
    assert turn_credentials("north", "user", 1_433_895_918) == (
        "1433895918:user",
        "/gk4t5tUc08OpM3NjrVjHSFVNmY=",
    )


def test_only_turn_servers_get_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1_000_000.7)
    found = servers(URLS, "media.turn_secret_env=TURN_SECRET", "media.turn_ttl=600", environment=SECRET)
    stun, turn, turns = found.fresh()
    assert stun == IceServer("stun:s.example:3478")
    assert turn.url == "turn:t.example:3478?transport=udp"
    expires, _, name = str(turn.username).partition(":")
    assert int(expires) == 1_000_600
    assert turn.credential == turn_credentials("north", name, 1_000_600)[1]
    assert (turns.username, turns.credential) == (turn.username, turn.credential)
    assert found.fresh()[1].username != turn.username


def test_a_browser_gets_them_as_it_wants_them() -> None:
    stun, turn, _ = servers(URLS, "media.turn_secret_env=TURN_SECRET", environment=SECRET).as_json()
    assert stun == {"urls": "stun:s.example:3478"}
    assert set(turn) == {"urls", "username", "credential"}
    assert servers(URLS).as_json()[1] == {"urls": "turn:t.example:3478?transport=udp"}
    assert servers().as_json() == []


def test_a_credential_is_not_shown_where_servers_are_logged() -> None:
    assert "sesame" not in repr(IceServer("turn:t.example", "1:a", "sesame"))


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["media.ice_servers=http://t.example"], "no stun or turn url"),
        (["media.ice_servers=turn:t.example?transport=sctp"], "no stun or turn url"),
        (["media.turn_secret_env=TURN_SECRET"], "no environment variable TURN_SECRET"),
        (["media.turn_ttl=5"], "media.turn_ttl"),
    ],
)
def test_settings_that_cannot_work_are_explained(flags: list[str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        config.load(flags, environment={})
