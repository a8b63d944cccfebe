"""Every setting of the server: typed, explained, with unknown names refused.

Sources, strongest first: `--set section.key=value`, the environment (`AUDIOGPT_SECTION__KEY`), a TOML file
(`--config FILE`), the profile, the defaults below.
"""

from __future__ import annotations

import dataclasses
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import Field, ValidationError, field_validator

from models.api import OPTIONAL, ROLES, Role
from models.engine import Assignment
from models.registry import BACKENDS
from realtime.hearing.turn import Rules
from realtime.section import Section
from realtime.shelf.settings import ArtefactSettings

ENVIRONMENT_PREFIX = "AUDIOGPT_"
NONE = "none"  # the backend of an optional role that nothing serves
# In the environment, with our prefix, and no settings: the server's secrets, and the key of our client.
SECRETS = ("AUDIOGPT_API_KEYS", "AUDIOGPT_TOKEN_SECRET", "AUDIOGPT_API_KEY")


class ConfigError(ValueError):
    """The settings cannot be used; the message names the setting, what is wrong and what is possible."""


class ServerSettings(Section):
    """The HTTP server and its limits."""

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8080, ge=0, le=65_535, description="port to listen on; 0 takes a free one")
    workers: int = Field(1, ge=1, le=64, description="processes that hold calls, all on the same port")
    max_sessions: int = Field(16, ge=1, le=10_000, description="calls at once; more get 503 and Retry-After")
    max_body: int = Field(65_536, ge=1_024, description="bytes of a request body, 413 beyond")
    # A minute of audio/pcm is 3.84 MB as base64; an image of 4 MiB is 5.6 MB.
    max_event: int = Field(6_291_456, ge=1_024, description="bytes of one client event, uploads included")
    connect_timeout: float = Field(15.0, gt=0, description="s a call has to connect before it is dropped")
    resume_grace: float = Field(
        20.0, ge=0, le=600, description="s a call whose connection dropped waits for its client; 0 ends it"
    )
    idle_timeout: float = Field(900.0, gt=0, description="s without a word or an event until a call is ended")


class SecuritySettings(Section):
    """Who may use the server, and how much. Without keys everybody may, on a loopback address only."""

    api_keys_env: str = Field(
        SECRETS[0], min_length=1, description="environment variable with the API keys, separated by commas"
    )
    token_secret_env: str = Field(
        SECRETS[1],
        min_length=1,
        description="environment variable with the secret that signs ephemeral tokens; unset, the keys do",
    )
    allowed_origins: tuple[str, ...] = Field(
        (), description="web origins besides our own that may call, for example https://example.org; * is any"
    )
    sessions_per_key: int = Field(8, ge=1, description="calls at once of one API key, its tokens' included")
    events_per_second: int = Field(
        200, ge=1, description="client events of a session; ten times that at once"
    )
    audio_per_minute: int = Field(300, ge=60, description="s of audio a session may send in a minute")
    responses_per_minute: int = Field(
        240, ge=1, description="responses a key's sessions may ask for in a minute"
    )

    @field_validator("allowed_origins")
    @classmethod
    def _origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if origin != "*" and not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^/?#\s]+", origin):
                raise ValueError(
                    f"{origin!r} is no origin; write scheme://host or scheme://host:port, no path"
                )
        return origins


