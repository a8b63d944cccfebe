"""A call over a WebSocket: events both ways, the audio inside them."""

from __future__ import annotations

import asyncio
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.typing import Subprotocol

from client.channel import Receiver
from client.errors import GarbledError, UnreachableError
from client.resumption import Resumption
from client.signalling import base_url, refusal, unreachable
from client.speech import TransportName, Unit

QUEUED = 500  # events: 10 s of audio; a server that reads nothing for so long is gone
LARGEST_EVENT = 16 * 1024 * 1024  # bytes; the protocol's own limit for one event is 15 MiB
CLOSE_S = 2.0
GONE = 4404  # the server's close code for a call that cannot be taken up
RETIRED = 4000  # ours, for a socket whose call went on over another: it says no goodbye
MODEL = "gpt-realtime"  # stock clients always name a model; ours takes any name


class WebSocketChannel:
    """One open socket. Make it with `connect`."""

    transport: TransportName = "websocket"

    def __init__(self, socket: ClientConnection, receiver: Receiver) -> None:
        self.call_id: str | None = None
        self._socket = socket
        self._receiver = receiver
        self._queue: asyncio.Queue[str] = asyncio.Queue(QUEUED)
        self._closing = False
        self._tasks = [
            asyncio.create_task(self._read(), name="websocket read"),
            asyncio.create_task(self._write(), name="websocket write"),
        ]

    @classmethod
    async def connect(
        cls,
        receiver: Receiver,
        url: str,
        within: float,
        api_key: str | None = None,
        resumption: Resumption | None = None,
    ) -> WebSocketChannel:
        """Open `WS /v1/realtime` on a server.

        Raises:
            UnreachableError: nothing answers within `within` seconds.
            RefusedError: the server said no.
            GarbledError: what answers speaks no WebSocket.
        """
        base = base_url(url)
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        if resumption is not None:
            headers |= resumption.headers()
        address = f"{base.replace('http', 'ws', 1)}/v1/realtime?{urlencode({'model': MODEL})}"
        try:
            socket = await connect(
                address,
                subprotocols=[Subprotocol("realtime")],
                additional_headers=headers or None,
                open_timeout=within,
                close_timeout=CLOSE_S,
                max_size=LARGEST_EVENT,
                compression=None,  # base64 of audio gains little and costs a core
                proxy=None,
            )
        except InvalidStatus as cause:
            response = cause.response
            retry_after = response.headers.get("Retry-After")
            raise refusal(base, response.status_code, retry_after, bytes(response.body or b"")) from cause
        except TimeoutError as cause:
            raise UnreachableError(f"{base} did not answer within {within:g} s") from cause
        except OSError as cause:
            raise unreachable(base, cause) from cause
        except (InvalidHandshake, InvalidURI, ConnectionClosed, EOFError) as cause:
            raise GarbledError(f"{base} does not speak WebSocket: {cause}") from cause
        return cls(socket, receiver)

    def send(self, event: str) -> None:
        if self._closing:
            return
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            self._lost("it reads nothing")

    def send_audio(self, unit: Unit) -> None:
        if isinstance(unit, str):
            self.send(unit)

    async def retire(self) -> None:
        await self._leave(RETIRED)

    async def aclose(self) -> None:
        await self._leave(1000)

    async def _leave(self, code: int) -> None:
        self._closing = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._socket.close(code)

    async def _read(self) -> None:
        try:
            async for text in self._socket:
                self._receiver.on_event(text)
            self._lost("the server closed the socket")
        except ConnectionClosed as closed:
            gone = closed.rcvd is not None and closed.rcvd.code == GONE
            self._lost(
                f"the conversation is over ({closed})" if gone else f"the socket broke ({closed})", gone
            )

    async def _write(self) -> None:
        try:
            while True:
                await self._socket.send(await self._queue.get())
        except ConnectionClosed:
            return  # the reader says why

    def _lost(self, reason: str, gone: bool = False) -> None:
        if self._closing:
            return
        self._closing = True
        if gone:
            self._receiver.on_gone(reason)
        else:
            self._receiver.on_lost(reason)
