"""PostgreSQL's statements on asyncpg, with few round trips.

A round trip costs more than most statements do. So nothing is sent before its answer is needed: changes wait for the
next question or for the commit, and those in different tables go together as one statement.
"""

import asyncio
import math
import re
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import asyncpg
from sqlalchemy import Dialect
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.util import await_only

from adapters.database.statements import Compiled, Driver, Row

WRITING = "BEGIN"
READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
Ask = Callable[..., Coroutine[Any, Any, Any]]
NUMBER = re.compile(r"\$(\d+)")


class PostgresDriver(Driver):
    """One transaction. Works in a greenlet of SQLAlchemy's, which does the awaiting.

    `deadline`: of the loop's clock. A statement that takes long by itself is no reason to give up, and puts it off.
    `committing`: from then on a lost connection leaves open what was stored.
    """

    dialect: Dialect = PGDialect_asyncpg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
    refusal = asyncpg.IntegrityConstraintViolationError

    def __init__(self, connection: asyncpg.Connection, *, writes: bool, deadline: float = math.inf) -> None:
        self._connection, self._writes, self._deadline = connection, writes, deadline
        self._time = asyncio.get_running_loop().time
        self._begun = False
        self._waiting: list[tuple[Compiled, Sequence[Any]]] = []
        self.committing = False

    def fetch(self, statement: Compiled, parameters: Sequence[Any]) -> Sequence[Row]:
        self.flush()
        rows: Sequence[Row] = self._answer(self._connection.fetch, statement.text, parameters, statement.is_slow)
        return rows

    def execute(self, statement: Compiled, parameters: Sequence[Any]) -> None:
        self._waiting.append((statement, parameters))

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        self.flush()
        self._send("SAVEPOINT part")
        try:
            yield
            self._flush()
        except BaseException:
            self._waiting.clear()
            if not self._connection.is_closed():
                self._send("ROLLBACK TO part")
            raise
        self._send("RELEASE part")

    def commit(self) -> None:
        """One statement is a transaction by itself."""
        alone = self._writes and not self._begun and goes_together(self._waiting)
        if not alone:
            self.flush()
        self.committing = True
        if alone:
            self._flush()
        else:
            self._send("COMMIT")

    def flush(self) -> None:
        if not self._begun:
            self._send(WRITING if self._writes else READING)
            self._begun = True
        self._flush()

    def _flush(self) -> None:
        changes, self._waiting = self._waiting, []
        if not changes:
            return
        if goes_together(changes):
            text = together(tuple(statement.text for statement, _ in changes))
            values = [value for _, parameters in changes for value in parameters]
            self._send(text, *values, is_slow=any(statement.is_slow for statement, _ in changes))
            return
        for statement, parameters in changes:
            self._send(statement.text, *parameters, is_slow=statement.is_slow)

    def _send(self, text: str, *parameters: Any, is_slow: bool = False) -> None:
        self._answer(self._connection.execute, text, parameters, is_slow)

    def _answer(self, ask: Ask, text: str, parameters: Sequence[Any], is_slow: bool) -> Any:
        """A connection that did not answer in time is given up: asyncpg would wait until its question is taken back."""
        began = self._time()
        try:
            return await_only(ask(text, *parameters, timeout=None if is_slow else self._deadline - began))
        except TimeoutError:
            self._connection.terminate()
            raise
        finally:
            if is_slow:
                self._deadline += self._time() - began


def goes_together(changes: Sequence[tuple[Compiled, Sequence[Any]]]) -> bool:
    """Parts of one statement do not see each other's changes, and run in no order that one could rely on."""
    tables = [statement.inserts_or_updates for statement, _ in changes]
    return len(changes) == 1 or (None not in tables and len(set(tables)) == len(tables))


@lru_cache(maxsize=256)
def together(texts: tuple[str, ...]) -> str:
    """One statement that does what all do. Its parameters are theirs, one after the other."""
    *parts, last = numbered_on(texts)
    names = ", ".join(f"part_{index} AS ({text})" for index, text in enumerate(parts))
    return f"WITH {names} {last}" if parts else last


def numbered_on(texts: Sequence[str]) -> Iterator[str]:
    used = 0
    for text in texts:
        yield renumbered(text, used)
        used += max((int(number) for number in NUMBER.findall(text)), default=0)


def renumbered(text: str, by: int) -> str:
    return NUMBER.sub(lambda found: f"${int(found[1]) + by}", text)
