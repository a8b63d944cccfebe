"""The HTTP side: the page, signalling, the WebSocket, health and metrics."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from realtime.bodies import TOKEN_SECONDS, ConfigBody, read_call, read_client_secret
from realtime.calls import Calls, GoneError
from realtime.config import Settings
from realtime.http_errors import GONE, RefusedError, chosen_subprotocol, refuse_socket
from realtime.ice import IceServers
from realtime.openapi import describe
from realtime.protocol import new_id
from realtime.security.access import Access, Visitor
from realtime.security.guard import visitor
from realtime.session_request import Updates, read_session, session_object
from realtime.shelf import download
from realtime.shelf.shelf import DOWNLOADS
from realtime.shelf.store import Store
from realtime.telemetry import Metrics
from realtime.transport.webrtc import MediaSettings, NoAddressError, OfferError, answer
from realtime.transport.websocket import WebSocketLink

log = logging.getLogger(__name__)

PAGE = Path(__file__).parent.parent / "client" / "web"
RESUME_HEADER = "X-AudioGPT-Resume"
LAST_EVENT_HEADER = "Last-Event-ID"
NEW = "new"  # in place of a token: begin a call that can be resumed
VANISH_AFTER_S = 5.0  # a client that can come back is given up sooner; Chromium checks every 2.5 s


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


class Server:
    """What is done for each request."""

    def __init__(
        self,
        settings: Settings,
        calls: Calls,
        access: Access,
        metrics: Metrics,
        readiness: Readiness,
        *,
        backends: dict[str, str],
        version: str,
        store: Store,
    ) -> None:
        self._settings = settings
        self._calls = calls
        self._access = access
        self._metrics = metrics
        self._readiness = readiness
        self._backends = backends
        self._version = version
        self._store = store
        self._media = media_settings(settings)
        self._ice_servers = IceServers(settings.media)
        self._description = describe(version, guarded=access.guarded)

    # -- calls ----------------------------------------------------------------------------------------------

    async def create_call(self, request: Request) -> Response:
        wish, caller = Resumption.of(request), visitor(request)
        body = await read_call(request, self._settings.server.max_body)
        if wish.token:
            self._calls.find(wish.token)
            link, sdp = await answer(body.sdp, self._media_of_call(True))
            return _answer(sdp, await self._calls.resume(wish.token, link, wish.last_event))
        updates = self._updates(request, caller, body.session)
        place = self._calls.take_place(caller)
        try:
            link, sdp = await answer(body.sdp, self._media_of_call(wish.resumable))
            call_id = self._calls.start(
                link, place, self._calls.meter(caller), updates=updates, resumable=wish.resumable
            )
        except BaseException:
            place.release()
            raise
        return _answer(sdp, call_id)

    async def hang_up(self, request: Request) -> Response:
        await self._calls.hang_up(request.path_params["call_id"], visitor(request))
        return JSONResponse({})

    async def create_client_secret(self, request: Request) -> Response:
        body = await read_client_secret(request, self._settings.server.max_body)
        updates = [] if body.session is None else [read_session(body.session, self._settings)]
        shown = session_object(new_id("sess"), updates, self._settings)
        seconds = body.expires_after.seconds if body.expires_after else TOKEN_SECONDS
        token, grant = self._access.grant(visitor(request), body.session, seconds)
        return JSONResponse(
            {"value": token, "expires_at": grant.expires_at, "session": shown},
            headers={"Cache-Control": "no-store"},
        )

    # -- WebSockets -----------------------------------------------------------------------------------------

    async def open_socket(self, socket: WebSocket) -> None:
        """A conversation of its own, one that goes on, or a side channel to one."""
        try:
            if Resumption.of(socket).token:
                await self._resume_over(socket)
            elif call_id := socket.query_params.get("call_id"):
                await self._side_channel(socket, call_id)
            else:
                await self._converse_over(socket)
        except RefusedError as refusal:
            await refuse_socket(socket, refusal)

    async def _converse_over(self, socket: WebSocket) -> None:
        caller, wish = visitor(socket), Resumption.of(socket)
        updates = self._updates(socket, caller, None)
        place = self._calls.take_place(caller)
        try:
            await socket.accept(subprotocol=chosen_subprotocol(socket))
            meter = self._calls.meter(caller)
            link = WebSocketLink(socket, meter)
            self._calls.start(link, place, meter, updates=updates, resumable=wish.resumable)
        except BaseException:
            place.release()
            raise
        await link.pump()

    async def _resume_over(self, socket: WebSocket) -> None:
        wish = Resumption.of(socket)
        await socket.accept(subprotocol=chosen_subprotocol(socket))
        try:
            link = WebSocketLink(socket, self._calls.meter_of(wish.token))
            await self._calls.resume(wish.token, link, wish.last_event)
        except GoneError as error:
            # Not a refusal before `accept`: a browser tells its page nothing of why one was refused.
            await socket.close(GONE, str(error))
            return
        await link.pump()

    async def _side_channel(self, socket: WebSocket, call_id: str) -> None:
        caller = visitor(socket)
        self._calls.check(call_id, caller)
        await socket.accept(subprotocol=chosen_subprotocol(socket))
        link = WebSocketLink(socket, self._calls.meter(caller))
        try:
            self._calls.attach(call_id, caller, link)
        except RefusedError as refusal:  # it ended just now
            await socket.close(GONE, str(refusal))
            return
        await link.pump()

    async def upgrade_required(self, _: Request) -> Response:
        raise RefusedError(
            426,
            "this is a WebSocket; connect to it with ws:// or wss://, or POST an SDP offer to "
            "/v1/realtime/calls",
            "upgrade_required",
            headers={"Upgrade": "websocket"},
        )

    # -- the rest -------------------------------------------------------------------------------------------

    async def health(self, _: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def ready(self, _: Request) -> Response:
        if not self._readiness.ready:
            return PlainTextResponse("warming up\n", 503, {"Retry-After": "1"})
        return PlainTextResponse("ready\n")

    async def metrics(self, _: Request) -> Response:
        return Response(generate_latest(self._metrics.registry), media_type=CONTENT_TYPE_LATEST)

    async def config(self, _: Request) -> Response:
        body = ConfigBody(
            profile=self._settings.profile,
            backends=self._backends,
            version=self._version,
            ice_servers=self._ice_servers.as_json(),
        )
        # TURN credentials are for who asked
        return JSONResponse(body.model_dump(), headers={"Cache-Control": "no-store"})

    async def artefact(self, request: Request) -> Response:
        """The file of an artefact, for who owns its session: the key or token that began it, as to hang up.

        Where no key is needed, for whoever knows both ids, of 80 random bits each: nobody can guess them.
        """
        session_id, artefact_id = request.path_params["session_id"], request.path_params["artefact_id"]
        found = await self._store.find(session_id, artefact_id)
        if found is None or not visitor(request).may_touch(found.owner):
            # The same for another's: that it exists is nobody else's business.
            raise RefusedError(
                404,
                "there is no such artefact, or no longer: the oldest are let go, and in the end all",
                "artefact_not_found",
            )
        return download.answer(found, artefact_id, request.headers, head=request.method == "HEAD")

    async def description(self, _: Request) -> Response:
        return JSONResponse(self._description)

    async def page(self, _: Request) -> Response:
        return FileResponse(PAGE / "index.html", headers={"Cache-Control": "no-cache"})

    def _updates(self, connection: HTTPConnection, caller: Visitor, session: object) -> Updates:
        """The settings a session begins with: the token's, then the request's own. Raises `RefusedError`."""
        model = connection.query_params.get("model")
        asked = [caller.session, session, {"model": model} if model else None]
        updates = [read_session(raw, self._settings) for raw in asked if raw is not None]
        session_object("", updates, self._settings)
        return updates

    def _media_of_call(self, resumable: bool) -> MediaSettings:
        now = replace(self._media, ice_servers=self._ice_servers.fresh())
        return replace(now, vanish_after_s=VANISH_AFTER_S) if resumable else now


def routes(server: Server) -> list[BaseRoute]:
    """Where everything is."""
    return [
        Route("/", server.page),
        Mount("/static", StaticFiles(directory=PAGE), name="static"),
        Route("/v1/realtime/calls", server.create_call, methods=["POST"]),
        Route("/v1/realtime/calls/{call_id}/hangup", server.hang_up, methods=["POST"]),
        Route("/v1/realtime/client_secrets", server.create_client_secret, methods=["POST"]),
        WebSocketRoute("/v1/realtime", server.open_socket),
        Route("/v1/realtime", server.upgrade_required),
        Route("/v1/audiogpt/config", server.config),
        Route(f"{DOWNLOADS}/{{session_id}}/{{artefact_id}}", server.artefact),
        Route("/openapi.json", server.description),
        Route("/healthz", server.health),
        Route("/readyz", server.ready),
        Route("/metrics", server.metrics),
    ]


def build(server: Server) -> Starlette:
    """The ASGI application. What guards it comes around it: see `serving.py`."""
    return Starlette(
        routes=routes(server),
        exception_handlers={
            HTTPException: _explain,
            RefusedError: _refused,
            GoneError: _conversation_gone,
            OfferError: _bad_offer,
            NoAddressError: _no_address,
            ClientDisconnect: _gone,
            Exception: _failed,
        },
    )


def media_settings(settings: Settings) -> MediaSettings:
    """What WebRTC links are made with."""
    first, _, last = settings.media.udp_ports.partition("-")
    return MediaSettings(
        addresses=settings.media.addresses,
        udp_ports=(int(first), int(last)) if last else None,
        connect_timeout_s=settings.server.connect_timeout,
    )


def _answer(sdp: str, call_id: str) -> Response:
    return Response(sdp, 201, {"Location": f"/v1/realtime/calls/{call_id}"}, media_type="application/sdp")


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    return error.response()


async def _explain(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = error.status_code
    return RefusedError(status, error.detail, f"http_{status}", headers=error.headers).response()


async def _bad_offer(_: Request, error: Exception) -> Response:
    return RefusedError(400, str(error), "invalid_offer", param="sdp").response()


async def _conversation_gone(_: Request, error: Exception) -> Response:
    return RefusedError(404, str(error), "session_gone").response()


async def _no_address(_: Request, error: Exception) -> Response:
    return RefusedError(503, str(error), "no_address").response()


async def _failed(_: Request, error: Exception) -> Response:
    return RefusedError(500, "something failed here, and the log says what", "internal_error").response()


async def _gone(_: Request, error: Exception) -> Response:
    return Response(status_code=499)  # nobody is there to read it
