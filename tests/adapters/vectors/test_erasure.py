"""What an owner deletes leaves nothing behind: neither in rows nor in the files of the database."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from adapters.database.store import open_store
from domain.tables import Store, Tx
from tests.builders import a_passage, an_account, an_avatar, an_item
from tests.fakes.lexicon import add_passages
from tests.parts.postgres import Postgres

WORDS = ("Xylophonist", "Quokkaburger", "Zeppelinbahn", "Kuddelmuddel", "Wolpertinger")
ACCOUNT = an_account()
AVATAR = an_avatar(ACCOUNT)
KEPT = an_item(AVATAR, title="Kept", passage_count=1)
ITEM = an_item(AVATAR, title=WORDS[0], question=WORDS[1], file_name=f"{WORDS[2]}.txt", passage_count=200)


async def filled(store: Store) -> None:
    def add(tx: Tx) -> None:
        tx.accounts.add(ACCOUNT)
        tx.avatars.add(AVATAR)
        tx.knowledge.add(KEPT, b"what stays")
        add_passages(tx, [a_passage(KEPT, "What stays is found.")])
        tx.knowledge.add(ITEM, f"{WORDS[3]} ".encode() * 5000)
        add_passages(tx, [a_passage(ITEM, f"{WORDS[4]} number {index}.", index) for index in range(200)])

    await store.write(add)


async def delete_item(store: Store) -> None:
    await store.write(lambda tx: tx.knowledge.delete(ITEM.id))


async def delete_avatar(store: Store) -> None:
    await store.write(lambda tx: tx.avatars.delete(AVATAR.id))


DELETIONS = pytest.mark.parametrize("deletion", [delete_item, delete_avatar])


def holding(directory: Path) -> set[str]:
    """The files that hold one of the words, in any of the cases in which they are stored."""
    contents = {path.name: path.read_bytes().lower() for path in directory.rglob("*") if path.is_file()}
    return {name for name, content in contents.items() if any(word.lower().encode() in content for word in WORDS)}


@DELETIONS
async def test_no_file_of_sqlite_keeps_a_deleted_word(tmp_path: Path, deletion: object) -> None:
    async with open_store(f"sqlite:///{tmp_path / 'avatarium.db'}") as store:
        await filled(store)
        assert holding(tmp_path)
        await deletion(store)  # type: ignore[operator]
        await store.erased()
        assert holding(tmp_path) == set()


@pytest.fixture
async def address(postgres: Postgres) -> AsyncIterator[str]:
    async with postgres.database() as url:
        yield url


@DELETIONS
async def test_no_row_of_postgresql_keeps_a_deleted_word(address: str, deletion: object) -> None:
    async with open_store(address) as store:
        await filled(store)
        assert await rows_with_words(address)
        await deletion(store)  # type: ignore[operator]
        await store.erased()
        assert await rows_with_words(address) == []


async def rows_with_words(address: str) -> list[str]:
    """The tables with a word in any row, as text or as the bytes of a body."""
    connection = await asyncpg.connect(address)
    try:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        found = []
        for (table,) in tables:
            rows = await connection.fetch(f'SELECT whole::text AS text FROM "{table}" AS whole')
            text = " ".join(row["text"] for row in rows).lower()
            words = [*WORDS, WORDS[3].encode().hex()]
            if any(word.lower() in text for word in words):
                found.append(table)
        return found
    finally:
        await connection.close()
