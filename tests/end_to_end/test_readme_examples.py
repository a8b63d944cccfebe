"""The README's examples of "From your own code", run as they stand there against a real server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from playwright.async_api import async_playwright

from tests.chromium import CHROMIUM, FLAGS, microphone_flags
from tests.end_to_end.conftest import DATA, ROOT

sys.path.insert(0, str(DATA))
from make_voices import fake_microphone

WIRE_RATE = 24_000  # Hz
PATIENCE_S = 60  # two busy cores
PATIENCE_MS = 30_000
HEARD = """async () => {
    let energy = 0;
    for (const entry of (await window.peer.getStats()).values()) energy += entry.totalAudioEnergy ?? 0;
    return energy > 1e-6;
}"""
KEEP_PEER = """
    const Native = RTCPeerConnection;
    window.RTCPeerConnection = class extends Native {
        constructor(...given) { super(...given); window.peer = this; }
    };
"""


def example(language: str) -> str:
    """The first block of this language under the heading."""
    section = (ROOT / "README.md").read_text("utf-8").split("\n## From your own code\n")[1].split("\n## ")[0]
    found = re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert found is not None
    return found[1]


def test_python(server: Any, tmp_path: Path) -> None:
    samples, rate = soundfile.read(DATA / "twelve_times_nine.flac")
    question, answer = tmp_path / "question.wav", tmp_path / "answer.wav"
    soundfile.write(question, soxr.resample(samples, rate, WIRE_RATE), WIRE_RATE, subtype="PCM_16")
    script = tmp_path / "example.py"
    script.write_text(example("python"))
    ran = subprocess.run(
        [sys.executable, script, question, answer],
        env={**os.environ, "AUDIOGPT_URL": server.url.rstrip("/")},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert ran.returncode == 0, ran.stderr
    you, assistant, done = ran.stdout.splitlines()
    assert you.lower().endswith("twelve times nine")  # its first word may get lost on a busy machine
    assert assistant.startswith("AudioGPT: ")
    assert "108" in assistant
    assert done == f"{answer} is written"
    with wave.open(str(answer)) as file:
        assert (file.getnchannels(), file.getframerate()) == (1, WIRE_RATE)
        heard = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    assert len(heard) > WIRE_RATE / 2
    assert np.abs(heard.astype(float)).max() > 1_000


async def test_javascript(server: Any, tmp_path: Path) -> None:
    microphone = tmp_path / "microphone.wav"
    fake_microphone(microphone, [2.0, "twelve_times_nine", 60.0])
    url = server.url.rstrip("/")
    code = example("javascript")
    assert code.startswith('const server = "http://127.0.0.1:8080";\n')
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*FLAGS, *microphone_flags(microphone)]
        )
        page = await chromium.new_page()
        await page.add_init_script(KEEP_PEER)
        await page.goto(f"{url}/healthz")  # an empty page of the server's origin
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        async with (
            page.expect_console_message(lambda said: "108" in said.text, timeout=PATIENCE_MS) as answered,
            page.expect_console_message(lambda said: "You:" in said.text, timeout=PATIENCE_MS) as asked,
        ):
            await page.add_script_tag(type="module", content=code.replace("http://127.0.0.1:8080", url))
        assert (await asked.value).text.lower().endswith("twelve times nine")
        assert (await answered.value).text.startswith("AudioGPT: ")
        await page.wait_for_function(HEARD, timeout=PATIENCE_MS)
        await chromium.close()
    assert not faults
