"""The description of the HTTP interface (OpenAPI 3.1), made from the models that it is held to.

Events are not described here: their shapes are `openai.types.realtime`, and ours `own_events.py`.
"""

from __future__ import annotations

from typing import Any

from openai.types.realtime import RealtimeSessionCreateRequest
from openai.types.realtime.client_secret_create_response import ClientSecretCreateResponse
from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

from realtime.bodies import ConfigBody, ExpiresAfter
from realtime.http_errors import ErrorBody
from realtime.security.guard import is_public
from realtime.shelf.shelf import DOWNLOADS

SDP = "application/sdp"
JSON = "application/json"
FORM = "multipart/form-data"
TEXT = "text/plain"
HTML = "text/html"

_REFUSALS = {
    400: "the request cannot be used; the message says what is wrong with it",
    401: "a key is needed, or the one given is not (or no longer) good",
    403: "the key is good and this is not for it, or a page of this origin may not call",
    404: "there is no such thing, or no longer",
    413: "the body is too large",
    415: "the content type is not one of those described",
    416: "there is nothing in that range; `Content-Range` says how much there is",
    426: "this is a WebSocket",
    429: "too much at once for this key; `Retry-After` says when there may be room",
    503: "the server is full, or cannot reach the network; `Retry-After` says when to try again",
}


class CallBody(BaseModel):
    """A call: the client's SDP offer, and the settings its session begins with."""

    sdp: str = Field(description="SDP offer (RFC 8866) with one audio section and a data channel")
    session: RealtimeSessionCreateRequest | None = None


class CallForm(BaseModel):
    """The same as a form, in which the session is a part of JSON."""

    sdp: str
    session: RealtimeSessionCreateRequest | None = None


class ClientSecretBody(BaseModel):
    """What an ephemeral token is to be good for."""

    expires_after: ExpiresAfter | None = None
    session: RealtimeSessionCreateRequest | None = None


class Nothing(BaseModel):
    """An empty object."""


_MODELS: tuple[type[BaseModel], ...] = (
    CallBody,
    CallForm,
    ClientSecretBody,
    ClientSecretCreateResponse,
    ConfigBody,
    ErrorBody,
    Nothing,
)
_REF = "#/components/schemas/{model}"


def describe(version: str, *, guarded: bool) -> dict[str, Any]:
    """The description. `guarded` says that what is not public needs a key."""
    _, schemas = models_json_schema(
        [(model, "validation") for model in _MODELS], ref_template=_REF, title="AudioGPT Live"
    )
    paths = _paths()
    for path, operations in paths.items():
        if guarded and not is_public(path):
            for operation in operations.values():
                operation["security"] = [{"key": []}]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "AudioGPT Live",
            "version": version,
            "summary": "A voice assistant that speaks the OpenAI Realtime protocol.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "an API key, or an ephemeral token (ek_…) of /v1/realtime/client_secrets",
                }
            },
        },
    }


