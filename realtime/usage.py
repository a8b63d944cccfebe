"""What a response has cost, as `response.done` tells it. Pure.

Text is counted by the planner: a language model's own counts, as its server reports them; the embedded
planner counts the words and marks it reads and writes (`models/planner/tokens.py`). A round that was cut off
before its counts came is counted by the pieces of text that had arrived, which is one token each with the
servers that stream by token; its input is unknown and counts nothing.

Audio is counted by its duration, as OpenAI's Realtime API does: a token for each 100 ms of the person's and
for each 50 ms of the assistant's (https://developers.openai.com/api/docs/guides/realtime-costs). The person's
audio is that of the item that is answered: earlier turns are not listened to again, their words are read as
text. The assistant's is what was synthesised, heard or not.

A response that `max_output_tokens` ended counts what it holds: what was planned beyond that is thrown away.

`cached_tokens` are what a language model's server reports; nothing else here has a cache.
"""

from __future__ import annotations

from typing import Any

from models.api import SPEAKING_RATE, PlanDone

HEARD_MS_A_TOKEN = 100
SPOKEN_MS_A_TOKEN = 50


def spoken_tokens(samples: int) -> int:
    """The tokens of so much of the assistant's audio, at SPEAKING_RATE; what is begun counts."""
    return -(-samples * 1000 // (SPEAKING_RATE * SPOKEN_MS_A_TOKEN))


class Usage:
    """Tokens of one reply."""

    def __init__(self) -> None:
        self.input_text_tokens = 0
        self.cached_tokens = 0
        self.heard_ms = 0  # of the person's audio
        self.spoken_samples = 0  # at SPEAKING_RATE, of the assistant's
        self.limit: int | None = None  # set when `max_output_tokens` ended the response
        self._rounds = 0
        self._pieces = 0

    @property
    def output_text_tokens(self) -> int:
        """Tokens the planner has written so far."""
        return self._rounds + self._pieces

    def piece(self) -> None:
        """A piece of text came, of a round that is not counted yet."""
        self._pieces += 1

    def round(self, done: PlanDone) -> None:
        """A round is over, and here are its counts."""
        self.input_text_tokens += done.input_tokens
        self.cached_tokens += done.cached_tokens
        self._rounds += done.output_tokens
        self._pieces = 0

    def as_event(self) -> dict[str, Any]:
        """As `response.done` carries it."""
        heard = -(-self.heard_ms // HEARD_MS_A_TOKEN)
        spoken = spoken_tokens(self.spoken_samples)
        written = self.output_text_tokens
        if self.limit is not None:
            spoken = min(spoken, self.limit)
            written = min(written, self.limit - spoken)
        inputs, outputs = self.input_text_tokens + heard, written + spoken
        return {
            "total_tokens": inputs + outputs,
            "input_tokens": inputs,
            "output_tokens": outputs,
            "input_token_details": {
                "text_tokens": self.input_text_tokens,
                "audio_tokens": heard,
                "image_tokens": 0,
                "cached_tokens": self.cached_tokens,
                "cached_tokens_details": {
                    "text_tokens": self.cached_tokens,
                    "audio_tokens": 0,
                    "image_tokens": 0,
                },
            },
            "output_token_details": {"text_tokens": written, "audio_tokens": spoken},
        }
