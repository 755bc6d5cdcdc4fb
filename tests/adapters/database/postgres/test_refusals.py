"""What PostgreSQL refuses, and what becomes of it."""

from collections.abc import Callable
from dataclasses import replace

import asyncpg
import pytest
from sqlalchemy import make_url

from adapters.database.postgres.connections import CONNECTIONS
from adapters.database.statements import Compiled
from adapters.database.tx import SqlTx
from adapters.system_clock import SystemClock
from domain.errors import Unavailable
from domain.sessions import MessageStatus, Session
from domain.tables import Store, Tx
from resolvers.answering.settling import Settling
from tests.builders import a_message, a_reply
from tests.parts.postgres import Postgres


def refused_with(state: str) -> Callable[[Tx], None]:
    """A work that PostgreSQL refuses with a code of its own."""

    def work(tx: Tx) -> None:
        assert isinstance(tx, SqlTx)
        raising = f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END $$"
        tx._driver.execute(Compiled(raising, (), {}, (), None), ())

    return work


@pytest.mark.parametrize("state", ["25006", "42P01", "42501", "53100", "55000", "57014", "58030", "XX001"])
async def test_what_is_not_about_the_row_is_unavailable(store: Store, state: str) -> None:
    with pytest.raises(Unavailable):
        await store.write(refused_with(state))


@pytest.mark.parametrize("state", ["22001", "22021", "23502", "23514"])
async def test_what_is_about_the_row_is_not(store: Store, state: str) -> None:
    with pytest.raises(asyncpg.PostgresError):
        await store.write(refused_with(state))


async def test_a_value_that_cannot_be_sent_is_no_fault_of_the_database(store: Store) -> None:
    with pytest.raises(asyncpg.DataError):
        await store.write(lambda tx: tx.messages.page("any", 2**70, None))


async def test_a_reply_that_ends_while_the_database_is_read_only_is_stored_later(
    url: str, store: Store, session: Session, postgres: Postgres
) -> None:
    """Those connections too are replaced that were opened meanwhile, and would stay read-only."""
    settling, reply = Settling(SystemClock(), store), a_reply(a_message(session), status=MessageStatus.STREAMING)
    await store.write(lambda tx: tx.messages.add(reply))
    await turn_read_only(postgres, url)
    whole = replace(reply, content="All of it.", status=MessageStatus.COMPLETE)
    for attempt in (settling.settle(whole), *[settling.settle_kept() for _ in range(CONNECTIONS)]):
        with pytest.raises(Unavailable):
            await attempt
    await postgres.run(f"ALTER DATABASE {make_url(url).database} RESET default_transaction_read_only")
    await settling.settle_kept()
    stored = await store.read(lambda tx: tx.messages.by_id(reply.id))
    assert stored is not None
    assert (stored.content, stored.status) == ("All of it.", MessageStatus.COMPLETE)


async def turn_read_only(postgres: Postgres, url: str) -> None:
    """Connections that there are do not hear of it."""
    name = make_url(url).database
    await postgres.run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    await postgres.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
