"""SQLite databases in the machine's memory.

They are files, in a file system that is in memory: only a file has the write-ahead log that this program reads beside.
"""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import make_url

from adapters.database.migrations import migrate
from adapters.database.sqlite.store import open_sqlite
from domain.tables import Store

MEMORY = "/dev/shm"


def folder_in_memory() -> TemporaryDirectory[str]:
    """On disk where the system has no such file system."""
    return TemporaryDirectory(prefix="avatarium-sqlite-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None)


@cache
def template() -> bytes:
    """The file of a database that is migrated and has no rows. Each process of tests makes it once."""
    with folder_in_memory() as folder:
        file = Path(folder) / "template.db"
        migrate(f"sqlite:///{file}")
        return file.read_bytes()


@contextmanager
def new_database() -> Iterator[Path]:
    """The file of a copy of the template, in a folder that goes with it."""
    with folder_in_memory() as folder:
        file = Path(folder) / "avatarium.db"
        file.write_bytes(template())
        yield file


def opened(file: Path) -> AbstractAsyncContextManager[Store]:
    return open_sqlite(make_url(f"sqlite:///{file}"))


@asynccontextmanager
async def new_store() -> AsyncIterator[Store]:
    with new_database() as file:
        async with opened(file) as store:
            yield store
