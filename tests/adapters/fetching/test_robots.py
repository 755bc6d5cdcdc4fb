"""What robots.txt says is done, and it is asked for seldom."""

import pytest

from adapters.fetching import robots
from adapters.fetching.robots import KEPT_SECONDS, MAX_BYTES, RobotsTxt
from domain.knowledge.reading import FailureCode, Unreadable
from tests.fakes.clock import FakeClock
from tests.fakes.fetcher import FakeFetcher

SITE = "https://shop.example"


@pytest.fixture
def fetcher() -> FakeFetcher:
    return FakeFetcher()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def robots_txt(fetcher: FakeFetcher, clock: FakeClock) -> RobotsTxt:
    return RobotsTxt(fetcher, clock)


def says(fetcher: FakeFetcher, text: str | bytes, site: str = SITE, media_type: str = "text/plain") -> None:
    fetcher.add(f"{site}/robots.txt", text if isinstance(text, bytes) else text.encode(), media_type)


@pytest.mark.parametrize(
    ("text", "path", "allowed"),
    [
        ("", "/a", True),
        ("User-agent: *\nDisallow: /", "/a", False),
        ("User-agent: *\nDisallow: /", "/robots.txt", True),
        ("User-agent: *\nDisallow:", "/a", True),
        ("User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b/c", True),
        ("User-agent: *\nDisallow: /*.pdf$", "/a.pdf", False),
        ("User-agent: *\nDisallow: /*.pdf$", "/a.pdf?b", True),
        ("User-agent: *\nDisallow: /ü", "/%C3%BC", False),
        ("User-agent: *\nDisallow: /\n\nUser-agent: avatarium\nDisallow: /b", "/a", True),
        ("User-agent: Avatarium\nDisallow: /", "/a", False),
        ("User-agent: other\nDisallow: /", "/a", True),
        ("\ufeffUser-agent: *\nDisallow: /", "/a", False),
        ("User-agent: *\r\nDisallow: /a # not this\r\n", "/a", False),
    ],
)
async def test_the_rules(fetcher: FakeFetcher, robots_txt: RobotsTxt, text: str, path: str, allowed: bool) -> None:
    says(fetcher, text)
    assert await robots_txt.allows(f"{SITE}{path}") is allowed


async def test_bytes_that_are_no_text_and_pages_forbid_nothing(fetcher: FakeFetcher, robots_txt: RobotsTxt) -> None:
    says(fetcher, b"\xff\xfe\x00\x01")
    says(fetcher, "<html><p>There is no such page</p></html>", "https://page.example", "text/html")
    assert await robots_txt.allows(f"{SITE}/a")
    assert await robots_txt.allows("https://page.example/a")


@pytest.mark.parametrize("code", [FailureCode.NOT_FOUND, FailureCode.REFUSED])
async def test_a_site_without_robots_txt_allows_everything(
    fetcher: FakeFetcher, robots_txt: RobotsTxt, code: FailureCode
) -> None:
    fetcher.fail(f"{SITE}/robots.txt", code)
    assert await robots_txt.allows(f"{SITE}/a")
    assert await robots_txt.delay(f"{SITE}/a") is None


@pytest.mark.parametrize("code", [FailureCode.UNREACHABLE, FailureCode.FORBIDDEN_ADDRESS])
async def test_a_site_that_cannot_be_asked_is_not_read(
    fetcher: FakeFetcher, robots_txt: RobotsTxt, code: FailureCode
) -> None:
    fetcher.fail(f"{SITE}/robots.txt", code)
    for ask in (robots_txt.allows, robots_txt.delay):
        with pytest.raises(Unreadable) as raised:
            await ask(f"{SITE}/a")
        assert raised.value.code is code
    says(fetcher, "")
    assert await robots_txt.allows(f"{SITE}/a")


async def test_a_robots_txt_without_end(fetcher: FakeFetcher, robots_txt: RobotsTxt) -> None:
    says(fetcher, b"#" * MAX_BYTES)
    assert await robots_txt.allows(f"{SITE}/a")
    says(fetcher, b"#" * (MAX_BYTES + 1), "https://large.example")
    with pytest.raises(Unreadable) as refused:
        await robots_txt.allows("https://large.example/a")
    assert refused.value.code is FailureCode.ROBOTS


async def test_sites_are_asked_once_an_hour(fetcher: FakeFetcher, robots_txt: RobotsTxt, clock: FakeClock) -> None:
    says(fetcher, "User-agent: *\nDisallow: /")
    for path in ("/a", "/b?c", ""):
        assert not await robots_txt.allows(f"{SITE}{path}")
    assert fetcher.fetched == [f"{SITE}/robots.txt"]
    says(fetcher, "")
    clock.advance(KEPT_SECONDS - 1)
    assert not await robots_txt.allows(f"{SITE}/a")
    clock.advance(1)
    assert await robots_txt.allows(f"{SITE}/a")


async def test_another_scheme_or_port_is_another_site(fetcher: FakeFetcher, robots_txt: RobotsTxt) -> None:
    says(fetcher, "User-agent: *\nDisallow: /")
    assert await robots_txt.allows("http://shop.example/a")
    assert await robots_txt.allows(f"{SITE}:8443/a")
    assert fetcher.fetched == ["http://shop.example/robots.txt", f"{SITE}:8443/robots.txt"]


async def test_only_so_many_are_kept(
    fetcher: FakeFetcher, robots_txt: RobotsTxt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(robots, "KEPT_SITES", 2)
    for site in ("a", "b", "c", "c", "b", "a"):
        await robots_txt.allows(f"https://{site}.example/")
    assert fetcher.fetched == [f"https://{site}.example/robots.txt" for site in ("a", "b", "c", "a")]


async def test_only_so_much_is_kept(
    fetcher: FakeFetcher, robots_txt: RobotsTxt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(robots, "KEPT_BYTES", 10)
    for site, size in (("a", 4), ("b", 6), ("c", 5), ("d", 11)):
        says(fetcher, "#" * size, f"https://{site}.example")
    for site in ("a", "b", "a", "c", "b", "d", "d"):
        await robots_txt.allows(f"https://{site}.example/")
    assert [url[8] for url in fetcher.fetched] == ["a", "b", "c", "b", "d", "d"]
