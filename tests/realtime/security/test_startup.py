"""The server does not begin where others could reach it without a key."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from realtime.config import ConfigError, SecuritySettings
from realtime.security.startup import load_keys, share_secret

KEY = "a-key-for-tests-0001"


@pytest.fixture(params=["127.0.0.1", "0.0.0.0"])
def listener(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    with socket.create_server((request.param, 0)) as made:
        yield made


@pytest.mark.parametrize("environment", [{}, {"AUDIOGPT_API_KEYS": " , "}, {"OTHER": KEY}])
def test_without_a_key_on_loopback_only(listener: socket.socket, environment: dict[str, str]) -> None:
    if listener.getsockname()[0] == "127.0.0.1":
        assert not load_keys(SecuritySettings(), [listener], environment)
        return
    with pytest.raises(ConfigError) as refused:
        load_keys(SecuritySettings(), [listener], environment)
    for words in ("0.0.0.0", "export AUDIOGPT_API_KEYS=", "--host 127.0.0.1"):
        assert words in str(refused.value)


def test_with_a_key_anywhere(listener: socket.socket) -> None:
    settings = SecuritySettings(api_keys_env="OTHER")
    assert load_keys(settings, [listener], {"OTHER": KEY}).identify(KEY)


def test_a_key_that_is_no_good_is_explained(listener: socket.socket) -> None:
    with pytest.raises(ConfigError, match="AUDIOGPT_API_KEYS: key 1"):
        load_keys(SecuritySettings(), [listener], {"AUDIOGPT_API_KEYS": "short"})


def test_workers_without_keys_are_given_a_secret_to_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIOGPT_TOKEN_SECRET", "")
    monkeypatch.delenv("AUDIOGPT_API_KEYS", raising=False)
    share_secret(SecuritySettings())
    one, other = (load_keys(SecuritySettings(), []) for _ in range(2))
    assert one.signing_secret == other.signing_secret


def test_a_secret_that_there_is_already_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIOGPT_API_KEYS", KEY)
    before = load_keys(SecuritySettings(), []).signing_secret
    share_secret(SecuritySettings())
    assert load_keys(SecuritySettings(), []).signing_secret == before
