"""A web in memory, and what its sites ask of crawlers."""

from collections.abc import Mapping, Sequence
from urllib.parse import urljoin

from domain.knowledge.ports import Fetcher, Robots
from domain.knowledge.reading import FailureCode, Raw, Unreadable

REDIRECTS = 5


class FakeFetcher(Fetcher):
    """Pages by their addresses; there is no page at any other. `fetched` are the addresses that were asked for."""

    def __init__(self) -> None:
        self.fetched: list[str] = []
        self._pages: dict[str, Raw | FailureCode | str] = {}

    def add(self, url: str, body: bytes, media_type: str = "text/html") -> None:
        self._pages[url] = Raw(body, media_type, url=url)

    def redirect(self, url: str, to: str) -> None:
        self._pages[url] = urljoin(url, to)

    def fail(self, url: str, code: FailureCode) -> None:
        self._pages[url] = code

    async def fetch(self, url: str, media_types: Sequence[str], max_bytes: int) -> Raw:
        self.fetched.append(url)
        found = self._find(url)
        if media_types and found.media_type.partition(";")[0] not in media_types:
            raise Unreadable(FailureCode.UNSUPPORTED_TYPE)
        if len(found.body) > max_bytes:
            raise Unreadable(FailureCode.TOO_LARGE)
        return found

    def _find(self, url: str) -> Raw:
        for _ in range(1 + REDIRECTS):
            found = self._pages.get(url, FailureCode.NOT_FOUND)
            if isinstance(found, Raw):
                return found
            if isinstance(found, FailureCode):
                raise Unreadable(found)
            url = found
        raise Unreadable(FailureCode.UNREACHABLE)


class FakeRobots(Robots):
    """`forbidden` are beginnings of addresses, and `delays` the seconds that sites want, by such beginnings."""

    def __init__(self, forbidden: Sequence[str] = (), delays: Mapping[str, float] | None = None) -> None:
        self._forbidden = tuple(forbidden)
        self._delays = delays or {}

    async def allows(self, url: str) -> bool:
        return not url.startswith(self._forbidden)

    async def delay(self, url: str) -> float | None:
        return next((seconds for site, seconds in self._delays.items() if url.startswith(site)), None)
