"""The answer to a `VoicesRequest`, the same for every synthesiser."""

from __future__ import annotations

from collections.abc import Iterable

from models.api import BackendError, Emit, Voice


class VoicesJob:
    """Names the voices, all in one step."""

    def __init__(self, voices: Iterable[tuple[str, str]]) -> None:
        """`voices` are names and language tags, the default first."""
        self._voices = voices

    def feed(self, item: object, emit: Emit) -> bool:
        """Not for this: raises `BackendError`."""
        raise BackendError(f"the list of voices takes no input, but got a {type(item).__name__}")

    def step(self, emit: Emit) -> bool:
        """Emit them all."""
        for name, language in self._voices:
            emit(Voice(name, language))
        return False

    def close(self) -> None:
        """Nothing is held."""
