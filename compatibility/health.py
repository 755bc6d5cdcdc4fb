"""/v1/health: whether the server is up and answers."""

from typing import Literal

from compatibility.routing import Call, Endpoint
from compatibility.shapes import Nothing, ResponseShape


class Health(ResponseShape):
    status: Literal["ok"] = "ok"


async def health(_: Call[Nothing]) -> Health:
    return Health()


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
