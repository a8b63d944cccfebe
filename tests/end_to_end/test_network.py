"""Addresses, ports and a TURN server: a real call over a real coturn, and what the answer offers."""

from __future__ import annotations

import asyncio
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
from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCSessionDescription

pytestmark = pytest.mark.timeout(120)

SECRET = "north-by-northwest"
PORTS = range(41_000, 41_101)


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


def relayed_only(sdp: str) -> str:
    """The description with none but the relay's candidates."""
    kept = [line for line in sdp.splitlines() if "candidate:" not in line or "typ relay" in line]
    return "\r\n".join([*kept, ""])


async def test_a_call_is_relayed_and_no_credential_is_logged(server: Any) -> None:
    async with httpx.AsyncClient(base_url=server.url) as http:
        (relay,) = (await http.get("/v1/audiogpt/config")).json()["ice_servers"]
        pc = RTCPeerConnection(RTCConfiguration(iceServers=[RTCIceServer(**relay)]))
        pc.addTransceiver("audio")
        channel = pc.createDataChannel("oai-events")
        opened, answered = asyncio.Event(), asyncio.Event()
        words: list[str] = []

        def take(text: str) -> None:
            event = json.loads(text)
            if event["type"] == "response.output_audio_transcript.done":
                words.append(event["transcript"])
                answered.set()

        channel.on("open", opened.set)
        channel.on("message", take)
        await pc.setLocalDescription(await pc.createOffer())
        offer = relayed_only(pc.localDescription.sdp)
        assert "typ relay" in offer, "the credentials are not taken"
        answer = await http.post(
            "/v1/realtime/calls", content=offer, headers={"Content-Type": "application/sdp"}
        )
        sdp = relayed_only(answer.text)
        assert "typ relay" in sdp, "the server does not use the relay"
        await pc.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
        async with asyncio.timeout(20):
            await opened.wait()
            content = [{"type": "input_text", "text": "what's twelve times nine"}]
            item = {"type": "message", "role": "user", "content": content}
            channel.send(json.dumps({"type": "conversation.item.create", "item": item}))
            channel.send(json.dumps({"type": "response.create"}))
            await answered.wait()
        await pc.close()
    assert "108" in words[0]
    for secret in (SECRET, relay["credential"]):
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
