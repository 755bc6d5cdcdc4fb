"""What a chat turn asks of each database, from the visitor's words to the stored reply."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import URL

from adapters.database.postgres import connections as postgres_connections
from adapters.database.sqlite import store as sqlite_store
from adapters.database.sqlite.connections import connect_to_read, connect_to_write
from adapters.database.store import open_store
from domain.tables import Tx
from resolvers import chat
from tests import house
from tests.builders import a_passage, a_session, an_account, an_avatar, an_item
from tests.fakes.lexicon import add_passages
from tests.parts.postgres import Postgres
from tests.resolvers.talk import caller, done, heard

QUESTIONS = ["SELECT"] * 4
"""The session with its avatar, the same send before, the history, and whether there is knowledge."""


class Sent:
    """The first words of all that was sent since it was last cleared, and how often languages were asked for."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.languages = 0

    def note(self, statement: str) -> None:
        self.words.append(statement.split()[0])

    def note_languages(self, statement: str) -> None:
        self.languages += statement.startswith("SELECT") and "languages" in statement and "title" not in statement


@pytest.fixture
def sent() -> Sent:
    return Sent()


@pytest.fixture
def sqlite(tmp_path: Path, sent: Sent, monkeypatch: pytest.MonkeyPatch) -> str:
    def connect(url: URL) -> sqlite3.Connection:
        connection = connect_to_write(url)
        connection.set_trace_callback(sent.note)
        return connection

    monkeypatch.setattr(sqlite_store, "connect_to_write", connect)
    return f"sqlite:///{tmp_path / 'avatarium.db'}"


@pytest.fixture
def noting_postgres(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare = postgres_connections.prepare

    async def prepare_and_note(connection: asyncpg.Connection) -> None:
        await prepare(connection)
        connection.add_query_logger(lambda query: sent.note(query.query))

    monkeypatch.setattr(postgres_connections, "prepare", prepare_and_note)


async def a_turn(url: str, sent: Sent) -> list[str]:
    """What a visitor's words cost that are sent with an id of the client's, to an avatar without knowledge."""
    account = an_account()
    avatar = an_avatar(account)

    def add(tx: Tx) -> None:
        tx.accounts.add(account)
        tx.avatars.add(avatar)
        tx.sessions.add(session)

    async with open_store(url) as store, house.services(store=store) as services:
        session = a_session(avatar, last_active_at=services.clock.now())
        await store.write(add)
        await asyncio.sleep(0)  # asyncpg logs in the loop's next round
        sent.words.clear()
        ctx = caller(services)
        reply = await chat.send(ctx, session.id, "Hello?", client_message_id=str(uuid4()))
        done(await heard(ctx, reply.reply_id))
        await asyncio.sleep(0)
        return list(sent.words)


async def test_sqlite_runs_eight_statements_in_two_transactions(sqlite: str, sent: Sent) -> None:
    begin, commit = ["BEGIN", "SAVEPOINT"], ["RELEASE", "COMMIT"]
    opened = [*begin, *QUESTIONS, "INSERT", "UPDATE", *commit]
    settled = [*begin, "UPDATE", "UPDATE", *commit]
    assert await a_turn(sqlite, sent) == opened + settled


@pytest.mark.usefixtures("noting_postgres")
async def test_postgresql_is_asked_eight_times(postgres: Postgres, sent: Sent) -> None:
    """Changes go together and last: no question is asked while they hold their rows."""
    async with postgres.database() as url:
        assert await a_turn(url, sent) == ["BEGIN", *QUESTIONS, "WITH", "COMMIT", "WITH"]


@pytest.mark.parametrize(
    ("name", "connect", "times"),
    [("connect_to_write", connect_to_write, 0), ("connect_to_read", connect_to_read, 1)],
    ids=["in the turn's transaction", "in recall"],
)
async def test_languages_are_asked_for_once_a_turn_and_only_in_recall(
    tmp_path: Path,
    sent: Sent,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    connect: Callable[[URL], sqlite3.Connection],
    times: int,
) -> None:
    """An avatar may have thousands of items."""

    def connect_and_note(url: URL) -> sqlite3.Connection:
        connection = connect(url)
        connection.set_trace_callback(sent.note_languages)
        return connection

    monkeypatch.setattr(sqlite_store, name, connect_and_note)
    account = an_account()
    avatar = an_avatar(account)

    def add(tx: Tx) -> None:
        tx.accounts.add(account)
        tx.avatars.add(avatar)
        tx.sessions.add(session)
        for item in [an_item(avatar) for _ in range(3)]:
            tx.knowledge.add(item, None)
            add_passages(tx, [a_passage(item, "Otters hold hands.")])

    url = f"sqlite:///{tmp_path / 'avatarium.db'}"
    async with open_store(url) as store, house.services(store=store) as services:
        session = a_session(avatar, last_active_at=services.clock.now())
        await store.write(add)
        ctx = caller(services)
        done(await heard(ctx, (await chat.send(ctx, session.id, "Tell me of otters.")).reply_id))
        sent.languages = 0
        reply = done(await heard(ctx, (await chat.send(ctx, session.id, "Do they hold hands?")).reply_id))
    assert reply.sources
    assert sent.languages == times
