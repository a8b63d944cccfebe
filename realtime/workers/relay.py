"""A WebSocket that reached one worker and concerns a call of another is carried on to that one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from pathlib import Path

from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import ClientConnection, unix_connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

# Of the handshake itself, and true of one connection only
_HANDSHAKE = ("sec-websocket-", "connection", "upgrade", "host")
UNSENDABLE = (1005, 1006, 1015)  # close codes that only say what happened (RFC 6455, 7.4.1)


async def relay(socket: WebSocket, path: Path, *, max_event: int) -> None:
    """Carry messages and closings both ways until one side is gone.

    Raises OSError, before anything was answered, when nobody listens at `path`.
    """
    target = socket.url.replace(scheme="ws", netloc="worker")
    try:
        connection = await unix_connect(
            os.fspath(path),
            str(target),
            subprotocols=[Subprotocol(name) for name in socket.scope.get("subprotocols", [])] or None,
            additional_headers=[
                (name, value) for name, value in socket.headers.items() if not name.startswith(_HANDSHAKE)
            ],
            user_agent_header=None,
            compression=None,  # both ends are on this machine
            ping_interval=None,  # the client's own pings end at its side; a colleague that dies closes
            max_size=max_event,
        )
    except InvalidStatus as refused:
        answer = refused.response
        await socket.send_denial_response(
            Response(bytes(answer.body or b""), answer.status_code, _told(answer.headers.raw_items()))
        )
        return
    async with connection:
        await socket.accept(subprotocol=connection.subprotocol)
        tasks = {
            asyncio.create_task(_outward(connection, socket), name="relay out"),
            asyncio.create_task(_inward(socket, connection), name="relay in"),
        }
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


def _told(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """A refusal's headers without those that our own server adds."""
    return {name: value for name, value in headers if name.lower() not in ("date", "connection")}


async def _outward(connection: ClientConnection, socket: WebSocket) -> None:
    try:
        async for message in connection:
            if isinstance(message, str):
                await socket.send_text(message)
            else:
                await socket.send_bytes(message)
    except ConnectionClosed:
        pass  # told below, like a good end
    except (WebSocketDisconnect, RuntimeError):
        return  # the client is gone
    code = connection.close_code or 1011
    await socket.close(1011 if code in UNSENDABLE else code, connection.close_reason)


async def _inward(socket: WebSocket, connection: ClientConnection) -> None:
    try:
        while (message := await socket.receive())["type"] == "websocket.receive":
            text = message.get("text")
            await connection.send(message["bytes"] if text is None else text)
        code = message.get("code", 1005)
        if code not in UNSENDABLE:
            await connection.close(code, message.get("reason") or "")
        elif code == 1005:
            await connection.close()
        else:
            connection.transport.abort()  # as a client that vanished: no goodbye
    except ConnectionClosed:
        return
