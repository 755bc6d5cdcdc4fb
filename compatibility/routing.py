"""How an endpoint is declared, and how a request reaches it.

An `Endpoint` says everything about one verb on one path; the Starlette routes and the OpenAPI
document are both made from it, so they cannot disagree.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from compatibility.envelope import answer_response, error_response
from compatibility.forms import form_of, is_form
from compatibility.shapes import Nothing, RequestShape, ResponseShape, parsed
from domain.errors import AvatariumError, MethodNotAllowed, NotFound
from domain.knowledge.additions import Upload
from resolvers import knowledge
from resolvers.context import Context

B = TypeVar("B", bound=RequestShape)
T = TypeVar("T")
CLIENT_CLOSED_REQUEST = 499


@dataclass(frozen=True, slots=True)
class Call(Generic[B]):
    """One request, parsed. `path` holds the path's parameters as the caller spelled them."""

    context: Context
    path: Mapping[str, str]
    body: B
    file: Upload | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint(Generic[B]):
    """One verb on one path.

    `answer` is None where nothing but an error can be answered over plain HTTP. `bearer` documents
    who may call; the resolver's guard is what decides. `slow` gives up when the caller hangs up. With `takes_file`
    the body may also be a form of multipart/form-data, which is read only for callers who may upload.
    """

    methods: tuple[str, ...]
    path: str
    summary: str
    handler: Callable[[Call[B]], Awaitable[ResponseShape]]
    body: type[B]
    answer: type[ResponseShape] | None
    bearer: bool = False
    body_optional: bool = False
    slow: bool = False
    takes_file: bool = False
    errors: tuple[type[AvatariumError], ...] = ()
    description: str = ""

    async def respond(self, request: Request) -> Response:
        context = context_of(request)
        if self.takes_file and is_form(request):
            await knowledge.may_upload(context)
            fields, file = await form_of(request)
            call = Call(context, request.path_params, parsed(self.body, fields), file)
        else:
            call = Call(context, request.path_params, await self._body(request))
        answering = self.handler(call)
        return answer_response(context, await (unless_gone(request, answering) if self.slow else answering))

    async def _body(self, request: Request) -> B:
        if self.body is Nothing:
            return self.body()
        raw = await request.body()
        return parsed(self.body, raw if raw or not self.body_optional else b"{}")


class Resource:
    """One path with all its verbs: the ASGI application of a route."""

    def __init__(self, endpoints: Iterable[Endpoint[Any]]) -> None:
        self._endpoints = {method: endpoint for endpoint in endpoints for method in endpoint.methods}
        if "GET" in self._endpoints:
            self._endpoints["HEAD"] = self._endpoints["GET"]
        self._allow = ", ".join(sorted({*self._endpoints, "OPTIONS"}))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await self._respond(request)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        context, method = context_of(request), request.method
        if method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": self._allow})
        if method not in self._endpoints:
            refusal = error_response(context, MethodNotAllowed(f"{method} is not allowed here. Use {self._allow}."))
            refusal.headers["Allow"] = self._allow
            return refusal
        try:
            return await self._endpoints[method].respond(request)
        except ClientDisconnect:
            return Response(status_code=CLIENT_CLOSED_REQUEST)
        except Exception as error:
            return error_response(context, error)


class NoResource:
    """Every other path."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        context = context_of(Request(scope))
        await error_response(context, NotFound("There is nothing at this address."))(scope, receive, send)


async def unless_gone(request: Request, work: Awaitable[T]) -> T:
    """The result of `work`, which is cancelled when the caller hangs up: then raises `ClientDisconnect`."""
    working, gone = asyncio.ensure_future(work), asyncio.ensure_future(hang_up(request))
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientDisconnect
    finally:
        working.cancel()
        gone.cancel()
        await asyncio.gather(working, gone, return_exceptions=True)


async def hang_up(request: Request) -> None:
    """Returns when the caller is gone. The request's body must have been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def context_of(connection: HTTPConnection) -> Context:
    return cast(Context, connection.scope["state"]["context"])


def routes_of(endpoints: Iterable[Endpoint[Any]]) -> list[Route]:
    """One route for each path, in the order of declaration; the last one takes every other path."""
    by_path: dict[str, list[Endpoint[Any]]] = {}
    for endpoint in endpoints:
        by_path.setdefault(endpoint.path, []).append(endpoint)
    known = [Route(path, Resource(group)) for path, group in by_path.items()]
    return [*known, Route("/{path:path}", NoResource())]
