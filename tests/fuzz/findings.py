"""What a run has done and found."""

from __future__ import annotations

import base64
import json
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KEPT = 40  # messages before a finding that go into its reproducer


@dataclass(slots=True)
class Findings:
    """Counts of cases by kind, and what went wrong."""

    seed: int
    cases: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)  # of each kind: statuses, codes of errors, closes
    wrong: list[dict[str, Any]] = field(default_factory=list)
    recent: deque[Any] = field(default_factory=lambda: deque(maxlen=KEPT))

    def sent(self, kind: str, message: object) -> None:
        """One more case; `message` is kept, to be told when it breaks something."""
        self.cases[kind] += 1
        self.recent.append(message)

    def add(self, what: str, **details: object) -> None:
        """Something is wrong. The first 50 are kept."""
        if len(self.wrong) < 50:
            last = [_plain(message) for message in self.recent]
            self.wrong.append({"what": what, **details, "last": last})

    def save(self, path: Path) -> None:
        """The reproducer: the seed, and for each finding what was sent last."""
        path.write_text(json.dumps({"seed": self.seed, "findings": self.wrong}, indent=1, default=str))


def _plain(message: object) -> object:
    if isinstance(message, bytes):
        return {"base64": base64.b64encode(message).decode()}
    # Half a surrogate pair cannot be written as UTF-8: as JSON's escape it can.
    return message
