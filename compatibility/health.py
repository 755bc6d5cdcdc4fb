"""/v1/health: whether the server is up and answers. /ready: whether visitors should be sent to it."""

from typing import Literal

import orjson
from starlette.requests import Request
from starlette.responses import Response

from compatibility.routing import Call, Endpoint, context_of
from compatibility.shapes import Nothing, ResponseShape
from resolvers import readiness


class Health(ResponseShape):
    status: Literal["ok"] = "ok"


async def health(_: Call[Nothing]) -> Health:
    return Health()


async def ready(request: Request) -> Response:
    """For load balancers, which ask beside /v1: `{"status": "ready"}`, or 503 with the reasons."""
    reasons = await readiness.obstacles(context_of(request))
    told = {"status": "unready", "reasons": reasons} if reasons else {"status": "ready"}
    return Response(orjson.dumps(told), 503 if reasons else 200, {"Cache-Control": "no-store"}, "application/json")


ENDPOINTS = (
    Endpoint(
        methods=("GET",),
        path="/health",
        summary="Whether the server is up",
        handler=health,
        body=Nothing,
        answer=Health,
    ),
)
