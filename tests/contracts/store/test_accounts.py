"""What every store promises of accounts and API keys."""

from datetime import timedelta, timezone

import pytest

from domain.accounts import Account, ApiKey, KeyMode
from domain.tables import Store, Tx
from tests.builders import NOON, an_account, an_api_key
from tests.contracts.conftest import Database

LATER = NOON + timedelta(minutes=1)


@pytest.fixture
async def account(store: Store) -> Account:
    account = an_account()
    await store.write(lambda tx: tx.accounts.add(account))
    return account


async def test_an_account_is_found_by_id_and_by_subject(store: Store, account: Account) -> None:
    assert await store.read(lambda tx: tx.accounts.by_id(account.id)) == account
    assert await store.read(lambda tx: tx.accounts.by_subject(account.subject)) == account
    assert await store.read(lambda tx: (tx.accounts.by_id("x"), tx.accounts.by_subject("x"))) == (None, None)


async def test_an_account_may_have_neither_name_nor_address(store: Store) -> None:
    account = an_account(email=None, name=None)
    await store.write(lambda tx: tx.accounts.add(account))
    assert await store.read(lambda tx: tx.accounts.by_id(account.id)) == account


async def test_a_subject_has_one_account(store: Store, account: Account, database: Database) -> None:
    with pytest.raises(database.refusal):
        await store.write(lambda tx: tx.accounts.add(an_account(subject=account.subject)))


@pytest.mark.parametrize("microsecond", [0, 1, 999_999])
async def test_times_keep_their_microseconds_and_know_their_zone(store: Store, microsecond: int) -> None:
    moment = NOON.replace(microsecond=microsecond)
    account = an_account(created_at=moment.astimezone(timezone(timedelta(hours=5, minutes=30))))
    await store.write(lambda tx: tx.accounts.add(account))
    stored = await store.read(lambda tx: tx.accounts.by_id(account.id))
    assert stored is not None
    assert stored.created_at == moment
    assert stored.created_at.tzinfo is not None


async def add_keys(store: Store, *keys: ApiKey) -> None:
    def add(tx: Tx) -> None:
        for key in keys:
            tx.api_keys.add(key)

    await store.write(add)


async def test_a_key_is_found_by_digest_and_by_id(store: Store, account: Account) -> None:
    key = an_api_key(account, mode=KeyMode.TEST, last_used_at=NOON, revoked_at=LATER)
    await add_keys(store, key)
    assert await store.read(lambda tx: tx.api_keys.by_digest(key.digest)) == key
    assert await store.read(lambda tx: tx.api_keys.by_id(account.id, key.id)) == key
    assert await store.read(lambda tx: tx.api_keys.by_digest("x")) is None
    assert await store.read(lambda tx: tx.api_keys.by_id("somebody else", key.id)) is None


async def test_keys_are_listed_newest_first(store: Store, account: Account) -> None:
    old, new = an_api_key(account), an_api_key(account, created_at=LATER, revoked_at=LATER)
    foreign_account = an_account()
    await store.write(lambda tx: tx.accounts.add(foreign_account))
    await add_keys(store, new, old, an_api_key(foreign_account))
    assert await store.read(lambda tx: tx.api_keys.of_account(account.id)) == [new, old]
    assert await store.read(lambda tx: tx.api_keys.of_account("nobody")) == []


async def test_a_key_is_used_and_revoked(store: Store, account: Account) -> None:
    key = an_api_key(account)
    await add_keys(store, key)
    await store.write(lambda tx: tx.api_keys.used(key.id, NOON))
    await store.write(lambda tx: tx.api_keys.used(key.id, LATER))
    await store.write(lambda tx: tx.api_keys.revoke(key.id, NOON))
    await store.write(lambda tx: tx.api_keys.revoke(key.id, LATER))
    stored = await store.read(lambda tx: tx.api_keys.by_digest(key.digest))
    assert stored is not None
    assert stored.last_used_at == LATER
    assert stored.revoked_at == NOON, "the first revocation counts"


async def test_a_key_needs_an_account_and_a_digest_of_its_own(
    store: Store, account: Account, database: Database
) -> None:
    key = an_api_key(account)
    await add_keys(store, key)
    with pytest.raises(database.refusal):
        await add_keys(store, an_api_key(account, digest=key.digest))
    with pytest.raises(database.refusal):
        await add_keys(store, an_api_key(an_account()))
