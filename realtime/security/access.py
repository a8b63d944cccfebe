"""Who is asking: by API key, by ephemeral token, or anybody where the server needs no key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from realtime.config import SecuritySettings
from realtime.http_errors import RefusedError
from realtime.security import origins
from realtime.security.keys import Keyring
from realtime.security.tokens import PREFIX, Grant, TokenError, Tokens

KEY_SUBPROTOCOL = "openai-insecure-api-key."  # a browser's WebSocket has no other place for one
CHALLENGE = {"WWW-Authenticate": "Bearer"}


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who may use the server. Both are empty for anybody, where no key is needed."""

    key: str = ""  # fingerprint of the API key
    token: str = ""  # id of the ephemeral token
    session: Mapping[str, Any] | None = None  # the settings that the token carries

    def may_touch(self, owner: Visitor) -> bool:
        """Whether a call of `owner` is this visitor's: a key's are all that it made, a token's its own."""
        return self.key == owner.key and self.token in ("", owner.token)


class Access:
    """The server's door. It is guarded when there are keys, on whatever address."""

    def __init__(self, settings: SecuritySettings, keys: Keyring) -> None:
        self.guarded = bool(keys)
        self.keys = keys
        self.tokens = Tokens(keys.signing_secret)
        self._settings = settings

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins, besides our own, whose pages may call."""
        return self._settings.allowed_origins if self.guarded else (origins.ANY,)

    def check_origin(self, origin: str | None, host: str) -> None:
        """Raises `RefusedError` when a page of this origin may not call."""
        if not origins.allowed(origin, host, self.origins):
            raise RefusedError(
                403,
                f"pages of the origin {str(origin)[:200]!r} may not call this server; "
                f"its operator can add it to security.allowed_origins",
                "origin_not_allowed",
            )

    def admit(self, authorization: str | None, subprotocols: Iterable[str] = ()) -> Visitor:
        """Whoever these headers show. Raises `RefusedError` when that is nobody we know."""
        secret = _credential(authorization, subprotocols)
        if secret.startswith(PREFIX):
            return self._bearer(secret)
        if not self.guarded:
            return Visitor()
        if not secret:
            raise RefusedError(
                401,
                "an API key is needed: send 'Authorization: Bearer <key>', or from a browser's WebSocket the "
                f"subprotocols 'realtime' and '{KEY_SUBPROTOCOL}<key>'",
                "missing_api_key",
                headers=CHALLENGE,
            )
        key = self.keys.identify(secret)
        if key is None:
            raise _unknown("the API key is not one of this server's; ask its operator for one")
        return Visitor(key)

    def grant(self, visitor: Visitor, session: Mapping[str, Any] | None, seconds: int) -> tuple[str, Grant]:
        """A token for a browser. Raises `RefusedError`."""
        if visitor.token:
            raise RefusedError(
                403, "an ephemeral token cannot make another; use an API key", "api_key_required"
            )
        try:
            return self.tokens.make(visitor.key, session, seconds)
        except TokenError as error:
            raise RefusedError(400, str(error), "session_too_large", param="session") from None

    def _bearer(self, token: str) -> Visitor:
        try:
            grant = self.tokens.read(token)
        except TokenError as error:
            raise _unknown(f"{error}; make a new one with POST /v1/realtime/client_secrets") from None
        if grant.key and grant.key not in self.keys.fingerprints:
            raise _unknown(
                "the key that made this ephemeral token is no longer accepted; make one with another"
            )
        return Visitor(grant.key, grant.id, grant.session)


def _credential(authorization: str | None, subprotocols: Iterable[str]) -> str:
    scheme, _, secret = (authorization or "").partition(" ")
    if scheme.lower() == "bearer" and secret.strip():
        return secret.strip()
    for name in subprotocols:
        if name.startswith(KEY_SUBPROTOCOL):
            return name.removeprefix(KEY_SUBPROTOCOL)
    return ""


def _unknown(message: str) -> RefusedError:
    return RefusedError(401, message, "invalid_api_key", headers=CHALLENGE)
