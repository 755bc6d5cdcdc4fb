"""The servers that speak replies, in SQL."""

from datetime import datetime

from sqlalchemy import bindparam, delete
from sqlalchemy.dialects.postgresql import insert as insert_in_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_in_sqlite

from adapters.database.statements import Driver, Statement, assignments
from adapters.database.tables import SERVERS
from domain.tables import Servers

VALUES = assignments(SERVERS.columns)
AGAIN = {"alive_at": VALUES["alive_at"]}
ALIVE = Statement(
    insert_in_sqlite(SERVERS).values(VALUES).on_conflict_do_update(index_elements=["id"], set_=AGAIN),
    insert_in_postgresql(SERVERS).values(VALUES).on_conflict_do_update(index_elements=["id"], set_=AGAIN),
)
FORGET = Statement(delete(SERVERS).where(SERVERS.c.alive_at < bindparam("before")))


class SqlServers(Servers):
    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def alive(self, server: str, now: datetime) -> None:
        ALIVE.run(self._driver, id=server, alive_at=now)

    def forget(self, before: datetime) -> None:
        FORGET.run(self._driver, before=before)
