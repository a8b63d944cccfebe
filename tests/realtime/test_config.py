"""Settings: which source wins, and what is said about a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.api import OPTIONAL, ROLES
from models.registry import BACKENDS
from realtime import config
from realtime.config import ConfigError, Settings, load, sections


def refused(*flags: str, **sources: object) -> str:
    with pytest.raises(ConfigError) as caught:
        load(flags, environment=sources.pop("environment", {}), **sources)  # type: ignore[arg-type]
    return str(caught.value)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "settings.toml"
    path.write_text("[turn]\nsilence_ms = 700\ncomplete_ms = 300\nprefix_ms = 100\nonset_ms = 96\n", "utf-8")
    return path


def test_without_any_source_there_are_defaults() -> None:
    assert load(environment={}) == Settings()


def test_the_stronger_source_wins(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        config,
        "PROFILES",
        {
            "embedded": {
                "turn": {
                    "silence_ms": 1,
                    "complete_ms": 1,
                    "prefix_ms": 1,
                    "onset_ms": 64,
                    "interrupt_ms": 999,
                }
            }
        },
    )
    environment = {"AUDIOGPT_TURN__COMPLETE_MS": "310", "AUDIOGPT_TURN__PREFIX_MS": "110", "PATH": "/bin"}
    turn = load(["turn.prefix_ms=120"], file=file, environment=environment).turn
    assert turn.prefix_ms == 120  # flag
    assert turn.complete_ms == 310  # environment
    assert turn.silence_ms == 700  # file
    assert turn.interrupt_ms == 999  # profile
    assert turn.unfinished_ms == 2_000  # default


def test_the_last_flag_wins_and_a_value_may_hold_an_equals_sign() -> None:
    settings = load(
        ["server.port=1", "server.port = 2", "planner.url=http://host/v1?a=b"],
        environment={"AUDIOGPT_PROFILE": "embedded"},
    )
    assert settings.server.port == 2
    assert settings.planner.url == "http://host/v1?a=b"


def test_the_environment_is_read_unless_another_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIOGPT_SERVER__PORT", "99")
    assert load().server.port == 99
    assert load(environment={}).server.port == 8080


@pytest.mark.parametrize("text", ["10.0.0.1,10.0.0.2", " 10.0.0.1 , 10.0.0.2,"])
def test_a_list_is_separated_by_commas(text: str, tmp_path: Path) -> None:
    wanted = ("10.0.0.1", "10.0.0.2")
    assert load([f"media.addresses={text}"], environment={}).media.addresses == wanted
    assert load(environment={"AUDIOGPT_MEDIA__ADDRESSES": text}).media.addresses == wanted
    file = tmp_path / "a.toml"
    file.write_text('media.addresses = ["10.0.0.1", "10.0.0.2"]', "utf-8")
    assert load(file=file, environment={}).media.addresses == wanted
    assert load(["media.addresses="], file=file, environment={}).media.addresses == ()


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("server.prot=1", ["unknown setting server.prot", "port", "host"]),
        ("sever.port=1", ["unknown setting sever", "server", "turn"]),
        ("colour=red", ["unknown setting colour", "profile"]),
        ("server.port", ["--set takes section.key=value", "'server.port'"]),
        ("server.port.x=1", ["--set server.port.x", "section.key"]),
        ("=1", ["section.key"]),
        (".port=1", ["section.key"]),
        ("server.port=abc", ["server.port", "integer", "'abc'"]),
        ("server.port=70000", ["server.port", "65535", "'70000'"]),
        ("server=1", ["server", "'1'"]),
        ("vad.threshold=nan", ["vad.threshold"]),
        ("log_level=loud", ["log_level", "'debug'", "'loud'"]),
        ("media.udp_ports=here", ["media.udp_ports", "'here'"]),
        ("media.udp_ports=5-3", ["media.udp_ports", "range of ports"]),
        ("media.udp_ports=1-70000", ["media.udp_ports", "65535"]),
        ("profile=huge", ["no profile is called 'huge'", "embedded"]),
        ("tts.backend=parrot", ["tts.backend", "'parrot'", "embedded", "flite"]),
        ("tts.backend=none", ["tts.backend", "'none'", "embedded", "flite"]),
        ("turn.backend=parrot", ["turn.backend", "'parrot'", "smart-turn, none"]),
        ("offline=perhaps", ["offline", "'perhaps'"]),
    ],
)
def test_what_is_wrong_is_said_with_what_is_possible(flag: str, words: list[str]) -> None:
    message = refused(flag)
    assert all(word in message for word in words), message


def test_every_mistake_is_named_at_once() -> None:
    message = refused("server.port=abc", "turn.onset_ms=1", "vad.x=1")
    assert len(message.splitlines()) == 3


def test_mistakes_in_the_environment_and_in_a_file(tmp_path: Path) -> None:
    assert "unknown setting server.prot" in refused(environment={"AUDIOGPT_SERVER__PROT": "1"})
    assert "AUDIOGPT_A__B__C" in refused(environment={"AUDIOGPT_A__B__C": "1"})
    assert "section.key" in refused(environment={"AUDIOGPT_": "1"})
    file = tmp_path / "a.toml"
    for text, word in [
        ("[server", "cannot read the settings file"),
        ('[server]\nport = "x"', "server.port"),
        ("server = 5", "server"),
        ("profile = [1]", "no profile"),
        ("[server.port]\nx = 1", "server.port"),
        ("[[server]]\nport = 1", "server"),
    ]:
        file.write_text(text, "utf-8")
        assert word in refused(file=file)
    file.write_bytes(b"\xff\xfe")
    assert "cannot read" in refused(file=file)
    assert "cannot read" in refused(file=tmp_path / "none.toml")


@given(
    st.lists(
        st.text(max_size=12) | st.sampled_from(["server.port=1", "server=1", "media=2", "media.addresses=,"]),
        max_size=4,
    )
)
def test_no_flags_give_anything_but_settings_or_an_explanation(flags: list[str]) -> None:
    try:
        load(flags, environment={})
    except ConfigError as error:
        explanation = str(error)
        assert explanation


def test_every_setting_is_described_with_its_default() -> None:
    text = config.describe()
    for name, model in sections().items():
        for key, field in model.model_fields.items():
            assert f"{name}.{key}=" in text
            assert field.description
            assert field.description in text
    for key in set(Settings.model_fields) - set(sections()):
        assert f"{key}={Settings.model_fields[key].default}" in text
    for role in ROLES:
        assert ", ".join(sorted(BACKENDS[role])) in text


@pytest.mark.parametrize("role", ROLES)
def test_every_backend_can_be_chosen_and_so_can_ones_own(role: str) -> None:
    for backend in [*BACKENDS[role], "my.module:Backend"]:  # type: ignore[index]
        settings = load([f"{role}.backend={backend}"], environment={})
        assert settings.assignments()[role].backend == backend  # type: ignore[index]


def test_what_the_engine_loads() -> None:
    settings = load(
        ["asr.slots=3", "tts.processes=2", "planner.backend=openai", "planner.model=m", "planner.timeout=5"],
        environment={},
    )
    assignments = settings.assignments()
    assert list(assignments) == [role for role in ROLES if role not in OPTIONAL]
    assert assignments["asr"].options["slots"] == 3
    assert assignments["tts"].processes == 2
    assert assignments["planner"].options["model"] == "m"
    assert assignments["planner"].options["timeout_s"] == 5.0


def test_an_optional_role_is_left_out_unless_asked_for() -> None:
    assert "turn" not in load(["turn.backend=none", "turn.model=x.onnx"], environment={}).assignments()
    settings = load(["turn.backend=smart-turn", "turn.model=x.onnx", "offline=true"], environment={})
    assert list(settings.assignments()) == list(ROLES)
    assert settings.assignments()["turn"].options == {"model": "x.onnx", "offline": True}
    assert "[smart-turn, none]" in config.describe()


def test_secrets_in_the_environment_are_no_settings() -> None:
    secrets = dict.fromkeys(config.SECRETS, "a-key-for-tests-0001")
    assert load(environment=secrets) == Settings()
    assert "0001" not in refused(environment={**secrets, "AUDIOGPT_API": "1"})


@pytest.mark.parametrize("origins", ["https://a.example,http://localhost:5173", "*", ""])
def test_origins_are_scheme_and_host(origins: str) -> None:
    given_origins = load([f"security.allowed_origins={origins}"], environment={}).security.allowed_origins
    assert given_origins == tuple(filter(None, origins.split(",")))
    for wrong in ("example.org", "https://a.example/", "https://a.example/path", "https://"):
        assert "scheme://host" in refused(f"security.allowed_origins={wrong}")


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError):
        load(environment={}).server.port = 1  # type: ignore[misc]
