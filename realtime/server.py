"""The HTTP side: the page, signalling, the WebSocket, health and metrics."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from realtime.calls import RETRY_AFTER, Calls, FullError, GoneError
from realtime.config import Settings
from realtime.ice import IceServers
from realtime.telemetry import Metrics
from realtime.transport.webrtc import MediaSettings, NoAddressError, OfferError, answer
from realtime.transport.websocket import WebSocketLink

log = logging.getLogger(__name__)

PAGE = Path(__file__).parent.parent / "client" / "web"
SUBPROTOCOL = "realtime"
RESUME_HEADER = "X-AudioGPT-Resume"
LAST_EVENT_HEADER = "Last-Event-ID"
NEW = "new"  # in place of a token: begin a call that can be resumed
VANISH_AFTER_S = 5.0  # a client that can come back is given up sooner; Chromium checks every 2.5 s
GONE = 4404  # close code of a WebSocket whose token resumes nothing


class Resumption(NamedTuple):
    """Whether a client's call is to survive its connection, and which call it comes back to."""

    resumable: bool
    token: str  # empty for a new call
    last_event: str  # id of the last event it received; empty when it does not say

    @classmethod
    def of(cls, connection: HTTPConnection) -> Resumption:
        """From the headers, or from the query where a client cannot set headers (a browser's WebSocket)."""
        headers, query = connection.headers, connection.query_params
        wish = headers.get(RESUME_HEADER) or query.get("resume", "")
        last = headers.get(LAST_EVENT_HEADER) or query.get("last_event", "")
        if not re.fullmatch(r"\w{1,64}", last):
            last = ""
        return cls(bool(wish), "" if wish == NEW else wish, last)


class Readiness:
    """Whether the warm-up turn is over."""

    def __init__(self) -> None:
        self.ready = False


