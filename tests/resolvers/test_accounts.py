"""Accounts and their API keys."""

import asyncio

import pytest

from domain.accounts import KEY_NAME_MAX, KEYS_MAX, Identity, KeyMode, digest
from domain.errors import BadRequest, Forbidden, NotFound, TokenInvalid, Unauthorized
from resolvers import accounts, avatars
from resolvers.context import Context, Services
from tests.fakes.clock import FakeClock
from tests.fakes.sign_in import FakeSignIn
from tests.resolvers.talk import AVATAR, caller


async def test_a_person_has_no_account_before_they_create_something(ann: Context) -> None:
    assert await accounts.me(ann) is None
    assert await accounts.api_keys(ann) == []
    await avatars.create(ann, AVATAR)
    mine = await accounts.me(ann)
    assert mine
    assert (mine.subject, mine.email, mine.name) == ("subject-ann", "ann@example.com", "Ann")


async def test_a_stranger_has_no_account_but_a_bad_token_is_told(stranger: Context, services: Services) -> None:
    assert await accounts.me(stranger) is None
    with pytest.raises(TokenInvalid):
        await accounts.me(caller(services, "forged"))


async def test_signing_in_makes_an_account_and_gives_the_token_to_keep(
    ann: Context, services: Services, sign_in: FakeSignIn
) -> None:
    signed_in = await accounts.sign_in(ann)
    assert signed_in.token == ann.token
    assert signed_in.account == await accounts.me(ann)
    assert (await accounts.sign_in(ann)).account == signed_in.account
    sign_in.add("of a link", Identity("subject-ann", "ann@example.com"))
    sign_in.links["of a link"] = "lasting"
    by_link = await accounts.sign_in(caller(services, "of a link"))
    assert by_link.token == "lasting"
    assert by_link.account == signed_in.account


async def test_no_stranger_and_no_program_signs_in(ann: Context, stranger: Context, services: Services) -> None:
    made = await accounts.create_api_key(ann, "A", KeyMode.LIVE)
    with pytest.raises(Unauthorized):
        await accounts.sign_in(stranger)
    with pytest.raises(TokenInvalid):
        await accounts.sign_in(caller(services, "forged"))
    with pytest.raises(Forbidden):
        await accounts.sign_in(caller(services, made.secret))


async def test_a_first_key_makes_an_account_too(ann: Context, clock: FakeClock) -> None:
    made = await accounts.create_api_key(ann, " My program ", KeyMode.TEST)
    mine = await accounts.me(ann)
    assert mine
    assert mine.created_at == clock.now()
    assert (made.key.account_id, made.key.name, made.key.mode) == (mine.id, "My program", KeyMode.TEST)
    assert await accounts.api_keys(ann) == [made.key]


async def test_a_key_is_shown_once_and_stored_as_a_hash(ann: Context) -> None:
    made = await accounts.create_api_key(ann, "A", KeyMode.LIVE)
    assert made.secret.startswith("av_live_")
    assert made.key.digest == digest(made.secret)
    assert made.key.hint == f"av_live_…{made.secret[-4:]}"


async def test_creating_twice_at_once_makes_one_account(ann: Context) -> None:
    keys = await asyncio.gather(*(accounts.create_api_key(ann, name, KeyMode.LIVE) for name in "abc"))
    assert len({made.key.account_id for made in keys}) == 1
    assert len(await accounts.api_keys(ann)) == 3


async def test_keys_are_listed_newest_first_with_the_revoked_ones(ann: Context, clock: FakeClock) -> None:
    made = []
    for name in "abc":
        made.append(await accounts.create_api_key(ann, name, KeyMode.LIVE))
        clock.advance(1)
    await accounts.revoke_api_key(ann, made[1].key.id)
    assert [key.name for key in await accounts.api_keys(ann)] == ["c", "b", "a"]


@pytest.mark.parametrize("name", ["", "  ", "x" * (KEY_NAME_MAX + 1), "two\nlines", "\x00"])
async def test_key_names_that_are_refused(ann: Context, name: str) -> None:
    with pytest.raises(BadRequest) as refused:
        await accounts.create_api_key(ann, name, KeyMode.LIVE)
    assert refused.value.details["field"] == "name"
    assert await accounts.me(ann) is None


async def test_an_account_has_so_many_keys_at_most_but_revoked_ones_do_not_count(ann: Context) -> None:
    made = [await accounts.create_api_key(ann, str(number), KeyMode.LIVE) for number in range(KEYS_MAX)]
    with pytest.raises(BadRequest, match="at most 50 keys"):
        await accounts.create_api_key(ann, "One too many", KeyMode.LIVE)
    await accounts.revoke_api_key(ann, made[7].key.id)
    assert await accounts.create_api_key(ann, "Fits again", KeyMode.LIVE)


async def test_revoking_twice_keeps_the_first_time(ann: Context, clock: FakeClock) -> None:
    made = await accounts.create_api_key(ann, "A", KeyMode.LIVE)
    at = clock.now()
    assert (await accounts.revoke_api_key(ann, made.key.id)).revoked_at == at
    clock.advance(60)
    assert (await accounts.revoke_api_key(ann, made.key.id)).revoked_at == at


async def test_nobody_revokes_anothers_key(ann: Context, bob: Context) -> None:
    made = await accounts.create_api_key(ann, "A", KeyMode.LIVE)
    for key_id in (made.key.id, "unknown"):
        with pytest.raises(NotFound):
            await accounts.revoke_api_key(bob, key_id)
    await accounts.create_api_key(bob, "B", KeyMode.LIVE)
    with pytest.raises(NotFound):
        await accounts.revoke_api_key(bob, made.key.id)
    assert [key.revoked_at for key in await accounts.api_keys(ann)] == [None]


async def test_a_good_token_is_known(ann: Context, stranger: Context, services: Services, sign_in: FakeSignIn) -> None:
    assert await accounts.is_known(ann)
    assert not await accounts.is_known(stranger)
    assert not await accounts.is_known(caller(services, "forged"))
    sign_in.down = True
    assert not await accounts.is_known(ann)
