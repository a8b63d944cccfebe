"""Everything that is not public passes here first: an ASGI layer before the routes, and before the workers.

Public are the page and its files, the description of the interface, health, readiness and metrics, which tell
counts and times, never who said what. All else needs a key where there are keys, whether it exists or not.
"""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from realtime.http_errors import RefusedError, refuse_socket
from realtime.security.access import Access, Visitor
from realtime.telemetry import Metrics

PUBLIC = frozenset({"/", "/openapi.json", "/healthz", "/readyz", "/metrics"})
PUBLIC_FILES = "/static/"
_VISITOR = "audiogpt.visitor"


class Guard:
    """Lets requests through to `app`, with their `Visitor`, or answers them itself."""

    def __init__(self, app: ASGIApp, access: Access, metrics: Metrics) -> None:
        self._app = app
        self._access = access
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or is_public(scope["path"]):
            await self._app(scope, receive, send)
            return
        try:
            scope[_VISITOR] = self._admit(HTTPConnection(scope))
        except RefusedError as refusal:
            self._metrics.refused.labels("origin" if refusal.status == 403 else "key").inc()
            if scope["type"] == "websocket":
                await refuse_socket(WebSocket(scope, receive, send), refusal)
            else:
                await refusal.response()(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _admit(self, connection: HTTPConnection) -> Visitor:
        headers, scope = connection.headers, connection.scope
        if not _from_colleague(scope):
            self._access.check_origin(headers.get("origin"), headers.get("host", ""))
        return self._access.admit(headers.get("authorization"), scope.get("subprotocols", ()))


def is_public(path: str) -> bool:
    """Whether anybody may see what is at this path."""
    return path in PUBLIC or path.startswith(PUBLIC_FILES)


def visitor(connection: HTTPConnection) -> Visitor:
    """Who is asking, as the guard found."""
    found: Visitor = connection.scope.get(_VISITOR) or Visitor()
    return found


def _from_colleague(scope: Scope) -> bool:
    """Whether another worker passes it on, over a unix socket, which has no port.

    That worker has checked the origin, and a relayed WebSocket has lost the host that it is compared with.
    """
    server = scope.get("server")
    return server is not None and server[1] is None
