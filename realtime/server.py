"""The HTTP side: the page, signalling, the WebSocket, health and metrics."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from realtime.calls import RETRY_AFTER, Calls, FullError
from realtime.config import Settings
from realtime.telemetry import Metrics
from realtime.transport.webrtc import IceServer, MediaSettings, NoAddressError, OfferError, answer
from realtime.transport.websocket import WebSocketLink

log = logging.getLogger(__name__)

PAGE = Path(__file__).parent.parent / "client" / "web"
SUBPROTOCOL = "realtime"


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

    async def create_call(request: Request) -> Response:
        try:
            place = calls.take_place()
        except FullError as error:
            return _full(error)
        try:
            offer = await _offer(request, settings.server.max_body)
            link, sdp = await answer(offer, media)
        except BaseException:
            place.release()
            raise
        call_id = calls.start(link, place)
        location = f"/v1/realtime/calls/{call_id}"
        return Response(sdp, 201, {"Location": location}, media_type="application/sdp")

    async def hang_up(request: Request) -> Response:
        if not await calls.hang_up(request.path_params["call_id"]):
            raise HTTPException(404, "there is no such call; it may be over already")
        return JSONResponse({})

    async def realtime_socket(socket: WebSocket) -> None:
        offered = socket.scope.get("subprotocols", [])
        try:
            place = calls.take_place()
        except FullError as error:
            await socket.send_denial_response(_full(error))
            return
        try:
            await socket.accept(subprotocol=SUBPROTOCOL if SUBPROTOCOL in offered else None)
            link = WebSocketLink(socket)
            async with asyncio.TaskGroup() as group:
                group.create_task(link.pump(), name="pump")
                await calls.serve(link, place)
        finally:
            place.release()

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
                "ice_servers": [{"urls": url} for url in settings.media.ice_servers],
            }
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
            OfferError: _bad_offer,
            NoAddressError: _no_address,
            ClientDisconnect: _gone,
        },
        middleware=[
            Middleware(
                CORSMiddleware,
                allow_origins=["*"],
                allow_methods=["GET", "POST"],
                allow_headers=["Authorization", "Content-Type", "X-OpenAI-Agents-SDK"],
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
        ice_servers=tuple(IceServer(url) for url in settings.media.ice_servers),
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


async def _no_address(_: Request, error: Exception) -> Response:
    return _error(503, str(error), "no_address")


async def _gone(_: Request, error: Exception) -> Response:
    return Response(status_code=499)  # nobody is there to read it
