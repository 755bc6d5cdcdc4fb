"""Which pages of a site are read, and in which order."""

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from domain.knowledge.items import URL_MAX, Crawl
from domain.knowledge.reading import FailureCode, Unreadable
from domain.network.addresses import DEFAULT_PORTS

DELAY = 0.5
DELAY_MAX = 10.0
KNOWN_MAX = 5000
TRIES_A_PAGE = 4
HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
ESCAPED = re.compile(r"%[0-9a-fA-F]{2}")
UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")
LITERAL = "/%!$&'()*+,;=:@~"
NOT_PAGES = (
    *(".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif", ".svg", ".ico", ".bmp", ".tif", ".tiff"),
    *(".mp3", ".mp4", ".m4a", ".wav", ".ogg", ".webm", ".mov", ".avi", ".mkv"),
    *(".css", ".json", ".xml", ".rss", ".atom", ".woff", ".woff2", ".ttf", ".otf", ".wasm"),
    *(".zip", ".gz", ".tar", ".7z", ".rar", ".exe", ".dmg", ".iso", ".apk", ".deb", ".rpm"),
    *(".xls", ".xlsx", ".ppt", ".pptx", ".doc", ".odt", ".glb", ".gltf"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """A page to read, `depth` links away from the start."""

    url: str
    depth: int


class Frontier:
    """The pages of one site that are still to be read, nearest first; each is given once.

    The start is read whatever the paths say; they choose among what it links to. The site is where
    the start leads to in the end: `http://example.com` may well lead to `https://www.example.com`.
    """

    def __init__(self, start: str, crawl: Crawl) -> None:
        """Raises `Unreadable` for a start that is no page of the web."""
        first = normal(start)
        if first is None:
            raise Unreadable(FailureCode.UNREACHABLE)
        self._crawl = crawl
        self._include = tuple(tidy_path(path) for path in crawl.include)
        self._exclude = tuple(tidy_path(path) for path in crawl.exclude)
        self._site = origin(first)
        self._waiting = deque([Step(first, 0)])
        self._known = {same_page(first)}
        self._read = 0
        self._tries = 0

    @property
    def expected(self) -> int:
        """How many pages will be read as far as is known by now, those read already included."""
        return min(self._read + len(self._waiting), self._crawl.max_pages)

    def next(self) -> Step | None:
        """The next page to read; None when the crawl is over."""
        enough = self._read >= self._crawl.max_pages or self._tries >= TRIES_A_PAGE * self._crawl.max_pages
        if enough or not self._waiting:
            return None
        self._read += 1
        self._tries += 1
        return self._waiting.popleft()

    def skipped(self) -> None:
        """The page that was given last could not be read, so another one may be read in its place."""
        self._read -= 1

    def arrived(self, step: Step, url: str) -> Step | None:
        """The page at `url`, where `step` led in the end; None when it was read before, or must not be read."""
        landed = Step(normal(url) or step.url, step.depth)
        if step.depth == 0:
            self._site = origin(landed.url)
        moved = same_page(landed.url) != same_page(step.url)
        if moved and step.depth > 0 and not self._wanted(landed.url):
            return None
        self._known.add(same_page(landed.url))
        return landed

    def found(self, page: Step, links: Iterable[str]) -> None:
        """Remembers where a page that was read links to; the links may be relative to it."""
        if page.depth >= self._crawl.max_depth:
            return
        for link in links:
            url = normal(link, page.url)
            if url and len(self._known) < KNOWN_MAX and self._wanted(url):
                self._known.add(same_page(url))
                self._waiting.append(Step(url, page.depth + 1))

    def _wanted(self, url: str) -> bool:
        path = urlsplit(url).path
        return (
            origin(url) == self._site
            and same_page(url) not in self._known
            and not path.lower().endswith(NOT_PAGES)
            and (not self._include or any(under(path, prefix) for prefix in self._include))
            and not any(under(path, prefix) for prefix in self._exclude)
        )


def pause(asked: float | None) -> float:
    """Seconds between two pages of one site. `asked` is its Crawl-delay."""
    return min(max(DELAY, asked or 0.0), DELAY_MAX)


def normal(link: str, page: str = "") -> str | None:
    """The address that a link on a page leads to, in the one spelling of a crawl; None for what is no page of the web.

    Scheme and host are in lower case, an international host in its ASCII form. There is a path without dots, and
    neither a fragment nor a port that the scheme implies. Characters are escaped only where they must be.
    """
    try:
        parts = urlsplit(urljoin(page, link.strip()))
        place = host_and_port(parts.scheme, parts.hostname or "", parts.port)
        url = urlunsplit((parts.scheme, place, tidy_path(parts.path), tidy(parts.query, f"{LITERAL}?"), ""))
    except ValueError:
        return None
    return url if place and parts.username is None and len(url) <= URL_MAX else None


def host_and_port(scheme: str, host: str, port: int | None) -> str:
    """Empty for what no page of the web has. Raises `ValueError` for a host that cannot be written in ASCII."""
    host = host.rstrip(".").encode("idna").decode().lower()
    if scheme not in DEFAULT_PORTS or not HOST.fullmatch(host):
        return ""
    host = f"[{host}]" if ":" in host else host
    return host if port in (None, DEFAULT_PORTS[scheme]) else f"{host}:{port}"


def tidy_path(path: str) -> str:
    """As a server understands it: escapes in one spelling, and `.` and `..` followed. Begins with a slash."""
    kept: list[str] = []
    segments = tidy(path, LITERAL).removeprefix("/").split("/")
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    return "/" + "/".join([*kept, ""] if kept and segments[-1] in (".", "..") else kept)


def tidy(text: str, literal: str) -> str:
    """Escapes what must be escaped, in capitals, and nothing that need not be."""
    return ESCAPED.sub(lambda found: plain(found.group()), quote(text, safe=literal))


def plain(escaped: str) -> str:
    character = chr(int(escaped[1:], 16))
    return character if UNRESERVED.fullmatch(character) else escaped.upper()


def origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def under(path: str, prefix: str) -> bool:
    """Whether a path begins with the given one at a boundary: /docs has /docs/a but not /docs-old."""
    prefix = prefix.rstrip("/")
    return path == prefix or path.startswith(f"{prefix}/")


def same_page(url: str) -> str:
    """Equal for addresses that nearly every site answers with the same page: with and without a last slash."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), parts.query, ""))
