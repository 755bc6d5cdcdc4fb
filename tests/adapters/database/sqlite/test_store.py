"""What SQLite must do beyond the contract: survive, refuse, forget."""

import asyncio
import os
import resource
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import make_url

from adapters.database.sqlite import connections as sqlite_connections
from adapters.database.sqlite.connections import connect_to_write
from adapters.database.sqlite.store import READERS
from adapters.database.sqlite.writer import BATCH
from adapters.database.statements import Compiled
from adapters.database.store import open_store
from adapters.database.tx import SqlTx
from domain.accounts import Account
from domain.errors import Unavailable
from domain.sessions import Message, MessageStatus, Session
from domain.tables import Store, Tx
from tests.builders import a_message, a_reply, a_session, an_account, an_avatar

WRITE_AND_WAIT = """
import asyncio, sys
from adapters.database.store import open_store
from tests.builders import an_account

async def main():
    async with open_store(sys.argv[1]) as store:
        await store.write(lambda tx: tx.accounts.add(an_account(id="acknowledged")))
        print("acknowledged", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""
NAMES = ("Ophelia", "Laertes")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "avatarium.db"


@pytest.fixture
def url(file: Path) -> str:
    return f"sqlite:///{file}"


async def added(store: Store, account: Account) -> None:
    await store.write(lambda tx: tx.accounts.add(account))


async def stored(store: Store, accounts: list[Account]) -> list[bool]:
    return await store.read(lambda tx: [tx.accounts.by_id(account.id) is not None for account in accounts])


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("mysql://u@h/d", "SQLite or PostgreSQL"),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
    ],
)
async def test_addresses_that_cannot_be_opened_are_explained(address: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        async with open_store(address):
            pass


async def test_a_directory_that_is_missing_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        async with open_store(f"sqlite:///{tmp_path / 'missing' / 'avatarium.db'}"):
            pass


def test_the_writer_is_durable_and_forgets(url: str) -> None:
    with closing(connect_to_write(make_url(url))) as connection:
        settings = ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        values = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in settings]
    assert values == ["wal", 2, 1, 1]


async def test_what_was_acknowledged_survives_kill_9(url: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITE_AND_WAIT, url, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"acknowledged\n"
    process.kill()
    assert await process.wait() == -signal.SIGKILL
    async with open_store(url) as store:
        assert await store.read(lambda tx: tx.accounts.by_id("acknowledged")) is not None


async def test_closing_does_the_work_that_waits(url: str, file: Path) -> None:
    accounts = [an_account() for _ in range(3 * BATCH)]
    async with open_store(url) as store:
        writing = [asyncio.create_task(added(store, account)) for account in accounts]
        reading = [asyncio.create_task(stored(store, accounts[:1])) for _ in range(3 * READERS)]
        await asyncio.sleep(0)
    assert os.listdir(file.parent) == [file.name], "no connection was left open"
    await asyncio.gather(*writing, *reading)
    async with open_store(url) as store:
        assert all(await stored(store, accounts))


async def test_work_is_done_though_its_caller_left(url: str) -> None:
    account = an_account()
    async with open_store(url) as store:
        writing = asyncio.create_task(added(store, account))
        await asyncio.sleep(0)
        writing.cancel()
    async with open_store(url) as store:
        assert await stored(store, [account]) == [True]


async def test_a_read_is_one_snapshot(url: str, file: Path) -> None:
    def count_around_a_write(tx: Tx) -> tuple[bool, bool]:
        before = tx.accounts.by_id("late") is not None
        with closing(sqlite3.connect(file)) as other, other:
            other.execute(
                "INSERT INTO accounts VALUES ('late', 'late', NULL, NULL, '2026-01-01T00:00:00.000000+00:00')"
            )
        return before, tx.accounts.by_id("late") is not None

    async with open_store(url) as store:
        assert await store.read(count_around_a_write) == (False, False)
        assert await store.read(lambda tx: tx.accounts.by_id("late")) is not None


async def test_a_time_without_a_zone_is_a_mistake(url: str) -> None:
    async with open_store(url) as store:
        with pytest.raises(ValueError, match="zone"):
            await added(store, an_account(created_at=datetime(2026, 1, 1)))  # noqa: DTZ001  it is meant


async def test_another_programs_lock_is_unavailable_while_it_lasts(url: str, file: Path) -> None:
    account = an_account()
    async with open_store(f"{url}?timeout=0") as store:
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(Unavailable):
                await added(store, account)
            other.execute("ROLLBACK")
        assert await stored(store, [account]) == [False]
        await added(store, account)
        assert await stored(store, [account]) == [True]


@pytest.mark.parametrize("trouble", ["PRAGMA query_only = ON", "DROP TABLE accounts"])
async def test_what_is_not_about_the_row_is_unavailable(url: str, trouble: str) -> None:
    """As for a file that turned read-only, or a table that went."""
    account = an_account()

    def add(tx: Tx) -> None:
        assert isinstance(tx, SqlTx)
        tx._driver.execute(Compiled(trouble, (), {}, (), None), ())
        tx.accounts.add(account)

    async with open_store(url) as store:
        with pytest.raises(Unavailable):
            await store.write(add)


@contextmanager
def no_file_grows_beyond(size: int) -> Iterator[None]:
    """As on a full disk: what SQLite appends to its log fails, here when it commits."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


