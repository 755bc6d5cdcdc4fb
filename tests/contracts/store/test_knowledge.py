"""What every store promises of knowledge: its items, their bodies and the models of its vectors."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.avatars import Avatar
from domain.knowledge.items import (
    Crawl,
    KnowledgeCounts,
    KnowledgeItem,
    KnowledgeStatus,
    KnowledgeTotals,
    KnowledgeType,
)
from domain.knowledge.reading import FailureCode
from domain.tables import Store, Tx
from tests.builders import NOON, a_passage, an_account, an_avatar, an_item
from tests.fakes.lexicon import add_passages

LATER = NOON + timedelta(minutes=1)


@pytest.fixture
async def avatar(store: Store) -> Avatar:
    return await stored_avatar(store)


async def stored_avatar(store: Store) -> Avatar:
    account = an_account()
    avatar = an_avatar(account)

    def add(tx: Tx) -> None:
        tx.accounts.add(account)
        tx.avatars.add(avatar)

    await store.write(add)
    return avatar


async def add(store: Store, *items: KnowledgeItem, body: bytes | None = None) -> None:
    def add_all(tx: Tx) -> None:
        for item in items:
            tx.knowledge.add(item, body)

    await store.write(add_all)


async def stored(store: Store, item: KnowledgeItem) -> KnowledgeItem | None:
    return await store.read(lambda tx: tx.knowledge.by_id(item.avatar_id, item.id))


async def test_an_item_comes_back_with_every_field(store: Store, avatar: Avatar) -> None:
    item = an_item(
        avatar,
        type=KnowledgeType.SITE,
        title="日本語 🗾",
        size=10 * 1024 * 1024,
        url="https://example.com/?q=ü",
        file_name="Über uns.pdf",
        media_type="application/pdf",
        question="Why?",
        crawl=Crawl(7, 2, ("/docs",), ("/docs/old", "/x")),
        status=KnowledgeStatus.FAILED,
        failure=FailureCode.SCANNED,
        generation=3,
        passage_count=12,
        done=4,
        total=12,
        languages=("de", "en"),
    )
    await add(store, item)
    assert await stored(store, item) == item


async def test_an_item_is_found_through_its_own_avatar_only(store: Store, avatar: Avatar) -> None:
    item = an_item(avatar)
    await add(store, item)
    assert await store.read(lambda tx: tx.knowledge.by_id("another", item.id)) is None
    assert await store.read(lambda tx: tx.knowledge.by_ids("another", [item.id])) == []
    assert await store.read(lambda tx: tx.knowledge.of_avatar("another")) == []


async def test_several_items_are_found_at_once(store: Store, avatar: Avatar) -> None:
    items = [an_item(avatar), an_item(avatar, languages=("de", "en")), an_item(avatar)]
    for item in items:
        await add(store, item)
    asked = [items[1].id, "unknown", items[0].id]
    found = await store.read(lambda tx: tx.knowledge.by_ids(avatar.id, asked))
    assert sorted(found, key=lambda item: asked.index(item.id)) == [items[1], items[0]]
    assert await store.read(lambda tx: tx.knowledge.by_ids(avatar.id, [])) == []


async def test_an_item_is_found_through_its_own_account_only(store: Store, avatar: Avatar) -> None:
    item = an_item(avatar)
    await add(store, item)
    assert await store.read(lambda tx: tx.knowledge.of_account(avatar.account_id, item.id)) == item
    assert await store.read(lambda tx: tx.knowledge.of_account(an_account().id, item.id)) is None


async def test_a_body_comes_back_byte_for_byte(store: Store, avatar: Avatar) -> None:
    item, body = an_item(avatar), bytes(range(256)) * 100
    await add(store, item, body=body)
    assert await store.read(lambda tx: tx.knowledge.body(item.id)) == body
    await store.write(lambda tx: tx.knowledge.replace_body(item.id, b"new"))
    assert await store.read(lambda tx: tx.knowledge.body(item.id)) == b"new"


async def test_what_is_fetched_has_no_body(store: Store, avatar: Avatar) -> None:
    item = an_item(avatar)
    await add(store, item)
    assert await store.read(lambda tx: tx.knowledge.body(item.id)) is None


async def test_items_are_paged_newest_first(store: Store, avatar: Avatar) -> None:
    items = [an_item(avatar, id=f"item {index}", created_at=NOON + timedelta(seconds=index)) for index in range(5)]
    await add(store, *items)
    newest_first = items[::-1]
    assert await store.read(lambda tx: tx.knowledge.of_avatar(avatar.id)) == newest_first
    other = await stored_avatar(store)
    others = an_item(other, created_at=NOON)
    await add(store, others)
    for after, page, others_page in (
        (None, newest_first[:2], [others]),
        (newest_first[1].id, newest_first[2:4], []),
        ("unknown", [], []),
    ):
        pages = await store.read(lambda tx, after=after: tx.knowledge.pages([avatar.id, other.id], 2, after))  # type: ignore[misc]
        assert pages == {avatar.id: page, other.id: others_page}
    assert await store.read(lambda tx: tx.knowledge.pages([], 2, None)) == {}


async def test_what_avatars_know_is_counted(store: Store, avatar: Avatar) -> None:
    other, without = await stored_avatar(store), await stored_avatar(store)
    await add(
        store,
        an_item(avatar, size=5, passage_count=2),
        an_item(avatar, size=2**40, passage_count=0, status=KnowledgeStatus.FAILED),
        an_item(avatar, passage_count=3, status=KnowledgeStatus.INDEXING),
        an_item(other, size=7),
    )
    await store.write(lambda tx: tx.knowledge.use_model(avatar.id, "a model"))
    counts = await store.read(lambda tx: tx.knowledge.counts([avatar.id, other.id, without.id, "unknown"]))
    assert counts == {
        avatar.id: KnowledgeCounts(3, 1, 1, 5, 2**40 + 5, "a model"),
        other.id: KnowledgeCounts(1, 0, 0, 1, 7, None),
        without.id: KnowledgeCounts(0, 0, 0, 0, 0, None),
    }


async def test_an_accounts_own_are_told_from_others(store: Store, avatar: Avatar) -> None:
    other = await stored_avatar(store)
    mine, others = an_item(avatar), an_item(other)
    await add(store, mine, others)
    account = avatar.account_id
    assert await store.read(lambda tx: tx.avatars.own(account, [avatar.id, other.id, "unknown"])) == {avatar.id}
    assert await store.read(lambda tx: tx.knowledge.own(account, [mine.id, others.id, "unknown"])) == {mine.id}


async def test_an_update_changes_all_but_where_it_belongs(store: Store, avatar: Avatar) -> None:
    item = an_item(avatar)
    await add(store, item, body=b"kept")
    changed = replace(item, title="New", status=KnowledgeStatus.INDEXING, done=1, total=2, updated_at=LATER)
    await store.write(lambda tx: tx.knowledge.update(changed))
    assert await stored(store, item) == changed
    assert await store.read(lambda tx: tx.knowledge.body(item.id)) == b"kept"


async def test_an_item_that_is_gone_is_not_updated(store: Store, avatar: Avatar) -> None:
    item = an_item(avatar)
    await store.write(lambda tx: tx.knowledge.update(item))
    assert await stored(store, item) is None


async def test_deleting_takes_the_body_and_the_passages_along(store: Store, avatar: Avatar) -> None:
    item = an_item(avatar)
    passage = a_passage(item, "Otters hold hands.")
    await add(store, item, body=b"Otters")
    await store.write(lambda tx: add_passages(tx, [passage]))
    await store.write(lambda tx: tx.knowledge.delete(item.id))
    assert await stored(store, item) is None
    assert await store.read(lambda tx: tx.knowledge.body(item.id)) is None
    assert await store.read(lambda tx: tx.passages.of_generation(item.id, 1)) == []
    assert await store.read(lambda tx: tx.passages.matching(avatar.id, ["otters"], 5)) is None


async def test_deleting_an_avatar_takes_its_knowledge_along(store: Store, avatar: Avatar) -> None:
    item = an_item(avatar)
    await add(store, item, body=b"Otters")
    await store.write(lambda tx: add_passages(tx, [a_passage(item, "Otters hold hands.")]))
    await store.write(lambda tx: tx.knowledge.use_model(avatar.id, "minilm"))
    await store.write(lambda tx: tx.avatars.delete(avatar.id))
    assert await store.read(lambda tx: tx.knowledge.of_avatar(avatar.id)) == []
    assert await store.read(lambda tx: tx.knowledge.body(item.id)) is None
    assert await store.read(lambda tx: tx.passages.of_generation(item.id, 1)) == []
    assert await store.read(lambda tx: tx.knowledge.model(avatar.id)) is None


async def test_totals_are_the_account_s_over_all_its_avatars(store: Store, avatar: Avatar) -> None:
    account_id = avatar.account_id
    second = an_avatar(an_account(id=account_id))
    stranger = an_account()
    other = an_avatar(stranger)

    def add_avatars(tx: Tx) -> None:
        tx.accounts.add(stranger)
        tx.avatars.add(second)
        tx.avatars.add(other)

    await store.write(add_avatars)
    assert await store.read(lambda tx: tx.knowledge.totals(account_id)) == KnowledgeTotals(0, 0)
    await add(store, an_item(avatar, size=10), an_item(second, size=32), an_item(other, size=1000))
    assert await store.read(lambda tx: tx.knowledge.totals(account_id)) == KnowledgeTotals(2, 42)


async def test_totals_hold_though_several_add_at_once(store: Store, avatar: Avatar) -> None:
    """To several avatars of the account: each addition counts those before."""
    avatars = [avatar, *(an_avatar(an_account(id=avatar.account_id)) for _ in range(15))]
    room = 5

    def add_avatars(tx: Tx) -> None:
        for another in avatars[1:]:
            tx.avatars.add(another)

    def add_to(another: Avatar) -> Callable[[Tx], None]:
        def add_if_there_is_room(tx: Tx) -> None:
            tx.avatars.by_id(another.account_id, another.id)
            if tx.knowledge.totals(another.account_id).items < room:
                tx.knowledge.add(an_item(another), b"body")

        return add_if_there_is_room

    await store.write(add_avatars)
    await asyncio.gather(*[store.write(add_to(another)) for another in avatars])
    totals = await store.read(lambda tx: tx.knowledge.totals(avatar.account_id))
    assert totals.items == room


@pytest.mark.parametrize("by", ["avatar", "account"])
async def test_changes_of_one_item_at_once_all_count(store: Store, avatar: Avatar, by: str) -> None:
    """As when its owner renames it while it is indexed: each change is made to what the one before left."""
    item = an_item(avatar, title="")
    await add(store, item)

    def append(letter: str) -> Callable[[Tx], None]:
        def append(tx: Tx) -> None:
            find = {"avatar": tx.knowledge.by_id, "account": tx.knowledge.of_account}[by]
            found = find({"avatar": avatar.id, "account": avatar.account_id}[by], item.id)
            assert found is not None
            tx.knowledge.update(replace(found, title=found.title + letter))

        return append

    await asyncio.gather(*[store.write(append(letter)) for letter in "abcdefghijklmnop"])
    found = await stored(store, item)
    assert found is not None
    assert sorted(found.title) == list("abcdefghijklmnop")


async def test_an_avatar_has_one_model_at_a_time(store: Store, avatar: Avatar) -> None:
    assert await store.read(lambda tx: tx.knowledge.model(avatar.id)) is None
    await store.write(lambda tx: tx.knowledge.use_model(avatar.id, "minilm"))
    await store.write(lambda tx: tx.knowledge.use_model(avatar.id, "other"))
    assert await store.read(lambda tx: tx.knowledge.model(avatar.id)) == "other"
    await store.write(lambda tx: tx.knowledge.use_model(avatar.id, None))
    assert await store.read(lambda tx: tx.knowledge.model(avatar.id)) is None


async def test_a_model_holds_for_whoever_decides_by_it(store: Store, avatar: Avatar) -> None:
    """As when several items of an avatar go live at once, each with vectors of another model."""
    items = [an_item(avatar, generation=0) for _ in range(16)]
    await add(store, *items)

    def go_live(item: KnowledgeItem) -> Callable[[Tx], bool]:
        def is_alone(tx: Tx) -> bool:
            model, live = tx.knowledge.model(avatar.id), tx.passages.live_ids(avatar.id)
            add_passages(tx, [a_passage(item, "Otters.", generation=1)])
            tx.knowledge.update(replace(item, generation=1))
            if not live:
                tx.knowledge.use_model(avatar.id, item.id)
            return model is None and not live

        return is_alone

    alone = await asyncio.gather(*[store.write(go_live(item)) for item in items])
    assert alone.count(True) == 1
    model = await store.read(lambda tx: tx.knowledge.model(avatar.id))
    assert model == items[alone.index(True)].id


async def test_models_can_be_forgotten(store: Store, avatar: Avatar) -> None:
    await store.write(lambda tx: tx.knowledge.use_model(avatar.id, "minilm"))
    await store.write(lambda tx: tx.knowledge.forget_models())
    assert await store.read(lambda tx: tx.knowledge.model(avatar.id)) is None


async def test_avatars_without_a_model_s_vectors_are_found(store: Store, avatar: Avatar) -> None:
    unread = an_avatar(an_account(id=avatar.account_id))
    await store.write(lambda tx: tx.avatars.add(unread))
    await add(store, an_item(avatar), an_item(avatar), an_item(unread, generation=0))
    assert await store.read(lambda tx: tx.knowledge.without_model("minilm")) == [avatar.id]
    await store.write(lambda tx: tx.knowledge.use_model(avatar.id, "minilm"))
    assert await store.read(lambda tx: tx.knowledge.without_model("minilm")) == []
    assert await store.read(lambda tx: tx.knowledge.without_model("newer")) == [avatar.id]


async def test_erasing_can_be_asked_for_at_any_time(store: Store, avatar: Avatar) -> None:
    await store.erased()
    await add(store, an_item(avatar), body=b"words")
    await store.erased()
