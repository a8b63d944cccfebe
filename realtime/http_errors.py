"""How we say no, in the shape that clients know: `{error: {message, type, code, param}}`."""

from __future__ import annotations

from collections.abc import Mapping

from openai.types.realtime import RealtimeErrorEvent
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse
from starlette.websockets import WebSocket

from realtime.protocol import new_id

SUBPROTOCOL = "realtime"
# Close codes of a WebSocket. openai-python reconnects after 1001, 1005, 1006, 1011, 1012, 1013 and 1015: what
# waiting does not mend has to have another.
ENDED = 1000
SLOW = 1008  # events were left unread (policy violation)
FAILED = 1011
TRY_AGAIN = 1013
UNAUTHORISED = 3000  # registered for this, and what the protocol's own server sends
GONE = 4404  # ours: what the client named is not there
_CLOSE_CODES = {401: UNAUTHORISED, 404: GONE, 429: TRY_AGAIN, 503: TRY_AGAIN}
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_LONGEST_REASON = 123  # bytes of a close frame's reason (RFC 6455, 5.5)


class ErrorDetail(BaseModel):
    """What was wrong and what to do."""

    message: str = Field(description="for people: what is wrong, and what to do")
    type: str = Field(description="the kind of error")
    code: str | None = Field(description="for programs: which error")
    param: str | None = Field(description="which part of the request")


class ErrorBody(BaseModel):
    """The body of every answer that is an error."""

    error: ErrorDetail


class RefusedError(Exception):
    """A request is answered with this status. The message says what is wrong and what to do."""

    def __init__(
        self,
        status: int,
        message: str,
        code: str,
        *,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param
        self.headers = dict(headers or {})

    @property
    def type(self) -> str:
        """The kind of error, as the protocol names kinds."""
        return _TYPES.get(self.status, "invalid_request_error" if self.status < 500 else "server_error")

    def response(self) -> JSONResponse:
        """The answer to an HTTP request."""
        detail = ErrorDetail(message=str(self), type=self.type, code=self.code, param=self.param)
        return JSONResponse(ErrorBody(error=detail).model_dump(), self.status, self.headers)


async def refuse_socket(socket: WebSocket, refusal: RefusedError) -> None:
    """Say no to a WebSocket.

    A browser tells its page nothing of why a handshake failed. So what a page opened is accepted, told in an
    `error` event, and closed; anybody else gets the HTTP answer, and so does a page that may not call at all.
    """
    if "origin" not in socket.headers or refusal.status == 403:
        await socket.send_denial_response(refusal.response())
        return
    await socket.accept(subprotocol=chosen_subprotocol(socket))
    error = {"type": refusal.type, "code": refusal.code, "message": str(refusal), "param": refusal.param}
    event = RealtimeErrorEvent.model_validate({"type": "error", "event_id": new_id("event"), "error": error})
    await socket.send_text(event.model_dump_json(exclude_unset=True))
    reason = f"{refusal.type}.{refusal.code}"[:_LONGEST_REASON]
    await socket.close(_CLOSE_CODES.get(refusal.status, SLOW), reason)


def chosen_subprotocol(socket: WebSocket) -> str | None:
    """`realtime` where it is offered. What else browsers offer there are keys and versions, never chosen."""
    return SUBPROTOCOL if SUBPROTOCOL in socket.scope.get("subprotocols", []) else None
