"""Knowledge: what owners add and change, and who may."""

from contextlib import aclosing

import pytest

from domain import plans
from domain.accounts import KeyMode
from domain.avatars import Avatar
from domain.errors import (
    AvatariumError,
    BadRequest,
    InvalidApiKey,
    NotFound,
    PayloadTooLarge,
    QuotaExceeded,
    Unauthorized,
)
from domain.jobs import JobKind, Lane
from domain.knowledge.additions import Addition, Upload
from domain.knowledge.items import (
    Crawl,
    KnowledgeDeleted,
    KnowledgeItem,
    KnowledgeProgress,
    KnowledgeStatus,
    KnowledgeTotals,
)
from domain.knowledge.reading import BODY_MAX_BYTES
from resolvers import accounts, avatars, knowledge
from resolvers.context import Context, Services
from tests.fakes.clock import FakeClock
from tests.resolvers import known, talk
from tests.resolvers.indexed import all_done

TEXT = Addition(content="We open at nine.\n\nParking is free.")
PERSIAN, FAMILY = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\U0001f468\u200d\U0001f469\u200d\U0001f467"
PDF = Upload("C:\\plans\\prices.pdf", "Application/PDF; x=y", b"%PDF-")


async def added(ann: Context, avatar: Avatar, kind: str = "text", given: Addition = TEXT) -> KnowledgeItem:
    return await knowledge.add(ann, avatar.id, kind, given)


@pytest.mark.parametrize(
    ("kind", "given", "title", "body"),
    [
        (
            "text",
            Addition(content="# Opening hours\nNine to five."),
            "Opening hours",
            b"# Opening hours\nNine to five.",
        ),
        ("text", Addition(title=" Our  hours ", content="Nine."), "Our hours", b"Nine."),
        ("qa", Addition(question="When do\nyou open?", answer="At nine."), "When do you open?", b"At nine."),
        ("file", Addition(file=PDF), "prices.pdf", b"%PDF-"),
        ("url", Addition(url=" https://example.com/a "), "https://example.com/a", None),
        ("site", Addition(url="https://example.com", crawl=Crawl(max_pages=3)), "https://example.com", None),
        ("text", Addition(title=f" {PERSIAN}\u00a0{FAMILY}", content="x"), f"{PERSIAN} {FAMILY}", b"x"),
        ("qa", Addition(question=f"{PERSIAN}?", answer="x"), f"{PERSIAN}?", b"x"),
        ("qa", Addition(question="Is \u202e it\x1b?", answer="x"), "Is it ?", b"x"),
        ("file", Addition(file=Upload("Capture\u202f3.04.txt", "text/plain", b"x")), "Capture 3.04.txt", b"x"),
        ("file", Addition(file=Upload(f"{PERSIAN}\u202e.txt", "text/plain", b"x")), f"{PERSIAN} .txt", b"x"),
    ],
)
async def test_everything_that_can_be_added(
    ann: Context, avatar: Avatar, kind: str, given: Addition, title: str, body: bytes | None
) -> None:
    item = await added(ann, avatar, kind, given)
    assert (item.title, item.type, item.status, item.size) == (title, kind, KnowledgeStatus.QUEUED, len(body or b""))
    assert await knowledge.get(ann, item.id) == item
    assert await ann.services.store.read(lambda tx: tx.knowledge.body(item.id)) == body


async def test_a_file_keeps_the_last_part_of_its_name_and_its_media_type(ann: Context, avatar: Avatar) -> None:
    item = await added(ann, avatar, "file", Addition(file=PDF))
    assert (item.file_name, item.media_type) == ("prices.pdf", "Application/PDF; x=y")


async def test_a_media_type_is_one_line_that_every_database_can_store(ann: Context, avatar: Avatar) -> None:
    item = await added(ann, avatar, "file", Addition(file=Upload("a.txt", "text/plain\x00;\tx=y", b"x")))
    assert item.media_type == "text/plain ; x=y"


@pytest.mark.parametrize(
    ("kind", "given", "field"),
    [
        (None, TEXT, "type"),
        ("video", TEXT, "type"),
        ("text", Addition(), "content"),
        ("text", Addition(content=" \n"), "content"),
        ("text", Addition(title="t" * 301, content="x"), "title"),
        ("text", Addition(title="a\x00b", content="x"), "title"),
        ("text", Addition(title="abc\u202etxt.exe", content="x"), "title"),
        ("qa", Addition(question="When?"), "answer"),
        ("qa", Addition(answer="Now."), "question"),
        ("url", Addition(url="ftp://example.com"), "url"),
        ("url", Addition(url="https://user:secret@example.com"), "url"),
        ("site", Addition(url="https://example.com", crawl=Crawl(max_pages=51)), "maxPages"),
        ("site", Addition(url="https://example.com", crawl=Crawl(include=("docs",))), "includePaths"),
        ("file", Addition(), "file"),
        ("file", Addition(file=Upload("", "text/plain", b"x")), "file"),
        ("file", Addition(file=Upload("../..", "text/plain", b"x")), "file"),
        ("file", Addition(file=Upload("a.txt", "text/plain", b"")), "file"),
    ],
)
async def test_what_is_wrong_is_named(
    ann: Context, avatar: Avatar, kind: str | None, given: Addition, field: str
) -> None:
    with pytest.raises(BadRequest) as refused:
        await knowledge.add(ann, avatar.id, kind, given)
    assert refused.value.details["field"] == field
    assert await ann.services.store.read(lambda tx: tx.jobs.is_empty())


