"""A language model of what people say to this assistant, trained on sentences sampled from a small grammar.

PocketSphinx's own model is made of general text and expects "a minor" no more than "a mile". The words
of a request are drawn from slots, so the model learns how such requests are built rather than a list of
them (`models/asr/requests.py` and `models/asr/slots.py`).
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

from models.asr.requests import TEMPLATES
from models.asr.slots import SLOTS

_SLOT = re.compile(r"\{(\w+)\}")


def sentences(count: int, seed: int = 1) -> Iterator[str]:
    """Yield `count` requests in lower-case words. The same seed gives the same sentences."""
    rng = random.Random(seed)  # noqa: S311 - not a secret: it has to be repeatable
    choices = {name: [part.strip() for part in text.split(",")] for name, text in SLOTS.items()}
    kinds = [text.splitlines() for _, text in TEMPLATES]
    weights = [weight for weight, _ in TEMPLATES]
    for kind in rng.choices(kinds, weights, k=count):
        yield _expand(rng.choice(kind), choices, rng)


def write_language_model(path: Path, count: int) -> None:
    """Train a trigram model on `count` sentences and write it in ARPA format (0.4 s for 40,000)."""
    from pocketsphinx.lm import ArpaBoLM  # here: importing it loads all of the wheel's Python side

    # 0.3 of the probability is kept for word pairs the grammar does not make.
    model = ArpaBoLM(text="\n".join(sentences(count)), add_start=True, discount_mass=0.3)
    model.compute()
    buffer = StringIO()
    model.write(buffer)
    path.write_text(buffer.getvalue(), encoding="utf-8")


def _expand(template: str, choices: dict[str, list[str]], rng: random.Random) -> str:
    return _SLOT.sub(lambda slot: _expand(rng.choice(choices[slot[1]]), choices, rng), template)
