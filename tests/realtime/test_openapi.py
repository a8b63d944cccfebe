"""The description of the interface is true: all of it is described, and behaves so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, reject, settings
from hypothesis.strategies import DrawFn, SearchStrategy, composite
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.errors import UnsupportedSchema
from starlette.routing import Mount, Route, WebSocketRoute

from realtime.http_errors import ErrorBody
from realtime.openapi import describe
from realtime.server import Server, routes
from tests.realtime.edge import KEY, Edge, edge

EXAMPLES = 25  # of each operation, in each kind of server
load_all_checks()
CHECKED = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
        "response_headers_conformance",
    ]
)


@pytest.fixture(scope="module", params=["open", "guarded"])
def server(request: pytest.FixtureRequest) -> Iterator[tuple[Edge, dict[str, str]]]:
    environment = {"AUDIOGPT_API_KEYS": KEY} if request.param == "guarded" else {}
    with edge(environment=environment) as made:
        yield made, {"Authorization": f"Bearer {KEY}"} if environment else {}


def description() -> dict[str, Any]:
    return describe("0", guarded=True)


def test_every_route_is_described_and_nothing_else() -> None:
    described = {
        (path, method.upper()) for path, operations in description()["paths"].items() for method in operations
    }
    found = set()
    for route in routes(object.__new__(Server)):
        match route:
            case Route(path=path, methods=methods):
                found |= {(path, method) for method in methods or () if method != "HEAD"}
            case WebSocketRoute(path=path):
                found.add((path, "GET"))
            case Mount(path=path):
                found.add((f"{path}/{{path}}", "GET"))
    assert described == found


def test_every_reference_leads_somewhere_and_operations_have_names() -> None:
    document = description()
    text = json.dumps(document)
    schemas = document["components"]["schemas"]
    for part in text.split('"$ref": "')[1:]:
        name = part.partition('"')[0]
        assert name.startswith("#/components/schemas/")
        assert name.rpartition("/")[2] in schemas
    names = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(names) == len(set(names))


def test_what_is_not_public_says_that_it_needs_a_key() -> None:
    for guarded in (True, False):
        for path, operations in describe("0", guarded=guarded)["paths"].items():
            for operation in operations.values():
                assert ("security" in operation) == (guarded and path.startswith("/v1/"))


def test_every_refusal_has_the_shape_that_clients_know() -> None:
    error = {"$ref": f"#/components/schemas/{ErrorBody.__name__}"}
    for path, operations in description()["paths"].items():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                if status >= "400" and path.startswith("/v1/"):
                    assert answer["content"]["application/json"]["schema"] == error


def test_it_is_served(server: tuple[Edge, dict[str, str]]) -> None:
    edge_, _ = server
    served = httpx.get(f"{edge_.url}/openapi.json").json()
    assert served["openapi"].startswith("3.1")
    assert set(served["paths"]) == set(description()["paths"])


@schemathesis.serializer("application/sdp")
def _sdp(_: Any, value: Any) -> bytes:
    return str(value).encode("utf-8", "surrogatepass")


CASES = [(path, GenerationMode.POSITIVE) for path in description()["paths"]] + [
    (path, GenerationMode.NEGATIVE) for path in ("/v1/realtime/calls", "/v1/realtime/client_secrets")
]


@composite
def drawable(draw: DrawFn, cases: SearchStrategy[Any]) -> Any:
    """What of `cases` Schemathesis can draw: now and then it picks a negation that it cannot build."""
    try:
        return draw(cases)
    except UnsupportedSchema:
        reject()


@pytest.mark.parametrize(("path", "mode"), CASES)
def test_the_server_does_as_described(
    server: tuple[Edge, dict[str, str]], path: str, mode: GenerationMode
) -> None:
    edge_, headers = server
    operations = schemathesis.openapi.from_url(f"{edge_.url}/openapi.json")[path]
    assert len(operations) == 1
    answered: set[int] = set()
    described = operations[next(iter(operations))].as_strategy(generation_mode=mode)

    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(drawable(described))
    def check(case: Any) -> None:
        answer = case.call(headers=headers)
        case.validate_response(answer, checks=CHECKED)
        answered.add(answer.status_code)

    check()
    assert answered
