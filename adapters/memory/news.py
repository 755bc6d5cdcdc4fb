"""News of knowledge within a single process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from domain.knowledge.items import KnowledgeDeleted, KnowledgeEvent
from domain.knowledge.ports import KnowledgeNews


class Watcher(AsyncIterator[KnowledgeEvent]):
    """Keeps the latest event of each item that the watcher has not seen yet."""

    def __init__(self) -> None:
        self._waiting: dict[str, KnowledgeEvent] = {}
        self._woken = asyncio.Event()

    def tell(self, event: KnowledgeEvent) -> None:
        self._waiting[item_of(event)] = event
        self._woken.set()

    async def __anext__(self) -> KnowledgeEvent:
        await self._woken.wait()
        event = self._waiting.pop(next(iter(self._waiting)))
        if not self._waiting:
            self._woken.clear()
        return event


class MemoryNews(KnowledgeNews):
    def __init__(self) -> None:
        self._watchers: dict[str, set[Watcher]] = {}

    def publish(self, event: KnowledgeEvent) -> None:
        for watcher in self._watchers.get(avatar_of(event), ()):
            watcher.tell(event)

    @asynccontextmanager
    async def follow(self, avatar_id: str) -> AsyncIterator[AsyncIterator[KnowledgeEvent]]:
        watcher = Watcher()
        self._watchers.setdefault(avatar_id, set()).add(watcher)
        try:
            yield watcher
        finally:
            self._watchers[avatar_id].discard(watcher)
            if not self._watchers[avatar_id]:
                del self._watchers[avatar_id]


def avatar_of(event: KnowledgeEvent) -> str:
    return event.avatar_id if isinstance(event, KnowledgeDeleted) else event.item.avatar_id


def item_of(event: KnowledgeEvent) -> str:
    return event.item_id if isinstance(event, KnowledgeDeleted) else event.item.id
