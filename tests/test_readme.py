"""The README says what is true: its links, commands, code, events, packages and settings."""

from __future__ import annotations

import inspect
import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter

from client.__main__ import parser as client_parser
from models.api import Backend, SpeechChunk, SpeechRequest
from models.registry import BACKENDS
from realtime import config, own_events
from realtime.__main__ import read_settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands(program: str) -> list[str]:
    lines = [line[2:] for block in blocks("console") for line in block.splitlines() if line.startswith("$ ")]
    return [line for line in lines if program in line]


@pytest.mark.parametrize("target", re.findall(r"\]\(((?!https?:)[^)#]+)\)", README))
def test_links_lead_somewhere(target: str) -> None:
    assert (ROOT / target).exists() or (ROOT / "client" / "web" / target).exists()


PATH = r"`((?:realtime|models|client|benchmarks|tests)/[\w/.]+)`"


@pytest.mark.parametrize("path", sorted(set(re.findall(PATH, README))))
def test_paths_exist(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("target", sorted(set(re.findall(r"(?:`|\$ )make (\w+)", README))))
def test_make_targets_exist(target: str) -> None:
    assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)


@pytest.mark.parametrize("command", commands("-m realtime"))
def test_server_commands_are_understood(command: str) -> None:
    words = shlex.split(command.split("-m realtime")[1])
    if words == ["--help"]:
        with pytest.raises(SystemExit, match="0"):
            read_settings(words)
    else:
        read_settings(words)


@pytest.mark.parametrize("command", commands("-m client"))
def test_client_commands_are_understood(command: str) -> None:
    client_parser().parse_args(shlex.split(command.split("-m client")[1]))


def test_the_backend_of_the_readme_works() -> None:
    (code,) = (block for block in blocks("python") if "class Beep" in block)
    names: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec", flags=0, dont_inherit=True), names)
    backend = names["Beep"]()
    assert isinstance(backend, Backend)
    chunks: list[SpeechChunk] = []
    job = backend.open(SpeechRequest("three small words"))
    while job.step(chunks.append):
        pass
    job.close()
    assert [len(chunk.pcm) for chunk in chunks] == [6_400] * 3


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_the_examples_are_short(language: str) -> None:
    # They are run by tests/end_to_end/test_readme_examples.py.
    assert all(len(block.splitlines()) <= 30 for block in blocks(language)[:1])


def test_every_own_event_is_shown_and_valid() -> None:
    (block,) = blocks("json")
    known: TypeAdapter[Any] = TypeAdapter(own_events.OwnEvent)
    shown = [json.loads(line) for line in block.splitlines()]
    for event in shown:
        assert known.validate_python(event).model_dump() == event, "an example leaves a field out"
    types = {get_args(model.model_fields["type"].annotation)[0] for model in get_args(own_events.OwnEvent)}
    assert {event["type"] for event in shown} == types


@pytest.mark.parametrize("package", PROJECT["project"]["dependencies"])
def test_every_dependency_is_explained(package: str) -> None:
    name = re.split(r"[<>=]", package)[0]
    assert re.search(rf"^\|.*\b{name}\b", README, re.MULTILINE)


@pytest.mark.parametrize("package", re.findall(r"PACKAGES := (.*)", MAKEFILE)[0].split())
def test_every_system_package_is_named(package: str) -> None:
    assert package in README


def test_profiles_and_backends_are_named() -> None:
    for profile in config.PROFILES:
        assert f"`{profile}`" in README
    assert set(BACKENDS) == {"vad", "asr", "turn", "planner", "tts", "music", "sound"}
    for setting in re.findall(r"--set ([a-z]+\.\w+)=", README):
        section, key = setting.split(".")
        assert key in config.sections()[section].model_fields


def test_the_figures_of_the_turn_rules_are_the_real_ones() -> None:
    turn = config.Settings().turn
    assert f"after {turn.complete_ms} ms of silence" in README
    assert inspect.getdoc(config.Settings) is not None
