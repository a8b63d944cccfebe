"""The typed plan: what a planner may ask for, the same for the embedded planner and for an LLM.

A planner's output is a sequence of steps: text to say (`models.api.TextDelta`) and calls of the tools
below. The pydantic models are the tools' arguments; their JSON schemas, with these docstrings and
descriptions, are what a language model is shown (`tool_schemas` in `realtime/thinking/tools.py`).
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

Mode = Literal["major", "minor", "dorian", "phrygian", "lydian", "mixolydian"]
Tonic = Literal["C", "C#", "Db", "D", "D#", "Eb", "E", "F", "F#", "Gb", "G", "G#", "Ab", "A", "A#", "Bb", "B"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MusicBrief(_Model):
    """A piece of music in words a composer needs. Whatever is left out, the style decides."""

    description: str = Field("", description="The request in the person's own words.", max_length=500)
    style: str = Field("", description="A style, for example jazz trio, lo-fi, waltz, ambient, solo piano.")
    mood: tuple[str, ...] = Field((), description="Moods, for example calm, dark, happy, epic.")
    tonic: Tonic | None = Field(None, description="The key note.")
    mode: Mode | None = Field(None, description="The mode of the key.")
    tempo: float | None = Field(None, ge=30, le=300, description="Quarter notes a minute.")
    metre: Literal["4/4", "3/4", "6/8", "2/4", "5/4"] | None = Field(None, description="The time signature.")
    instruments: tuple[str, ...] = Field((), description="Instruments that must play.")
    without: tuple[str, ...] = Field((), description="Instruments that must not play, for example drums.")
    density: float | None = Field(None, ge=0, le=1, description="How much happens: 0 sparse, 1 busy.")
    bars: int | None = Field(None, ge=1, le=10_000, description="Length in bars; none plays until stopped.")


class SoundBrief(_Model):
    """A sound effect or a soundscape."""

    description: str = Field(
        ..., description="The sound in words, for example heavy rain with thunder far away."
    )
    seconds: float | None = Field(
        None, gt=0, le=3600, description="Length; none lets the kind of sound decide."
    )


class Step(_Model):
    """A step of a plan. `tool` is its name in a planner's calls."""

    tool: ClassVar[str]


class PlayMusic(Step):
    """Compose a piece of music and play it at once, until it ends or the person says stop.

    "edit" changes the piece that plays, from its next bar on, into what the brief now says as a whole.
    """

    tool: ClassVar[str] = "play_music"
    brief: MusicBrief
    change: Literal["new", "edit"] = "new"


class Capture(Step):
    """Listen without obeying, and keep what the person gives: words to write down, a tune, a recording.

    It ends with their silence or "that's it". A system message then says what was kept, and `then`.
    """

    tool: ClassVar[str] = "capture"
    kind: Literal["dictation", "melody", "recording"]
    then: str = Field("", max_length=300, description="What to do with it, in the person's words.")


class KeepSaid(Step):
    """Keep what the person said before this request ("what I just said") as a recording with its text."""

    tool: ClassVar[str] = "keep_said"


class KeepText(Step):
    """Write down words that the person gave along with the request ("write down: buy milk")."""

    tool: ClassVar[str] = "keep_text"
    text: str = Field(..., min_length=1, max_length=2_000)


class PlayArtefact(Step):
    """Play something that was kept or made: by its name or number, or the newest recording."""

    tool: ClassVar[str] = "play_artefact"
    name: str = Field("", max_length=120)


class PlaySound(Step):
    """Make a sound effect (rain, wind, thunder, a siren, a bell, applause and so on) and play it."""

    tool: ClassVar[str] = "play_sound"
    brief: SoundBrief


class StopPlaying(Step):
    """Stop the music and sound that plays."""

    tool: ClassVar[str] = "stop_playing"


class ResumePlaying(Step):
    """Go on with the music or sound that the person's words interrupted."""

    tool: ClassVar[str] = "resume_playing"


class SetVolume(Step):
    """Make everything, or only the music or only the voice, louder or softer."""

    tool: ClassVar[str] = "set_volume"
    change: Literal["louder", "softer", "mute", "normal"]
    target: Literal["all", "music", "voice"] = "all"


class SetPace(Step):
    """Make the speaking voice slower or faster from now on."""

    tool: ClassVar[str] = "set_pace"
    change: Literal["slower", "faster", "normal"]


class SetVoice(Step):
    """Choose the speaking voice, or the language it speaks (an ISO 639-1 code).

    A voice is a name, or "female", "male", "other" (than the present one) or "default".
    """

    tool: ClassVar[str] = "set_voice"
    voice: str = ""
    language: str = ""


class SetTimer(Step):
    """Set a timer. When it is over, the assistant says so."""

    tool: ClassVar[str] = "set_timer"
    seconds: float = Field(..., gt=0, le=86_400)
    label: str = Field("", max_length=80, description="What it is for, in the person's words.")


class CancelTimer(Step):
    """Cancel the timer with this label, or every timer when the label is empty."""

    tool: ClassVar[str] = "cancel_timer"
    label: str = ""


STEPS: tuple[type[Step], ...] = (
    PlayMusic,
    PlaySound,
    StopPlaying,
    ResumePlaying,
    Capture,
    KeepSaid,
    KeepText,
    PlayArtefact,
    SetVolume,
    SetPace,
    SetVoice,
    SetTimer,
    CancelTimer,
)
