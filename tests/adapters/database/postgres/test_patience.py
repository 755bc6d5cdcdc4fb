"""How long anybody waits for PostgreSQL: other programs' locks, connections that are all taken, networks."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from adapters.database.postgres import connections
from adapters.database.postgres import store as postgres_store
from adapters.database.postgres.connections import CONNECTIONS
from adapters.database.store import open_store
from domain.errors import Unavailable
from domain.sessions import Session
from domain.tables import Store
from tests.adapters.database.postgres.activity import SOON, add_message, held, until_active, until_statement_lasts
from tests.adapters.database.sqlite.test_store import added, stored
from tests.builders import a_message, an_account
from tests.parts.line import line_to


async def test_a_lock_that_lasts_keeps_nobody_else_waiting(
    url: str, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each who waits for it is told, and gives the connection to others."""
    monkeypatch.setattr(connections, "LOCK_SECONDS", SOON)
    async with open_store(url) as store, held(url):
        stuck = [asyncio.create_task(add_message(store, a_message(session))) for _ in range(CONNECTIONS + 2)]
        await asyncio.sleep(0)
        await asyncio.gather(*[added(store, an_account()) for _ in range(20)])
        answers = await asyncio.gather(*stuck, return_exceptions=True)
    assert [type(answer) for answer in answers] == [Unavailable] * len(stuck)


async def test_nobody_waits_for_a_connection_for_ever(
    url: str, store: Store, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with held(url):
        stuck = [asyncio.create_task(add_message(store, a_message(session))) for _ in range(CONNECTIONS)]
        await until_active(url, CONNECTIONS)
        monkeypatch.setattr(connections, "WAIT_SECONDS", SOON)
        with pytest.raises(Unavailable):
            await added(store, an_account())
    await asyncio.gather(*stuck)


async def look(store: Store) -> None:
    await stored(store, [an_account()])


async def add(store: Store) -> None:
    await added(store, an_account())


@pytest.mark.parametrize("work", [look, add])
async def test_a_network_that_swallows_everything_costs_no_more_than_its_time(
    url: str, monkeypatch: pytest.MonkeyPatch, work: Callable[[Store], Awaitable[None]]
) -> None:
    """Connections that it swallowed are given up, not asked to take back what they were asked."""
    async with line_to(url) as line, open_store(line.url) as store:
        await asyncio.gather(*[add(store) for _ in range(CONNECTIONS)])
        line.hold()
        with monkeypatch.context() as hurry:
            hurry.setattr(connections, "PATIENCE", SOON)
            asked = [work(store) for _ in range(2 * CONNECTIONS)]
            answers = await asyncio.gather(*asked, return_exceptions=True)
        line.release()
        assert {type(answer) for answer in answers} == {Unavailable}
        await asyncio.gather(*[work(store) for _ in range(2 * CONNECTIONS)])


async def test_a_change_that_takes_long_by_itself_is_given_its_time(
    url: str, store: Store, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when an avatar with very many messages is deleted; what follows in the same work has time too."""
    with monkeypatch.context() as hurry:
        hurry.setattr(connections, "PATIENCE", patience := 2.0)
        async with held(url):
            deleting = asyncio.create_task(store.write(lambda tx: tx.avatars.delete(session.avatar_id)))
            await until_statement_lasts(url, 2 * patience)
            assert not deleting.done()
        await deleting
    assert await store.read(lambda tx: tx.sessions.by_id(session.id)) is None


async def test_a_server_that_hangs_does_not_keep_the_store_open(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_store, "CLOSE_SECONDS", 0)
    async with line_to(url) as line, open_store(line.url) as store:
        await added(store, an_account())
        line.hold()
