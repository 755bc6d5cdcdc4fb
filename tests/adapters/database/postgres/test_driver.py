"""How often a work asks PostgreSQL, and that what goes together means the same."""

import asyncio
from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest
from sqlalchemy.util import greenlet_spawn

from adapters.database.postgres.connections import prepare
from adapters.database.postgres.driver import PostgresDriver, together
from adapters.database.tx import SqlTx
from domain.tables import Tx
from tests.builders import a_message, a_reply, a_session, an_account, an_avatar
from tests.parts.postgres import Postgres


class Asked:
    """Works on one connection, and the beginnings of the statements that each sent."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._sent: list[str] = []
        connection.add_query_logger(lambda query: self._sent.append(query.query.split()[0]))

    async def by(self, work: Callable[[Tx], object], *, writes: bool = True) -> list[str]:
        self._sent.clear()
        driver = PostgresDriver(self._connection, writes=writes)

        def work_and_commit() -> None:
            work(SqlTx(driver, writes=writes))
            driver.commit()

        await greenlet_spawn(work_and_commit)
        await asyncio.sleep(0)  # asyncpg logs in the loop's next round
        return list(self._sent)


@pytest.fixture
async def asked(postgres: Postgres) -> AsyncIterator[Asked]:
    async with postgres.database() as url:
        connection = await asyncpg.connect(url)
        await prepare(connection)
        yield Asked(connection)
        await connection.close()


async def test_changes_of_different_tables_are_one_statement(asked: Asked) -> None:
    account = an_account()
    avatar = an_avatar(account)
    session = a_session(avatar)
    message = a_message(session)
    reply = a_reply(message)

    def begin(tx: Tx) -> None:
        tx.accounts.add(account)
        tx.avatars.add(avatar)
        tx.sessions.add(session)

    def open_turn(tx: Tx) -> None:
        assert tx.sessions.with_avatar(session.id) == (session, avatar)
        assert tx.messages.history(session.id, 40) == []
        tx.messages.add_turn(message, reply, "server")
        tx.sessions.touch(session.id, message.created_at)

    def end_turn(tx: Tx) -> None:
        tx.messages.finish(reply)
        tx.sessions.touch(session.id, reply.created_at)

    assert await asked.by(begin) == ["BEGIN", "INSERT", "SAVEPOINT", "INSERT", "RELEASE", "INSERT", "COMMIT"]
    assert await asked.by(open_turn) == ["BEGIN", "SELECT", "SELECT", "WITH", "COMMIT"]
    assert await asked.by(end_turn) == ["WITH"]


async def test_changes_of_one_table_are_made_one_after_the_other(asked: Asked) -> None:
    account, other = an_account(), an_account()

    def add_both(tx: Tx) -> None:
        tx.accounts.add(account)
        tx.accounts.add(other)

    assert await asked.by(add_both) == ["BEGIN", "INSERT", "INSERT", "COMMIT"]


async def test_a_work_that_changes_nothing_asks_nothing(asked: Asked) -> None:
    assert await asked.by(lambda tx: None) == []


async def test_a_change_within_a_read_is_refused(asked: Asked) -> None:
    account = an_account()
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await asked.by(lambda tx: tx.accounts.add(account), writes=False)


def test_parameters_are_numbered_on() -> None:
    texts = ("UPDATE a SET x=$2 WHERE id=$1", "UPDATE b SET y=$1 WHERE id=$2", "INSERT INTO c VALUES ($1, $11)")
    assert together(texts) == (
        "WITH part_0 AS (UPDATE a SET x=$2 WHERE id=$1), part_1 AS (UPDATE b SET y=$3 WHERE id=$4) "
        "INSERT INTO c VALUES ($5, $15)"
    )
    assert together(texts[:1]) == texts[0]
