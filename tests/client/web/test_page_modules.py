"""The page's pure modules under Node, and the dialogue that the tests speak, held against the real types."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter

from realtime.own_events import OwnEvent

HERE = Path(__file__).parent
WEB = HERE.parents[2] / "client" / "web"


def test_pure_modules(node: str) -> None:
    files = sorted(str(path) for path in HERE.glob("*.test.mjs"))
    result = subprocess.run([node, "--test", *files], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr


def test_dialogue_is_what_a_server_may_send(dialogue: dict[str, list[dict[str, Any]]]) -> None:
    own: TypeAdapter[Any] = TypeAdapter(OwnEvent)
    standard: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
    for events in dialogue.values():
        for event in events:
            (own if event["type"].startswith("audiogpt.") else standard).validate_python(event)


def test_nothing_comes_from_elsewhere() -> None:
    for path in WEB.iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"(src|href|url|import|from)\W{1,3}(https?:)?//", text), path.name


def test_every_module_the_page_names_exists() -> None:
    for path in WEB.glob("*.js"):
        for name in re.findall(r'from "\./([\w.]+)"', path.read_text(encoding="utf-8")):
            assert (WEB / name).exists(), f"{path.name} imports {name}"
    for name in re.findall(
        r'(?:src|href)="static/([\w.]+)"', (WEB / "index.html").read_text(encoding="utf-8")
    ):
        assert (WEB / name).exists(), name
