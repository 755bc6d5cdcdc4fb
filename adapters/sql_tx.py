"""One transaction's view of the tables."""

from functools import cached_property

from sqlalchemy import Connection

from adapters.sql_accounts import SqlAccounts, SqlApiKeys
from adapters.sql_avatars import SqlAvatars
from adapters.sql_sessions import SqlMessages, SqlSessions
from domain.ports import Tx


class SqlTx(Tx):
    """Keeps nothing but the connection, so it serves all transactions of one connection in turn."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def accounts(self) -> SqlAccounts:
        return SqlAccounts(self._connection)

    @cached_property
    def api_keys(self) -> SqlApiKeys:
        return SqlApiKeys(self._connection)

    @cached_property
    def avatars(self) -> SqlAvatars:
        return SqlAvatars(self._connection)

    @cached_property
    def sessions(self) -> SqlSessions:
        return SqlSessions(self._connection)

    @cached_property
    def messages(self) -> SqlMessages:
        return SqlMessages(self._connection)
