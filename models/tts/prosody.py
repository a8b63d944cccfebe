"""What a `SpeechRequest` may ask of every voice."""

from __future__ import annotations

import math

from models.api import BackendError, SpeechRequest

SPEEDS = (0.25, 4.0)
PITCHES = (-12.0, 12.0)  # semitones: an octave down or up


def check_prosody(request: SpeechRequest) -> None:
    """Raise `BackendError` when speed or pitch is out of range (or not a number)."""
    for value, (low, high), name in ((request.speed, SPEEDS, "speed"), (request.pitch, PITCHES, "pitch")):
        if not (math.isfinite(value) and low <= value <= high):
            raise BackendError(f"{name} must be {low:g} to {high:g}, not {value:g}")
