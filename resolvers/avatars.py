"""Avatars: their owners' verbs, and what strangers see of them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from domain.avatars import (
    Avatar,
    AvatarSettings,
    changed,
    check_text,
    new_short_id,
    public_name,
    settings_from,
    with_consistent_brain,
)
from domain.errors import BadRequest, Forbidden, NotFound
from domain.knowledge.items import KnowledgeDeleted, KnowledgeItem
from domain.knowledge.jobs import erase_job
from domain.limits import AVATAR_CREATION
from domain.passwords import hashed
from domain.souls import system_prompt
from domain.tables import Tx
from resolvers.accounts import ensure_account
from resolvers.context import Caller, Context
from resolvers.guards import anyone, caller_if_any, not_too_often, signed_in

Values = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class AvatarPage:
    avatars: list[Avatar]
    has_next: bool
    has_account: bool


@signed_in
async def page(ctx: Context, caller: Caller, first: int | None = None, after: str | None = None) -> AvatarPage:
    """The caller's own avatars, newest first; all of them without `first`."""
    account_id = caller.account_id
    if account_id is None:
        return AvatarPage([], has_next=False, has_account=False)

    def load(tx: Tx) -> list[Avatar]:
        return tx.avatars.page(account_id, tx.avatars.count(account_id) if first is None else first + 1, after)

    found = await ctx.services.store.read(load)
    shown = found if first is None else found[:first]
    return AvatarPage(shown, has_next=len(found) > len(shown), has_account=True)


@signed_in
async def get(ctx: Context, caller: Caller, avatar_id: str) -> Avatar:
    """One of the caller's own avatars, by id or short id. Raises `NotFound`."""
    return await ctx.services.store.read(lambda tx: own(tx, caller, avatar_id))


@signed_in
async def create(ctx: Context, caller: Caller, values: Values) -> Avatar:
    """Creates an avatar, and the caller's account with the first one."""
    settings = with_consistent_brain(settings_from(values), values)
    await not_too_often(ctx, AVATAR_CREATION)
    secrets_changed = await changed_secrets(ctx, values)

    def add(tx: Tx) -> Avatar:
        now = ctx.services.clock.now()
        avatar = Avatar(
            id=str(uuid4()),
            account_id=ensure_account(ctx, tx, caller).id,
            short_id=new_short_id(),
            settings=settings,
            system_prompt=system_prompt(settings),
            created_at=now,
            updated_at=now,
        )
        avatar = replace(avatar, **secrets_changed)
        tx.avatars.add(avatar)
        return avatar

    return await ctx.services.store.write(add)


@signed_in
async def update(ctx: Context, caller: Caller, avatar_id: str, values: Values) -> Avatar:
    """Changes only the sent fields. A changed soul makes a new system prompt."""
    secrets_changed = await changed_secrets(ctx, values)

    def change(tx: Tx) -> Avatar:
        avatar = own(tx, caller, avatar_id)
        settings = with_consistent_brain(changed(avatar.settings, values), values, avatar.settings)
        key = None if brain_moved(avatar.settings, settings) else avatar.ai_key
        updated = replace(
            avatar,
            settings=settings,
            system_prompt=system_prompt(settings),
            updated_at=ctx.services.clock.now(),
            ai_key=key,
        )
        updated = replace(updated, **secrets_changed)
        tx.avatars.update(updated)
        return updated

    return await ctx.services.store.write(change)


@signed_in
async def delete(ctx: Context, caller: Caller, avatar_id: str) -> str:
    """Deletes the avatar with its sessions, messages and knowledge; returns its id."""

    def remove(tx: Tx) -> tuple[str, list[KnowledgeItem]]:
        avatar, now = own(tx, caller, avatar_id), ctx.services.clock.now()
        items = tx.knowledge.of_avatar(avatar.id)
        tx.avatars.delete(avatar.id)
        tx.jobs.add(erase_job(avatar.id, None, now))
        return avatar.id, items

    deleted, items = await ctx.services.store.write(remove)
    for item in items:
        ctx.services.news.publish(KnowledgeDeleted(deleted, item.id))
    ctx.services.workers.wake()
    return deleted


@anyone
async def public(ctx: Context, short_id: str) -> Avatar:
    """What a visitor may see; counts one view. Raises `NotFound` for a private or paused one."""
    avatar = await visible(ctx, short_id)
    await ctx.services.store.write(lambda tx: tx.avatars.count_view(avatar.id))
    return avatar


@anyone
async def may_embed(ctx: Context, short_id: str) -> bool:
    """Whether other sites may frame the avatar's page."""
    avatar = await ctx.services.store.read(lambda tx: tx.avatars.by_short_id(short_id))
    return avatar is not None and avatar.is_open and avatar.settings.allow_embedding


@anyone
async def visible(ctx: Context, short_id: str, *, embedded: bool = False) -> Avatar:
    """An avatar that is open, or the caller's own. Raises `NotFound`, and `Forbidden` where it may not be embedded."""
    owner = await owner_id(ctx)
    avatar = await ctx.services.store.read(lambda tx: tx.avatars.by_short_id(short_id))
    return require_visible(ctx, avatar, owner, embedded=embedded)


def require_visible(ctx: Context, avatar: Avatar | None, owner: str | None, *, embedded: bool = False) -> Avatar:
    """`embedded`: it is met in a frame or a widget, whose requests come from a page of ours."""
    if avatar is not None and avatar.account_id == owner:
        return avatar
    if avatar is None or not avatar.is_open:
        raise NotFound("Avatar not found")
    if not avatar.may_be_met_on(ctx.foreign_site) or (embedded and not avatar.settings.allow_embedding):
        raise Forbidden("This avatar may not be embedded on other sites. Its owner can allow it by allowEmbedding.")
    return avatar


async def owner_id(ctx: Context) -> str | None:
    """The account of a caller who may be previewing an avatar of their own."""
    caller = await caller_if_any(ctx) if ctx.token else None
    return caller.account_id if caller else None


def own(tx: Tx, caller: Caller, avatar_id: str) -> Avatar:
    avatar = tx.avatars.by_id(caller.account_id, avatar_id) if caller.account_id else None
    if avatar is None:
        raise NotFound("Avatar not found")
    return avatar


def brain_moved(before: AvatarSettings, after: AvatarSettings) -> bool:
    """Whether the stored key would reach another address than it was given for."""
    return (before.ai_provider, before.ai_base_url) != (after.ai_provider, after.ai_base_url)


async def changed_secrets(ctx: Context, values: Values) -> dict[str, Any]:
    """The write-only fields as they are stored: null or an empty text clears one."""
    out: dict[str, Any] = {}
    if "ai_api_key" in values:
        key = secret("ai_api_key", values["ai_api_key"])
        out["ai_key"] = ctx.services.vault.seal(key) if key else None
    if "password" in values:
        password = secret("password", values["password"])
        out["password_hash"] = await asyncio.to_thread(hashed, password) if password else None
    return out


def secret(name: str, value: object) -> str | None:
    """A password stays as it was sent, spaces and all, since visitors must send the very same."""
    if value is not None and not isinstance(value, str):
        raise BadRequest.field(public_name(name), "takes text or null")
    checked = check_text(name, value) if value else None
    return value if name == "password" else checked
