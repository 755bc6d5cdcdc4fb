"""Accounts and their API keys."""

from dataclasses import dataclass
from uuid import uuid4

from domain.accounts import KEY_NAME_MAX, KEYS_MAX, Account, ApiKey, KeyMode, digest, key_hint, new_api_key
from domain.errors import AvatariumError, BadRequest, NotFound, Unauthorized
from domain.tables import Tx
from resolvers.context import Caller, Context
from resolvers.guards import anyone, caller_of, person


@dataclass(frozen=True, slots=True)
class NewKey:
    """`secret` is shown this once; only its hash is stored."""

    key: ApiKey
    secret: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """`token` is the one to keep."""

    token: str
    account: Account


@person
async def sign_in(ctx: Context, caller: Caller) -> SignedIn:
    """Exchanges a sign-in link's token for one that lasts; any other is kept. Makes the account, if there is none."""
    token = await ctx.services.sign_in.lasting(ctx.token or "")
    account = await ctx.services.store.write(lambda tx: ensure_account(ctx, tx, caller))
    return SignedIn(token, account)


@anyone
async def me(ctx: Context) -> Account | None:
    """The caller's account; None for a stranger, and before they created anything."""
    return (await caller_of(ctx)).account if ctx.token else None


@anyone
async def is_known(ctx: Context) -> bool:
    """Whether the caller's token or key is good, as far as that can be verified now."""
    try:
        await caller_of(ctx)
    except AvatariumError:
        return False
    return True


def ensure_account(ctx: Context, tx: Tx, caller: Caller) -> Account:
    """The caller's account, made now if they have none yet."""
    if caller.account:
        return caller.account
    if caller.identity is None:
        raise Unauthorized("Sign in first.")
    known = tx.accounts.by_subject(caller.identity.subject)
    if known:
        return known
    who = caller.identity
    account = Account(str(uuid4()), who.subject, who.email, who.name, ctx.services.clock.now())
    tx.accounts.add(account)
    return account


@person
async def api_keys(ctx: Context, caller: Caller) -> list[ApiKey]:
    """Newest first, revoked ones included."""
    account_id = caller.account_id
    return await ctx.services.store.read(lambda tx: tx.api_keys.of_account(account_id)) if account_id else []


@person
async def create_api_key(ctx: Context, caller: Caller, name: str, mode: KeyMode) -> NewKey:
    name = name.strip()
    if not 0 < len(name) <= KEY_NAME_MAX or not name.isprintable():
        raise BadRequest.field("name", f"takes 1 to {KEY_NAME_MAX} printable characters")
    secret = new_api_key(mode)

    def add(tx: Tx) -> ApiKey:
        account = ensure_account(ctx, tx, caller)
        if sum(key.revoked_at is None for key in tx.api_keys.of_account(account.id)) >= KEYS_MAX:
            raise BadRequest(f"An account can have at most {KEYS_MAX} keys. Revoke one first.")
        key = ApiKey(str(uuid4()), account.id, name, mode, key_hint(secret), digest(secret), ctx.services.clock.now())
        tx.api_keys.add(key)
        return key

    return NewKey(await ctx.services.store.write(add), secret)


@person
async def revoke_api_key(ctx: Context, caller: Caller, key_id: str) -> ApiKey:
    """Revoking twice is no error. Raises `NotFound`, also for another account's key."""

    def revoke(tx: Tx) -> ApiKey:
        key = tx.api_keys.by_id(caller.account_id or "", key_id)
        if key is None:
            raise NotFound("API key not found")
        if key.revoked_at is None:
            tx.api_keys.revoke(key.id, ctx.services.clock.now())
        return tx.api_keys.by_id(key.account_id, key.id) or key

    return await ctx.services.store.write(revoke)
