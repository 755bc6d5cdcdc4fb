"""A site in two languages, read by the real reader and searched by words: each page has the stems of its own."""

import math
from collections.abc import AsyncIterator

import pytest

from adapters.reading.limits import ReadingLimits
from adapters.reading.process import open_reader
from domain.avatars import Avatar
from domain.knowledge.additions import Addition
from resolvers import knowledge
from resolvers.context import Context, Services
from tests import house
from tests.fakes.clock import FakeClock
from tests.fakes.embedder import FakeEmbedders
from tests.fakes.fetcher import FakeFetcher
from tests.fakes.sign_in import FakeSignIn
from tests.resolvers import known
from tests.resolvers.indexed import all_done
from tests.resolvers.troubled_store import TroubledStore

SITE = "https://example.com"
ENGLISH = "We are a family business near the harbour. Ask us about rentals, repairs and guided rides along the river."
GERMAN = "Wir vermieten auch Fahrräder und reparieren sie am selben Tag, wenn Sie bis zehn Uhr morgens zu uns kommen."
SHORT = "Bockwurst 3,50"


@pytest.fixture
def fetcher() -> FakeFetcher:
    return FakeFetcher()


@pytest.fixture
async def services(
    clock: FakeClock, store: TroubledStore, sign_in: FakeSignIn, fetcher: FakeFetcher
) -> AsyncIterator[Services]:
    async with (
        open_reader(ReadingLimits(seconds=math.inf)) as reader,
        house.services(
            clock=clock, store=store, sign_in=sign_in, fetcher=fetcher, reader=reader, embedders=FakeEmbedders()
        ) as services,
    ):
        yield services


def page(*texts: str) -> bytes:
    links = f'<a href="{SITE}/next">next</a> <a href="{SITE}/last">last</a>'
    return f"<html><body><main>{''.join(f'<p>{text}</p>' for text in texts)}</main>{links}</body></html>".encode()


async def languages(ann: Context, avatar: Avatar, fetcher: FakeFetcher, *pages: str) -> dict[str, str]:
    """Of the passages by their pages, once a site of these pages is indexed."""
    for path, text in zip(("/", "/next", "/last"), pages, strict=False):
        fetcher.add(SITE + path, page(text))
    item = await knowledge.add(ann, avatar.id, "site", Addition(url=SITE))
    await all_done(ann.services)
    passages = await known.passages(ann, item.id)
    assert set((await knowledge.get(ann, item.id)).languages) == {each.language for each in passages}
    return {(each.url or "").removeprefix(SITE): each.language for each in passages}


@pytest.mark.parametrize("pages", [(ENGLISH, GERMAN), (GERMAN, ENGLISH)], ids=["English first", "German first"])
async def test_each_page_is_found_by_the_stems_of_its_language(
    ann: Context, avatar: Avatar, fetcher: FakeFetcher, pages: tuple[str, str]
) -> None:
    spoken = {ENGLISH: "en", GERMAN: "de"}
    expected = {"/": spoken[pages[0]], "/next": spoken[pages[1]]}
    assert await languages(ann, avatar, fetcher, *pages) == expected
    [found, *_] = await knowledge.try_question(ann, avatar.id, "Kann ich ein Fahrrad mieten?")
    assert found.text == GERMAN
    [found, *_] = await knowledge.try_question(ann, avatar.id, "Is there a guide for the rivers?")
    assert found.text == ENGLISH


async def test_a_page_too_short_to_tell_is_in_the_language_of_the_site(
    ann: Context, avatar: Avatar, fetcher: FakeFetcher
) -> None:
    assert await languages(ann, avatar, fetcher, SHORT, GERMAN, ENGLISH) == {"/": "de", "/next": "de", "/last": "en"}
