"""API keys: read from the environment once, and kept only as hashes."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping

SHORTEST = (
    16  # characters; a token is signed by a secret made of the keys, and whoever has one can guess offline
)
MAKE_ONE = "python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
_SENDABLE = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # a WebSocket subprotocol (RFC 9110, token)
# scrypt as RFC 7914 has it for interactive logins: 16 MiB and some 50 ms a guess, once at our start
_SCRYPT = {"n": 2**14, "r": 8, "p": 1}
_SALT = b"audiogpt-live ephemeral tokens"


class UnusableKeyError(ValueError):
    """A key cannot be used; the message says which and why, and does not hold it."""


class Keyring:
    """The keys that are accepted. Falsy when there are none.

    A key is known by its fingerprint, which tells nothing of it: calls, limits and tokens carry that.
    """

    def __init__(self, keys: Iterable[str], token_secret: str = "") -> None:
        unique = sorted(set(keys))
        self._salt = secrets.token_bytes(32)
        self.signing_secret = _signing_secret(unique, token_secret)
        self._hashes = {self._fingerprint(key): self._hash(key) for key in unique}

    @classmethod
    def from_environment(cls, keys: str, token_secret: str, environment: Mapping[str, str]) -> Keyring:
        """From the variables of these names. Raises `UnusableKeyError`."""
        given = [key.strip() for key in environment.get(keys, "").split(",") if key.strip()]
        for number, key in enumerate(given, 1):
            if len(key) < SHORTEST:
                raise UnusableKeyError(
                    f"{keys}: key {number} has {len(key)} characters and could be guessed; "
                    f"take at least {SHORTEST}, for example from: {MAKE_ONE}"
                )
            if not _SENDABLE.fullmatch(key):
                raise UnusableKeyError(
                    f"{keys}: key {number} has characters that a browser cannot send; "
                    f"letters, digits, '-' and '_' are safe, for example from: {MAKE_ONE}"
                )
        secret = environment.get(token_secret, "").strip()
        if secret and len(secret) < SHORTEST:
            raise UnusableKeyError(
                f"{token_secret}: the secret has {len(secret)} characters and could be guessed; "
                f"take at least {SHORTEST}, for example from: {MAKE_ONE}"
            )
        return cls(given, secret)

    def __bool__(self) -> bool:
        return bool(self._hashes)

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """Of all keys, in an order that is the same in every worker."""
        return tuple(sorted(self._hashes))

    def identify(self, candidate: str) -> str | None:
        """The fingerprint of this key; None when it is not ours. Every key is compared, in constant time."""
        hashed = self._hash(candidate)
        found = None
        for fingerprint, known in self._hashes.items():
            if hmac.compare_digest(hashed, known):
                found = fingerprint
        return found

    def _hash(self, key: str) -> bytes:
        return hmac.digest(self._salt, key.encode(), "sha256")

    def _fingerprint(self, key: str) -> str:
        return hmac.new(self.signing_secret, b"fingerprint " + key.encode(), hashlib.sha256).hexdigest()[:12]


def _signing_secret(keys: list[str], token_secret: str) -> bytes:
    """What signs tokens: the same in every worker that has the same keys; random where there is nothing."""
    material = token_secret or ",".join(keys)
    if not material:
        return secrets.token_bytes(32)
    return hashlib.scrypt(material.encode(), salt=_SALT, dklen=32, **_SCRYPT)