async def test_a_file_may_have_ten_megabytes_and_no_byte_more(ann: Context, avatar: Avatar) -> None:
    await added(ann, avatar, "file", Addition(file=Upload("a.txt", "text/plain", b"x" * BODY_MAX_BYTES)))
    with pytest.raises(PayloadTooLarge):
        await added(ann, avatar, "file", Addition(file=Upload("a.txt", "text/plain", b"x" * (BODY_MAX_BYTES + 1))))


async def test_a_plan_has_its_totals(ann: Context, avatar: Avatar, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "KNOWLEDGE", {plans.SELF_HOSTED: KnowledgeTotals(items=2, bytes=20)})
    first = await added(ann, avatar, given=Addition(content="0123456789"))
    with pytest.raises(QuotaExceeded):
        await added(ann, avatar, given=Addition(content="01234567890"))
    with pytest.raises(QuotaExceeded):
        await knowledge.change(ann, first.id, Addition(content="x" * 21))
    await knowledge.change(ann, first.id, Addition(content="x" * 19))
    await added(ann, avatar, given=Addition(content="x"))
    with pytest.raises(QuotaExceeded):
        await added(ann, avatar, "url", Addition(url="https://example.com"))


async def test_nobody_else_reaches_an_item(ann: Context, bob: Context, stranger: Context, avatar: Avatar) -> None:
    item = await added(ann, avatar)
    await avatars.create(bob, {"slug": "bobs", "name": "Bob's", "avatar_model_url": "https://example.com/b.glb"})
    for caller, refusal in ((bob, NotFound), (stranger, Unauthorized)):
        for attempt in (
            knowledge.items(caller, avatar.id),
            knowledge.get(caller, item.id),
            knowledge.try_question(caller, avatar.id, "When?"),
            knowledge.add(caller, avatar.id, "text", TEXT),
            knowledge.change(caller, item.id, TEXT),
            knowledge.reindex(caller, item.id),
            knowledge.rename(caller, item.id, "Mine"),
            knowledge.delete(caller, item.id),
        ):
            with pytest.raises(refusal):
                await attempt
        async with aclosing(knowledge.follow(caller, avatar.id)) as events:
            with pytest.raises(refusal):
                await anext(events)
    for of_many in (
        lambda ctx: knowledge.pages(ctx, [avatar.id], 10),
        lambda ctx: knowledge.passages(ctx, [item.id], 10),
        lambda ctx: knowledge.summaries(ctx, [avatar.id]),
    ):
        assert await of_many(bob) == {}
        with pytest.raises(Unauthorized):
            await of_many(stranger)
    assert await knowledge.get(ann, item.id) == item


async def test_an_item_is_found_only_under_its_own_avatar(ann: Context, avatar: Avatar) -> None:
    item = await added(ann, avatar)
    other = await avatars.create(ann, {"slug": "two", "name": "Two", "avatar_model_url": "https://example.com/b.glb"})
    assert (await knowledge.get(ann, item.id, avatar.short_id)).id == item.id
    with pytest.raises(NotFound):
        await knowledge.get(ann, item.id, other.id)


async def test_pages_are_newest_first(ann: Context, avatar: Avatar, clock: FakeClock) -> None:
    items = []
    for number in range(3):
        items.append(await added(ann, avatar, given=Addition(title=f"{number}", content="x")))
        clock.advance(1)
    first = (await knowledge.pages(ann, [avatar.id], 2))[avatar.id]
    rest = (await knowledge.pages(ann, [avatar.id], 2, first.items[-1].id))[avatar.id]
    assert [item.title for item in first.items + rest.items] == ["2", "1", "0"]
    assert (first.has_next, rest.has_next) == (True, False)
    assert len(await knowledge.items(ann, avatar.id)) == 3


async def test_a_watcher_sees_what_is_unfinished_and_then_what_happens(ann: Context, avatar: Avatar) -> None:
    item = await added(ann, avatar)
    async with aclosing(knowledge.follow(ann, avatar.id)) as events:
        assert await anext(events) == KnowledgeProgress(item)
        await knowledge.rename(ann, item.id, "Hours")
        await knowledge.rename(ann, item.id, "Opening hours")
        event = await anext(events)
        assert isinstance(event, KnowledgeProgress)
        assert event.item.title == "Opening hours"
        await knowledge.delete(ann, item.id)
        assert await anext(events) == KnowledgeDeleted(avatar.id, item.id)


async def test_a_watcher_hears_that_all_is_deleted_with_the_avatar(ann: Context, avatar: Avatar) -> None:
    items = [await added(ann, avatar) for _ in range(3)]
    async with aclosing(knowledge.follow(ann, avatar.id)) as events:
        for _ in items:
            await anext(events)
        await avatars.delete(ann, avatar.id)
        assert {await anext(events) for _ in items} == {KnowledgeDeleted(avatar.id, item.id) for item in items}


