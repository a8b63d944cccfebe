"""What can go wrong on the client's side; every message is one line that a person can act on."""

from __future__ import annotations


class ClientError(Exception):
    """Base of everything the headless client raises on purpose."""


class AudioFileError(ClientError):
    """A file cannot be spoken: missing, not audio, or empty."""


class UnreachableError(ClientError):
    """Nothing answers at the address, or media cannot get through to it."""


class RefusedError(ClientError):
    """The server answered and said no.

    `status` is the HTTP status; `retry_after` the seconds it asked to wait, where it named them.
    """

    def __init__(self, message: str, *, status: int, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class GarbledError(ClientError):
    """The server answered with something that is not the protocol."""


class SilentServerError(ClientError):
    """The server took the turn and said nothing in the time allowed."""


class ConnectionLostError(ClientError):
    """The call ended before the client hung up."""
