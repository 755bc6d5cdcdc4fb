"""Door 2: the REST and WebSocket routes under /v1 that clients of the hosted product know.

Each route parses, calls a resolver, and prints. A file is named after its first path segment.
"""

from typing import Any

from starlette.routing import BaseRoute, WebSocketRoute

from compatibility import consumer_avatars, consumer_knowledge, health, public, public_socket
from compatibility.envelope import context_headers, error_response, on_error
from compatibility.health import ready
from compatibility.openapi_document import document
from compatibility.routing import Endpoint, routes_of

__all__ = ["context_headers", "error_response", "on_error", "openapi", "ready", "routes"]

SECTIONS: dict[str, tuple[Endpoint[Any], ...]] = {
    "Avatars": consumer_avatars.ENDPOINTS,
    "Knowledge": consumer_knowledge.ENDPOINTS,
    "Conversations": public.ENDPOINTS,
    "Health": health.ENDPOINTS,
}


def routes() -> list[BaseRoute]:
    """To be mounted under /v1. Each request needs a `Context` at `scope["state"]["context"]`."""
    endpoints = [endpoint for section in SECTIONS.values() for endpoint in section]
    return [WebSocketRoute(f"{public.AVATAR}/ws", public_socket.talk), *routes_of(endpoints)]


def openapi() -> dict[str, Any]:
    """The OpenAPI 3.1 document of every route."""
    return document(SECTIONS)