async def test_a_watcher_hears_nothing_more_once_the_key_is_revoked(
    services: Services, ann: Context, avatar: Avatar
) -> None:
    made = await accounts.create_api_key(ann, "My program", KeyMode.LIVE)
    await added(ann, avatar)
    async with aclosing(knowledge.follow(talk.caller(services, made.secret), avatar.id)) as events:
        await anext(events)
        await accounts.revoke_api_key(ann, made.key.id)
        await added(ann, avatar)
        with pytest.raises(InvalidApiKey):
            await anext(events)


async def test_an_indexed_item_answers_and_shows_its_passages(services: Services, ann: Context, avatar: Avatar) -> None:
    item = await added(ann, avatar)
    await all_done(services)
    ready = await knowledge.get(ann, item.id)
    assert (ready.status, ready.passage_count, ready.generation) == (KnowledgeStatus.READY, 2, 1)
    page = (await knowledge.passages(ann, [item.id], 1))[item.id]
    assert ([each.text for each in page.passages], page.has_next) == (["We open at nine."], True)
    rest = (await knowledge.passages(ann, [item.id], 1, after=0))[item.id]
    assert ([each.text for each in rest.passages], rest.has_next) == (["Parking is free."], False)
    assert await knowledge.passage(ann, page.passages[0].id) == page.passages[0]
    found = await knowledge.try_question(ann, avatar.id, "Is parking free?")
    assert found[0].passage.position == 1
    assert 0.5 <= found[0].relevance <= 1
    await knowledge.rename(ann, item.id, "Renamed")
    assert (await knowledge.try_question(ann, avatar.id, "Is parking free?"))[0].citation().title == "Renamed"


async def test_the_summary_counts(services: Services, ann: Context, avatar: Avatar) -> None:
    await added(ann, avatar)
    await added(ann, avatar, "url", Addition(url="https://example.com/none"))
    before = (await known.summary(ann, avatar.id)).counts
    assert (before.items, before.unfinished, before.failed, before.passages, before.model) == (2, 2, 0, 0, None)
    await all_done(services)
    summary = await known.summary(ann, avatar.id)
    after = summary.counts
    assert (after.unfinished, after.failed, after.passages, after.model) == (0, 1, 2, "bag-of-words")
    assert not summary.reindexing


async def test_deleting_leaves_an_erasure_to_do(services: Services, ann: Context, avatar: Avatar) -> None:
    item = await added(ann, avatar)
    await all_done(services)
    await knowledge.delete(ann, item.id)
    assert await knowledge.try_question(ann, avatar.id, "Is parking free?") == ()
    now = ann.services.clock.now()
    job = await services.store.write(lambda tx: tx.jobs.claim(Lane.QUICK, "a test", now, now))
    assert job is not None
    assert (job.kind, job.part) == (JobKind.ERASE, item.id)


async def test_deleting_an_avatar_erases_all_that_it_knew(services: Services, ann: Context, avatar: Avatar) -> None:
    await added(ann, avatar)
    await all_done(services)
    ids = await services.store.read(lambda tx: tx.passages.live_ids(avatar.id))
    vectors = services.recall.vectors
    assert await vectors.missing(avatar.id, "bag-of-words", ids) == []
    await avatars.delete(ann, avatar.id)
    await all_done(services)
    assert await vectors.missing(avatar.id, "bag-of-words", ids) == ids


async def test_new_content_takes_the_place_of_the_old(services: Services, ann: Context, avatar: Avatar) -> None:
    item = await added(ann, avatar)
    await all_done(services)
    changed = await knowledge.change(ann, item.id, Addition(content="We open at ten."))
    assert (changed.status, changed.title, changed.generation) == (KnowledgeStatus.QUEUED, item.title, 1)
    assert await knowledge.try_question(ann, avatar.id, "Is parking free?"), "the old words serve meanwhile"
    await all_done(services)
    passages = await known.passages(ann, item.id)
    assert [(each.text, each.generation) for each in passages] == [("We open at ten.", 2)]


@pytest.mark.parametrize(("named", "kept"), [(None, "https://example.com/new"), ("Hours", "Hours")])
async def test_an_item_called_by_its_address_is_called_by_the_new_one(
    ann: Context, avatar: Avatar, named: str | None, kept: str
) -> None:
    item = await added(ann, avatar, "url", Addition(url="https://example.com/old", title=named))
    changed = await knowledge.change(ann, item.id, Addition(url="https://example.com/new"))
    assert (changed.url, changed.title) == ("https://example.com/new", kept)


async def test_an_item_in_work_is_not_queued_again(ann: Context, avatar: Avatar) -> None:
    item = await added(ann, avatar)
    assert await knowledge.reindex(ann, item.id) == item


async def test_errors_quote_nobody(ann: Context, avatar: Avatar) -> None:
    with pytest.raises(AvatariumError) as refused:
        await added(ann, avatar, "url", Addition(url="secret words"))
    assert "secret" not in refused.value.message
