"""The public internet, as far as this server may read it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from adapters.fetching.robots import RobotsTxt
from adapters.fetching.safe_fetcher import SafeFetcher
from adapters.settings.settings import Settings
from domain.knowledge.ports import Fetcher, Robots
from domain.ports import Clock


@dataclass(frozen=True, slots=True)
class Web:
    fetcher: Fetcher
    robots: Robots


@asynccontextmanager
async def open_web(settings: Settings, clock: Clock) -> AsyncIterator[Web]:
    async with SafeFetcher(settings.public_url, settings.allow_private_hosts) as fetcher:
        yield Web(fetcher, RobotsTxt(fetcher, clock))
