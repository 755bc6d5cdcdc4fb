"""A full disk and a locked database: nobody hears of a success that was none, and the server goes on afterwards."""

import asyncio
import resource
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, closing, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.doors.doors import DOORS, Door, GraphQLSendAndFollow, Refused
from tests.e2e.process import Avatarium, avatarium
from tests.parts.upstream import TEXT, Upstream, running_upstream

KEY, WORDS = "the-key-of-groq", "words of a visitor"
SHORT_ID = "DemoAvatar1"
Talks = Sequence[tuple[Door, str]]
STOP = "mutation ($input: StopReplyInput!) { stopReply(input: $input) { __typename } }"

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def upstream() -> AsyncIterator[Upstream]:
    async with running_upstream() as upstream:
        yield upstream


def waiting_for_locks(data: Path, upstream: Upstream, seconds: float) -> AbstractAsyncContextManager[Avatarium]:
    url = f"sqlite:///{data / 'avatarium.db'}?timeout={seconds}"
    return avatarium(data, GROQ_API_KEY=KEY, GROQ_API_BASE=upstream.url, AVATARIUM_DATABASE_URL=url)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Avatarium]:
    """It waits for a lock as long as that lasts."""
    async with waiting_for_locks(tmp_path_factory.mktemp("data"), upstream, 3600) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as http:
        yield http


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def talks(server: Avatarium, http: aiohttp.ClientSession) -> Talks:
    return await begun(server, http)


async def begun(server: Avatarium, http: aiohttp.ClientSession) -> Talks:
    doors = [kind(server.url, http) for kind in DOORS]
    return [(door, await door.start(SHORT_ID)) for door in doors]


@contextmanager
def database(server: Avatarium) -> Iterator[sqlite3.Connection]:
    """Another program's connection."""
    with closing(sqlite3.connect(server.data / "avatarium.db", isolation_level=None)) as connection:
        yield connection


def speak_with(server: Avatarium, model: str) -> None:
    with database(server) as connection:
        connection.execute("UPDATE avatars SET ai_model = ?", [model])


def messages(server: Avatarium) -> Sequence[tuple[str, str, str]]:
    with database(server) as connection:
        return connection.execute("SELECT role, content, status FROM messages ORDER BY position").fetchall()


@contextmanager
def full_disk(server: Avatarium) -> Iterator[None]:
    """None of the server's files takes another byte. Other than a file system of its own this needs no rights."""
    limits = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        yield
    finally:
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limits)


async def code_of(door: Door, session: str) -> str:
    with pytest.raises(Refused) as refused:
        await door.say(SHORT_ID, session, WORDS)
    return refused.value.code


async def next_chunk(events: AsyncIterator[dict[str, Any]]) -> dict[str, Any]:
    while (event := await anext(events))["__typename"] != "ReplyChunk":
        pass
    return event


async def until_none_is_streaming(server: Avatarium) -> None:
    while any(status == "streaming" for _, _, status in messages(server)):  # noqa: ASYNC110
        await asyncio.sleep(0.05)


async def test_a_full_disk(server: Avatarium, upstream: Upstream, http: aiohttp.ClientSession, talks: Talks) -> None:
    """The reply that is being spoken can neither go on as a draft nor end; afterwards it is stored as it was heard."""
    speak_with(server, "dictated")
    door = GraphQLSendAndFollow(server.url, http)
    sent = {"sessionId": await door.start(SHORT_ID), "content": WORDS}
    async with aclosing(door.events(sent)) as events:
        upstream.dictation.put_nowait("token ")
        heard = [await next_chunk(events)]
        with full_disk(server):
            codes = await asyncio.gather(*[code_of(*talk) for talk in talks])
            with pytest.raises(Refused, match="SERVICE_UNAVAILABLE"):
                await door.start(SHORT_ID)
            upstream.dictation.put_nowait("token ")
            heard.append(await next_chunk(events))
            await door.execute(STOP, {"input": {"replyId": heard[0]["replyId"]}})
            [failed] = [event async for event in events]
            during = messages(server)
    assert codes == ["SERVICE_UNAVAILABLE"] * len(talks)
    assert (failed["code"], failed["retryable"]) == ("SERVICE_UNAVAILABLE", True)
    assert [(role, status) for role, _, status in during] == [("user", "complete"), ("assistant", "streaming")]
    await until_none_is_streaming(server)
    assert messages(server) == [("user", WORDS, "complete"), ("assistant", "token token ", "interrupted")]


async def test_it_goes_on_when_there_is_space_again(server: Avatarium, talks: Talks) -> None:
    speak_with(server, "whole")
    answers = await asyncio.gather(*[door.say(SHORT_ID, session, WORDS) for door, session in talks])
    assert [answer.text for answer in answers] == [TEXT] * len(talks)


async def test_a_lock_that_is_given_back_is_waited_for(
    server: Avatarium, http: aiohttp.ClientSession, talks: Talks
) -> None:
    with database(server) as other:
        other.execute("BEGIN EXCLUSIVE")
        saying = [asyncio.create_task(door.say(SHORT_ID, session, WORDS)) for door, session in talks]
        await questions_answered(server, http, talks[0][1])
        assert not any(each.done() for each in saying)
        other.execute("ROLLBACK")
    assert [answer.text for answer in await asyncio.gather(*saying)] == [TEXT] * len(talks)


async def questions_answered(server: Avatarium, http: aiohttp.ClientSession, session: str) -> None:
    """So many, each of which reads the database, that whoever asked something before has met the lock."""
    door = GraphQLSendAndFollow(server.url, http)
    for _ in range(20):
        assert await door.execute("query ($id: ID!) { node(id: $id) { id } }", {"id": session}) == {
            "node": {"id": session}
        }


async def test_a_lock_that_lasts_is_told(tmp_path: Path, upstream: Upstream, http: aiohttp.ClientSession) -> None:
    async with waiting_for_locks(tmp_path, upstream, 0.5) as server:
        talks = await begun(server, http)
        before = messages(server)
        with database(server) as other:
            other.execute("BEGIN EXCLUSIVE")
            codes = await asyncio.gather(*[code_of(*talk) for talk in talks])
            other.execute("ROLLBACK")
        assert codes == ["SERVICE_UNAVAILABLE"] * len(talks)
        assert messages(server) == before
        assert await server.leaks(KEY, WORDS) == []


async def test_no_key_and_no_word_is_printed(server: Avatarium) -> None:
    assert await server.leaks(KEY, WORDS, "token ", TEXT[:20]) == []
