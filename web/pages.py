"""Serves the pages that `make web` builds into `web/dist`."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

DIST = Path(__file__).parent / "dist"

MayEmbed = Callable[[str], Awaitable[bool]]
"""Whether other sites may frame the avatar with this short id."""


def routes(graphiql: bool, may_embed: MayEmbed, dist: Path = DIST) -> list[Route | Mount]:
    """The pages, and what they load. `graphiql` tells the home page to offer that door."""
    home = _read(dist, "index.html")
    if graphiql:
        home = home.replace('<meta name="graphiql" content="off" />', '<meta name="graphiql" content="on" />')
    chat = _read(dist, "chat.html")

    async def chat_page(request: Request) -> Response:
        embeddable = await may_embed(request.path_params["short_id"])
        return _page(chat, frame_ancestors="*" if embeddable else "'none'")

    async def favicon(_request: Request) -> Response:
        return FileResponse(dist / "favicon.svg", headers={"Cache-Control": "public, max-age=86400"})

    return [
        Route("/", _always(home)),
        Route("/sign-in", _always(_read(dist, "sign-in.html"))),
        Route("/a/{short_id}", chat_page),
        Route("/a/{short_id}/embed", chat_page),
        Route("/favicon.svg", favicon),
        Mount("/assets", _Assets(directory=dist / "assets"), middleware=[Middleware(GZipMiddleware)]),
    ]


def graphiql_page(dist: Path = DIST) -> HTMLResponse:
    """The page for a browser that opens the GraphQL door in development."""
    # CodeMirror, GraphiQL's editor, styles its lines inline and carries its fonts as data.
    return _page(_read(dist, "graphiql.html"), style="'self' 'unsafe-inline'", font="'self' data:")


class _Assets(StaticFiles):
    """Files whose names change with their content."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def _always(html: str) -> Callable[[Request], Awaitable[Response]]:
    async def page(_request: Request) -> Response:
        return _page(html)

    return page


def _read(dist: Path, name: str) -> str:
    try:
        return (dist / name).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RuntimeError(f"The page {name} is not built. Run `make web`.") from None


def _page(
    html: str,
    *,
    frame_ancestors: str = "'none'",
    style: str = "'self'",
    font: str = "'self'",
) -> HTMLResponse:
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": style,
        "font-src": font,
        "img-src": "'self' data:",
        "connect-src": "'self' ws: wss:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": frame_ancestors,
    }
    return HTMLResponse(
        html,
        headers={
            "Cache-Control": "no-store",
            "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        },
    )
