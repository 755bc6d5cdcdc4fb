"""PostgreSQL is restarted under load, in both ways: what was acknowledged is there, and the server needs no restart."""

import asyncio
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import aiohttp
import asyncpg

from tests.doors.doors import SEND, GraphQLSendAndFollow, Refused, Rest
from tests.e2e.process import avatarium
from tests.parts.postgres import running
from tests.parts.upstream import TEXT, running_upstream

KEY, PASSWORDLESS = "the-key-of-groq", "postgresql://postgres@"
SHORT_ID = "DemoAvatar1"


@dataclass(slots=True)
class Sender:
    """Sends one message after the other, whatever comes of them."""

    door: GraphQLSendAndFollow | Rest
    session: str
    acknowledged: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    async def send_on(self, over: asyncio.Event) -> None:
        for number in count():
            if over.is_set():
                return
            words = f"Message {number} in {self.session}"
            try:
                await self.send(words)
            except Refused as refused:
                self.refusals.append(refused.code)
            else:
                self.acknowledged.append(words)

    async def send(self, words: str) -> None:
        if isinstance(self.door, Rest):
            await self.door.say(SHORT_ID, self.session, words)
        else:
            await self.door.execute(SEND, {"input": {"sessionId": self.session, "content": words}})


async def until_all_grow(*lists: list[str]) -> None:
    """Until each has three items more than now."""
    wanted = [len(each) + 3 for each in lists]
    while any(len(each) < length for each, length in zip(lists, wanted, strict=True)):  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def test_a_restart_under_load(tmp_path: Path) -> None:
    with running() as postgres:
        await postgres.run("CREATE DATABASE restarted")
        url = postgres.url("restarted")
        async with (
            running_upstream() as upstream,
            avatarium(tmp_path, AVATARIUM_DATABASE_URL=url, GROQ_API_KEY=KEY, GROQ_API_BASE=upstream.url) as server,
            aiohttp.ClientSession() as http,
        ):
            doors = [kind(server.url, http) for kind in (GraphQLSendAndFollow, Rest) for _ in range(2)]
            senders = [Sender(door, await door.start(SHORT_ID)) for door in doors]
            over = asyncio.Event()
            sending = [asyncio.create_task(sender.send_on(over)) for sender in senders]
            for mode in ("fast", "immediate"):
                await until_all_grow(*[sender.acknowledged for sender in senders])
                await asyncio.to_thread(postgres.stop, mode)
                await until_all_grow(*[sender.refusals for sender in senders])
                await asyncio.to_thread(postgres.start)
            await until_all_grow(*[sender.acknowledged for sender in senders])
            over.set()
            await asyncio.gather(*sending)
            await until_none_is_streaming(url)
            stored = await rows(url, "SELECT content FROM messages WHERE role = 'user'")
            replies = await rows(url, "SELECT content, status FROM messages WHERE role = 'assistant'")
            assert await server.leaks(KEY, "Message ", TEXT[:20], PASSWORDLESS) == []
    assert {words for sender in senders for words in sender.acknowledged} <= {words for (words,) in stored}
    assert {refusal for sender in senders for refusal in sender.refusals} == {"SERVICE_UNAVAILABLE"}
    assert set(replies) == {(TEXT, "complete")}


async def until_none_is_streaming(url: str) -> None:
    while await rows(url, "SELECT 1 FROM messages WHERE status = 'streaming'"):  # noqa: ASYNC110
        await asyncio.sleep(0.05)


async def rows(url: str, sql: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(sql)]
    finally:
        await connection.close()
