"""What the turns, the watchers and the callers of one process share, kept in its memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from adapters.memory.limiter import MemoryLimiter
from adapters.memory.news import MemoryNews
from adapters.memory.replies import MemoryReplies
from domain.knowledge.ports import KnowledgeNews
from domain.ports import Clock, Limiter, ReplyLog


@dataclass(frozen=True, slots=True)
class Memory:
    replies: ReplyLog
    news: KnowledgeNews
    limiter: Limiter


@asynccontextmanager
async def open_memory(clock: Clock) -> AsyncIterator[Memory]:
    yield Memory(MemoryReplies(clock), MemoryNews(), MemoryLimiter(clock))
