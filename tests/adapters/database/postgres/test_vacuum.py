"""Making room of deleted rows."""

import asyncio

import pytest
from sqlalchemy import make_url

from adapters.database.postgres import connections, vacuum
from adapters.database.postgres.store import open_postgres
from domain.errors import Unavailable
from tests.adapters.database.postgres.activity import PASSAGES, SOON, held, until_active, until_statement_lasts
from tests.parts.line import line_to
from tests.parts.postgres import Postgres


async def test_erasing_takes_the_time_that_it_needs(
    url: str, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither our limits nor those of the database end it."""
    monkeypatch.setattr(connections, "COMMAND_SECONDS", SOON)
    for limit in ("statement_timeout", "lock_timeout"):
        await postgres.run(f"ALTER DATABASE {make_url(url).database} SET {limit} = '{SOON * 1000:.0f}ms'")
    async with open_postgres(make_url(url)) as store:
        async with held(url, PASSAGES):
            erasing = asyncio.create_task(store.erased())
            await until_statement_lasts(url, 3 * SOON)
            assert not erasing.done()
        await erasing


async def test_erasing_that_nobody_works_on_is_unavailable(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The way to the server was lost: the connection that waits would never hear of it."""
    monkeypatch.setattr(vacuum, "LOOKED_AFTER_EVERY", SOON)
    async with line_to(url) as line, open_postgres(make_url(line.url)) as store, held(url, PASSAGES):
        erasing = asyncio.create_task(store.erased())
        await until_active(url, 1)
        line.hold()
        monkeypatch.setattr(connections, "CONNECT_SECONDS", SOON)
        with pytest.raises(Unavailable):
            await erasing


async def test_a_stopping_store_ends_the_erasing(url: str) -> None:
    async with held(url, PASSAGES):
        async with open_postgres(make_url(url)) as store:
            erasing = asyncio.create_task(store.erased())
            await until_active(url, 1)
        with pytest.raises(asyncio.CancelledError):
            await erasing


async def test_one_serves_all_who_ask_before_it_begins() -> None:
    begun, let_go = asyncio.Queue[None](), asyncio.Semaphore(0)

    async def work() -> None:
        begun.put_nowait(None)
        await let_go.acquire()

    one_for_all = vacuum.OneForAll(work)
    first = [asyncio.create_task(one_for_all.done()) for _ in range(3)]
    await begun.get()
    later = [asyncio.create_task(one_for_all.done()) for _ in range(5)]
    await asyncio.sleep(0)
    later.pop().cancel()
    let_go.release()
    await asyncio.gather(*first)
    assert not any(each.done() for each in later)
    await begun.get()
    let_go.release()
    await asyncio.gather(*later)
    assert begun.empty()