def build(
    settings: Settings,
    calls: Calls,
    metrics: Metrics,
    readiness: Readiness,
    *,
    backends: dict[str, str],
    version: str,
) -> Starlette:
    """The ASGI application."""
    media = media_settings(settings)
    ice_servers = IceServers(settings.media)

    def media_of_call(resumable: bool) -> MediaSettings:
        now = replace(media, ice_servers=ice_servers.fresh())
        return replace(now, vanish_after_s=VANISH_AFTER_S) if resumable else now

    async def create_call(request: Request) -> Response:
        wish = Resumption.of(request)
        if wish.token:
            calls.find(wish.token)
            link, sdp = await answer(await _offer(request, settings.server.max_body), media_of_call(True))
            return _answer(sdp, await calls.resume(wish.token, link, wish.last_event))
        try:
            place = calls.take_place()
        except FullError as error:
            return _full(error)
        try:
            offer = await _offer(request, settings.server.max_body)
            link, sdp = await answer(offer, media_of_call(wish.resumable))
        except BaseException:
            place.release()
            raise
        return _answer(sdp, calls.start(link, place, resumable=wish.resumable))

    async def hang_up(request: Request) -> Response:
        if not await calls.hang_up(request.path_params["call_id"]):
            raise HTTPException(404, "there is no such call; it may be over already")
        return JSONResponse({})

    async def realtime_socket(socket: WebSocket) -> None:
        subprotocol = SUBPROTOCOL if SUBPROTOCOL in socket.scope.get("subprotocols", []) else None
        wish = Resumption.of(socket)
        if wish.token:
            await socket.accept(subprotocol=subprotocol)
            link = WebSocketLink(socket)
            try:
                await calls.resume(wish.token, link, wish.last_event)
            except GoneError as error:
                # Not a refusal before `accept`: a browser tells its page nothing of why one was refused.
                await socket.close(GONE, str(error))
                return
            await link.pump()
            return
        try:
            place = calls.take_place()
        except FullError as error:
            await socket.send_denial_response(_full(error))
            return
        try:
            await socket.accept(subprotocol=subprotocol)
            link = WebSocketLink(socket)
        except BaseException:
            place.release()
            raise
        calls.start(link, place, resumable=wish.resumable)
        await link.pump()

    async def health(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def ready(_: Request) -> Response:
        if not readiness.ready:
            return PlainTextResponse("warming up\n", 503, {"Retry-After": "1"})
        return PlainTextResponse("ready\n")

    async def show_metrics(_: Request) -> Response:
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    async def config(_: Request) -> Response:
        return JSONResponse(
            {
                "profile": settings.profile,
                "backends": backends,
                "version": version,
                "ice_servers": ice_servers.as_json(),
            },
            headers={"Cache-Control": "no-store"},  # TURN credentials are for who asked
        )

    async def page(_: Request) -> Response:
        return FileResponse(PAGE / "index.html", headers={"Cache-Control": "no-cache"})

    return Starlette(
        routes=[
            Route("/", page),
            Mount("/static", StaticFiles(directory=PAGE), name="static"),
            Route("/v1/realtime/calls", create_call, methods=["POST"]),
            Route("/v1/realtime/calls/{call_id}/hangup", hang_up, methods=["POST"]),
            WebSocketRoute("/v1/realtime", realtime_socket),
            Route("/v1/audiogpt/config", config),
            Route("/healthz", health),
            Route("/readyz", ready),
            Route("/metrics", show_metrics),
        ],
        exception_handlers={
            HTTPException: _explain,
            GoneError: _conversation_gone,
            OfferError: _bad_offer,
            NoAddressError: _no_address,
            ClientDisconnect: _gone,
        },
        middleware=[
            Middleware(
                CORSMiddleware,
                allow_origins=["*"],
                allow_methods=["GET", "POST"],
                allow_headers=[
                    *("Authorization", "Content-Type", "X-OpenAI-Agents-SDK"),
                    *(RESUME_HEADER, LAST_EVENT_HEADER),
                ],
                expose_headers=["Location"],
            )
        ],
    )


def media_settings(settings: Settings) -> MediaSettings:
    """What WebRTC links are made with."""
    first, _, last = settings.media.udp_ports.partition("-")
    return MediaSettings(
        addresses=settings.media.addresses,
        udp_ports=(int(first), int(last)) if last else None,
        connect_timeout_s=settings.server.connect_timeout,
    )


async def _offer(request: Request, limit: int) -> str:
    """The SDP offer of a request: raw, as JSON `{sdp, session}`, or as a form. Raises `HTTPException`."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit:
            raise HTTPException(413, f"the body is larger than {limit} bytes; an SDP offer has some 2000")
    if kind == "multipart/form-data":
        return await _form_offer(request, bytes(body))
    try:
        text = body.decode("utf-8")
        if kind == "application/sdp":
            return text
        if kind == "application/json":
            data = json.loads(text)
            if isinstance(data, dict) and isinstance(data.get("sdp"), str):
                return str(data["sdp"])
            raise HTTPException(400, "the JSON body has to be an object with the offer in `sdp`")
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise HTTPException(400, f"the body is not {kind}: {error}") from None
    raise HTTPException(
        415, f"content type {kind or 'none'!r}; send application/sdp, application/json or multipart/form-data"
    )


async def _form_offer(request: Request, body: bytes) -> str:
    async def replay() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    try:
        async with Request(request.scope, replay).form(max_files=4, max_fields=8) as form:
            field = form.get("sdp")
            if isinstance(field, str):
                return field
            if field is not None:
                return (await field.read()).decode("utf-8")
    except (MultiPartException, UnicodeDecodeError, HTTPException) as error:
        raise HTTPException(400, f"the form cannot be read: {error}") from None
    raise HTTPException(400, "the form has to have the offer in a field `sdp`")


def _answer(sdp: str, call_id: str) -> Response:
    return Response(sdp, 201, {"Location": f"/v1/realtime/calls/{call_id}"}, media_type="application/sdp")


def _error(status: int, message: str, code: str, headers: dict[str, str] | None = None) -> JSONResponse:
    kind = "invalid_request_error" if status < 500 else "server_error"
    body = {"error": {"message": message, "type": kind, "code": code, "param": None}}
    return JSONResponse(body, status, headers)


def _full(error: FullError) -> JSONResponse:
    return _error(503, str(error), "server_full", {"Retry-After": str(RETRY_AFTER)})


async def _explain(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _error(error.status_code, error.detail, f"http_{error.status_code}", dict(error.headers or {}))


async def _bad_offer(_: Request, error: Exception) -> Response:
    return _error(400, str(error), "invalid_offer")


async def _conversation_gone(_: Request, error: Exception) -> Response:
    return _error(404, str(error), "session_gone")


async def _no_address(_: Request, error: Exception) -> Response:
    return _error(503, str(error), "no_address")


async def _gone(_: Request, error: Exception) -> Response:
    return Response(status_code=499)  # nobody is there to read it
