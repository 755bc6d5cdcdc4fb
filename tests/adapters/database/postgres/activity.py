"""What goes on in a database, and what another program holds up there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from domain.sessions import Message
from domain.tables import Store, Tx

SOON = 0.3
SESSIONS = "SELECT * FROM sessions FOR UPDATE"
PASSAGES = "LOCK TABLE passages IN ACCESS EXCLUSIVE MODE"


async def connected(url: str, state: str = "%") -> int:
    """How many the program has, of those that are in a state."""
    sql = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND application_name = 'avatarium' AND state LIKE $1"
    )
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval(sql, state))
    finally:
        await connection.close()


async def until_active(url: str, count: int) -> None:
    while await connected(url, "active") != count:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def until_statement_lasts(url: str, seconds: float) -> None:
    """By the clock of the server."""
    sql = (
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'avatarium' "
        "AND state = 'active' AND clock_timestamp() - query_start > make_interval(secs => $1)"
    )
    connection = await asyncpg.connect(url)
    while await connection.fetchval(sql, seconds) is None:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await connection.close()


@asynccontextmanager
async def held(url: str, sql: str = SESSIONS) -> AsyncIterator[None]:
    """Another program has locked something, and does not end by itself."""
    holder = await asyncpg.connect(url)
    await holder.execute(f"BEGIN; {sql}")
    try:
        yield
    finally:
        await holder.close()


async def add_message(store: Store, message: Message) -> Message:
    """As the resolver does it: a message that was sent before is not stored again."""

    def add(tx: Tx) -> Message:
        assert tx.sessions.by_id(message.session_id)
        before = tx.messages.of_client(message.session_id, message.client_message_id or "none")
        if before is None:
            tx.messages.add(message)
        return before or message

    return await store.write(add)
