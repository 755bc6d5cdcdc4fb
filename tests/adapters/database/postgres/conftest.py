"""A database with a session, and a program that is never in a hurry."""

from collections.abc import AsyncIterator

import pytest

from adapters.database.postgres import connections
from adapters.database.store import open_store
from domain.sessions import Session
from domain.tables import Store, Tx
from tests.builders import a_session, an_account, an_avatar
from tests.parts.postgres import Postgres

LIMITS = ("PATIENCE", "WAIT_SECONDS", "LOCK_SECONDS", "COMMAND_SECONDS", "CONNECT_SECONDS")


@pytest.fixture(autouse=True)
def _no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in LIMITS:
        monkeypatch.setattr(connections, limit, 3600.0)


@pytest.fixture
async def url(postgres: Postgres) -> AsyncIterator[str]:
    async with postgres.database() as url:
        yield url


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    async with open_store(url) as store:
        yield store


@pytest.fixture
async def session(store: Store) -> Session:
    account = an_account()
    avatar = an_avatar(account)
    session = a_session(avatar)

    def add(tx: Tx) -> None:
        tx.accounts.add(account)
        tx.avatars.add(avatar)
        tx.sessions.add(session)

    await store.write(add)
    return session
