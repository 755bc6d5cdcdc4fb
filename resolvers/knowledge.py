"""Knowledge: what owners add, change and watch of what their avatars know."""

from collections.abc import AsyncGenerator, Collection, Mapping
from dataclasses import dataclass, replace
from uuid import uuid4

from domain.avatars import Avatar
from domain.errors import NotFound
from domain.knowledge.additions import Addition, content_of, type_of
from domain.knowledge.items import (
    QUESTION_MAX,
    KnowledgeCounts,
    KnowledgeDeleted,
    KnowledgeEvent,
    KnowledgeItem,
    KnowledgeProgress,
    KnowledgeStatus,
    KnowledgeTotals,
    Passage,
    check_text,
    check_title,
)
from domain.knowledge.jobs import erase_job, index_job
from domain.knowledge.retrieval import Finding
from domain.plans import check_room
from domain.tables import Tx
from resolvers.avatars import own
from resolvers.context import Caller, Context
from resolvers.guards import caller_of, signed_in, signed_in_streaming


@dataclass(frozen=True, slots=True)
class KnowledgePage:
    items: list[KnowledgeItem]
    has_next: bool


@dataclass(frozen=True, slots=True)
class PassagePage:
    passages: list[Passage]
    has_next: bool


@dataclass(frozen=True, slots=True)
class Summary:
    """What an avatar knows in all. It has no model of its vectors while that one cannot be asked.

    `reindexing`: another model is taking over.
    """

    counts: KnowledgeCounts
    reindexing: bool


@signed_in
async def items(ctx: Context, caller: Caller, avatar_id: str) -> list[KnowledgeItem]:
    """All items of an own avatar, newest first. Raises `NotFound`."""
    return await ctx.services.store.read(lambda tx: tx.knowledge.of_avatar(own(tx, caller, avatar_id).id))


@signed_in
async def pages(
    ctx: Context, caller: Caller, avatar_ids: Collection[str], first: int, after: str | None = None
) -> Mapping[str, KnowledgePage]:
    """The items of each own avatar among those given, newest first."""

    def load(tx: Tx) -> Mapping[str, list[KnowledgeItem]]:
        return tx.knowledge.pages(own_avatars(tx, caller, avatar_ids), first + 1, after)

    found = await ctx.services.store.read(load)
    return {avatar_id: KnowledgePage(each[:first], has_next=len(each) > first) for avatar_id, each in found.items()}


@signed_in
async def get(ctx: Context, caller: Caller, item_id: str, avatar_id: str | None = None) -> KnowledgeItem:
    """An item of an own avatar: of that one, where one is named. Raises `NotFound`."""
    return await ctx.services.store.read(lambda tx: own_item(tx, caller, item_id, avatar_id))


@signed_in
async def passages(
    ctx: Context, caller: Caller, item_ids: Collection[str], first: int, after: int = -1
) -> Mapping[str, PassagePage]:
    """The live passages of each own item among those given, with positions greater than `after`."""

    def load(tx: Tx) -> Mapping[str, list[Passage]]:
        own = tx.knowledge.own(caller.account_id, item_ids) if caller.account_id else ()
        return tx.passages.pages(own, first + 1, after)

    found = await ctx.services.store.read(load)
    return {item_id: PassagePage(each[:first], has_next=len(each) > first) for item_id, each in found.items()}


@signed_in
async def passage(ctx: Context, caller: Caller, passage_id: str) -> Passage:
    """A live passage of an own item. Raises `NotFound`."""

    def load(tx: Tx) -> Passage:
        for found in tx.passages.live([passage_id]):
            own_item(tx, caller, found.item_id)
            return found
        raise NotFound("Passage not found")

    return await ctx.services.store.read(load)


@signed_in
async def summaries(ctx: Context, caller: Caller, avatar_ids: Collection[str]) -> Mapping[str, Summary]:
    """Of each own avatar among those given."""
    embedders = ctx.services.recall.embedders
    current = embedders.current()
    counts = await ctx.services.store.read(lambda tx: tx.knowledge.counts(own_avatars(tx, caller, avatar_ids)))
    return {
        avatar_id: Summary(
            replace(each, model=each.model if each.model and embedders.named(each.model) else None),
            reindexing=each.passages > 0 and current is not None and current.model != each.model,
        )
        for avatar_id, each in counts.items()
    }


@signed_in
async def try_question(ctx: Context, caller: Caller, avatar_id: str, question: str) -> tuple[Finding, ...]:
    """What an own avatar would be told of its knowledge to answer with, best first; nothing is answered."""
    avatar = await ctx.services.store.read(lambda tx: own(tx, caller, avatar_id))
    question = check_text(question, "question", QUESTION_MAX)
    return (await ctx.services.recall.about(avatar.id, question)).findings


@signed_in
async def may_upload(ctx: Context, caller: Caller) -> None:
    """For a door to ask before it reads a file: raises what `add` would raise for whoever can have no avatar."""
    if caller.account is None:
        raise NotFound("Avatar not found")


