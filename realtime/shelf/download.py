"""An artefact over HTTP: whole or a range of it (RFC 9110, 14), also while it is still being recorded."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from email.utils import formatdate
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from realtime.http_errors import RefusedError
from realtime.shelf.store import Found
from realtime.shelf.wav import HEADER, header

BLOCK = 256 * 1024  # bytes read at a time: 1.4 s of stereo, and a worker thread's switch for each
LONGEST_NAME = 60  # characters
TEXT = "text/plain; charset=utf-8"
UNKNOWN = "application/octet-stream"
# What a page of another origin may read of the answer, besides what every page may.
EXPOSED = ("Accept-Ranges", "Content-Disposition", "Content-Range", "ETag")
_EXTENSIONS = {
    "audio/wav": "wav",
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/svg+xml": "svg",
    TEXT: "txt",
}
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class Slice(NamedTuple):
    """Bytes from `first` to before `end`."""

    first: int
    end: int


def wanted(asked: str | None, size: int) -> Slice | None:
    """The range that a `Range` header asks for, of `size` bytes; None for the whole.

    Several ranges, other units and what cannot be read give the whole, as a server may (RFC 9110, 14.2).
    Raises `RefusedError` (416) when there is nothing there.
    """
    found = _RANGE.fullmatch((asked or "").replace(" ", "").lower())
    if found is None or found[0] == "bytes=-":
        return None
    if not found[1]:
        first, end = max(0, size - int(found[2])), size
    else:
        first, end = int(found[1]), min(size, int(found[2]) + 1) if found[2] else size
        if found[2] and int(found[2]) < first:
            return None
    if first >= size or first >= end:
        raise RefusedError(
            416,
            f"it has {size} bytes, and none of that range",
            "range_not_satisfiable",
            headers={"Content-Range": f"bytes */{size}"},
        )
    return Slice(first, end)


def file_name(found: Found, extension: str) -> str:
    """What to save it as: its number, and its name as one says it, in letters that every system takes."""
    words = re.sub(r"[^\w ]+", " ", found.card.name)
    return f"{found.card.number} {' '.join(words.split())[:LONGEST_NAME].strip()}.{extension}"


def answer(found: Found, artefact_id: str, headers: Mapping[str, str], *, head: bool) -> Response:
    """The answer to GET and HEAD. Raises `RefusedError`."""
    kind, beginning, path, skipped, size = _content(found)
    name = file_name(found, _EXTENSIONS.get(kind, "bin"))
    plain = name.encode("ascii", "ignore").decode()
    tag = f'"{artefact_id}-{size}"'
    told = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",  # what is still being recorded is longer the next time
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}",
        # What was uploaded is whatever it is: it must not run as a page of ours.
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "ETag": tag,
        "Last-Modified": formatdate(found.modified, usegmt=True),
        "Content-Type": kind,
    }
    if tag in headers.get("if-none-match", ""):
        return Response(status_code=304, headers={k: v for k, v in told.items() if k != "Content-Type"})
    part = wanted(headers.get("range"), size) if headers.get("if-range", tag) == tag else None
    first, end = part or (0, size)
    told["Content-Length"] = str(end - first)
    if part is not None:
        told["Content-Range"] = f"bytes {first}-{end - 1}/{size}"
    body = _read(beginning, path, skipped, first, end)
    status = 200 if part is None else 206
    return Response(status_code=status, headers=told) if head else StreamingResponse(body, status, told)


def _content(found: Found) -> tuple[str, bytes, Path | None, int, int]:
    """Type; the bytes it begins with; the file of the rest and what of that to skip; the size of all."""
    card = found.card
    if card.kind == "text" or found.path is None:
        text = card.text.encode()
        return TEXT, text, None, 0, len(text)
    if card.rate:
        # A header of our own: that of the file does not know yet how long it becomes.
        pcm = max(0, found.size - HEADER) // (2 * card.channels) * (2 * card.channels)
        return "audio/wav", header(card.rate, card.channels, pcm), found.path, HEADER, HEADER + pcm
    kind = card.media_type if re.fullmatch(r"image/[a-z0-9.+-]{1,40}", card.media_type) else UNKNOWN
    return kind, b"", found.path, 0, found.size


async def _read(
    beginning: bytes, path: Path | None, skipped: int, first: int, end: int
) -> AsyncIterator[bytes]:
    """Bytes `first` to `end` of the beginning and the file behind it. Ends early if the file was let go."""
    yield beginning[first:end]
    start, stop = max(first, len(beginning)), end
    if path is None or start >= stop:
        return
    file = await asyncio.to_thread(path.open, "rb")
    try:
        await asyncio.to_thread(file.seek, start - len(beginning) + skipped)
        while start < stop and (block := await asyncio.to_thread(file.read, min(BLOCK, stop - start))):
            start += len(block)
            yield block
    finally:
        file.close()
