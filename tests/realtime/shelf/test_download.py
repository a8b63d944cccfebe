"""Artefacts over HTTP, from a server on a real port: by their owner, whole and in parts."""

from __future__ import annotations

import base64
import io
import json
import struct
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.sync.client import ClientConnection, connect

from realtime.http_errors import RefusedError
from realtime.security.access import Visitor
from realtime.shelf.download import answer, file_name, wanted
from realtime.shelf.store import Card, Found
from realtime.shelf.wav import HEADER
from tests.realtime.edge import KEY, OTHER_KEY, Edge, edge

PCM = struct.pack("<4800h", *range(4800))  # 0.2 s at 24 kHz
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(64))


@pytest.fixture(scope="module")
def open_edge() -> Iterator[Edge]:
    with edge() as made:
        yield made


@pytest.fixture(scope="module")
def guarded() -> Iterator[Edge]:
    with edge(environment={"AUDIOGPT_API_KEYS": f"{KEY},{OTHER_KEY}"}) as made:
        yield made


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@contextmanager
def talking(made: Edge, key: str = "") -> Iterator[ClientConnection]:
    with connect(f"{made.ws}/v1/realtime", additional_headers=bearer(key) if key else None) as socket:
        yield socket


def give(socket: ClientConnection, *content: dict[str, Any]) -> list[dict[str, Any]]:
    """Create a message; return the artefacts that came of it."""
    item = {"type": "message", "role": "user", "content": content}
    socket.send(json.dumps({"type": "conversation.item.create", "item": item}))
    made: list[dict[str, Any]] = []
    while len(made) < len(content):
        event = json.loads(socket.recv(timeout=20))
        assert event["type"] != "error", event
        if event["type"] == "audiogpt.artefact.created":
            made.append(event)
    return made


def sound() -> dict[str, Any]:
    return {"type": "input_audio", "audio": base64.b64encode(PCM).decode(), "transcript": "hello"}


def picture() -> dict[str, Any]:
    url = "data:image/png;base64," + base64.b64encode(PICTURE).decode()
    return {"type": "input_image", "image_url": url}


def test_a_sound_and_a_picture_are_downloaded(open_edge: Edge) -> None:
    with talking(open_edge) as socket:
        shown = {event["kind"]: event for event in give(socket, picture(), sound())}
        assert {event["number"] for event in shown.values()} == {1, 2}
        heard = httpx.get(open_edge.url + shown["speech"]["url"])
        assert heard.status_code == 200, heard.text
        assert heard.headers["content-type"] == "audio/wav"
        assert heard.headers["cache-control"].startswith("private")
        number = shown["speech"]["number"]
        assert f'attachment; filename="{number} recording 1.wav"' in heard.headers["content-disposition"]
        with wave.open(io.BytesIO(heard.content)) as file:
            assert file.getframerate() == 24_000
            assert file.readframes(10_000) == PCM
        seen = httpx.get(open_edge.url + shown["image"]["url"])
        assert (seen.content, seen.headers["content-type"]) == (PICTURE, "image/png")
        assert "sandbox" in seen.headers["content-security-policy"]
    # The session is over; its files are not.
    assert httpx.get(open_edge.url + shown["image"]["url"]).status_code == 200


def test_parts_and_heads(open_edge: Edge) -> None:
    with talking(open_edge) as socket:
        [shown] = give(socket, sound())
        url = open_edge.url + shown["url"]
        size = HEADER + len(PCM)
        whole = httpx.get(url).content
        head = httpx.head(url)
        assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(size))
        assert head.headers["accept-ranges"] == "bytes"
        part = httpx.get(url, headers={"Range": "bytes=10-99"})
        assert (part.status_code, part.content) == (206, whole[10:100])
        assert part.headers["content-range"] == f"bytes 10-99/{size}"
        assert httpx.get(url, headers={"Range": "bytes=-4"}).content == whole[-4:]
        beyond = httpx.get(url, headers={"Range": f"bytes={size}-"})
        assert beyond.status_code == 416
        assert beyond.headers["content-range"] == f"bytes */{size}"
        assert beyond.json()["error"]["code"] == "range_not_satisfiable"
        tag = head.headers["etag"]
        assert httpx.get(url, headers={"If-None-Match": tag}).status_code == 304
        assert httpx.get(url, headers={"Range": "bytes=0-1", "If-Range": tag}).status_code == 206
        assert httpx.get(url, headers={"Range": "bytes=0-1", "If-Range": '"other"'}).status_code == 200


