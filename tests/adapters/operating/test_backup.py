"""A backup that is made while the server writes, and what is restored from it."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from adapters.database.migrations import migrate
from adapters.database.store import open_store
from adapters.operating import backup as sqlite_backup
from adapters.operating.backup import back_up
from adapters.settings.settings import Settings, SettingsError
from adapters.trust.secret_key import FILE_NAME, read_or_create
from adapters.trust.vault import FernetVault
from domain.sessions import Message, Session
from domain.tables import Store, Tx
from tests.builders import a_message, a_session, an_account, an_avatar


def settings_of(data: Path, **more: object) -> Settings:
    return Settings(_env_file=None, data_dir=data, **more)  # type: ignore[arg-type]


def url_of(data: Path) -> str:
    return f"sqlite:///{data / 'avatarium.db'}"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "backup.db"


async def test_what_was_acknowledged_before_a_backup_is_restored(data: Path, tmp_path: Path, target: Path) -> None:
    account = an_account()
    avatar = an_avatar(account, ai_key=FernetVault([read_or_create(data)]).seal("the-owners-own-key"))
    session = a_session(avatar)

    def add(tx: Tx) -> None:
        tx.accounts.add(account)
        tx.avatars.add(avatar)
        tx.sessions.add(session)

    async with open_store(url_of(data)) as store:
        await store.write(add)
        acknowledged: asyncio.Queue[str] = asyncio.Queue()
        writing = asyncio.create_task(write_on(store, session, acknowledged))
        before = await taken(acknowledged)
        told = await asyncio.to_thread(back_up, settings_of(data), target)
        await taken(acknowledged)
        writing.cancel()
        await asyncio.wait({writing})
    assert str(data / FILE_NAME) in told

    restored = restore(target, data / FILE_NAME, tmp_path / "restored")
    assert check(restored / "avatarium.db") == [("ok",)]
    async with open_store(url_of(restored)) as store:
        messages = await store.read(lambda tx: tx.messages.page(session.id, len(before), None))
        kept = await store.read(lambda tx: tx.avatars.by_short_id(avatar.short_id))
    assert [message.id for message in messages] == before
    assert kept
    assert kept.ai_key
    assert FernetVault([read_or_create(restored)]).open(kept.ai_key) == "the-owners-own-key"


async def write_on(store: Store, session: Session, acknowledged: asyncio.Queue[str]) -> None:
    while True:
        message = a_message(session, "x" * 500)
        await store.write(partial(add_message, message))
        acknowledged.put_nowait(message.id)


def add_message(message: Message, tx: Tx) -> None:
    tx.messages.add(message)


async def taken(acknowledged: asyncio.Queue[str]) -> list[str]:
    """At least fifty more."""
    waited_for = [await acknowledged.get() for _ in range(50)]
    return waited_for + [acknowledged.get_nowait() for _ in range(acknowledged.qsize())]


def restore(database: Path, key: Path, directory: Path) -> Path:
    """As docs/backup.md says."""
    directory.mkdir()
    shutil.copy(database, directory / "avatarium.db")
    shutil.copy(key, directory / FILE_NAME)
    return directory


def check(file: Path) -> list[tuple[str]]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute("PRAGMA integrity_check").fetchall()


def test_a_backup_is_one_private_file(data: Path, tmp_path: Path, target: Path) -> None:
    migrate(url_of(data))
    back_up(settings_of(data), target)
    assert target.stat().st_mode & 0o777 == 0o600
    assert {path.name for path in tmp_path.iterdir()} == {"data", "backup.db"}


def test_an_existing_file_stays_as_it_is(data: Path, target: Path) -> None:
    target.write_text("precious")
    migrate(url_of(data))
    with pytest.raises(SettingsError, match="exists already"):
        back_up(settings_of(data), target)
    assert target.read_text() == "precious"


def test_a_backup_that_fails_leaves_nothing(
    data: Path, tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_source: Path, draft: Path) -> None:
        draft.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sqlite_backup, "copy", full)
    migrate(url_of(data))
    with pytest.raises(SettingsError, match="No space left on device"):
        back_up(settings_of(data), target)
    assert {path.name for path in tmp_path.iterdir()} == {"data"}


def test_a_damaged_database_is_no_backup(data: Path, target: Path) -> None:
    (data / "avatarium.db").write_bytes(b"SQLite format 3\0" + b"rubbish" * 1000)
    with pytest.raises(SettingsError, match="could not be made"):
        back_up(settings_of(data), target)
    assert not target.exists()


def test_without_a_database_or_a_directory_it_is_said(data: Path, target: Path) -> None:
    with pytest.raises(SettingsError, match="start the server once"):
        back_up(settings_of(data), target)
    (data / "avatarium.db").touch()
    with pytest.raises(SettingsError, match="no such directory"):
        back_up(settings_of(data), target / "nowhere" / "backup.db")


def test_postgresql_has_a_program_of_its_own(data: Path, target: Path) -> None:
    with pytest.raises(SettingsError, match="pg_dump"):
        back_up(settings_of(data, database_url="postgresql://user:hidden-word@db.example.com/avatarium"), target)


def test_a_secret_of_ones_own_is_named_and_not_told(data: Path, target: Path) -> None:
    with closing(sqlite3.connect(data / "avatarium.db")) as connection, connection:
        connection.execute("CREATE TABLE t (x)")
    told = back_up(settings_of(data, secret_key="hidden-word" * 4), target)
    assert "AVATARIUM_SECRET_KEY" in told
    assert "hidden-word" not in told
