"""What every fetcher promises, and whoever knows what sites ask of crawlers."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

import pytest

from adapters.fetching.robots import RobotsTxt
from adapters.fetching.safe_fetcher import SafeFetcher
from domain.knowledge.ports import Fetcher, Robots
from domain.knowledge.reading import FailureCode, Unreadable
from tests.fakes.clock import FakeClock
from tests.fakes.fetcher import FakeFetcher, FakeRobots
from tests.parts.site import running_site

ORIGIN = "http://shop.example"
PAGE = b"<p>Gr\xc3\xbc\xc3\x9fe</p>"
HTML = ("text/html",)


class Pages(Protocol):
    def add(self, url: str, body: bytes, media_type: str = "text/html") -> None: ...
    def redirect(self, url: str, to: str) -> None: ...
    def fail(self, url: str, code: FailureCode) -> None: ...


@dataclass
class Web:
    fetcher: Fetcher
    origin: str


def build(pages: Pages, site: str) -> None:
    """`site` is what the addresses of the pages begin with."""
    pages.add(f"{site}/page", PAGE)
    pages.add(f"{site}/text", b"plain", "text/plain")
    pages.add(f"{site}/spanish", PAGE, "text/html; charset=latin-1")
    pages.add(f"{site}/empty", b"")
    pages.redirect(f"{site}/moved", "/page")
    pages.redirect(f"{site}/circle", "/circle")
    for number in range(6):
        pages.redirect(f"{site}/{number}", f"/{number + 1}")
    pages.add(f"{site}/6", PAGE)
    for code in (FailureCode.NOT_FOUND, FailureCode.REFUSED, FailureCode.UNREACHABLE):
        pages.fail(f"{site}/{code}", code)


@pytest.fixture(params=["fake", "safe"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[Web]:
    if request.param == "fake":
        fetcher = FakeFetcher()
        build(fetcher, ORIGIN)
        yield Web(fetcher, ORIGIN)
        return
    async with running_site() as site, SafeFetcher("https://avatarium.ai", [site.pair]) as safe:
        build(site, "")
        yield Web(safe, site.origin)


async def refused(world: Web, path: str, media_types: tuple[str, ...] = HTML, max_bytes: int = 1000) -> FailureCode:
    with pytest.raises(Unreadable) as raised:
        await world.fetcher.fetch(f"{world.origin}{path}", media_types, max_bytes)
    return raised.value.code


async def test_a_page(world: Web) -> None:
    raw = await world.fetcher.fetch(f"{world.origin}/page", HTML, 1000)
    assert (raw.body, raw.media_type, raw.url, raw.name) == (PAGE, "text/html", f"{world.origin}/page", None)


async def test_a_page_without_a_word(world: Web) -> None:
    assert (await world.fetcher.fetch(f"{world.origin}/empty", HTML, 1000)).body == b""


async def test_a_charset_is_told(world: Web) -> None:
    raw = await world.fetcher.fetch(f"{world.origin}/spanish", HTML, 1000)
    assert raw.media_type == "text/html; charset=latin-1"


async def test_any_type_is_accepted_when_none_is_named(world: Web) -> None:
    raw = await world.fetcher.fetch(f"{world.origin}/text", (), 1000)
    assert (raw.body, raw.media_type) == (b"plain", "text/plain")


async def test_another_type_is_refused(world: Web) -> None:
    assert await refused(world, "/text") is FailureCode.UNSUPPORTED_TYPE


async def test_a_body_may_be_as_large_as_allowed(world: Web) -> None:
    assert (await world.fetcher.fetch(f"{world.origin}/page", HTML, len(PAGE))).body == PAGE
    assert await refused(world, "/page", max_bytes=len(PAGE) - 1) is FailureCode.TOO_LARGE


async def test_a_redirect_tells_where_the_page_was_found(world: Web) -> None:
    raw = await world.fetcher.fetch(f"{world.origin}/moved", HTML, 1000)
    assert (raw.body, raw.url) == (PAGE, f"{world.origin}/page")


async def test_five_redirects_are_followed_and_no_more(world: Web) -> None:
    assert (await world.fetcher.fetch(f"{world.origin}/1", HTML, 1000)).url == f"{world.origin}/6"
    assert await refused(world, "/0") is FailureCode.UNREACHABLE
    assert await refused(world, "/circle") is FailureCode.UNREACHABLE


@pytest.mark.parametrize("code", [FailureCode.NOT_FOUND, FailureCode.REFUSED, FailureCode.UNREACHABLE])
async def test_why_a_page_cannot_be_had(world: Web, code: FailureCode) -> None:
    assert await refused(world, f"/{code}") is code


async def test_a_page_that_is_nowhere(world: Web) -> None:
    assert await refused(world, "/nowhere") is FailureCode.NOT_FOUND


@pytest.fixture(params=["fake", "robots.txt"])
def robots(request: pytest.FixtureRequest) -> Robots:
    if request.param == "fake":
        return FakeRobots([f"{ORIGIN}/private"], {ORIGIN: 2.0})
    fetcher = FakeFetcher()
    fetcher.add(f"{ORIGIN}/robots.txt", b"User-agent: *\nCrawl-delay: 2\nDisallow: /private\n", "text/plain")
    return RobotsTxt(fetcher, FakeClock())


async def test_a_site_forbids_what_it_likes(robots: Robots) -> None:
    assert await robots.allows(f"{ORIGIN}/")
    assert not await robots.allows(f"{ORIGIN}/private/diary")
    assert await robots.allows("http://open.example/private")


async def test_a_site_wants_some_peace(robots: Robots) -> None:
    assert await robots.delay(f"{ORIGIN}/") == 2.0
    assert await robots.delay("http://open.example/") is None
