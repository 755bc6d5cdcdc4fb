"""GraphQL over HTTP, server-sent events and the graphql-transport-ws WebSocket protocol."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from datetime import timedelta
from typing import Any, cast

import orjson
from cross_web import AsyncHTTPRequestAdapter, HTTPException, StarletteRequestAdapter
from graphql import GraphQLError, GraphQLFormattedError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect
from strawberry.asgi import ASGIWebSocketAdapter, GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http import GraphQLHTTPResponse
from strawberry.http.base import BaseRequestProtocol
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.http.types import QueryParams
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation
from strawberry.subscriptions.protocols.graphql_transport_ws.types import Message, SubscribeMessage

from domain.errors import (
    AvatariumError,
    BadRequest,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    PersistedQueryNotFound,
    Unauthorized,
    Unavailable,
    masked,
)
from resolvers import accounts, knowledge
from schema.engine.context import OperationContext, bearer
from schema.engine.documents import Documents, asked_for
from schema.engine.negotiation import GRAPHQL_RESPONSE, response_type
from schema.engine.places import PLACES, Place, place_of_operation
from schema.engine.projection import send_at_once
from schema.engine.uploads import operation_with_file
from schema.root import schema

PROTOCOLS = (GRAPHQL_TRANSPORT_WS_PROTOCOL, "graphql-sse")
INIT_WAIT = timedelta(seconds=10)
STOPPING = "This server is stopping. Send the operation again."
REASON_MAX_BYTES = 123
STATUS_CODES = {error.status: error.code for error in (NotFound, MethodNotAllowed, PayloadTooLarge)}


class SocketHandler(BaseGraphQLTransportWSHandler[OperationContext, None]):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._places = asyncio.Semaphore(PLACES)

    async def run_operation(self, operation: Operation[OperationContext, None]) -> None:
        """Lets a subscription send the events that need no execution past Strawberry."""
        before = b'{"id":%b,"type":"next","payload":{"data":' % orjson.dumps(operation.id)

        async def send(data: object) -> None:
            await cast(SocketAdapter, self.websocket).send_text((before + orjson.dumps(data) + b"}}").decode())

        send_at_once.set(send)
        async with Place(self._places) as place:
            place_of_operation.set(place)
            await super().run_operation(operation)

    async def handle_message(self, message: Message) -> None:
        if not is_message(message):
            await self.handle_invalid_message("A message is an object with a type, as graphql-transport-ws says")
            return
        await super().handle_message(message)

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        try:
            cast(GraphQLDoor, self.view).documents.fill(cast(dict[str, Any], message["payload"]))
        except PersistedQueryNotFound as error:
            if self.connection_acknowledged and message["id"] not in self.operations:
                told = error_entry(error.message, error.extensions, self.context.core.request_id)
                await self.send_message({"id": message["id"], "type": "error", "payload": [told]})
                return
        await super().handle_subscribe(message)

    async def handle_task_exception(self, error: Exception) -> None:
        """Logs no text of it: that may quote a visitor."""
        masked(error, self.context.core.request_id)

    @staticmethod
    def _get_pre_execution_close_reason(_error: GraphQLError) -> str | None:
        """None: an operation that cannot be read is its own error, and ends no other on the socket."""
        return None


def is_message(message: object) -> bool:
    """Whether a frame has the shape that Strawberry's handler takes for granted."""
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return False
    if message["type"] not in ("subscribe", "complete"):
        return True
    if not isinstance(message.get("id"), str):
        return False
    payload = message.get("payload")
    return message["type"] == "complete" or (isinstance(payload, dict) and has_operation(payload))


def has_operation(payload: Mapping[str, object]) -> bool:
    query = payload.get("query")
    return isinstance(query, str) or (query is None and asked_for(payload) is not None)


class SocketAdapter(ASGIWebSocketAdapter):
    async def send_text(self, text: str) -> None:
        try:
            await self.ws.send_text(text)
        except WebSocketDisconnect as error:
            raise WebSocketDisconnected from error

    async def close(self, code: int, reason: str) -> None:
        """Cuts the reason to what a close frame can hold: it may quote the caller."""
        await super().close(code, reason.encode()[:REASON_MAX_BYTES].decode(errors="ignore"))


class RequestAdapter(StarletteRequestAdapter):
    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self.request = request


