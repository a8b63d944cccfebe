"""Ephemeral tokens: they say what was put into them, until they expire, and cannot be changed."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.security.tokens import LONGEST, TokenError, Tokens

SECRET = b"s" * 32
SESSION = {"type": "realtime", "instructions": "be brief", "audio": {"output": {"voice": "slt"}}}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@given(st.dictionaries(st.text(max_size=8), json_values, max_size=4) | st.none())
def test_another_worker_reads_what_was_put_in(session: dict[str, Any] | None) -> None:
    token, grant = Tokens(SECRET).make("fingerprint", session, 600)
    assert token.startswith("ek_")
    assert Tokens(SECRET).read(token) == grant
    assert grant.session == session
    assert grant.key == "fingerprint"


def test_it_is_good_until_it_expires() -> None:
    clock = Clock()
    tokens = Tokens(SECRET, clock)
    token, grant = tokens.make("k", None, 10)
    assert grant.expires_at == 1_000_010
    clock.now += 9.9
    assert tokens.read(token) == grant
    clock.now += 0.1
    with pytest.raises(TokenError, match="expired"):
        tokens.read(token)


@given(st.integers(0, 400), st.integers(1, 255))
def test_a_changed_token_is_no_good(position: int, change: int) -> None:
    token, grant = Tokens(SECRET).make("k", SESSION, 600)
    at = 3 + position % (len(token) - 3)
    changed = token[:at] + chr((ord(token[at]) + change) % 256) + token[at + 1 :]
    try:
        read = Tokens(SECRET).read(changed)
    except TokenError:
        return
    assert read == grant, "base64 has bits to spare in its last character; what was said is the same"


@given(st.text(max_size=80))
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(TokenError):
        Tokens(SECRET).read("ek_" + text)


def test_another_servers_token_is_no_good() -> None:
    token, _ = Tokens(b"t" * 32).make("k", SESSION, 600)
    with pytest.raises(TokenError, match="not made by this server"):
        Tokens(SECRET).read(token)


def test_every_token_has_an_id_of_its_own() -> None:
    tokens = Tokens(SECRET)
    assert tokens.make("k", None, 600)[1].id != tokens.make("k", None, 600)[1].id


def test_settings_are_packed_and_may_not_be_larger_than_a_header_takes() -> None:
    repetitive = {"instructions": "speak slowly and clearly. " * 400}
    token, _ = Tokens(SECRET).make("k", repetitive, 600)
    assert len(token) < 1_000
    with pytest.raises(TokenError, match=r"session\.update"):
        Tokens(SECRET).make("k", {"instructions": secrets.token_hex(LONGEST)}, 600)