async def test_when_a_commit_fails_nothing_was_acknowledged(url: str, file: Path) -> None:
    accounts = [an_account() for _ in range(20)]
    async with open_store(url) as store:
        await added(store, first := an_account())
        with no_file_grows_beyond(os.stat(f"{file}-wal").st_size):
            answers = await asyncio.gather(*[added(store, one) for one in accounts], return_exceptions=True)
        assert {type(answer) for answer in answers} == {Unavailable}
        assert await stored(store, [first, *accounts]) == [True] + [False] * 20
        await asyncio.gather(*[added(store, account) for account in accounts])
    async with open_store(url) as store:
        assert all(await stored(store, [first, *accounts]))


async def test_a_full_database_keeps_exactly_what_it_acknowledged(
    url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    limited = (*sqlite_connections.WRITING, "PRAGMA max_page_count = 60")
    monkeypatch.setattr(sqlite_connections, "WRITING", limited)
    accounts = [an_account(name="x" * 20_000) for _ in range(30)]
    async with open_store(url) as store:
        answers = await asyncio.gather(*[added(store, one) for one in accounts], return_exceptions=True)
        assert {type(answer) for answer in answers} <= {Unavailable, type(None)}
        assert Unavailable in {type(answer) for answer in answers}
        assert await stored(store, accounts) == [answer is None for answer in answers]
        await added(store, small := an_account())
        assert await stored(store, [small]) == [True]
    messages = {"a transaction was lost: SQLITE_FULL", "SQLite refused: SQLITE_FULL"}
    assert {record.getMessage() for record in caplog.records} == messages


async def test_a_savepoint_that_is_lost_with_its_transaction_breaks_nothing(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited = (*sqlite_connections.WRITING, "PRAGMA max_page_count = 60")
    monkeypatch.setattr(sqlite_connections, "WRITING", limited)
    account = an_account()
    huge, small = an_avatar(account, personality="x" * 400_000), an_avatar(account)
    async with open_store(url) as store:
        await added(store, account)
        for _ in range(3):
            with pytest.raises(Unavailable):
                await store.write(lambda tx: tx.avatars.add(huge))
        await store.write(lambda tx: tx.avatars.add(small))
        assert await store.read(lambda tx: tx.avatars.page(account.id, 5, None)) == [small]


def talk(sessions: Sequence[Session], words: int) -> Callable[[Tx], list[Message]]:
    """A question and a beginning reply in each session; gives the replies as they will end."""

    def talk(tx: Tx) -> list[Message]:
        ended = []
        for session, name in zip(sessions, NAMES, strict=True):
            message = a_message(session, f"{name} asks. " * 20)
            reply = a_reply(message)
            tx.messages.add(message)
            tx.messages.add(reply)
            ended.append(replace(reply, content=f"{name} is told. " * words, status=MessageStatus.COMPLETE))
        return ended

    return talk


def end(replies: Sequence[Message]) -> Callable[[Tx], None]:
    def end(tx: Tx) -> None:
        for reply in replies:
            tx.messages.finish(reply)

    return end


async def test_the_words_of_a_deleted_avatar_leave_the_disk(url: str, file: Path) -> None:
    """The words of two avatars lie side by side, and replies grow when they end, so pages are split."""
    account = an_account()
    avatars = [an_avatar(account, personality=f"{name} {name}") for name in NAMES]
    sessions = [a_session(avatar) for avatar in avatars]

    def begin(tx: Tx) -> None:
        tx.accounts.add(account)
        for avatar, session in zip(avatars, sessions, strict=True):
            tx.avatars.add(avatar)
            tx.sessions.add(session)

    async with open_store(url) as store:
        await store.write(begin)
        for index in range(150):
            replies = await store.write(talk(sessions, words=index * 7 % 400))
            await store.write(end(replies))
        await store.write(lambda tx: tx.avatars.delete(avatars[0].id))
    assert os.listdir(file.parent) == [file.name], "the log is gone"
    assert [name.encode() in contents(file) for name in NAMES] == [False, True]


async def test_the_log_is_emptied_though_another_program_has_the_file_open(url: str, file: Path) -> None:
    with closing(sqlite3.connect(file)) as other:
        async with open_store(url) as store:
            await added(store, an_account())
            assert other.execute("SELECT count(*) FROM accounts").fetchone() == (1,)
        assert os.stat(f"{file}-wal").st_size == 0


def contents(file: Path) -> bytes:
    return file.read_bytes()
