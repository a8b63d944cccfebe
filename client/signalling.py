"""HTTP of a call: the offer and answer of `POST /v1/realtime/calls`, and hanging up."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

import httpx

from client.errors import ClientError, GarbledError, RefusedError, UnreachableError
from client.resumption import Resumption

CALLS = "/v1/realtime/calls"
EXCERPT = 120  # characters of a strange answer that are worth showing
HANG_UP_S = 2.0


class Answer(NamedTuple):
    """What the server made of an offer."""

    sdp: str
    call_id: str | None = None


class Signalling(Protocol):
    """Carries an SDP offer to a server; other servers than ours take it in other envelopes."""

    host: str

    async def offer(self, sdp: str, within: float) -> Answer:
        """Exchange an offer for the answer, or raise a `ClientError`."""
        ...

    async def hang_up(self, call_id: str) -> None:
        """Tell the server that the call is over. Never raises."""
        ...


def base_url(url: str) -> str:
    """`url` without a trailing slash or `/v1`.

    Raises:
        ClientError: it is no http(s) or ws(s) address.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https", "ws", "wss"} or not parts.hostname:
        raise ClientError(f"--url {url}: not an address such as http://127.0.0.1:8080")
    return url.rstrip("/").removesuffix("/v1")


def is_loopback(host: str) -> bool:
    """Whether a host name means this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def unreachable(base: str, cause: BaseException) -> UnreachableError:
    """The error for a connection that could not be made, in words whatever the library says of it."""
    error: BaseException | None = cause
    while error is not None:
        if isinstance(error, ConnectionRefusedError):
            return UnreachableError(f"{base} is unreachable: connection refused (is the server running?)")
        if isinstance(error, socket.gaierror):
            return UnreachableError(f"{base} is unreachable: there is no such host")
        error = error.__cause__ or error.__context__
    return UnreachableError(f"{base} is unreachable: {cause or type(cause).__name__}")


def refusal(what: str, status: int, retry_after: str | None, body: bytes) -> RefusedError:
    """The error for an HTTP status that is no success, with the server's own words where it has some."""
    try:
        message = str(httpx.Response(status, content=body).json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        message = " ".join(body.decode("utf-8", "replace").split())[:EXCERPT]
    seconds = float(retry_after) if retry_after and retry_after.strip().isdecimal() else None
    line = f"{what} refused the call: {status}"
    if message:
        line += f" {message}"
    if retry_after:
        line += f" (Retry-After: {retry_after}{' s' if seconds is not None else ''})"
    return RefusedError(line, status=status, retry_after=seconds)


class RealtimeSignalling:
    """The OpenAI Realtime way: the offer as `application/sdp`, the answer as the body of a 201."""

    def __init__(self, url: str, api_key: str | None = None, resumption: Resumption | None = None) -> None:
        self._base = base_url(url).replace("ws", "http", 1) if url.startswith("ws") else base_url(url)
        self.host = urlsplit(self._base).hostname or ""
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._resumption = resumption

    async def offer(self, sdp: str, within: float) -> Answer:
        headers = {**self._headers, "Content-Type": "application/sdp"}
        if self._resumption is not None:
            headers |= self._resumption.headers()
        try:
            async with self._http(within) as http:
                response = await http.post(self._base + CALLS, content=sdp.encode(), headers=headers)
        except httpx.TimeoutException as cause:
            raise UnreachableError(f"{self._base} did not answer within {within:g} s") from cause
        except httpx.TransportError as cause:
            raise unreachable(self._base, cause) from cause
        if not response.is_success:
            retry_after = response.headers.get("Retry-After")
            raise refusal(self._base, response.status_code, retry_after, response.content)
        if not response.text.startswith("v=0"):
            start = " ".join(response.text[:EXCERPT].split())
            raise GarbledError(f"{self._base} answered the offer with something that is no SDP: {start!r}")
        location = response.headers.get("Location", "")
        return Answer(response.text, location.rstrip("/").rpartition("/")[2] or None)

    async def hang_up(self, call_id: str) -> None:
        try:
            async with self._http(HANG_UP_S) as http:
                await http.post(f"{self._base}{CALLS}/{call_id}/hangup", headers=self._headers)
        except httpx.HTTPError:
            return  # the server went first, or will notice that the media stopped

    def _http(self, seconds: float) -> httpx.AsyncClient:
        # Without TLS there is nothing to verify, and reading the certificates holds the loop up for 20 ms.
        verify = True if self._base.startswith("https") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # A proxy named in the environment must not see calls to this machine.
        return httpx.AsyncClient(timeout=seconds, trust_env=not is_loopback(self.host), verify=verify)