class MediaSection(Section):
    """WebRTC: what is offered to peers."""

    addresses: tuple[str, ...] = Field(
        (), description="addresses to offer as ICE candidates; none offers every address of this host"
    )
    udp_ports: str = Field("", pattern=r"^(\d+-\d+)?$", description="UDP port range, for example 40000-40999")
    ice_servers: tuple[str, ...] = Field(
        (), description="STUN and TURN URLs, for example stun:host:3478,turn:host:3478?transport=udp"
    )
    turn_secret_env: str = Field(
        "", description="environment variable with the secret shared with the TURN server (TURN REST API)"
    )
    turn_ttl: int = Field(
        14_400,
        ge=60,
        le=604_800,
        description="s for which TURN credentials are valid; a call may last so long",
    )

    @field_validator("ice_servers")
    @classmethod
    def _known_schemes(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        for url in urls:
            if not re.fullmatch(r"(stuns?:[^?\s]+|turns?:[^?\s]+(\?transport=(udp|tcp))?)", url):
                raise ValueError(
                    f"{url!r} is no STUN or TURN URL; write stun:host:port or turn:host:port?transport=udp"
                )
        return urls

    @field_validator("udp_ports")
    @classmethod
    def _rising(cls, ports: str) -> str:
        first, _, last = ports.partition("-")
        if ports and not 1 <= int(first) <= int(last) <= 65_535:
            raise ValueError("a range of ports begins at 1 or above and ends at 65535 or below")
        return ports


class HearingSettings(Section):
    """What is done with the sound of the microphone before anything listens to it, and what else is taken."""

    cancel_echo: bool = Field(True, description="take our own voice out, where the client has not done so")
    max_upload_seconds: float = Field(60.0, gt=0, le=600, description="s of audio in one created item")
    max_image: int = Field(4_194_304, ge=1_024, description="bytes of one image in a created item")


class VadSettings(Section):
    """Voice activity detection."""

    backend: str = Field("silero", description="voice activity detector")
    threshold: float = Field(0.5, gt=0, lt=1, description="probability from which a frame counts as speech")


class TurnSettings(Section):
    """When a turn begins and ends."""

    backend: str = Field(NONE, description="network that judges from the voice whether a turn is over")
    model: str = Field(
        "",
        description="smart-turn: file, directory or hub:OWNER/NAME/FILE@COMMIT#SHA256; empty downloads v3.2",
    )
    prefix_ms: int = Field(
        300, ge=0, le=2_000, description="ms of audio kept from before speech was detected"
    )
    pause_ms: int = Field(
        96, ge=32, le=1_000, description="ms of silence after which an answer is prepared, unheard"
    )
    complete_ms: int = Field(
        190, ge=60, le=5_000, description="ms of silence that end a turn whose words are a whole request"
    )
    silence_ms: int = Field(480, ge=60, le=5_000, description="ms of silence that end an ordinary turn")
    unfinished_ms: int = Field(
        2_000, ge=60, le=10_000, description="ms of silence that end a turn whose words stop in mid-sentence"
    )
    onset_ms: int = Field(
        64, ge=32, le=1_000, description="ms of speech until it counts as somebody speaking"
    )
    barge_in_ms: int = Field(
        32, ge=32, le=1_000, description="ms of speech over the assistant until it falls silent to listen"
    )
    barge_in_threshold: float = Field(
        0.2, gt=0, lt=1, description="speech probability over the assistant above which it listens up"
    )
    interrupt_ms: int = Field(
        400, ge=32, le=5_000, description="ms of speech over the assistant until it falls silent for good"
    )
    max_seconds: float = Field(60.0, gt=1, le=600, description="s after which a turn is ended in any case")


class AsrSettings(Section):
    """Speech recognition."""

    backend: str = Field("pocketsphinx", description="speech recogniser")
    language: str = Field("en", description="language spoken to the assistant (ISO 639-1)")
    processes: int = Field(1, ge=1, description="processes that compute")
    slots: int = Field(2, ge=1, description="recognisers loaded ahead in each process")
    max_slots: int = Field(16, ge=1, description="people who may speak at once in each process (60 MB each)")


class PlannerSettings(Section):
    """The planner: what to answer and which tools to use."""

    backend: str = Field(
        "intent", description="planner: intent needs nothing; openai takes any compatible URL"
    )
    url: str = Field("http://127.0.0.1:8000/v1", description="openai: base URL of the API")
    model: str = Field("", description="openai: name of the model; empty takes the first the server lists")
    api_key_env: str = Field("OPENAI_API_KEY", description="openai: environment variable that holds the key")
    timeout: float = Field(20.0, gt=0, description="openai: s to wait for the first word")
    instructions: str = Field("", description="openai: added to the system prompt")


class TtsSettings(Section):
    """Speech synthesis."""

    backend: str = Field("embedded", description="speech synthesiser")
    voice: str = Field("", description="voice; empty takes the backend's own choice")
    language: str = Field("en", description="language to speak (ISO 639-1)")
    speed: float = Field(1.0, ge=0.25, le=4.0, description="rate of speech")
    processes: int = Field(1, ge=1, description="processes that compute")


class MusicSettings(Section):
    """Music."""

    backend: str = Field("composer", description="music maker")
    processes: int = Field(1, ge=1, description="processes that compute")


class SoundSettings(Section):
    """Sound effects."""

    backend: str = Field("procedural", description="sound maker")
    processes: int = Field(1, ge=1, description="processes that compute")


class MixerSettings(Section):
    """The mix of speech, music and sound."""

    music_db: float = Field(-3.0, ge=-60, le=6, description="dB of music and sound")
    duck_db: float = Field(-18.0, ge=-60, le=0, description="dB by which music is lowered under speech")
    hush_db: float = Field(
        -24.0, ge=-60, le=0, description="dB by which music is lowered while the person speaks"
    )


class Settings(Section):
    """All settings."""

    profile: Literal["embedded"] = Field("embedded", description="which backends serve the roles by default")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="how much is logged")
    offline: bool = Field(False, description="never download models; take those that are here")
    server: ServerSettings = ServerSettings()
    security: SecuritySettings = SecuritySettings()
    media: MediaSection = MediaSection()
    hearing: HearingSettings = HearingSettings()
    vad: VadSettings = VadSettings()
    turn: TurnSettings = TurnSettings()
    asr: AsrSettings = AsrSettings()
    planner: PlannerSettings = PlannerSettings()
    tts: TtsSettings = TtsSettings()
    music: MusicSettings = MusicSettings()
    sound: SoundSettings = SoundSettings()
    mixer: MixerSettings = MixerSettings()
    artefacts: ArtefactSettings = ArtefactSettings()

    @field_validator(*ROLES)
    @classmethod
    def _known_backend(cls, section: Any, info: Any) -> Any:
        if section.backend not in _choices(info.field_name) and ":" not in section.backend:
            raise ValueError(f"there is no {info.field_name} backend {section.backend!r}")
        return section

    def rules(self) -> Rules:
        """The thresholds of the turn detector."""
        names = [field.name for field in dataclasses.fields(Rules) if field.name != "threshold"]
        return Rules(self.vad.threshold, **self.turn.model_dump(include=set(names)))

    def assignments(self) -> dict[Role, Assignment]:
        """What the engine has to load."""
        planner = self.planner
        chosen = [role for role in ROLES if getattr(self, role).backend != NONE]
        options: dict[Role, dict[str, Any]] = {role: {} for role in ROLES}
        if self.asr.backend == "pocketsphinx":
            options["asr"] = self.asr.model_dump(include={"slots", "max_slots"})
        if self.turn.backend == "smart-turn":
            options["turn"] = {"model": self.turn.model, "offline": self.offline}
        if planner.backend == "openai":
            options["planner"] = planner.model_dump(include={"url", "model", "api_key_env"})
            options["planner"]["timeout_s"] = planner.timeout
        return {
            role: Assignment(
                getattr(self, role).backend, options[role], getattr(getattr(self, role), "processes", 1)
            )
            for role in chosen
        }


