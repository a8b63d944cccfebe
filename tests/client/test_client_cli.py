"""The command line as a person or a script uses it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import soundfile
from starlette.responses import JSONResponse

from client.__main__ import main


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_two_files_give_two_json_objects_and_a_recording(
    server: Any, question: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "reply.wav"
    options = ["--url", server.url, "--out", str(out), "--json"]
    assert main(["talk", str(question), str(question), *options]) == 0
    captured = capsys.readouterr()
    reports = [json.loads(line) for line in captured.out.splitlines()]
    assert [report["turn"] for report in reports] == [1, 2]
    required = {"heard", "said", "voice_to_voice_ms", "stages_ms", "artefacts", "music", "interrupted"}
    assert required <= reports[0].keys()
    assert captured.err == ""
    info = soundfile.info(out)
    assert (info.samplerate, info.channels, info.subtype) == (48_000, 2, "PCM_16")
    assert 1.5 < info.duration < 10


def test_a_reading_for_people(server: Any, capsys: pytest.CaptureFixture[str]) -> None:
    server.script.music = True
    server.script.said = "[bold]one[/] two"
    options = ["--url", server.url, "--transport", "websocket", "--listen", "0.2"]
    assert main(["text", "play a calm piece", *options]) == 0
    out = capsys.readouterr().out
    for words in ("connected to", "play a calm piece", "[bold]one[/] two", "text to voice", "calm piano"):
        assert words in out


def test_session_options_reach_the_server(server: Any, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--instructions", "be brief", "--language", "de", "--voice", "anna", "--json"]
    assert main(["text", "hallo", "--url", server.url, "--transport", "websocket", *options]) == 0
    assert server.seen.events[0]["session"] == {
        "type": "realtime",
        "instructions": "be brief",
        "audio": {"input": {"transcription": {"language": "de"}}, "output": {"voice": "anna"}},
    }
    assert json.loads(capsys.readouterr().out)["said"] == "here it is"


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    return line


@pytest.mark.parametrize("transport", ["webrtc", "websocket"])
def test_nobody_there(transport: str, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"http://127.0.0.1:{closed_port()}"
    assert main(["text", "hello", "--url", url, "--transport", transport]) == 1
    assert one_line(capsys) == f"client: {url} is unreachable: connection refused (is the server running?)"


def test_a_full_server(server: Any, capsys: pytest.CaptureFixture[str]) -> None:
    server.script.offer_answer = JSONResponse(
        {"error": {"message": "full"}}, 503, headers={"Retry-After": "5"}
    )
    assert main(["text", "hello", "--url", server.url]) == 1
    assert "503 full (Retry-After: 5 s)" in one_line(capsys)


def test_silence_is_a_failure_with_a_report(
    server: Any, question: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.script.ignore = True
    assert main(["talk", str(question), "--url", server.url, "--wait", "0.3", "--json"]) == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out)["answered"] is False
    assert "stayed silent in turn 1" in captured.err
    assert "no answer within 0.3 s" in captured.err


def test_a_missing_file_is_named_before_any_call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["talk", str(tmp_path / "none.wav")]) == 1
    assert "none.wav: no such file" in one_line(capsys)


def test_a_folder_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["text", "hello", "--out", str(tmp_path / "none" / "out.wav")]) == 1
    assert "there is no such folder" in one_line(capsys)


@pytest.mark.parametrize(
    "wrong", [["--wait", "-1"], ["--transport", "pigeon"], ["--wait", "nan"], ["--interrupt-after", "-5"], []]
)
def test_wrong_usage(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["text", *(["hello", *wrong] if wrong else [])])
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_ctrl_c_hangs_up_and_keeps_the_recording(server: Any, tmp_path: Path) -> None:
    server.script.music = True
    out = tmp_path / "kept.wav"
    options = ["--url", server.url, "--out", str(out), "--listen", "60"]
    command = [sys.executable, "-m", "client", "text", "play", *options]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("connected")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors.strip() == "client: hung up"
    assert server.seen.hangups == ["rtc_1"]
    assert soundfile.info(out).samplerate == 48_000
