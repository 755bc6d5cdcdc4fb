"""What every store promises of its transactions."""

import asyncio
from collections.abc import Callable
from typing import NoReturn

import pytest

from domain.accounts import Account
from domain.errors import Unavailable
from domain.tables import Store, Tx
from tests.builders import an_account, an_avatar
from tests.contracts.conftest import Database


class Broken(Exception):
    pass


async def added(store: Store, account: Account) -> None:
    await store.write(lambda tx: tx.accounts.add(account))


async def test_a_write_answers_and_a_read_sees_it(store: Store) -> None:
    account = an_account()

    def add(tx: Tx) -> str:
        tx.accounts.add(account)
        return "added"

    assert await store.write(add) == "added"
    assert await store.read(lambda tx: tx.accounts.by_id(account.id)) == account


async def test_a_transaction_sees_its_own_changes(store: Store) -> None:
    account = an_account()

    def add_and_look(tx: Tx) -> object:
        tx.accounts.add(account)
        return tx.accounts.by_id(account.id)

    assert await store.write(add_and_look) == account


async def test_what_a_work_raises_reaches_its_caller_and_undoes_its_changes(store: Store) -> None:
    account = an_account()

    def add_and_break(tx: Tx) -> NoReturn:
        tx.accounts.add(account)
        raise Broken

    with pytest.raises(Broken):
        await store.write(add_and_break)
    assert await store.read(lambda tx: tx.accounts.by_id(account.id)) is None


async def test_what_a_reading_work_raises_reaches_its_caller(store: Store) -> None:
    def look_and_break(_tx: Tx) -> NoReturn:
        raise Broken

    with pytest.raises(Broken):
        await store.read(look_and_break)
    assert await store.read(lambda _tx: "still open") == "still open"


async def test_a_stop_iteration_is_an_error_like_any_other(store: Store) -> None:
    with pytest.raises(RuntimeError, match="StopIteration"):
        await store.write(lambda _tx: next(iter(())))
    assert await store.write(lambda _tx: "still open") == "still open"


async def test_a_read_cannot_write(store: Store, database: Database) -> None:
    account = an_account()
    with pytest.raises(database.read_only):
        await store.read(lambda tx: tx.accounts.add(account))
    assert await store.read(lambda tx: tx.accounts.by_id(account.id)) is None


async def test_one_failing_work_leaves_its_neighbours_alone(store: Store) -> None:
    accounts = [an_account() for _ in range(60)]

    def add(index: int) -> Callable[[Tx], int]:
        def add(tx: Tx) -> int:
            tx.accounts.add(accounts[index])
            if index % 3 == 0:
                raise Broken
            return index

        return add

    answers = await asyncio.gather(*[store.write(add(index)) for index in range(60)], return_exceptions=True)
    assert [type(answer) if index % 3 == 0 else answer for index, answer in enumerate(answers)] == [
        Broken if index % 3 == 0 else index for index in range(60)
    ]
    stored = await store.read(lambda tx: [tx.accounts.by_id(account.id) for account in accounts])
    assert stored == [None if index % 3 == 0 else account for index, account in enumerate(accounts)]


async def test_concurrent_writers_do_not_lose_updates(store: Store) -> None:
    account = an_account()
    avatar = an_avatar(account)

    def add(tx: Tx) -> None:
        tx.accounts.add(account)
        tx.avatars.add(avatar)

    await store.write(add)
    await asyncio.gather(*[store.write(lambda tx: tx.avatars.count_view(avatar.id)) for _ in range(200)])
    counted = await store.read(lambda tx: tx.avatars.by_id(account.id, avatar.id))
    assert counted is not None
    assert counted.view_count == 200


async def test_concurrent_readers_and_writers(store: Store) -> None:
    accounts = [an_account() for _ in range(40)]

    async def add_and_read(account: Account) -> Account | None:
        await added(store, account)
        return await store.read(lambda tx: tx.accounts.by_subject(account.subject))

    assert await asyncio.gather(*[add_and_read(account) for account in accounts]) == accounts


async def test_callers_who_leave_break_nothing(store: Store) -> None:
    accounts = [an_account() for _ in range(50)]
    writing = [asyncio.create_task(added(store, account)) for account in accounts]
    reading = [asyncio.create_task(store.read(lambda tx: tx.accounts.by_id("nobody"))) for _ in range(20)]
    await asyncio.sleep(0)
    left = [*writing[::2], *reading[::2]]
    for task in left:
        task.cancel()
    answers = await asyncio.gather(*left, return_exceptions=True)
    assert {type(answer) for answer in answers} == {asyncio.CancelledError}
    await asyncio.gather(*writing[1::2], *reading[1::2])
    stayed = await store.read(lambda tx: [tx.accounts.by_id(account.id) for account in accounts[1::2]])
    assert stayed == accounts[1::2]
    for _ in range(10):  # more than there are connections, so none was lost
        assert await store.read(lambda tx: tx.accounts.by_id("nobody")) is None


async def test_a_closed_store_says_so(database: Database) -> None:
    async with database.open() as store:
        pass
    with pytest.raises(Unavailable, match="closed"):
        await store.read(lambda tx: tx.accounts.by_id("nobody"))
    with pytest.raises(Unavailable, match="closed"):
        await store.write(lambda tx: tx.accounts.add(an_account()))
