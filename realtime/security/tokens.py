"""Ephemeral tokens (`ek_…`): for browsers, which must not be given a key.

A token is signed (HMAC-SHA256) and carries all there is to know of it, its session's settings too, so that
any worker that knows the secret can check it, and nothing is stored. It cannot be taken back; it expires.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from itsdangerous import BadData, URLSafeSerializer

PREFIX = "ek_"
# Bytes. A browser's WebSocket sends it in a header, and the `websockets` package takes 8192 of a header line.
LONGEST = 7_500


class TokenError(ValueError):
    """A token is no good, or cannot be made; the message says why."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token says: its own id, the fingerprint of the key it was made with, its session's settings."""

    id: str
    key: str
    session: Mapping[str, Any] | None
    expires_at: int  # Unix time, seconds


class Tokens:
    """Makes and reads tokens."""

    def __init__(self, secret: bytes, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._serializer = URLSafeSerializer(
            secret,
            salt="audiogpt-live ephemeral token",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )

    def make(self, key: str, session: Mapping[str, Any] | None, seconds: int) -> tuple[str, Grant]:
        """A token that is good for `seconds`. Raises `TokenError` when the settings are too large for one."""
        grant = Grant(secrets.token_hex(8), key, session, int(self._clock()) + seconds)
        claims = {"id": grant.id, "key": key, "session": session, "exp": grant.expires_at}
        token = PREFIX + str(self._serializer.dumps(claims))
        if len(token) > LONGEST:
            raise TokenError(
                f"the session's settings make a token of {len(token)} characters, and {LONGEST} can be sent; "
                f"leave instructions and tools to session.update"
            )
        return token, grant

    def read(self, token: str) -> Grant:
        """What the token says. Raises `TokenError` when it is not ours, or no longer good."""
        try:
            claims = self._serializer.loads(token.removeprefix(PREFIX))
        except BadData:
            raise TokenError("the ephemeral token was not made by this server, or is damaged") from None
        if self._clock() >= claims["exp"]:
            raise TokenError("the ephemeral token has expired")
        return Grant(claims["id"], claims["key"], claims["session"], claims["exp"])