class GraphQLDoor(GraphQL[OperationContext, None]):
    graphql_transport_ws_handler_class = SocketHandler
    websocket_adapter_class = SocketAdapter
    request_adapter_class = RequestAdapter

    def __init__(
        self,
        graphiql: Callable[[], HTMLResponse] | None,
        *,
        open_schema: bool,
        documents: Iterable[str] = (),
        init_wait: timedelta = INIT_WAIT,
    ) -> None:
        """`graphiql` makes the page that a browser is shown at GET; None shows none.

        `open_schema` lets strangers introspect; otherwise only callers with a valid token may.
        `documents` can be asked for by the hash of their text.
        """
        super().__init__(
            schema,
            graphql_ide="graphiql" if graphiql else None,
            subscription_protocols=PROTOCOLS,
            multipart_uploads_enabled=True,
            connection_init_wait_timeout=init_wait,
        )
        self._graphiql, self._open_schema = graphiql, open_schema
        self.documents = Documents(documents)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        return (self._answer if scope["type"] == "http" else super().__call__)(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self.run(request)
        except ClientDisconnect:
            return
        except asyncio.CancelledError:
            if not request.scope["state"]["context"].services.turns.closing:
                raise
            response = refusal(request, Unavailable.status, STOPPING, Unavailable("").extensions)
        except HTTPException as error:
            code = STATUS_CODES.get(error.status_code, BadRequest.code)
            response = refusal(request, error.status_code, error.reason, {"code": code, "retryable": False})
        except AvatariumError as error:
            response = refusal(request, error.status, error.message, error.extensions)
        try:
            await response(scope, receive, send)
        finally:
            await request.close()

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> OperationContext:
        return OperationContext(core=request.scope["state"]["context"], trusted=self._open_schema)

    async def get_sub_response(self, request: Request | WebSocket) -> Response:
        response = await super().get_sub_response(request)
        response.media_type = response_type(request.headers.get("accept", ""))
        return response

    def create_response(
        self, response_data: GraphQLHTTPResponse | list[GraphQLHTTPResponse], sub_response: Response
    ) -> Response:
        """Batches are off, so that `response_data` is no list."""
        body = cast(GraphQLHTTPResponse, response_data)
        refused = is_request_error(body)
        if refused:
            del body["data"]
        media_type = sub_response.media_type or ""
        status = BadRequest.status if refused and media_type == GRAPHQL_RESPONSE else 200
        return answer(self.encode_json(body), status, media_type)

    async def parse_multipart(self, request: AsyncHTTPRequestAdapter) -> dict[str, str]:
        """Only with a bearer token: a page of another site cannot send one without the browser asking first.

        The token is verified before the body is read.
        """
        if not bearer(request.headers.get("authorization")):
            raise HTTPException(400, "A multipart request needs a bearer token in the Authorization header")
        uploading = cast(RequestAdapter, request).request
        await knowledge.may_upload(uploading.scope["state"]["context"])
        return await operation_with_file(uploading)

    async def on_ws_connect(self, context: OperationContext) -> None:
        """Takes the bearer token that a browser cannot send as a header, and closes with 4403 if it is not good.

        A token that cannot be checked right now is left to each operation, which then says so.
        """
        params = context.connection_params or {}
        token = bearer(params.get("Authorization")) or bearer(params.get("authorization"))
        if not token:
            return
        context.core.token = token
        try:
            await accounts.me(context.core)
        except Unauthorized:
            raise ConnectionRejectionError from None
        except Unavailable:
            return

    def is_websocket_origin_allowed(self, request: WebSocket, origin: str) -> bool:
        """Every origin: which avatar is asked for, and whether it may be embedded, is known by the operation."""
        return True

    def should_render_graphql_ide(self, request: BaseRequestProtocol) -> bool:
        """Only for browsers: any other client that forgot its query is told so."""
        return "text/html" in request.headers.get("accept", "") and super().should_render_graphql_ide(request)

    async def render_graphql_ide(self, request: Request) -> Response:
        if self._graphiql is None:
            raise HTTPException(404, "Not Found")
        return self._graphiql()

    def parse_json(self, data: str | bytes) -> Any:
        """Of a whole body, which comes as bytes, or of one parameter of a URL, which comes as text."""
        parsed = super().parse_json(data)
        if isinstance(data, bytes):
            if not isinstance(parsed, dict):
                raise BadRequest("Send one operation, as a JSON object. Operations cannot be sent in batches.")
            self.documents.fill(parsed)
        return parsed

    def parse_query_params(self, params: QueryParams) -> dict[str, Any]:
        parsed = super().parse_query_params(params)
        self.documents.fill(parsed)
        return parsed

    def decode_json(self, data: str | bytes) -> object:
        return orjson.loads(data)

    def encode_json(self, data: object) -> str:
        """As text: WebSocket clients take no binary frames."""
        return orjson.dumps(data).decode()


def is_request_error(response: GraphQLHTTPResponse) -> bool:
    """Whether nothing was executed: errors of execution have the path of the field that failed."""
    errors: list[Any] = response.get("errors") or []
    return response["data"] is None and not any("path" in error for error in errors)


def answer(body: str, status: int, media_type: str, headers: Mapping[str, str] | None = None) -> Response:
    headers = {"Content-Type": f"{media_type}; charset=utf-8", "Vary": "Accept", **(headers or {})}
    return Response(body, status, headers)


def refusal(request: Request, status: int, message: str, extensions: Mapping[str, object]) -> Response:
    """A request that is no GraphQL operation, answered in GraphQL's own shape."""
    body = {"errors": [error_entry(message, extensions, request.scope["state"]["context"].request_id)]}
    headers = {"Allow": "GET, POST, OPTIONS"} if status == MethodNotAllowed.status else None
    return answer(orjson.dumps(body).decode(), status, response_type(request.headers.get("accept", "")), headers)


def error_entry(message: str, extensions: Mapping[str, object], request_id: str) -> GraphQLFormattedError:
    return {"message": message, "extensions": {**extensions, "requestId": request_id}}
