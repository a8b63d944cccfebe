"""What every group of settings has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A named group of settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)
