"""Accounts and their API keys in SQL."""

from datetime import datetime

from sqlalchemy import bindparam, select, update

from adapters.database.statements import Driver, Statement, insertion
from adapters.database.tables import ACCOUNTS, API_KEYS
from domain.accounts import Account, ApiKey
from domain.tables import Accounts, ApiKeys

# A row is its dataclass: the tables have the columns in the order of the fields.
ACCOUNT_BY_ID = Statement(select(ACCOUNTS).where(ACCOUNTS.c.id == bindparam("account_id")))
ACCOUNT_BY_SUBJECT = Statement(select(ACCOUNTS).where(ACCOUNTS.c.subject == bindparam("subject")))
ADD_ACCOUNT = insertion(ACCOUNTS)

KEY_BY_DIGEST = Statement(select(API_KEYS).where(API_KEYS.c.digest == bindparam("digest")))
KEY_BY_ID = Statement(
    select(API_KEYS).where(API_KEYS.c.account_id == bindparam("account_id"), API_KEYS.c.id == bindparam("key_id"))
)
KEYS_OF_ACCOUNT = Statement(
    select(API_KEYS)
    .where(API_KEYS.c.account_id == bindparam("account_id"))
    .order_by(API_KEYS.c.created_at.desc(), API_KEYS.c.id.desc())
)
ADD_KEY = insertion(API_KEYS)
REVOKE_KEY = Statement(
    update(API_KEYS)
    .where(API_KEYS.c.id == bindparam("key_id"), API_KEYS.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("at"))
)
USE_KEY = Statement(update(API_KEYS).where(API_KEYS.c.id == bindparam("key_id")).values(last_used_at=bindparam("at")))


class SqlAccounts(Accounts):
    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def by_id(self, account_id: str) -> Account | None:
        row = ACCOUNT_BY_ID.row(self._driver, account_id=account_id)
        return Account(*row) if row else None

    def by_subject(self, subject: str) -> Account | None:
        row = ACCOUNT_BY_SUBJECT.row(self._driver, subject=subject)
        return Account(*row) if row else None

    def add(self, account: Account) -> None:
        ADD_ACCOUNT.run(
            self._driver,
            id=account.id,
            subject=account.subject,
            email=account.email,
            name=account.name,
            created_at=account.created_at,
        )


class SqlApiKeys(ApiKeys):
    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def by_digest(self, digest: str) -> ApiKey | None:
        row = KEY_BY_DIGEST.row(self._driver, digest=digest)
        return ApiKey(*row) if row else None

    def of_account(self, account_id: str) -> list[ApiKey]:
        return [ApiKey(*row) for row in KEYS_OF_ACCOUNT.rows(self._driver, account_id=account_id)]

    def by_id(self, account_id: str, key_id: str) -> ApiKey | None:
        row = KEY_BY_ID.row(self._driver, account_id=account_id, key_id=key_id)
        return ApiKey(*row) if row else None

    def add(self, key: ApiKey) -> None:
        ADD_KEY.run(
            self._driver,
            id=key.id,
            account_id=key.account_id,
            name=key.name,
            mode=key.mode,
            hint=key.hint,
            digest=key.digest,
            created_at=key.created_at,
            last_used_at=key.last_used_at,
            revoked_at=key.revoked_at,
        )

    def revoke(self, key_id: str, at: datetime) -> None:
        """The first revocation counts; a later one changes nothing."""
        REVOKE_KEY.run(self._driver, key_id=key_id, at=at)

    def used(self, key_id: str, at: datetime) -> None:
        USE_KEY.run(self._driver, key_id=key_id, at=at)
