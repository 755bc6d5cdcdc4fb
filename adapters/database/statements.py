"""SQL generated once from the tables and run on the driver itself.

A connection of SQLAlchemy costs more CPU for each statement than the driver does, and a chat turn runs eight. A
`Statement` keeps what SQLAlchemy is good at, the SQL of each database and the conversion of its values, and leaves out
the rest.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Column, Delete, Dialect, Insert, Select, Table, Update, bindparam, insert

Row = Sequence[Any]
Core = Select[Any] | Insert | Update | Delete
Converter = Callable[[Any], Any]
SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement in the words of one database. `constants` are the values written into it.

    `converters` make Python's values of the driver's, for the columns where they differ.
    `inserts_or_updates`: the table in which it does. `is_slow`: it takes long where there is much.
    """

    text: str
    binds: tuple[tuple[str, Converter | None], ...]
    constants: Mapping[str, Any]
    converters: tuple[tuple[int, Converter], ...]
    inserts_or_updates: str | None
    is_slow: bool = False

    def parameters(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        given = {**self.constants, **values}
        return tuple([convert(given[name]) if convert else given[name] for name, convert in self.binds])

    def converted(self, row: Row) -> Row:
        values = list(row)
        for index, convert in self.converters:
            values[index] = convert(values[index])
        return values


class Driver(Protocol):
    """One connection of a database's own driver, within a transaction.

    `refusal`: what it raises for a row that breaks a constraint.
    """

    dialect: Dialect
    refusal: type[Exception]

    def fetch(self, statement: Compiled, parameters: Sequence[Any]) -> Sequence[Row]: ...
    def execute(self, statement: Compiled, parameters: Sequence[Any]) -> None:
        """May be put off until the next `fetch`, or the end of the savepoint or of the transaction."""
        ...

    def flush(self) -> None:
        """Does what was put off."""
        ...

    def savepoint(self) -> AbstractContextManager[None]:
        """Undoes what was done within it when an error leaves it."""
        ...


class Statement:
    """One statement of Core. Its values are passed by the names of its `bindparam`s.

    `postgresql` is what PostgreSQL is asked instead, where it has words of its own. `is_slow`: it takes long where
    there is much, as a deletion of all that hangs on a row does.
    """

    def __init__(self, core: Core, postgresql: Core | None = None, *, is_slow: bool = False) -> None:
        self.core, self._is_slow = core, is_slow
        self._of_postgresql = core if postgresql is None else postgresql
        self._compiled: dict[type[Dialect], Compiled] = {}

    def rows(self, driver: Driver, **values: Any) -> Sequence[Row]:
        """Text that no database takes equals nothing: it is asked for as NULL."""
        asked = {name: value if is_storable(value) else None for name, value in values.items()}
        compiled = self.compiled(driver.dialect)
        rows = driver.fetch(compiled, compiled.parameters(asked))
        return [compiled.converted(row) for row in rows] if compiled.converters else rows

    def row(self, driver: Driver, **values: Any) -> Row | None:
        rows = self.rows(driver, **values)
        return rows[0] if rows else None

    def scalar(self, driver: Driver, **values: Any) -> Any:
        """The first column of the only row."""
        return self.rows(driver, **values)[0][0]

    def run(self, driver: Driver, **values: Any) -> None:
        """Runs a statement that returns no rows."""
        compiled = self.compiled(driver.dialect)
        driver.execute(compiled, compiled.parameters(values))

    def compiled(self, dialect: Dialect) -> Compiled:
        known = self._compiled.get(type(dialect))
        if known is None:
            core = self._of_postgresql if dialect.name == "postgresql" else self.core
            known = self._compiled[type(dialect)] = compiled_for(core, dialect, self._is_slow)
        return known


def is_storable(value: object) -> bool:
    """PostgreSQL's text has no NUL, and neither database's has halves of surrogate pairs."""
    if not isinstance(value, str):
        return True
    return "\0" not in value and (value.isascii() or not SURROGATE.search(value))


def compiled_for(core: Core, dialect: Dialect, is_slow: bool) -> Compiled:
    compiled = core.compile(dialect=dialect)
    binds = {name: compiled.binds[name] for name in compiled.positiontup or ()}
    return Compiled(
        text=str(compiled),
        binds=tuple(
            (name, binds[name].type.dialect_impl(dialect).bind_processor(dialect))
            for name in compiled.positiontup or ()
        ),
        constants={name: bind.effective_value for name, bind in binds.items() if not bind.required},
        converters=tuple(converters_for(core, dialect)) if isinstance(core, Select) else (),
        inserts_or_updates=str(core.table) if isinstance(core, Insert | Update) else None,
        is_slow=is_slow,
    )


def converters_for(core: Select[Any], dialect: Dialect) -> Iterator[tuple[int, Converter]]:
    for index, column in enumerate(core.selected_columns):
        if convert := column.type.dialect_impl(dialect).result_processor(dialect, None):
            yield index, convert


def locked(core: Select[Any], table: Table) -> Select[Any]:
    """Locks the table's rows until the transaction ends, against changes but not against references to them."""
    return core.with_for_update(key_share=True, of=table)


def insertion(table: Table, columns: Sequence[Column[Any]] = (), *prefixes: str, is_slow: bool = False) -> Statement:
    """Inserts one row; each value goes by its column's name. With `prefixes` a row for each, whose names begin so."""
    rows = [assignments(columns or table.columns, prefix) for prefix in prefixes or ("",)]
    return Statement(insert(table).inline().values(rows if prefixes else rows[0]), is_slow=is_slow)


def assignments(columns: Iterable[Column[Any]], prefix: str = "") -> dict[str, Any]:
    return {column.name: bindparam(f"{prefix}{column.name}", type_=column.type) for column in columns}
