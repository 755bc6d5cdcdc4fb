"""What sites ask of crawlers in their robots.txt, by RFC 9309."""

import asyncio
from dataclasses import dataclass
from urllib.parse import urljoin

from protego import Protego

from domain.knowledge.ports import Fetcher, Robots
from domain.knowledge.reading import FailureCode, Unreadable
from domain.ports import Clock

AGENT = "Avatarium"
MAX_BYTES = 500 * 1024
KEPT_SECONDS = 3600.0
KEPT_SITES = 200
KEPT_BYTES = 2 * 1024 * 1024
THERE_IS_NONE = frozenset({FailureCode.NOT_FOUND, FailureCode.REFUSED})
# Of rules that cannot be known, nobody should be told that a page of theirs is too large.
UNREADABLE = frozenset({FailureCode.TOO_LARGE, FailureCode.BROKEN})


@dataclass(frozen=True, slots=True)
class Kept:
    rules: Protego
    size: int
    until: float


class RobotsTxt(Robots):
    """Asks each site once an hour. A site that has no robots.txt, or refuses to show it, allows everything."""

    def __init__(self, fetcher: Fetcher, clock: Clock) -> None:
        self._fetcher = fetcher
        self._clock = clock
        self._kept: dict[str, Kept] = {}

    async def allows(self, url: str) -> bool:
        rules = await self._rules(url)
        # Rules without end take half a second, and to parse them two.
        return await asyncio.to_thread(rules.can_fetch, url, AGENT)

    async def delay(self, url: str) -> float | None:
        rules = await self._rules(url)
        return await asyncio.to_thread(rules.crawl_delay, AGENT)

    async def _rules(self, url: str) -> Protego:
        address = urljoin(url, "/robots.txt")
        kept = self._kept.get(address)
        if kept is None or kept.until <= self._clock.monotonic():
            text = await self._text(address)
            rules = await asyncio.to_thread(Protego.parse, text)
            kept = Kept(rules, len(text), self._clock.monotonic() + KEPT_SECONDS)
            self._keep(address, kept)
        return kept.rules

    async def _text(self, address: str) -> str:
        try:
            raw = await self._fetcher.fetch(address, (), MAX_BYTES)
        except Unreadable as error:
            if error.code in THERE_IS_NONE:
                return ""
            if error.code in UNREADABLE:
                raise Unreadable(FailureCode.ROBOTS) from None
            raise
        return raw.body.decode("utf-8-sig", errors="replace")

    def _keep(self, address: str, kept: Kept) -> None:
        """Forgets the oldest ones in its favour. Parsed rules are some thirty times as large as their text."""
        self._kept.pop(address, None)
        self._kept[address] = kept
        while len(self._kept) > KEPT_SITES or sum(each.size for each in self._kept.values()) > KEPT_BYTES:
            del self._kept[next(iter(self._kept))]
