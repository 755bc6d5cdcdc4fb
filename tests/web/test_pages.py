"""The pages are served with the headers that keep a visitor safe."""

from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from web.pages import graphiql_page, routes

OFFER = '<meta name="graphiql" content="{}" />'


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "chat-abc123.js").write_text("let chat;" * 200)
    (tmp_path / "favicon.svg").write_text("<svg/>")
    (tmp_path / "index.html").write_text(f"<title>Home</title>{OFFER.format('off')}")
    for page in ("sign-in", "chat", "graphiql"):
        (tmp_path / f"{page}.html").write_text(f"<title>{page}</title>")
    return tmp_path


@pytest.fixture
def client(dist: Path) -> TestClient:
    return client_for(dist)


def client_for(dist: Path, graphiql: bool = False) -> TestClient:
    async def may_embed(short_id: str) -> bool:
        return short_id != "Private"

    return TestClient(Starlette(routes=routes(graphiql, may_embed, dist)))


PAGES = ["/", "/sign-in", "/a/DemoAvatar1", "/a/DemoAvatar1/embed"]


@pytest.mark.parametrize("path", PAGES)
def test_page_is_never_stored_and_runs_only_our_scripts(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["x-content-type-options"] == "nosniff"
    policy = policy_of(response.headers["content-security-policy"])
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["connect-src"] == "'self' ws: wss:"


@pytest.mark.parametrize(
    ("path", "frame_ancestors"),
    [
        ("/", "'none'"),
        ("/sign-in", "'none'"),
        ("/a/DemoAvatar1", "*"),
        ("/a/DemoAvatar1/embed", "*"),
        ("/a/Private", "'none'"),
        ("/a/Private/embed", "'none'"),
    ],
)
def test_only_embeddable_avatars_may_be_framed(client: TestClient, path: str, frame_ancestors: str) -> None:
    policy = policy_of(client.get(path).headers["content-security-policy"])
    assert policy["frame-ancestors"] == frame_ancestors


def test_assets_are_cached_for_ever(client: TestClient) -> None:
    response = client.get("/assets/chat-abc123.js")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/javascript")
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["content-encoding"] == "gzip"
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/assets/gone-abc123.js", "/assets/../pages.py", "/assets/", "/nothing", "/a/"])
def test_nothing_else_is_served(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert "cache-control" not in response.headers


def test_favicon(client: TestClient) -> None:
    response = client.get("/favicon.svg")
    assert response.status_code == 200
    assert response.headers["content-type"] == "image/svg+xml"


@pytest.mark.parametrize(("graphiql", "offer"), [(True, "on"), (False, "off")])
def test_home_offers_graphiql_only_where_it_is_served(dist: Path, graphiql: bool, offer: str) -> None:
    assert OFFER.format(offer) in client_for(dist, graphiql).get("/").text


def test_graphiql_page_cannot_be_framed(dist: Path) -> None:
    response = graphiql_page(dist)
    assert b"graphiql" in response.body
    policy = policy_of(response.headers["content-security-policy"])
    assert policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"


async def anyone(short_id: str) -> bool:
    return True


@pytest.mark.parametrize("build", [lambda dist: routes(False, anyone, dist), graphiql_page])
def test_missing_build_says_what_to_run(tmp_path: Path, build: Callable[[Path], object]) -> None:
    with pytest.raises(RuntimeError, match="make web"):
        build(tmp_path)


def policy_of(header: str) -> dict[str, str]:
    return dict(directive.strip().split(" ", 1) for directive in header.split(";"))
