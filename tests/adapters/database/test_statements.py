"""Every statement of the store finds its rows through an index."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from adapters.database import accounts as sql_accounts
from adapters.database import avatars as sql_avatars
from adapters.database import jobs as sql_jobs
from adapters.database import sessions as sql_sessions
from adapters.database.migrations import migrate
from adapters.database.sqlite.driver import SqliteDriver
from adapters.database.statements import Statement

NOT_FOR_SQLITE = (sql_jobs.ALONE, sql_sessions.ALL_SAID)
STATEMENTS = {
    f"{module.__name__}.{name}": value
    for module in (sql_accounts, sql_avatars, sql_jobs, sql_sessions)
    for name, value in vars(module).items()
    if isinstance(value, Statement) and value not in NOT_FOR_SQLITE
}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    file = tmp_path_factory.mktemp("plans") / "avatarium.db"
    migrate(f"sqlite:///{file}")
    with closing(sqlite3.connect(file)) as connection:
        yield connection


@pytest.mark.parametrize("name", STATEMENTS)
def test_no_table_is_scanned_or_sorted(database: sqlite3.Connection, name: str) -> None:
    compiled = STATEMENTS[name].compiled(SqliteDriver.dialect)
    plan = database.execute(f"EXPLAIN QUERY PLAN {compiled.text}", [None] * len(compiled.binds)).fetchall()
    steps = [str(row[3]) for row in plan]
    assert [step for step in steps if "SCAN" in step and "INDEX" not in step and "CONSTANT" not in step] == []
    assert [step for step in steps if "TEMP B-TREE" in step] == []
