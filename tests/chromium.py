"""The Chromium of the tests: where it is, and how it is started."""

from __future__ import annotations

from pathlib import Path

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--allow-loopback-in-peer-connection",
)
# A microphone that pages are allowed to use; it beeps, unless `microphone_flags` gives it something to say.
MICROPHONE = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
AUTOPLAY = "--autoplay-policy=no-user-gesture-required"


def microphone_flags(voice: Path) -> tuple[str, ...]:
    """Flags for a microphone that says what is in the WAV file `voice`; pages may sound without a tap."""
    return (*MICROPHONE, f"--use-file-for-fake-audio-capture={voice}", AUTOPLAY)
