"""Who may call a verb."""

import pytest

from domain.accounts import ApiKey, KeyMode
from domain.avatars import Avatar
from domain.errors import Forbidden, InvalidApiKey, RateLimited, TokenExpired, TokenInvalid, Unauthorized, Unavailable
from domain.limits import Limit
from domain.tables import Store
from resolvers import accounts, avatars
from resolvers.accounts import NewKey
from resolvers.context import Context, Services
from resolvers.guards import not_too_often
from tests.fakes.clock import FakeClock
from tests.fakes.sign_in import FakeSignIn
from tests.resolvers.talk import caller


@pytest.fixture
async def made(ann: Context) -> NewKey:
    """An API key of Ann's."""
    return await accounts.create_api_key(ann, "My program", KeyMode.LIVE)


@pytest.fixture
def program(services: Services, made: NewKey) -> Context:
    return caller(services, made.secret)


@pytest.mark.parametrize("token", [None, ""])
async def test_without_a_token_nobody_is_signed_in(services: Services, token: str | None) -> None:
    for verb in (avatars.page, accounts.api_keys):
        with pytest.raises(Unauthorized) as refused:
            await verb(caller(services, token))
        assert refused.value.code == "UNAUTHORIZED"


async def test_a_token_that_nobody_vouches_for_is_refused(services: Services) -> None:
    with pytest.raises(TokenInvalid):
        await avatars.page(caller(services, "forged"))


async def test_a_token_that_expired_is_refused(ann: Context, sign_in: FakeSignIn) -> None:
    sign_in.expire("ann")
    with pytest.raises(TokenExpired):
        await avatars.page(ann)


async def test_a_token_that_cannot_be_checked_is_not_called_invalid(ann: Context, sign_in: FakeSignIn) -> None:
    sign_in.down = True
    with pytest.raises(Unavailable):
        await avatars.page(ann)


async def test_an_api_key_is_its_owner(program: Context, ann: Context) -> None:
    mine = await accounts.me(program)
    assert mine
    assert mine == await accounts.me(ann)


async def test_an_api_key_works_while_the_sign_in_provider_is_down(program: Context, sign_in: FakeSignIn) -> None:
    sign_in.down = True
    assert await accounts.me(program)


async def test_an_api_key_may_do_what_its_owner_may(program: Context, avatar: Avatar) -> None:
    assert await avatars.get(program, avatar.id) == avatar


@pytest.mark.parametrize("token", ["av_live_", f"av_live_{'0' * 40}", f"av_test_{'0' * 40}"])
async def test_an_unknown_api_key_is_refused(services: Services, token: str) -> None:
    with pytest.raises(InvalidApiKey):
        await accounts.me(caller(services, token))


async def test_a_revoked_api_key_is_refused(ann: Context, made: NewKey, program: Context) -> None:
    await accounts.revoke_api_key(ann, made.key.id)
    with pytest.raises(InvalidApiKey):
        await accounts.me(program)


async def test_no_api_key_can_manage_api_keys(program: Context, made: NewKey) -> None:
    with pytest.raises(Forbidden):
        await accounts.api_keys(program)
    with pytest.raises(Forbidden):
        await accounts.create_api_key(program, "Another", KeyMode.LIVE)
    with pytest.raises(Forbidden):
        await accounts.revoke_api_key(program, made.key.id)
    assert await accounts.me(program)


async def test_the_use_of_a_key_is_noted_once_a_minute(
    ann: Context, made: NewKey, program: Context, clock: FakeClock
) -> None:
    async def key() -> ApiKey:
        return (await accounts.api_keys(ann))[0]

    assert made.key.last_used_at is None
    first = clock.now()
    await accounts.me(program)
    assert (await key()).last_used_at == first
    clock.advance(60)
    await accounts.me(program)
    assert (await key()).last_used_at == first
    clock.advance(1)
    await accounts.me(program)
    assert (await key()).last_used_at == clock.now()


async def test_a_stranger_with_a_bad_token_is_a_stranger(
    services: Services, avatar: Avatar, sign_in: FakeSignIn
) -> None:
    sign_in.expire("bob")
    for token in ("forged", "bob", "av_live_forged"):
        assert await avatars.visible(caller(services, token), avatar.short_id) == avatar


async def test_strangers_do_not_need_the_sign_in_provider(
    stranger: Context, avatar: Avatar, sign_in: FakeSignIn
) -> None:
    sign_in.down = True
    assert await avatars.visible(stranger, avatar.short_id) == avatar


async def test_too_many_attempts_are_told_when_to_come_back(services: Services, clock: FakeClock) -> None:
    ctx = caller(services)
    twice = Limit("twice", "attempts", 2, 60)
    await not_too_often(ctx, twice)
    clock.advance(10)
    await not_too_often(ctx, twice)
    with pytest.raises(RateLimited, match="Too many attempts: at most 2 in 60 seconds") as refused:
        await not_too_often(ctx, twice)
    assert refused.value.retry_after == 50
    assert [hit.remaining for hit in ctx.hits] == [1, 0, 0]


async def test_attempts_are_counted_by_address_and_by_what_they_are_for(services: Services) -> None:
    once = Limit("once", "attempts", 1, 60)
    await not_too_often(caller(services), once, "ava")
    await not_too_often(caller(services), once, "eva")
    await not_too_often(caller(services, ip="192.0.2.2"), once, "ava")
    with pytest.raises(RateLimited):
        await not_too_often(caller(services), once, "ava")


async def test_only_the_hash_of_a_key_is_stored(store: Store, made: NewKey, ann: Context) -> None:
    assert made.secret not in repr((await accounts.api_keys(ann))[0])