# The profile fills in what no other source sets. `embedded` is the defaults themselves.
PROFILES: Mapping[str, Mapping[str, Any]] = {"embedded": {}}


def load(
    flags: Sequence[str] = (),
    *,
    profile: str | None = None,
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """Combine all sources. `flags` are "section.key=value". Raises `ConfigError` that lists the choices."""
    values: dict[str, Any] = {}
    if file is not None:
        try:
            _merge(values, tomllib.loads(file.read_text("utf-8")))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"cannot read the settings file {file}: {error}") from error
    for name, text in (os.environ if environment is None else environment).items():
        if name.startswith(ENVIRONMENT_PREFIX) and name not in SECRETS:
            _put(values, name.removeprefix(ENVIRONMENT_PREFIX).lower().replace("__", "."), text, name)
    for flag in flags:
        path, separator, text = flag.partition("=")
        if not separator:
            raise ConfigError(f"--set takes section.key=value, not {flag!r}")
        _put(values, path.strip(), text, f"--set {path.strip()}")
    if profile is not None:
        values["profile"] = profile
    chosen = values.get("profile", "embedded")
    if not isinstance(chosen, str) or chosen not in PROFILES:
        raise ConfigError(f"no profile is called {chosen!r}; choose one of: {', '.join(sorted(PROFILES))}")
    try:
        settings = Settings.model_validate(_merge(_copy(PROFILES[chosen]), values))
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(dict(detail)) for detail in error.errors())) from None
    secret = settings.media.turn_secret_env
    if secret and not (os.environ if environment is None else environment).get(secret):
        raise ConfigError(
            f"media.turn_secret_env: there is no environment variable {secret}; put the secret in it"
        )
    return settings


