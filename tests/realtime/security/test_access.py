"""Who is let in, and what is said to who is not."""

from __future__ import annotations

from typing import Any

import pytest

from realtime.config import SecuritySettings
from realtime.http_errors import RefusedError
from realtime.security.access import Access, Visitor
from realtime.security.keys import Keyring

KEY, OTHER = "a-key-for-tests-0001", "a-key-for-tests-0002"
SUBPROTOCOLS = ["realtime", f"openai-insecure-api-key.{KEY}", "openai-agents-sdk.0.1"]


def door(*keys: str, secret: str = "", **settings: Any) -> Access:
    return Access(SecuritySettings(**settings), Keyring(keys, secret))


def refusal(access: Access, *credentials: Any) -> RefusedError:
    with pytest.raises(RefusedError) as refused:
        access.admit(*credentials)
    return refused.value


def test_a_key_opens_as_bearer_or_subprotocol() -> None:
    access = door(KEY, OTHER)
    by_header, by_subprotocol = access.admit(f"Bearer {KEY}"), access.admit(None, SUBPROTOCOLS)
    assert by_header == by_subprotocol == access.admit(f"bearer  {KEY} ")
    assert by_header.key
    assert by_header != access.admit(f"Bearer {OTHER}")
    assert KEY not in repr(by_header)


@pytest.mark.parametrize(
    ("authorization", "subprotocols", "code", "words"),
    [
        (None, [], "missing_api_key", "Authorization: Bearer"),
        ("", ["realtime"], "missing_api_key", "openai-insecure-api-key."),
        (f"Basic {KEY}", [], "missing_api_key", "Bearer"),
        ("Bearer ", [], "missing_api_key", "Bearer"),
        ("Bearer wrong", [], "invalid_api_key", "operator"),
        (None, ["realtime", "openai-insecure-api-key.wrong"], "invalid_api_key", "operator"),
        ("Bearer ek_wrong", [], "invalid_api_key", "client_secrets"),
        ("Bearer wrong", SUBPROTOCOLS, "invalid_api_key", "operator"),
    ],
)
def test_anybody_else_is_told_what_to_do(
    authorization: str | None, subprotocols: list[str], code: str, words: str
) -> None:
    refused = refusal(door(KEY), authorization, subprotocols)
    assert (refused.status, refused.code, refused.type) == (401, code, "authentication_error")
    assert words in str(refused)
    assert refused.headers == {"WWW-Authenticate": "Bearer"}
    assert "wrong" not in str(refused)


def test_without_keys_everybody_may_with_whatever_key() -> None:
    access = door()
    assert not access.guarded
    assert access.admit(None) == access.admit("Bearer sk-anything") == Visitor()
    access.check_origin("https://anywhere.example", "here")


def test_a_token_lets_its_holder_in_with_its_settings() -> None:
    for access in (door(KEY), door()):
        maker = access.admit(f"Bearer {KEY}")
        token, grant = access.grant(maker, {"type": "realtime"}, 600)
        for visitor in (
            access.admit(f"Bearer {token}"),
            access.admit(None, [f"openai-insecure-api-key.{token}"]),
        ):
            assert visitor == Visitor(maker.key, grant.id, {"type": "realtime"})
            with pytest.raises(RefusedError, match="cannot make another") as refused:
                access.grant(visitor, None, 600)
            assert refused.value.status == 403


def test_a_token_ends_with_the_key_that_made_it() -> None:
    secret = "signs-whatever-the-keys"
    before, after = door(KEY, OTHER, secret=secret), door(OTHER, secret=secret)
    token, _ = before.grant(before.admit(f"Bearer {KEY}"), None, 600)
    other, _ = before.grant(before.admit(f"Bearer {OTHER}"), None, 600)
    assert "no longer accepted" in str(refusal(after, f"Bearer {token}"))
    assert after.admit(f"Bearer {other}").key


def test_a_token_made_without_keys_is_no_good_where_there_are() -> None:
    token, _ = door().grant(Visitor(), None, 600)
    assert refusal(door(KEY), f"Bearer {token}").status == 401


def test_settings_too_large_for_a_token_are_refused() -> None:
    access = door(KEY)
    noise = "".join(map(chr, range(0x4E00, 0x4E00 + 9_000)))
    with pytest.raises(RefusedError, match=r"session\.update") as refused:
        access.grant(Visitor("k"), {"instructions": noise}, 600)
    assert (refused.value.status, refused.value.param) == (400, "session")


def test_pages_of_other_origins_may_call_when_they_are_set() -> None:
    access = door(KEY, allowed_origins=("https://friend.example",))
    access.check_origin(None, "here.example")
    access.check_origin("https://here.example", "here.example")
    access.check_origin("https://friend.example", "here.example")
    with pytest.raises(RefusedError, match=r"security\.allowed_origins") as refused:
        access.check_origin("https://foe.example", "here.example")
    assert (refused.value.status, refused.value.code) == (403, "origin_not_allowed")


@pytest.mark.parametrize(
    ("visitor", "owner", "may"),
    [
        (Visitor(), Visitor(), True),
        (Visitor("a"), Visitor("a"), True),
        (Visitor("a"), Visitor("a", "t"), True),  # a key's server holds its browsers' calls
        (Visitor("a", "t"), Visitor("a", "t"), True),
        (Visitor("a", "t"), Visitor("a", "u"), False),
        (Visitor("a", "t"), Visitor("a"), False),
        (Visitor("a"), Visitor("b"), False),
        (Visitor("a", "t"), Visitor("b", "t"), False),
    ],
)
def test_whose_call_it_is(visitor: Visitor, owner: Visitor, may: bool) -> None:
    assert visitor.may_touch(owner) is may
