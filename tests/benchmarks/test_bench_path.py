"""The faulty path: what it hurts, and that a datagram gets through otherwise. Real sockets on loopback."""

import asyncio
import json
from dataclasses import asdict

import pytest

from benchmarks.caller import Errand, Faults
from benchmarks.lossy import PATHS, results
from benchmarks.path import FaultyPath, candidate, is_audio, with_candidate
from client.errors import GarbledError

SDP = (
    "v=0\r\nm=audio 40000 UDP/TLS/RTP/SAVPF 96\r\n"
    "a=candidate:0a1b 1 udp 2130706431 127.0.0.1 40000 typ host\r\n"
    "a=candidate:0a1c 1 udp 2130706431 127.0.0.1 40001 typ host\r\n"
)
RTP, RTCP, STUN, DTLS = b"\x80\x60" + bytes(20), b"\x80\xc8" + bytes(20), b"\x00\x01" + bytes(18), b"\x16\xfe"


class End(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.got: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.got.put_nowait(data)


async def end() -> tuple[asyncio.DatagramTransport, End, tuple[str, int]]:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(End, local_addr=("127.0.0.1", 0))
    return transport, protocol, transport.get_extra_info("sockname")[:2]


@pytest.mark.parametrize(
    ("datagram", "audio"), [(RTP, True), (RTCP, False), (STUN, False), (DTLS, False), (b"", False)]
)
def test_only_rtp_is_audio(datagram: bytes, audio: bool) -> None:
    assert is_audio(datagram) is audio


def test_candidates_are_rewritten_and_nothing_else() -> None:
    changed = with_candidate(SDP, ("127.0.0.1", 9))
    assert candidate(SDP) == ("127.0.0.1", 40000)
    assert candidate(changed) == ("127.0.0.1", 9)
    assert changed == SDP.replace(" 40000 typ", " 9 typ").replace(" 40001 typ", " 9 typ")
    with pytest.raises(GarbledError, match="no UDP host candidate"):
        candidate("v=0\r\n")


@pytest.mark.parametrize(("loss", "through"), [(0.0, [STUN, RTP, RTCP]), (1.0, [STUN, RTCP])])
async def test_the_callers_audio_is_hurt_and_nothing_else(loss: float, through: list[bytes]) -> None:
    caller, heard_by_caller, _ = await end()
    server, heard_by_server, server_address = await end()
    async with FaultyPath(loss=loss, jitter_ms=0.0, seed=1) as path:
        path.server = server_address
        for datagram in (STUN, RTP, RTCP):
            caller.sendto(datagram, path.for_caller)
        assert [await heard_by_server.got.get() for _ in through] == through
        assert (path.lost, path.passed) == ((1, 0) if loss else (0, 1))
        server.sendto(RTP, path.for_server)
        assert await heard_by_caller.got.get() == RTP
    caller.close()
    server.close()


async def test_jitter_delays_audio_and_loses_none() -> None:
    caller, _, _ = await end()
    server, heard, address = await end()
    async with FaultyPath(loss=0.0, jitter_ms=5.0, seed=1) as path:
        path.server = address
        sent = [RTP + bytes([number]) for number in range(20)]
        for datagram in sent:
            caller.sendto(datagram, path.for_caller)
        assert sorted([await heard.got.get() for _ in sent]) == sent
    caller.close()
    server.close()


def test_an_errand_survives_its_journey() -> None:
    errand = Errand(("http://127.0.0.1:1",), talkers=4, turns=2, faults=PATHS)
    assert Errand.read(json.dumps(asdict(errand))) == errand


def test_paths_are_compared_with_the_clean_one() -> None:
    turns = [
        {"session": k, "voice_to_voice_ms": 400.0 + 20 * k, "stages_ms": {"hear": 80.0}} for k in range(3)
    ]
    rows = results(turns, [], 5)["paths"]
    assert str(Faults(0.05, 60)) == "5% loss, 60 ms jitter"
    assert [row["added_p50_ms"] for row in rows] == [0, 20, 40, None]
    assert [row["ratio"] for row in rows] == [1, 1.05, 1.1, None]