def sections() -> dict[str, type[Section]]:
    """The sections by name, in the order of `Settings`."""
    return {
        name: field.annotation
        for name, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section)
    }


def describe() -> str:
    """Every setting with its default and meaning, for `--help`."""
    lines = [
        f"  {key}={field.get_default()}\n      {field.description}"
        for key, field in Settings.model_fields.items()
        if key not in sections()
    ]
    for section, model in sections().items():
        lines.append(f"\n{section}: {(model.__doc__ or '').strip()}")
        for key, field in model.model_fields.items():
            default = field.get_default()
            shown = ",".join(default) if isinstance(default, tuple) else default
            choices = f" [{', '.join(_choices(cast(Role, section)))}]" if key == "backend" else ""
            lines.append(f"  {section}.{key}={shown}\n      {field.description}{choices}")
    return "\n".join(lines)


def _choices(role: Role) -> list[str]:
    return sorted(BACKENDS[role]) + ([NONE] if role in OPTIONAL else [])


def _put(values: dict[str, Any], path: str, text: str, source: str) -> None:
    parts = path.split(".")
    if len(parts) > 2 or not all(parts):
        raise ConfigError(f"{source}: settings are named section.key, for example server.port")
    known = sections()
    if len(parts) == 2 and parts[0] in known:
        field = known[parts[0]].model_fields.get(parts[1])
        if field is not None and "tuple" in str(field.annotation):
            _merge(
                values,
                {parts[0]: {parts[1]: tuple(item.strip() for item in text.split(",") if item.strip())}},
            )
            return
    _merge(values, {parts[0]: {parts[1]: text}} if len(parts) == 2 else {parts[0]: text})


def _merge(into: dict[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    for key, value in new.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = _copy(value) if isinstance(value, Mapping) else value
    return into


def _copy(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _copy(item) if isinstance(item, Mapping) else item for key, item in value.items()}


def _explain(error: dict[str, Any]) -> str:
    where = [str(part) for part in error["loc"]]
    name = ".".join(where)
    known = sections()
    if error["type"] == "extra_forbidden":
        if len(where) > 1 and where[0] in known:
            return f"unknown setting {name}; {where[0]} has: {', '.join(known[where[0]].model_fields)}"
        return f"unknown setting {name}; there are: {', '.join(Settings.model_fields)}"
    if error["type"] == "value_error" and len(where) == 1 and where[0] in BACKENDS:
        choices = ", ".join(_choices(cast(Role, where[0])))
        return f"{name}.backend: {error['ctx']['error']}; choose one of: {choices}"
    return f"{name}: {error['msg'].lower()} (given: {error['input']!r})"
