"""SQLite's statements on Python's own sqlite3."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from adapters.database.statements import Compiled, Driver, Row


class SqliteDriver(Driver):
    dialect = SQLiteDialect_pysqlite(paramstyle="qmark", json_deserializer=orjson.loads)
    refusal = sqlite3.IntegrityError

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def fetch(self, statement: Compiled, parameters: Sequence[Any]) -> Sequence[Row]:
        return self._connection.execute(statement.text, parameters).fetchall()

    def execute(self, statement: Compiled, parameters: Sequence[Any]) -> None:
        self._connection.execute(statement.text, parameters)

    def flush(self) -> None:
        """Nothing is put off here."""

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        self._connection.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK TO part")
                self._connection.execute("RELEASE part")
            raise
        self._connection.execute("RELEASE part")
