"""One transaction's view of the tables."""

from functools import cached_property

from adapters.database.accounts import SqlAccounts, SqlApiKeys
from adapters.database.avatars import SqlAvatars
from adapters.database.jobs import SqlJobs
from adapters.database.knowledge import SqlKnowledge
from adapters.database.passages import SqlPassages
from adapters.database.servers import SqlServers
from adapters.database.sessions import SqlMessages, SqlSessions
from adapters.database.statements import Driver
from domain.tables import Tx


class SqlTx(Tx):
    """Keeps nothing of a transaction, so it serves all transactions of one connection in turn.

    `writes`: a session, an item, and an owner's avatar that it reads by id are locked until the transaction ends, and
    so are an account whose totals it reads and an avatar whose model it reads: nobody else changes what its decisions
    rest on. SQLite has one writer and needs no locks.
    """

    def __init__(self, driver: Driver, *, writes: bool = False) -> None:
        self._driver, self._writes = driver, writes

    @cached_property
    def accounts(self) -> SqlAccounts:
        return SqlAccounts(self._driver)

    @cached_property
    def api_keys(self) -> SqlApiKeys:
        return SqlApiKeys(self._driver)

    @cached_property
    def avatars(self) -> SqlAvatars:
        return SqlAvatars(self._driver, self._writes)

    @cached_property
    def sessions(self) -> SqlSessions:
        return SqlSessions(self._driver, self._writes)

    @cached_property
    def messages(self) -> SqlMessages:
        return SqlMessages(self._driver)

    @cached_property
    def servers(self) -> SqlServers:
        return SqlServers(self._driver)

    @cached_property
    def knowledge(self) -> SqlKnowledge:
        return SqlKnowledge(self._driver, self._writes)

    @cached_property
    def passages(self) -> SqlPassages:
        return SqlPassages(self._driver)

    @cached_property
    def jobs(self) -> SqlJobs:
        return SqlJobs(self._driver)
