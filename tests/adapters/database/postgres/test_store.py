"""What PostgreSQL must do beyond the contract: survive, recover, settle races."""

import asyncio
import signal
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any

import asyncpg
import pytest
from sqlalchemy import make_url
from sqlalchemy.util import await_only

from adapters.database.postgres.connections import CONNECTIONS
from adapters.database.store import open_store
from domain.accounts import Account
from domain.errors import Unavailable
from domain.sessions import Session
from domain.tables import Store, Tx
from tests.adapters.database.postgres.activity import add_message, connected, until_active
from tests.adapters.database.sqlite.test_store import WRITE_AND_WAIT, added, stored
from tests.builders import a_message, an_account, an_avatar
from tests.parts.postgres import Postgres, running


@pytest.mark.parametrize(
    ("address", "words"),
    [("postgresql://u:hidden@h/d?password=hidden", "host, port, sslmode"), ("mysql://u:hidden@h/d", "PostgreSQL")],
)
async def test_addresses_that_cannot_be_opened_are_explained(address: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        async with open_store(address):
            pass
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("change", [{"username": "nobody"}, {"database": "missing"}, {"port": 1}])
async def test_what_cannot_be_reached_at_the_start_is_unavailable(url: str, change: dict[str, Any]) -> None:
    with pytest.raises(Unavailable):
        async with open_store(make_url(url).set(**change).render_as_string(hide_password=False)):
            pass


async def test_what_was_acknowledged_survives_kill_9(url: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITE_AND_WAIT, url, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"acknowledged\n"
    process.kill()
    assert await process.wait() == -signal.SIGKILL
    async with open_store(url) as store:
        assert await store.read(lambda tx: tx.accounts.by_id("acknowledged")) is not None


async def test_closing_does_the_work_that_waits(url: str) -> None:
    accounts = [an_account() for _ in range(5 * CONNECTIONS)]
    async with open_store(url) as store:
        writing = [asyncio.create_task(added(store, account)) for account in accounts]
        left = asyncio.create_task(added(store, last := an_account()))
        await asyncio.sleep(0)
        left.cancel()
    await asyncio.gather(*writing)
    async with open_store(url) as store:
        assert all(await stored(store, [*accounts, last]))


async def test_callers_who_leave_keep_no_connection(url: str, store: Store) -> None:
    work = [asyncio.create_task(added(store, an_account())) for _ in range(5 * CONNECTIONS)]
    work += [asyncio.create_task(store.read(lambda tx: None)) for _ in range(5 * CONNECTIONS)]
    for moment in range(50):
        work[2 * moment].cancel()
        await asyncio.sleep(0)
    await asyncio.gather(*work, return_exceptions=True)
    answers = await asyncio.gather(*[store.read(lambda tx: "answer") for _ in range(5 * CONNECTIONS)])
    assert set(answers) == {"answer"}
    assert await connected(url) <= CONNECTIONS


async def test_more_callers_than_connections_wait(url: str, store: Store, session: Session) -> None:
    """While another program holds a row, all connections wait for it, and other callers for them."""
    holder = await asyncpg.connect(url)
    await holder.execute("BEGIN")
    await holder.execute("SELECT * FROM sessions FOR UPDATE")
    writing = [asyncio.create_task(add_message(store, a_message(session))) for _ in range(3 * CONNECTIONS)]
    await until_active(url, CONNECTIONS)
    assert [task for task in writing if task.done()] == []
    await holder.close()
    await asyncio.gather(*writing)
    assert await store.read(lambda tx: tx.messages.questions(session.id)) == 3 * CONNECTIONS


async def test_a_message_that_is_sent_many_times_at_once_is_stored_once(store: Store, session: Session) -> None:
    sends = [add_message(store, a_message(session, client_message_id="same")) for _ in range(3 * CONNECTIONS)]
    assert len({message.id for message in await asyncio.gather(*sends)}) == 1
    assert await store.read(lambda tx: tx.messages.questions(session.id)) == 1


async def test_who_loses_the_race_for_a_unique_value_sees_the_winner(store: Store) -> None:
    def ensure(tx: Tx) -> Account:
        if known := tx.accounts.by_subject("ann"):
            return known
        tx.accounts.add(account := an_account(subject="ann"))
        return account

    accounts = await asyncio.gather(*[store.write(ensure) for _ in range(3 * CONNECTIONS)])
    assert len({account.id for account in accounts}) == 1


async def test_works_that_lock_each_other_out_are_run_again(store: Store) -> None:
    account = an_account()
    avatars = [an_avatar(account) for _ in range(2)]

    def begin(tx: Tx) -> None:
        tx.accounts.add(account)
        for avatar in avatars:
            tx.avatars.add(avatar)

    counted = [asyncio.Event(), asyncio.Event()]

    def count_both(first: int) -> Callable[[Tx], None]:
        def count(tx: Tx) -> None:
            tx.avatars.count_view(avatars[first].id)
            counted[first].set()
            await_only(counted[1 - first].wait())
            tx.avatars.count_view(avatars[1 - first].id)

        return count

    await store.write(begin)
    await asyncio.gather(store.write(count_both(0)), store.write(count_both(1)))
    found = await store.read(lambda tx: tx.avatars.page(account.id, 5, None))
    assert [avatar.view_count for avatar in found] == [2, 2]


async def test_a_read_is_one_snapshot(url: str, store: Store) -> None:
    first, late = an_account(), an_account()
    await added(store, first)
    began, go_on = asyncio.Event(), asyncio.Event()

    def look_twice(tx: Tx) -> tuple[bool, bool]:
        before = tx.accounts.by_id(late.id) is not None
        began.set()
        await_only(go_on.wait())
        return before, tx.accounts.by_id(late.id) is not None

    reading = asyncio.create_task(store.read(look_twice))
    await began.wait()
    await added(store, late)
    go_on.set()
    assert await reading == (False, False)
    assert await stored(store, [late]) == [True]


async def test_a_time_without_a_zone_is_a_mistake(store: Store) -> None:
    with pytest.raises(ValueError, match="zone"):
        await added(store, an_account(created_at=datetime(2026, 1, 1)))  # noqa: DTZ001  it is meant


async def test_connections_that_were_ended_are_replaced_unnoticed(url: str, store: Store, postgres: Postgres) -> None:
    accounts = [an_account() for _ in range(3 * CONNECTIONS)]
    await asyncio.gather(*[added(store, account) for account in accounts])
    await postgres.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        f"WHERE datname = '{make_url(url).database}' AND application_name = 'avatarium'"
    )
    found = await asyncio.gather(*[stored(store, [account]) for account in accounts])
    await asyncio.gather(*[added(store, an_account()) for _ in accounts])
    assert found == [[True]] * len(accounts)


async def test_a_newer_server_may_change_the_schema_meanwhile(url: str, store: Store) -> None:
    await added(store, account := an_account())
    assert await stored(store, [account]) == [True]
    other = await asyncpg.connect(url)
    await other.execute("ALTER TABLE accounts ALTER COLUMN name TYPE text")
    await other.close()
    answers = await asyncio.gather(*[stored(store, [account]) for _ in range(3 * CONNECTIONS)])
    assert answers == [[True]] * len(answers)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_after_a_restart_of_the_server_it_goes_on(mode: str) -> None:
    """What was acknowledged stays, what was not is refused as unavailable or was stored all the same."""
    with running() as server:
        await server.run("CREATE DATABASE restarted")
        async with open_store(server.url("restarted")) as store:
            ok, refused = await load_during(store, lambda: server.stop(mode))
            with pytest.raises(Unavailable):
                await store.read(lambda tx: tx.accounts.by_id("x"))
            server.start()
            assert all(await stored(store, ok))
            await asyncio.gather(*[added(store, an_account()) for _ in range(3 * CONNECTIONS)])
    assert ok
    assert refused == {"Unavailable"}


async def load_during(store: Store, event: Callable[[], None]) -> tuple[list[Account], set[str]]:
    """Writes without a pause until every writer was refused; the acknowledged accounts, and the refusals."""
    acknowledged: list[Account] = []
    refusals: set[str] = set()
    under_way = asyncio.Event()

    async def write_on() -> None:
        while True:
            account = an_account()
            try:
                await added(store, account)
            except Exception as error:
                refusals.add(type(error).__name__)
                return
            acknowledged.append(account)
            under_way.set()

    writers = [asyncio.create_task(write_on()) for _ in range(2 * CONNECTIONS)]
    await under_way.wait()
    await asyncio.to_thread(event)
    await asyncio.gather(*writers)
    return acknowledged, refusals
