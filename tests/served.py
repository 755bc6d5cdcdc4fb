"""A served house for tests that come in through a door: the real database, and models that say what a test wrote."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters.memory.limiter import MemoryLimiter
from domain.ai.providers import Patience
from domain.avatars import AiProvider
from resolvers.demo import DEMO_SHORT_ID, ensure_demo
from tests.fakes.clock import FakeClock
from tests.fakes.fetcher import FakeFetcher
from tests.fakes.models import ScriptedModels
from tests.fakes.sign_in import FakeSignIn
from tests.house import services
from tests.parts.sqlite import new_database, opened
from tests.serving import PromptServer, server_of

FIRST, SECOND = "groq/llama-3.3-70b-versatile", "openai/gpt-4o-mini"


@dataclass(slots=True)
class House:
    """`first` answers; `second` stands in for it."""

    server: PromptServer
    file: Path
    models: ScriptedModels
    clock: FakeClock
    sign_in: FakeSignIn
    web: FakeFetcher
    short_id: str = DEMO_SHORT_ID
    first: str = FIRST
    second: str = SECOND

    @property
    def url(self) -> str:
        return self.server.url

    def messages(self) -> list[tuple[str, str, str]]:
        """Role, content and status of every message in the database, in order."""
        with closing(sqlite3.connect(self.file)) as connection:
            return connection.execute("SELECT role, content, status FROM messages ORDER BY position").fetchall()


@pytest.fixture
async def house(
    managed: tuple[AiProvider, ...], patience: Patience, server_settings: dict[str, object]
) -> AsyncIterator[House]:
    clock, models, sign_in, web = FakeClock(), ScriptedModels(managed), FakeSignIn(), FakeFetcher()
    with new_database() as file:
        async with (
            opened(file) as store,
            services(
                store=store,
                models=models,
                clock=clock,
                sign_in=sign_in,
                limiter=MemoryLimiter(clock),
                patience=patience,
                fetcher=web,
                indexing=True,
            ) as ports,
            server_of(ports, **server_settings) as server,
        ):
            await ensure_demo(store, clock, "https://avatarium.ai")
            yield House(server, file, models, clock, sign_in, web)


@pytest.fixture
def server_settings() -> dict[str, object]:
    """None: a server on a machine of one's own."""
    return {}


@pytest.fixture
def managed() -> tuple[AiProvider, ...]:
    """The providers that the server has keys for."""
    return AiProvider.GROQ, AiProvider.OPENAI


@pytest.fixture
def patience() -> Patience:
    """So much that no machine is too slow for it."""
    return Patience(first_token=3600, between_tokens=3600, total=3600)