def _paths() -> dict[str, dict[str, Any]]:
    model = _parameter("model", "query", "shown as the session's model; any name is taken")
    resume = _parameter("X-AudioGPT-Resume", "header", "`new`, or the token of a call to go on with")
    last = _parameter("Last-Event-ID", "header", "the last event that was received of that call")
    call_id = _parameter("call_id", "path", "as the `Location` of the call names it")
    call_id["required"] = True
    session_body = {JSON: _schema(ClientSecretBody)}
    call_body = {
        SDP: {"schema": {"type": "string"}},
        JSON: _schema(CallBody),
        FORM: {**_schema(CallForm), "encoding": {"sdp": {"contentType": f"{SDP}, {TEXT}"}}},
    }
    location = {"Location": _header("path of the call; POST to it with /hangup ends the call")}
    wait = {"Retry-After": _header("seconds", "integer")}
    return {
        "/v1/realtime/calls": {
            "post": {
                "operationId": "createCall",
                "summary": "Begin a conversation over WebRTC.",
                "parameters": [model, resume, last],
                "requestBody": {"required": True, "content": call_body},
                "responses": {
                    "201": {
                        "description": "the answer; the call begins when it connects",
                        "headers": location,
                        "content": {SDP: {"schema": {"type": "string"}}},
                    },
                    **_refusals(400, 401, 403, 404, 413, 415, 429, 503),
                },
            }
        },
        "/v1/realtime/calls/{call_id}/hangup": {
            "post": {
                "operationId": "hangUp",
                "summary": "End a call.",
                "parameters": [call_id],
                "responses": {"200": _json("it is over", Nothing), **_refusals(401, 403, 404)},
            }
        },
        "/v1/realtime/client_secrets": {
            "post": {
                "operationId": "createClientSecret",
                "summary": "Make an ephemeral token for a browser, with the settings of its sessions.",
                "requestBody": {"required": False, "content": session_body},
                "responses": {
                    "200": _json("the token; it cannot be shown again", ClientSecretCreateResponse),
                    **_refusals(400, 401, 403, 413),
                },
            }
        },
        "/v1/realtime": {
            "get": {
                "operationId": "connect",
                "summary": "A conversation over a WebSocket, or a side channel to one over WebRTC.",
                "description": "Offer the subprotocol `realtime`; a browser also offers "
                "`openai-insecure-api-key.<key>`.",
                "parameters": [
                    model,
                    _parameter("call_id", "query", "a WebRTC call whose events to share"),
                    _parameter("resume", "query", "as the header X-AudioGPT-Resume"),
                    _parameter("last_event", "query", "as the header Last-Event-ID"),
                ],
                "responses": {
                    "101": {"description": "the WebSocket is open"},
                    **_refusals(400, 401, 403, 404, 426, 429, 503),
                },
            }
        },
        "/v1/audiogpt/config": {
            "get": {
                "operationId": "config",
                "summary": "What the page has to know: backends, ICE servers.",
                "responses": {"200": _json("the configuration", ConfigBody), **_refusals(401, 403)},
            }
        },
        f"{DOWNLOADS}/{{session_id}}/{{artefact_id}}": {"get": _download()},
        "/": {"get": _plain("page", "The page.", HTML)},
        "/static/{path}": {
            "get": {
                **_plain("file", "A file of the page.", "*/*"),
                "parameters": [{**_parameter("path", "path", "name of the file"), "required": True}],
                "responses": {
                    "200": {"description": "the file", "content": {"*/*": {}}},
                    **_refusals(404),
                },
            }
        },
        "/openapi.json": {
            "get": {
                "operationId": "description",
                "summary": "This description.",
                "responses": {
                    "200": {"description": "OpenAPI 3.1", "content": {JSON: {"schema": {"type": "object"}}}}
                },
            }
        },
        "/healthz": {"get": _plain("health", "Whether the process lives.")},
        "/readyz": {
            "get": {
                "operationId": "ready",
                "summary": "Whether the warm-up turn is over.",
                "responses": {
                    "200": _text("it is"),
                    "503": {**_text("not yet"), "headers": wait},
                },
            }
        },
        "/metrics": {"get": _plain("metrics", "Counts and times, for Prometheus.")},
    }


def _download() -> dict[str, Any]:
    ids = [
        {**_parameter(name, "path", description), "required": True}
        for name, description in (
            ("session_id", "the id of the session"),
            ("artefact_id", "the id of the artefact, as `audiogpt.artefact.created` names it"),
        )
    ]
    content = {
        kind: {"schema": {"type": "string"}}
        for kind in ("audio/wav", TEXT, "image/*", "application/octet-stream")
    }
    headers = {
        "Accept-Ranges": _header("bytes"),
        "Content-Disposition": _header("a name to save it by"),
        "ETag": _header("changes while a piece is being recorded"),
    }
    part = {**headers, "Content-Range": _header("which bytes of how many")}
    return {
        "operationId": "download",
        "summary": "The sound, the words or the picture of an artefact, for who owns its session.",
        "description": "A piece that is still playing is served as far as it was heard.",
        "parameters": [*ids, _parameter("Range", "header", "a part of it, for example `bytes=0-1023`")],
        "responses": {
            "200": {"description": "all there is", "headers": headers, "content": content},
            "206": {"description": "the range asked for", "headers": part, "content": content},
            "304": {"description": "it is still what `If-None-Match` names"},
            **_refusals(401, 403, 404, 416),
        },
    }


def _refusals(*statuses: int) -> dict[str, Any]:
    out = {str(status): _json(_REFUSALS[status], ErrorBody) for status in statuses}
    for status in ("429", "503"):
        if status in out:
            out[status]["headers"] = {"Retry-After": _header("seconds", "integer")}
    return out


def _json(description: str, model: type[BaseModel]) -> dict[str, Any]:
    return {"description": description, "content": {JSON: _schema(model)}}


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return {"schema": {"$ref": _REF.format(model=model.__name__)}}


def _text(description: str, kind: str = TEXT) -> dict[str, Any]:
    return {"description": description, "content": {kind: {"schema": {"type": "string"}}}}


def _plain(operation: str, summary: str, kind: str = TEXT) -> dict[str, Any]:
    return {"operationId": operation, "summary": summary, "responses": {"200": _text(summary, kind)}}


def _header(description: str, kind: str = "string") -> dict[str, Any]:
    return {"description": description, "schema": {"type": kind}}


def _parameter(name: str, place: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": place, "description": description, "schema": {"type": "string"}}
