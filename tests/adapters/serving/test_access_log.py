"""What is logged and measured of a request."""

import logging

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route, Router
from starlette.types import Receive, Scope, Send

from adapters.observing.metrics import Metrics
from adapters.serving.access_log import AccessLog

SECRET = "xyzzy"


async def fine(_request: Request) -> Response:
    return PlainTextResponse("fine", 201)


async def broken(_request: Request) -> Response:
    raise ValueError(SECRET)


async def files(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("a file")(scope, receive, send)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def http(metrics: Metrics) -> httpx.AsyncClient:
    inner = [Route("/things/{id}", fine, methods=["POST"]), Route("/{path:path}", fine, methods=["POST"])]
    routes = [Route("/ready", fine), Route("/broken", broken), Mount("/v1", routes=inner), Mount("/files", files)]
    transport = httpx.ASGITransport(AccessLog(Router(routes), metrics))
    return httpx.AsyncClient(transport=transport, base_url="http://test")


@pytest.mark.parametrize(
    ("path", "route", "status"),
    [
        (f"/v1/things/{SECRET}?{SECRET}={SECRET}", "/v1/things/{id}", 201),
        (f"/v1/{SECRET}/{SECRET}", "unknown", 201),
        (f"/files/{SECRET}", "/files/…", 200),
        (f"/{SECRET}", "unknown", 404),
    ],
)
async def test_a_request_is_told_by_its_route(
    http: httpx.AsyncClient, metrics: Metrics, caplog: pytest.LogCaptureFixture, path: str, route: str, status: int
) -> None:
    with caplog.at_level(logging.INFO, "avatarium.access"):
        await http.post(path, content=SECRET)
    (record,) = caplog.records
    told = vars(record)
    assert (told["method"], told["route"], told["status"]) == ("POST", route, status)
    assert SECRET not in str(told)
    labels = {"method": "POST", "route": route, "status": str(status)}
    assert metrics.registry.get_sample_value("avatarium_http_request_seconds_count", labels) == 1


async def test_a_request_that_is_never_answered_is_a_500(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "avatarium.access"), pytest.raises(ValueError, match=SECRET):
        await http.get("/broken")
    assert [(vars(record)["route"], vars(record)["status"]) for record in caplog.records] == [("/broken", 500)]


async def test_probes_are_told_at_level_debug(http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "avatarium.access"):
        await http.get("/ready")
    assert [record.levelno for record in caplog.records] == [logging.DEBUG]
