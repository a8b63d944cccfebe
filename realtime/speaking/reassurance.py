"""No dead air: whoever waits for longer than a moment is told that there is work going on. Pure.

The first silence of PATIENCE_S is broken by a few words (where nothing else sounds); it and every SHOWN_S
after it are shown to the client as `audiogpt.progress`.
"""

from __future__ import annotations

from dataclasses import dataclass

PATIENCE_S = 1.5  # invariant 7: no silence longer than this while something is being worked on
SHOWN_S = 2.0

# The tool at work -> what is shown. Any other: "working".
WORK = {
    "": "thinking",
    "play_music": "composing",
    "play_sound": "making the sound",
    "set_voice": "loading a voice",
}

# Said at most once a reply, in the language the assistant speaks. A language that is not here is only shown.
MOMENT = {
    "en": "One moment.",
    "de": "Einen Moment.",
    "fr": "Un instant.",
    "es": "Un momento.",
    "it": "Un momento.",
    "pt": "Um momento.",
    "nl": "Een moment.",
    "sv": "Ett ögonblick.",
    "pl": "Chwileczkę.",
}


@dataclass(frozen=True, slots=True)
class Reassurance:
    """What to do about a silence."""

    say: str  # empty: nothing
    show: str
    elapsed_s: float


@dataclass(slots=True)
class Patience:
    """Decides for one reply. `since` is when it was last heard (s, any clock)."""

    language: str
    since: float
    _said: bool = False
    _shown: float | None = None

    def heard(self, now: float) -> None:
        """The reply can be heard, or the person speaks: nobody waits."""
        self.since = now
        self._shown = None

    def due(self) -> float:
        """When to ask again."""
        return self.since + PATIENCE_S if self._shown is None else self._shown + SHOWN_S

    def look(self, now: float, *, tool: str, background: bool, spoken: bool) -> Reassurance | None:
        """What to do now. `background`: music sounds; `spoken`: the reply has said something already."""
        if now < self.due() - 1e-6:
            return None
        self._shown = now
        words = "" if self._said or background or spoken else MOMENT.get(self.language.split("-")[0], "")
        self._said = self._said or bool(words)
        return Reassurance(words, WORK.get(tool, "working"), now - self.since)
