"""The port of knowledge's news."""

import asyncio
from dataclasses import replace

import pytest

from adapters.memory.news import MemoryNews
from domain.knowledge.items import KnowledgeDeleted, KnowledgeProgress
from domain.knowledge.ports import KnowledgeNews
from tests.builders import an_account, an_avatar, an_item

AVATAR = an_avatar(an_account())
ITEM, OTHER = an_item(AVATAR), an_item(AVATAR)


@pytest.fixture
def news() -> KnowledgeNews:
    return MemoryNews()


async def test_a_watcher_hears_what_happens_from_its_entering_on(news: KnowledgeNews) -> None:
    news.publish(KnowledgeProgress(OTHER))
    async with news.follow(AVATAR.id) as events:
        news.publish(KnowledgeProgress(ITEM))
        assert await anext(events) == KnowledgeProgress(ITEM)
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        news.publish(KnowledgeDeleted(AVATAR.id, ITEM.id))
        assert await waiting == KnowledgeDeleted(AVATAR.id, ITEM.id)


async def test_a_slow_watcher_gets_the_latest_of_each_item(news: KnowledgeNews) -> None:
    async with news.follow(AVATAR.id) as events:
        for done in range(3):
            news.publish(KnowledgeProgress(replace(ITEM, done=done)))
        news.publish(KnowledgeProgress(OTHER))
        assert await anext(events) == KnowledgeProgress(replace(ITEM, done=2))
        assert await anext(events) == KnowledgeProgress(OTHER)


async def test_every_watcher_hears_it_and_only_of_its_avatar(news: KnowledgeNews) -> None:
    stranger = an_item(an_avatar(an_account()))
    async with news.follow(AVATAR.id) as one, news.follow(AVATAR.id) as two:
        news.publish(KnowledgeProgress(stranger))
        news.publish(KnowledgeProgress(ITEM))
        assert [await anext(one), await anext(two)] == [KnowledgeProgress(ITEM)] * 2