@signed_in
async def add(ctx: Context, caller: Caller, avatar_id: str, kind: str | None, given: Addition) -> KnowledgeItem:
    """Stores a new item, which is indexed in the background. Raises `QuotaExceeded`."""
    avatar = await ctx.services.store.read(lambda tx: own(tx, caller, avatar_id))
    type_ = type_of(kind)
    content, now = content_of(type_, given), ctx.services.clock.now()
    item = content.put_into(KnowledgeItem(str(uuid4()), avatar.id, type_, content.title, now, now))

    def store(tx: Tx) -> None:
        require_room(tx, own(tx, caller, avatar.id), item.size, items=1)
        tx.knowledge.add(item, content.body)
        tx.jobs.add(index_job(item))

    await ctx.services.store.write(store)
    return told(ctx, item)


@signed_in
async def change(
    ctx: Context, caller: Caller, item_id: str, given: Addition, avatar_id: str | None = None
) -> KnowledgeItem:
    """Gives an own item new content of the same type; the old passages serve until the new ones are indexed.

    The title stays unless one is sent, or it is the address that was read before.
    """
    before = await ctx.services.store.read(lambda tx: own_item(tx, caller, item_id, avatar_id))
    content = content_of(before.type, given)

    def store(tx: Tx) -> KnowledgeItem:
        item = own_item(tx, caller, before.id)
        require_room(tx, own(tx, caller, item.avatar_id), len(content.body or b"") - item.size, items=0)
        title = content.title if given.title or item.title == item.url else item.title
        item = queued(ctx, replace(content.put_into(item), title=title))
        tx.knowledge.update(item)
        if content.body is not None:
            tx.knowledge.replace_body(item.id, content.body)
        tx.passages.keep_only(item.id, item.generation)
        tx.jobs.add(index_job(item))
        return item

    return told(ctx, await ctx.services.store.write(store))


@signed_in
async def reindex(ctx: Context, caller: Caller, item_id: str) -> KnowledgeItem:
    """Reads an own item anew. One that is being indexed goes on as it is."""

    def store(tx: Tx) -> KnowledgeItem:
        item = own_item(tx, caller, item_id)
        if item.status.at_rest:
            item = queued(ctx, item)
            tx.knowledge.update(item)
            tx.jobs.add(index_job(item))
        return item

    return told(ctx, await ctx.services.store.write(store))


@signed_in
async def rename(ctx: Context, caller: Caller, item_id: str, title: str, avatar_id: str | None = None) -> KnowledgeItem:
    def store(tx: Tx) -> KnowledgeItem:
        item = own_item(tx, caller, item_id, avatar_id)
        item = replace(item, title=check_title(title, ""), updated_at=ctx.services.clock.now())
        tx.knowledge.update(item)
        return item

    return told(ctx, await ctx.services.store.write(store))


@signed_in
async def delete(ctx: Context, caller: Caller, item_id: str, avatar_id: str | None = None) -> str:
    """Deletes an own item at once, and its vectors in the background; returns its id."""
    now = ctx.services.clock.now()

    def remove(tx: Tx) -> KnowledgeItem:
        item = own_item(tx, caller, item_id, avatar_id)
        tx.knowledge.delete(item.id)
        tx.jobs.add(erase_job(item.avatar_id, item.id, now))
        return item

    item = await ctx.services.store.write(remove)
    ctx.services.news.publish(KnowledgeDeleted(item.avatar_id, item.id))
    ctx.services.workers.wake()
    return item.id


@signed_in_streaming
async def follow(ctx: Context, caller: Caller, avatar_id: str) -> AsyncGenerator[KnowledgeEvent]:
    """The unfinished items of an own avatar, oldest first, then whatever happens to any of its items.

    Never ends, but with an API key that is revoked.
    """
    avatar = await ctx.services.store.read(lambda tx: own(tx, caller, avatar_id))
    async with ctx.services.news.follow(avatar.id) as news:
        for item in reversed(await ctx.services.store.read(lambda tx: tx.knowledge.of_avatar(avatar.id))):
            if not item.status.at_rest:
                yield KnowledgeProgress(item)
        async for event in news:
            if caller.identity is None:
                await caller_of(ctx)
            yield event


def own_avatars(tx: Tx, caller: Caller, avatar_ids: Collection[str]) -> Collection[str]:
    return tx.avatars.own(caller.account_id, avatar_ids) if caller.account_id else ()


def own_item(tx: Tx, caller: Caller, item_id: str, avatar_id: str | None = None) -> KnowledgeItem:
    item = tx.knowledge.of_account(caller.account_id, item_id) if caller.account_id else None
    if item is None or (avatar_id is not None and own(tx, caller, avatar_id).id != item.avatar_id):
        raise NotFound("Knowledge not found")
    return item


def require_room(tx: Tx, avatar: Avatar, size: int, items: int) -> None:
    totals = tx.knowledge.totals(avatar.account_id)
    check_room(KnowledgeTotals(totals.items + items, totals.bytes + size))


def queued(ctx: Context, item: KnowledgeItem) -> KnowledgeItem:
    now = ctx.services.clock.now()
    return replace(item, status=KnowledgeStatus.QUEUED, failure=None, done=0, total=0, updated_at=now)


def told(ctx: Context, item: KnowledgeItem) -> KnowledgeItem:
    """Tells the watchers and the workers of an item that was stored."""
    ctx.services.news.publish(KnowledgeProgress(item))
    ctx.services.workers.wake()
    return item
