"""API keys: which are taken, and that nothing of them is kept."""

from __future__ import annotations

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.security.keys import SHORTEST, Keyring, UnusableKeyError

ONE, TWO = "sk-the-first-key-0001", "sk-the-second-key-0002"


def keyring(keys: str, secret: str = "") -> Keyring:
    return Keyring.from_environment("KEYS", "SECRET", {"KEYS": keys, "SECRET": secret})


def test_each_key_is_known_and_nothing_else() -> None:
    keys = keyring(f" {ONE} ,{TWO},")
    assert keys
    assert {keys.identify(ONE), keys.identify(TWO)} == set(keys.fingerprints)
    assert len(keys.fingerprints) == 2
    for wrong in ("", ONE[:-1], ONE + "x", ONE.upper(), f"{ONE},{TWO}", "ö" * 20):
        assert keys.identify(wrong) is None


def test_without_keys_nobody_is_known() -> None:
    keys = keyring("")
    assert not keys
    assert keys.identify("") is None
    assert keys.signing_secret != keyring("").signing_secret


def test_workers_with_the_same_keys_agree_whatever_their_order() -> None:
    one, other = keyring(f"{ONE},{TWO}"), keyring(f"{TWO},{ONE}")
    assert one.signing_secret == other.signing_secret
    assert one.fingerprints == other.fingerprints
    assert one.signing_secret != keyring(ONE).signing_secret


def test_a_secret_of_its_own_outlives_a_change_of_keys() -> None:
    secret = "signs-whatever-the-keys"
    one, other = keyring(f"{ONE},{TWO}", secret), keyring(TWO, secret)
    assert one.signing_secret == other.signing_secret
    assert one.identify(TWO) == other.identify(TWO)


@pytest.mark.parametrize(
    ("keys", "secret", "words"),
    [
        (f"{ONE},hunter2", "", ["KEYS", "key 2", "7 characters"]),
        ("a key with spaces in it", "", ["KEYS", "key 1", "browser"]),
        ("schlüssel-schlüssel", "", ["KEYS", "key 1", "browser"]),
        (ONE, "short", ["SECRET", "5 characters"]),
    ],
)
def test_a_key_that_cannot_be_used_is_refused_without_being_shown(
    keys: str, secret: str, words: list[str]
) -> None:
    with pytest.raises(UnusableKeyError) as refused:
        keyring(keys, secret)
    message = str(refused.value)
    assert all(word in message for word in words), message
    assert "secrets.token_urlsafe" in message
    for shown in ("hunter2", "spaces in it", "schlüssel-", "short;"):
        assert shown not in message


def test_keys_are_kept_as_hashes_only() -> None:
    given_key = "sk-" + "only-here-once-" * 2
    keys = keyring(given_key)
    held = [str(value) for value in gc.get_referents(keys.__dict__)]
    held += [
        str(item) for value in keys.__dict__.values() if isinstance(value, dict) for item in value.items()
    ]
    assert held
    assert not any(given_key in text for text in held)


@given(st.text(max_size=60))
def test_any_text_is_a_keyring_or_refused(text: str) -> None:
    try:
        keys = keyring(text.replace("\0", ""))
    except UnusableKeyError:
        return
    assert all(len(key.strip()) >= SHORTEST for key in text.split(",") if key.strip()) or not keys
