"""The envelope around every answer of /v1, and the headers that tell of a request's context."""

from collections.abc import Iterable

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from compatibility.shapes import BareShape, ResponseShape
from domain.errors import AvatariumError, Internal, MethodNotAllowed, NotFound, RateLimited, masked
from domain.limits import Hit
from resolvers.context import Context

BY_STATUS: dict[int, type[AvatariumError]] = {error.status: error for error in (NotFound, MethodNotAllowed)}


def answer_response(context: Context, answer: ResponseShape) -> Response:
    """`{"data": …, "meta": …}`; a `BareShape` has its fields beside `meta`."""
    told = answer.model_dump(mode="json")
    return enveloped(context, told if isinstance(answer, BareShape) else {"data": told})


def error_response(context: Context, error: Exception) -> Response:
    """`{"error": {"code", "message", "details"?}, "meta": …}` by the error's own attributes.

    An exception from outside our family is logged and told as `INTERNAL_ERROR`.
    """
    known = masked(error, context.request_id)
    told: dict[str, object] = {"code": known.code, "message": known.message}
    if known.details:
        told["details"] = known.details
    response = enveloped(context, {"error": told}, known.status)
    if isinstance(known, RateLimited):
        response.headers["Retry-After"] = str(known.retry_after)
    if known.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


async def on_error(request: Request, error: Exception) -> Response:
    """The same for what is raised outside the routes of /v1: an exception handler for Starlette."""
    context: Context = request.scope["state"]["context"]
    if not isinstance(error, HTTPException):
        return error_response(context, error)
    known = BY_STATUS.get(error.status_code, Internal)
    response = error_response(context, known(error.detail))
    response.headers.update(error.headers or {})
    return response


def enveloped(context: Context, body: dict[str, object], status: int = 200) -> Response:
    content = orjson.dumps({**body, "meta": {"requestId": context.request_id}})
    return Response(content, status, {"Cache-Control": "no-store"}, "application/json")


def context_headers(context: Context) -> dict[str, str]:
    """For every response of the server: the request's id, and the rate limit that it counted against."""
    headers = {"X-Request-Id": context.request_id}
    if context.hits:
        hit = most_restrictive(context.hits)
        headers["X-RateLimit-Limit"] = str(hit.limit)
        headers["X-RateLimit-Remaining"] = str(hit.remaining)
        headers["X-RateLimit-Reset"] = str(hit.reset_at)
    return headers


def most_restrictive(hits: Iterable[Hit]) -> Hit:
    return min(hits, key=lambda hit: (hit.allowed, hit.remaining))
