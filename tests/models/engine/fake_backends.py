"""Backends for the engine's tests; a host process loads them by name, "module:Class"."""

from __future__ import annotations

import os
from typing import Any

from models.api import (
    Audio,
    BackendError,
    BackendUnavailableError,
    BusyError,
    Emit,
    EndOfUtterance,
    Hypothesis,
    SpeechChunk,
    SpeechRequest,
)


class _Job:
    def feed(self, item: Any, emit: Emit) -> bool:
        raise AssertionError("not fed")

    def step(self, emit: Emit) -> bool:
        raise AssertionError("not stepped")

    def close(self) -> None:
        return


class Echo:
    """A recogniser that says how many bytes it was given."""

    produces = False

    def __init__(self, slots: int = 8) -> None:
        self.free = slots

    def open(self, request: Any) -> _Job:
        if not self.free:
            raise BusyError("all recognisers are in use")
        self.free -= 1
        return _Listening(self)


class _Listening(_Job):
    def __init__(self, backend: Echo) -> None:
        self.backend = backend
        self.heard = 0

    def feed(self, item: Any, emit: Emit) -> bool:
        match item:
            case Audio(pcm=b"die"):
                os._exit(3)
            case Audio(pcm=b"fail"):
                raise RuntimeError("the decoder broke")
            case Audio(pcm):
                self.heard += len(pcm)
                emit(Hypothesis(str(self.heard), 0, self.heard))
            case EndOfUtterance():
                emit(Hypothesis(str(self.heard), 0, self.heard, final=True))
                return False
        return True

    def close(self) -> None:
        self.backend.free += 1


class Counter:
    """A voice whose text is how many chunks to make; "forever" never ends, "fail" fails."""

    produces = True

    def open(self, request: SpeechRequest) -> _Job:
        if request.text == "fail":
            raise BackendError("no such voice; choose another")
        return _Counting(request.text)


class _Counting(_Job):
    def __init__(self, text: str) -> None:
        self.left = None if text == "forever" else int(text)
        self.made = 0

    def step(self, emit: Emit) -> bool:
        if self.left is not None and self.made >= self.left:
            return False
        self.made += 1
        emit(SpeechChunk(self.made.to_bytes(4, "little"), 16_000))
        return True


class Missing:
    """A backend whose library is not installed."""

    produces = True

    def __init__(self) -> None:
        raise BackendUnavailableError("libvoice is missing: apt-get install libvoice1")
