"""What one response is to be like: the session's settings, or what `response.create` says instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from realtime.function_calls import Functions

if TYPE_CHECKING:
    from realtime.thinking.history import History


@dataclass(frozen=True, slots=True)
class ResponseOptions:
    """How to answer. `out_of_band`: beside the conversation, which neither sees nor remembers it.

    `context` replaces the conversation as what is answered; `instructions` are those of the session where
    they are None. `voice` is empty for the one that is spoken with now. An out-of-band response has no tools
    of ours: what nobody is to notice must not make music.
    """

    modality: Literal["audio", "text"] = "audio"
    functions: Functions = field(default_factory=Functions)
    max_output_tokens: int | None = None
    instructions: str | None = None
    metadata: Mapping[str, str] | None = None
    out_of_band: bool = False
    context: History | None = None
    voice: str = ""
