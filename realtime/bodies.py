"""The bodies of requests, in all the forms that clients send them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request

from realtime.http_errors import RefusedError

TOKEN_SECONDS = 600  # how long a token is good unless asked otherwise


class ExpiresAfter(BaseModel):
    """When a token expires."""

    model_config = ConfigDict(strict=True)

    anchor: Literal["created_at"] = "created_at"
    seconds: int = Field(TOKEN_SECONDS, ge=10, le=7_200)


class ClientSecretRequest(BaseModel):
    """The body of `POST /v1/realtime/client_secrets`."""

    model_config = ConfigDict(strict=True)

    expires_after: ExpiresAfter | None = None
    session: Annotated[dict[str, Any] | None, Field(description="as in a session.update event")] = None


class ConfigBody(BaseModel):
    """The answer to `GET /v1/audiogpt/config`."""

    profile: str
    backends: dict[str, str] = Field(description="by role")
    version: str
    ice_servers: list[dict[str, Any]] = Field(description="each an RTCIceServer")


@dataclass(frozen=True, slots=True)
class CallRequest:
    """The body of `POST /v1/realtime/calls`: an SDP offer, and perhaps a session's settings."""

    sdp: str
    session: object = None


async def read_call(request: Request, limit: int) -> CallRequest:
    """From application/sdp, multipart/form-data or application/json. Raises `RefusedError`."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await _read(request, limit)
    match kind:
        case "multipart/form-data":
            return await _call_from_form(request, body)
        case "application/sdp":
            return CallRequest(_text(body, kind))
        case "application/json":
            data = _json(_text(body, kind), kind)
            if isinstance(data, dict) and isinstance(data.get("sdp"), str):
                return CallRequest(str(data["sdp"]), data.get("session"))
            raise _bad("the JSON body has to be an object with the offer in `sdp`", "sdp")
    raise RefusedError(
        415,
        f"content type {kind[:80] or 'none'!r}; "
        "send application/sdp, application/json or multipart/form-data",
        "unsupported_media_type",
    )


async def read_client_secret(request: Request, limit: int) -> ClientSecretRequest:
    """An empty body is one that asks for nothing in particular. Raises `RefusedError`."""
    body = await _read(request, limit)
    if not body.strip():
        return ClientSecretRequest()
    try:
        return ClientSecretRequest.model_validate(_json(_text(body, "JSON"), "JSON"))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise _bad(f"{where or 'the body'}: {first['msg']}", where or None) from None


async def _read(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit:
            raise RefusedError(
                413,
                f"the body is larger than {limit} bytes; an SDP offer has some 2000",
                "body_too_large",
            )
    return bytes(body)


def _text(body: bytes, kind: str) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _bad(f"the body is not {kind}: {error}") from None


def _json(text: str, kind: str, param: str | None = None) -> Any:
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise _bad(f"the {param or 'body'} is not {kind}: {error}", param) from None


async def _call_from_form(request: Request, body: bytes) -> CallRequest:
    async def replay() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    try:
        async with Request(request.scope, replay).form(max_files=4, max_fields=8) as form:
            sdp, session = await _field(form, "sdp"), await _field(form, "session")
    except (MultiPartException, UnicodeDecodeError, HTTPException) as error:
        raise _bad(f"the form cannot be read: {error}") from None
    if sdp is None:
        raise _bad("the form has to have the offer in a field `sdp`", "sdp")
    return CallRequest(sdp, _json(session, "JSON", "session") if session else None)


async def _field(form: FormData, name: str) -> str | None:
    """A field's text, whether it was sent as a field or as a file."""
    field = form.get(name)
    if isinstance(field, UploadFile):
        return (await field.read()).decode("utf-8")
    return field


def _bad(message: str, param: str | None = None) -> RefusedError:
    return RefusedError(400, message, "invalid_body", param=param)
