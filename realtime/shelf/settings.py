"""The settings of what is kept on disk."""

from __future__ import annotations

from pydantic import Field

from realtime.section import Section


class ArtefactSettings(Section):
    """The files of what is kept and made in a conversation: played again, and downloaded by its owner."""

    directory: str = Field(
        "", description="where a directory for them is made; empty is the system's temporary directory"
    )
    quota_mb: int = Field(
        256, ge=1, description="MB of files a session may keep, the newest: 256 are 23 minutes of music"
    )
    server_quota_mb: int = Field(2_048, ge=1, description="MB of files of all sessions together, the newest")
    retention_minutes: float = Field(
        60.0, ge=0, le=10_080, description="minutes files are kept after their session has ended"
    )
