"""Which pages of a site are read."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.knowledge.crawling import (
    DELAY,
    DELAY_MAX,
    KNOWN_MAX,
    NOT_PAGES,
    TRIES_A_PAGE,
    Frontier,
    Step,
    normal,
    pause,
)
from domain.knowledge.items import URL_MAX, Crawl
from domain.knowledge.reading import Unreadable

SITE = "https://shop.example"
SEGMENTS = st.sampled_from(["", ".", "..", "a", "b", "docs", "docs-old", "ü", "%7Euser", "%2e%2E", "photo.JPG", "a b"])
PATHS = st.lists(SEGMENTS, max_size=4).map("/".join)
LINKS = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "", "/", f"{SITE}/", "https://SHOP.example:443/", "//shop.example/", "http://shop.example/"]),
    PATHS,
    st.sampled_from(["", "/", "?page=2", "?"]),
    st.sampled_from(["", "#top"]),
) | st.sampled_from(["", "mailto:a@b.example", "https://elsewhere.example/a", "http://[", "javascript:void(0)"])
LINKS_OF_PAGES = st.lists(st.lists(LINKS, max_size=5), min_size=1, max_size=8)
PREFIXES = st.lists(st.sampled_from(["/docs", "/docs/", "/a", "/b", "/ü"]), max_size=2).map(tuple)
CRAWLS = st.builds(Crawl, st.integers(1, 12), st.integers(0, 4), PREFIXES, PREFIXES)


def crawled(links_of_pages: list[list[str]], crawl: Crawl) -> list[Step]:
    """The pages that are read; the first one has the first links, and so on."""
    frontier = Frontier(f"{SITE}/", crawl)
    pages: list[Step] = []
    while step := frontier.next():
        pages.append(step)
        frontier.found(step, links_of_pages[len(pages) % len(links_of_pages)])
    return pages


def given_by(frontier: Frontier) -> Step:
    step = frontier.next()
    assert step
    return step


def read(frontier: Frontier, links: Mapping[str, list[str]]) -> list[str]:
    """The addresses of the pages that are read, of a site that has these links by page."""
    urls = []
    while step := frontier.next():
        urls.append(step.url)
        frontier.found(step, links.get(step.url, []))
    return urls


@given(LINKS_OF_PAGES, CRAWLS)
def test_no_page_is_given_twice(links: list[list[str]], crawl: Crawl) -> None:
    pages = [step.url.partition("?") for step in crawled(links, crawl)]
    assert len(pages) == len({(path.rstrip("/"), query) for path, _, query in pages})


@given(LINKS_OF_PAGES, CRAWLS)
def test_the_crawl_stays_within_its_bounds(links: list[list[str]], crawl: Crawl) -> None:
    pages = crawled(links, crawl)
    assert 1 <= len(pages) <= crawl.max_pages
    assert all(step.depth <= crawl.max_depth for step in pages)


@given(st.lists(st.lists(PATHS, min_size=2, max_size=5), min_size=2, max_size=8))
def test_the_nearest_pages_come_first(links: list[list[str]]) -> None:
    depths = [step.depth for step in crawled(links, Crawl())]
    assert depths == sorted(depths)


@given(LINKS_OF_PAGES, CRAWLS)
def test_only_pages_of_the_site_below_the_paths_are_given(links: list[list[str]], crawl: Crawl) -> None:
    for step in crawled(links, crawl)[1:]:
        parts = urlsplit(step.url)
        within = f"{parts.path}/"
        assert (parts.scheme, parts.netloc, parts.fragment) == ("https", "shop.example", "")
        assert not parts.path.lower().endswith(NOT_PAGES)
        assert not {".", ".."} & set(parts.path.split("/"))
        assert not crawl.include or any(within.startswith(spelled(path)) for path in crawl.include)
        assert not any(within.startswith(spelled(path)) for path in crawl.exclude)


def spelled(path: str) -> str:
    return f"{path.rstrip('/')}/".replace("ü", "%C3%BC")


@given(LINKS_OF_PAGES, CRAWLS)
def test_what_is_expected_comes_true_at_the_end(links: list[list[str]], crawl: Crawl) -> None:
    frontier = Frontier(SITE, crawl)
    count = 0
    while step := frontier.next():
        count += 1
        frontier.found(step, links[count % len(links)])
        assert count <= frontier.expected <= crawl.max_pages
    assert frontier.expected == count


@given(st.text() | LINKS)
def test_the_one_spelling_is_its_own(link: str) -> None:
    url = normal(link, f"{SITE}/docs/a")
    if url is not None:
        assert normal(url) == url
        assert url.isascii()
        assert url.isprintable()
        assert len(url) <= URL_MAX


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("HTTPS://Shop.Example:443/A#b", "https://shop.example/A"),
        ("https://shop.example", "https://shop.example/"),
        ("https://shop.example./", "https://shop.example/"),
        ("http://shop.example:443/", "http://shop.example:443/"),
        ("http://[::1]:80/", "http://[::1]/"),
        ("https://müller.example/", "https://xn--mller-kva.example/"),
        (" https://shop.example/a b\n", "https://shop.example/a%20b"),
        ("/ü?q=ü&r=%c3%bc", "https://shop.example/%C3%BC?q=%C3%BC&r=%C3%BC"),
        ("/%7euser/c%2fd", "https://shop.example/~user/c%2Fd"),
        ("https://shop.example/docs/../../a/./b/..", "https://shop.example/a/"),
        ("https://shop.example/docs/%2E%2e/a", "https://shop.example/a"),
        ("b?q", "https://shop.example/docs/b?q"),
        ("?q", "https://shop.example/docs/a?q"),
        ("//shop.example/x//y", "https://shop.example/x//y"),
    ],
)
def test_the_spelling_of_an_address(link: str, url: str) -> None:
    assert normal(link, "https://shop.example/docs/a") == url


@pytest.mark.parametrize(
    "link",
    [
        "mailto:a@shop.example",
        "javascript:alert(1)",
        "ftp://shop.example/",
        "http://",
        "https://user:password@shop.example/",
        "https://shop.example\\@elsewhere.example/",
        "https://a..b/",
        "https://a b/",
        "https://[bad/",
        "https://shop.example:99999/",
        "https://shop.example/\ud800",
        "https://shop.example/" + "a" * URL_MAX,
        "/" + "ü" * (URL_MAX // 3),
    ],
)
def test_what_is_no_page_of_the_web(link: str) -> None:
    assert normal(link, f"{SITE}/") is None
    frontier = Frontier(SITE, Crawl())
    assert read(frontier, {f"{SITE}/": [link]}) == [f"{SITE}/"]


def test_a_start_that_is_no_page() -> None:
    with pytest.raises(Unreadable):
        Frontier("mailto:a@shop.example", Crawl())


def test_a_last_slash_makes_no_other_page() -> None:
    links = {f"{SITE}/": ["/a", "/a/", "", "/b/", "/b"]}
    assert read(Frontier(SITE, Crawl()), links) == [f"{SITE}/", f"{SITE}/a", f"{SITE}/b/"]


def test_pictures_and_archives_are_no_pages_yet_names_may_look_like_files() -> None:
    links = {f"{SITE}/": ["/a.PNG", "/b.tar.gz", "/wiki/Node.js", "/c.pdf", "/d.docx", "/e.php?f=g.png"]}
    read_pages = read(Frontier(SITE, Crawl()), links)[1:]
    assert read_pages == [f"{SITE}{path}" for path in ("/wiki/Node.js", "/c.pdf", "/d.docx", "/e.php?f=g.png")]


def test_paths_match_at_boundaries() -> None:
    crawl = Crawl(include=("/docs/", "/ü"), exclude=("/docs/old",))
    links = {
        f"{SITE}/": ["/docs", "/docs/a", "/docs-old", "/docs/old", "/docs/old/b", "/docs/older", "/%c3%bc/c", "/d"]
    }
    read_pages = read(Frontier(SITE, crawl), links)[1:]
    assert read_pages == [f"{SITE}{path}" for path in ("/docs", "/docs/a", "/docs/older", "/%C3%BC/c")]


@pytest.mark.parametrize("link", ["/docs/../admin", "/docs/%2e%2e/admin", f"{SITE}/docs/./../admin"])
def test_no_spelling_leads_out_of_the_paths(link: str) -> None:
    frontier = Frontier(SITE, Crawl(include=("/docs",), exclude=("/admin",)))
    assert read(frontier, {f"{SITE}/": [link]}) == [f"{SITE}/"]


def test_the_site_is_where_the_start_leads_to() -> None:
    frontier = Frontier("http://shop.example", Crawl())
    page = frontier.arrived(given_by(frontier), "https://www.shop.example/en/")
    assert page == Step("https://www.shop.example/en/", 0)
    frontier.found(page, ["a", "/en", "http://shop.example/b"])
    assert frontier.next() == Step("https://www.shop.example/en/a", 1)
    assert frontier.next() is None


def test_a_redirect_among_the_pages() -> None:
    frontier = Frontier(SITE, Crawl(exclude=("/private",)))
    frontier.found(given_by(frontier), ["/a", "/b", "/c", "/d", "/e", "/f"])
    a, b, c, d, e, f = (given_by(frontier) for _ in range(6))
    assert frontier.arrived(a, f"{SITE}/a/") == Step(f"{SITE}/a/", 1)
    assert frontier.arrived(b, f"{SITE}/new") == Step(f"{SITE}/new", 1)
    assert frontier.arrived(c, f"{SITE}/new/") is None
    assert frontier.arrived(d, f"{SITE}/") is None
    assert frontier.arrived(e, "https://elsewhere.example/") is None
    assert frontier.arrived(f, f"{SITE}/private/sign-in") is None


def test_pages_that_cannot_be_read_do_not_count() -> None:
    frontier = Frontier(SITE, Crawl(max_pages=2))
    frontier.found(given_by(frontier), ["/gone", "/moved", "/c", "/d"])
    assert frontier.next() == Step(f"{SITE}/gone", 1)
    frontier.skipped()
    moved = frontier.next()
    assert moved == Step(f"{SITE}/moved", 1)
    assert frontier.arrived(moved, "https://elsewhere.example/") is None
    frontier.skipped()
    assert frontier.next() == Step(f"{SITE}/c", 1)
    assert frontier.next() is None


def test_a_site_of_broken_links_is_given_up() -> None:
    frontier = Frontier(SITE, Crawl(max_pages=3))
    frontier.found(given_by(frontier), [f"/{number}" for number in range(100)])
    tries = 1
    while frontier.next():
        tries += 1
        frontier.skipped()
    assert tries == 3 * TRIES_A_PAGE


def test_a_page_of_endless_links_fills_no_memory() -> None:
    frontier = Frontier(SITE, Crawl(max_pages=10 * KNOWN_MAX))
    frontier.found(given_by(frontier), (f"/{number}" for number in range(2 * KNOWN_MAX)))
    assert frontier.expected == KNOWN_MAX


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [(None, DELAY), (0.0, DELAY), (2.0, 2.0), (3600.0, DELAY_MAX), (-1.0, DELAY), (float("nan"), DELAY)],
)
def test_the_pause_between_two_pages(asked: float | None, seconds: float) -> None:
    assert pause(asked) == seconds
