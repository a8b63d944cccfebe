"""Addresses, ports and a TURN server: a real call over a real coturn, and what the answer offers."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiortc import RTCPeerConnection
from playwright.async_api import async_playwright, expect

pytestmark = pytest.mark.timeout(120)

SECRET = "north-by-northwest"
PORTS = range(41_000, 41_101)
CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
]
FLAGS += ["--autoplay-policy=no-user-gesture-required", "--allow-loopback-in-peer-connection"]
PATIENCE = 20_000  # ms a step may take on two busy cores
RELAY_ONLY = """
    const Native = RTCPeerConnection;
    window.RTCPeerConnection = class extends Native {
        constructor(settings) { super({ ...settings, iceTransportPolicy: "relay" }); window.peer = this; }
    };
"""
# The kinds of the two ends of the path in use, and the candidates that the server offered.
PATH = """async () => {
    const stats = await window.peer.getStats();
    const pair = [...stats.values()].find((entry) => entry.type === "candidate-pair" && entry.nominated);
    return { local: stats.get(pair.localCandidateId).candidateType, sdp: window.peer.remoteDescription.sdp };
}"""


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def turn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a coturn that relays on loopback, for who has the secret."""
    program = shutil.which("turnserver")
    if program is None:
        pytest.skip("turnserver is missing: apt install coturn")
    folder: Path = tmp_path_factory.mktemp("coturn")
    port = free_port()
    log = folder / "log"
    options = ["--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", f"--listening-port={port}", "--realm=test"]
    options += ["--use-auth-secret", f"--static-auth-secret={SECRET}", "--allow-loopback-peers", "--no-cli"]
    options += ["--no-tls", "--no-dtls", "--min-port=42000", "--max-port=42100", f"--pidfile={folder}/pid"]
    options += ["--simple-log", f"--log-file={log}", f"--userdb={folder}/db"]
    with subprocess.Popen(
        [program, "-n", *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        yield port
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def server(turn: int, start_server: Callable[..., Any]) -> Iterator[Any]:
    """The real server behind a router that forwards 203.0.113.7 to it, with that TURN server."""
    settings = [
        "media.addresses=203.0.113.7@127.0.0.1,127.0.0.1",
        f"media.udp_ports={PORTS[0]}-{PORTS[-1]}",
        f"media.ice_servers=turn:127.0.0.1:{turn}?transport=udp",
        "media.turn_secret_env=AUDIO_TURN_SECRET",
        "log_level=debug",
    ]
    with start_server(*settings, AUDIO_TURN_SECRET=SECRET) as started:
        yield started


async def test_a_call_is_relayed_and_no_credential_is_logged(server: Any) -> None:
    if shutil.which(CHROMIUM) is None:
        pytest.skip("chromium is missing: apt install chromium")
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await chromium.new_page()
        page.set_default_timeout(PATIENCE)
        await page.add_init_script(RELAY_ONLY)
        await page.goto(server.url)
        # Without the right to a microphone Chromium gathers nothing on a machine that has only loopback.
        await page.get_by_role("button", name="Start talking").click()
        await page.wait_for_selector("body[data-phase=live]")
        await page.get_by_role("textbox").fill("what's twelve times nine")
        await page.get_by_role("button", name="Send").click()
        await expect(page.get_by_role("log")).to_contain_text("108", timeout=PATIENCE)
        await expect(page.locator("#link")).to_have_text("Connected")
        path = await page.evaluate(PATH)
        await chromium.close()
    assert path["local"] == "relay"
    assert "typ relay" in path["sdp"], "the server uses the relay too"
    async with httpx.AsyncClient(base_url=server.url) as http:
        config = (await http.get("/v1/audiogpt/config")).json()
    credential = config["ice_servers"][0]["credential"]
    for secret in (SECRET, credential):
        assert secret not in server.output


async def test_the_answer_offers_the_addresses_and_ports_of_the_settings(server: Any) -> None:
    pc = RTCPeerConnection()
    pc.addTransceiver("audio")
    await pc.setLocalDescription(await pc.createOffer())
    async with httpx.AsyncClient(base_url=server.url) as http:
        headers = {"Content-Type": "application/sdp"}
        answer = await http.post("/v1/realtime/calls", content=pc.localDescription.sdp, headers=headers)
        await http.post(f"{answer.headers['Location']}/hangup")
    await pc.close()
    found = re.findall(r"a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ host", answer.text)
    assert [address for address, _ in found] == ["203.0.113.7", "127.0.0.1"]
    assert all(int(port) in PORTS for _, port in found)


def test_credentials_are_for_who_asks_and_kept_by_no_cache(server: Any) -> None:
    first, second = (httpx.get(f"{server.url}/v1/audiogpt/config") for _ in range(2))
    assert first.headers["Cache-Control"] == "no-store"
    assert SECRET not in json.dumps(first.json())
    assert first.json()["ice_servers"][0]["username"] != second.json()["ice_servers"][0]["username"]
