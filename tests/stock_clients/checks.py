"""What the tests of several clients look at."""

from __future__ import annotations

import re


def words_of(text: str) -> list[str]:
    return re.findall(r"[\w']+", text.lower())


def is_beginning_of(kept: str, story: str) -> bool:
    """Whether these are some of the first words, and not all."""
    some, every = words_of(kept), words_of(story)
    return 0 < len(some) < len(every) and some == every[: len(some)]