def test_only_the_owner_has_them(guarded: Edge) -> None:
    made = httpx.post(f"{guarded.url}/v1/realtime/client_secrets", headers=bearer(KEY), json={})
    token = made.json()["value"]
    with talking(guarded, KEY) as by_key, talking(guarded, token) as by_token:
        [of_key] = give(by_key, sound())
        [of_token] = give(by_token, sound())
    for shown, key, status in (
        (of_key, KEY, 200),
        (of_key, OTHER_KEY, 404),
        (of_key, token, 404),
        (of_token, token, 200),
        (of_token, KEY, 200),
        (of_token, OTHER_KEY, 404),
        (of_key, "not-a-key-of-this-server", 401),
    ):
        assert httpx.get(guarded.url + shown["url"], headers=bearer(key)).status_code == status
    assert httpx.get(guarded.url + of_key["url"]).status_code == 401


def test_what_is_not_there_is_not_found(open_edge: Edge) -> None:
    for path in ("sess_1/art_1", "..%2f..%2fetc/passwd", "sess_1/%2e%2e%2fowner.json", "%00/art_1", "x/y"):
        missing = httpx.get(f"{open_edge.url}/v1/audiogpt/artefacts/{path}")
        assert missing.status_code == 404, path
        assert missing.json()["error"]["message"]


def test_a_page_of_another_origin_may_read_it(open_edge: Edge) -> None:
    with talking(open_edge) as socket:
        [shown] = give(socket, sound())
    url, origin = open_edge.url + shown["url"], {"Origin": "https://example.org"}
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization,range"}
    assert httpx.options(url, headers={**origin, **asked}).status_code == 200
    told = httpx.get(url, headers=origin).headers
    assert told["access-control-allow-origin"] == "*"
    assert "Content-Disposition" in told["access-control-expose-headers"]


def test_a_directory_that_cannot_be_written_to_is_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(Exception, match=r"artefacts\.directory: cannot keep files"),
        edge(f"artefacts.directory={tmp_path / 'file'}"),
    ):
        pass


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (None, None),
        ("bytes=0-0", (0, 1)),
        ("bytes=5-", (5, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-30", (0, 10)),
        ("bytes=2-300", (2, 10)),
        ("Bytes= 2 - 3", (2, 4)),
        ("bytes=3-2", None),
        ("bytes=0-1,4-5", None),
        ("items=0-1", None),
        ("bytes=-", None),
        ("bytes=x-y", None),
    ],
)
def test_ranges(asked: str | None, expected: tuple[int, int] | None) -> None:
    assert wanted(asked, 10) == expected


@given(st.text(max_size=30) | st.from_regex(r"bytes=\d{0,20}-\d{0,20}", fullmatch=True), st.integers(0, 50))
def test_any_range_lies_within(asked: str, size: int) -> None:
    try:
        part = wanted(asked, size)
    except RefusedError:
        return  # nothing of it is there
    assert part is None or 0 <= part.first < part.end <= size


@given(st.text(max_size=200), st.sampled_from(["text", "music", "image"]), st.text(max_size=60))
def test_any_name_and_type_make_headers(name: str, kind: str, media_type: str) -> None:
    card = Card(kind, name, 3, "words", media_type)
    found = Found(Visitor(), card, Path("/nowhere") if kind != "text" else None, 10, 0.0)
    response = answer(found, "art_1", {}, head=True)
    shown = dict(response.raw_headers)
    disposition = shown[b"content-disposition"]
    assert disposition.startswith(b'attachment; filename="3')
    assert not set(disposition) & set(b"\r\n\\/")
    assert disposition.count(b'"') == 2
    assert shown[b"content-type"].startswith((b"text/plain", b"image/", b"application/octet-stream"))


def test_a_name_is_as_one_says_it() -> None:
    card = Card("music", "calm solo piano in A minor, 70 beats a minute", 2, "")
    found = Found(Visitor(), card, None, 0, 0.0)
    assert file_name(found, "wav") == "2 calm solo piano in A minor 70 beats a minute.wav"
