"""Who may call a verb. Every verb wears exactly one guard, which hands it the caller."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from datetime import timedelta
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from domain.accounts import Account, digest, is_api_key
from domain.errors import Forbidden, InvalidApiKey, RateLimited, TokenExpired, TokenInvalid, Unauthorized
from domain.limits import Limit
from domain.network.addresses import visitor
from domain.tables import Tx
from resolvers.context import Caller, Context

P = ParamSpec("P")
R = TypeVar("R")
KEY_USE_NOTED_EVERY = timedelta(minutes=1)
HITS_TOLD = 4


Verb = Callable[Concatenate[Context, P], Coroutine[Any, Any, R]]
CallerVerb = Callable[Concatenate[Context, Caller, P], Coroutine[Any, Any, R]]


def signed_in(verb: CallerVerb[P, R]) -> Verb[P, R]:
    """A valid bearer token: a sign-in token or an API key."""

    @wraps(verb)
    async def guarded(ctx: Context, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await verb(ctx, await caller_of(ctx), *args, **kwargs)

    return mark(guarded, "signed_in")


def signed_in_streaming(
    verb: Callable[Concatenate[Context, Caller, P], AsyncGenerator[R]],
) -> Callable[Concatenate[Context, P], AsyncGenerator[R]]:
    """`signed_in`, for a verb that streams."""

    @wraps(verb)
    async def guarded(ctx: Context, /, *args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[R]:
        async with aclosing(verb(ctx, await caller_of(ctx), *args, **kwargs)) as stream:
            async for each in stream:
                yield each

    return mark(guarded, "signed_in")


def person(verb: CallerVerb[P, R]) -> Verb[P, R]:
    """A valid sign-in token. API keys are refused, so that no key can make or revoke keys."""

    @wraps(verb)
    async def guarded(ctx: Context, /, *args: P.args, **kwargs: P.kwargs) -> R:
        caller = await caller_of(ctx)
        if caller.identity is None:
            raise Forbidden("An API key cannot do this. Sign in instead.")
        return await verb(ctx, caller, *args, **kwargs)

    return mark(guarded, "person")


def anyone(verb: Verb[P, R]) -> Verb[P, R]:
    """Open to strangers; the verb itself says what they can reach."""
    return mark(verb, "anyone")


def anyone_streaming(
    verb: Callable[Concatenate[Context, P], AsyncGenerator[R]],
) -> Callable[Concatenate[Context, P], AsyncGenerator[R]]:
    """`anyone`, for a verb that streams."""
    return mark(verb, "anyone")


F = TypeVar("F", bound=Callable[..., object])


def mark(verb: F, guard: str) -> F:
    verb.__guard__ = guard  # type: ignore[attr-defined]
    return verb


async def caller_of(ctx: Context) -> Caller:
    """Verifies the bearer token. Raises a member of `Unauthorized`."""
    if not ctx.verifies_once:
        return await verified(ctx)
    ctx.verifying = ctx.verifying or asyncio.create_task(verified(ctx))
    return await asyncio.shield(ctx.verifying)


async def verified(ctx: Context) -> Caller:
    if not ctx.token:
        raise Unauthorized("Sign in first: send a bearer token or an API key in the Authorization header.")
    if is_api_key(ctx.token):
        return Caller(None, await account_of_key(ctx, ctx.token))
    identity = await ctx.services.sign_in.verify(ctx.token)
    account = await ctx.services.store.read(lambda tx: tx.accounts.by_subject(identity.subject))
    return Caller(identity, account)


async def caller_if_any(ctx: Context) -> Caller | None:
    """The caller, or None for a stranger or a token that is no longer good."""
    try:
        return await caller_of(ctx)
    except (Unauthorized, TokenExpired, TokenInvalid):
        return None


async def account_of_key(ctx: Context, token: str) -> Account:
    now, hashed = ctx.services.clock.now(), digest(token)

    def find(tx: Tx) -> tuple[Account, str | None] | None:
        key = tx.api_keys.by_digest(hashed)
        account = tx.accounts.by_id(key.account_id) if key and not key.revoked_at else None
        if not key or not account:
            return None
        stale = key.last_used_at is None or now - key.last_used_at > KEY_USE_NOTED_EVERY
        return account, key.id if stale else None

    found = await ctx.services.store.read(find)
    if not found:
        raise InvalidApiKey("This API key is invalid or revoked. Create a new one in the dashboard.")
    account, stale_key = found
    if stale_key:
        await ctx.services.store.write(lambda tx: tx.api_keys.used(stale_key, now))
    return account


async def not_too_often(ctx: Context, limit: Limit, *key: str) -> None:
    """Counts one attempt of the caller's address. Raises `RateLimited` beyond the limit."""
    hit = await ctx.services.limiter.hit(limit, " ".join((visitor(ctx.client_ip), *key)))
    ctx.hits.append(hit)
    del ctx.hits[:-HITS_TOLD]
    if not hit.allowed:
        raise RateLimited(
            f"Too many {limit.action}: at most {limit.count} in {limit.seconds} seconds. "
            f"Try again in {hit.retry_after} seconds.",
            hit.retry_after,
        )
