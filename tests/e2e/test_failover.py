"""A provider that fails in any way still gives the visitor one whole answer, when another has a key."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, closing
from functools import partial
from itertools import count
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from tests.doors.doors import DOORS, Door
from tests.e2e.process import Avatarium, avatarium
from tests.parts.upstream import SEVEN, TEXT, Upstream, running_upstream

BEFORE_THE_FIRST_WORD = ("500", "429", "404", "empty", "html", "redirect")
AFTER_SEVEN_TOKENS = ("nodone", "error-in-stream")
# Each test comes from a loopback address of its own, since visitors' addresses are limited.
ADDRESSES = (f"127.0.{high}.{low}" for high in range(1, 255) for low in range(1, 255))
NUMBERS = count()
MakeAvatar = Callable[..., Awaitable[str]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def upstream() -> AsyncIterator[Upstream]:
    async with running_upstream() as upstream:
        yield upstream


def started(data: Path, upstream: Upstream, **more: str) -> AbstractAsyncContextManager[Avatarium]:
    return avatarium(
        data,
        GROQ_API_KEY="groq-key",
        GROQ_API_BASE=upstream.url,
        OPENAI_API_KEY="openai-key",
        OPENAI_API_BASE=upstream.url,
        **more,
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Avatarium]:
    async with started(tmp_path_factory.mktemp("data"), upstream) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def impatient(
    server: Avatarium, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Avatarium]:
    """It waits for a word ten times as long as all doors together need for whole answers."""
    token = await token_of(server)
    began = time.monotonic()
    await through_every_door(server, token, "whole")
    wait = str(10 * (time.monotonic() - began))
    patience = {"AVATARIUM_AI_FIRST_TOKEN_TIMEOUT": wait, "AVATARIUM_AI_BETWEEN_TOKENS_TIMEOUT": wait}
    async with started(tmp_path_factory.mktemp("impatient"), upstream, **patience) as server:
        await through_every_door(server, await token_of(server), "whole")
        yield server


def visitor() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(local_addr=(next(ADDRESSES), 0)))


@pytest_asyncio.fixture(loop_scope="module")
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with visitor() as http:
        yield http


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def token(server: Avatarium) -> str:
    return await token_of(server)


async def token_of(server: Avatarium) -> str:
    return await server.command("token", "--email", "owner@example.com")


@pytest.fixture
def make_avatar(server: Avatarium, http: aiohttp.ClientSession, token: str) -> MakeAvatar:
    return partial(avatar_with, server, http, token)


async def avatar_with(server: Avatarium, http: aiohttp.ClientSession, token: str, **fields: object) -> str:
    """The short id of a new avatar. Its key is its own, so no earlier failure counts against it."""
    number = next(NUMBERS)
    async with http.post(
        f"{server.url}/v1/consumer-avatars",
        headers={"Authorization": f"Bearer {token}"},
        json={
            "slug": f"avatar-{number}",
            "name": "Ava",
            "avatarModelUrl": "https://models.example.com/a.glb",
            "aiApiKey": f"own-key-{number}",
            **fields,
        },
    ) as response:
        created = await response.json()
    return str(created["data"]["shortId"])


async def through_every_door(server: Avatarium, token: str, model: str) -> list[str]:
    """The answers of avatars with this model, asked all at once."""

    async def answer(kind: type[Door]) -> str:
        async with visitor() as http:
            short_id = await avatar_with(server, http, token, aiProvider="groq", aiModel=model)
            door = kind(server.url, http)
            return (await door.say(short_id, await door.start(short_id), "Hello")).text

    return await asyncio.gather(*(answer(kind) for kind in DOORS))


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("kind", DOORS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("fault", BEFORE_THE_FIRST_WORD)
async def test_before_the_first_word(
    server: Avatarium,
    upstream: Upstream,
    http: aiohttp.ClientSession,
    make_avatar: MakeAvatar,
    kind: type[Door],
    fault: str,
) -> None:
    short_id = await make_avatar(aiProvider="groq", aiModel=fault)
    door = kind(server.url, http)
    answer = await door.say(short_id, await door.start(short_id), "Hello")
    assert answer.text == TEXT
    assert upstream.last.keys == ["groq-key"]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("kind", DOORS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("fault", AFTER_SEVEN_TOKENS)
async def test_after_seven_tokens(
    server: Avatarium,
    upstream: Upstream,
    http: aiohttp.ClientSession,
    make_avatar: MakeAvatar,
    kind: type[Door],
    fault: str,
) -> None:
    short_id = await make_avatar(aiProvider="groq", aiModel=fault)
    door = kind(server.url, http)
    answer = await door.say(short_id, await door.start(short_id), "Hello")
    assert answer.text == f"{SEVEN}{TEXT}"
    assert [message["role"] for message in upstream.last.body["messages"]] == ["system", "user", "assistant", "user"]


@pytest.mark.asyncio(loop_scope="module")
async def test_a_connection_that_is_cut_after_seven_tokens(server: Avatarium, upstream: Upstream, token: str) -> None:
    upstream.may_cut.clear()
    asked = asyncio.create_task(through_every_door(server, token, "half"))
    while drafts(server).count(SEVEN) < len(DOORS):  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    upstream.may_cut.set()
    assert await asked == [f"{SEVEN}{TEXT}"] * len(DOORS)


def drafts(server: Avatarium) -> list[str]:
    """What the replies have said that are still being spoken."""
    with closing(sqlite3.connect(server.data / "avatarium.db")) as connection:
        return [text for (text,) in connection.execute("SELECT content FROM messages WHERE status = 'streaming'")]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("fault", "said"), [("silent", ""), ("stall", SEVEN)], ids=["silent", "stall"])
async def test_a_provider_that_says_no_word_more(impatient: Avatarium, fault: str, said: str) -> None:
    token = await token_of(impatient)
    assert await through_every_door(impatient, token, fault) == [f"{said}{TEXT}"] * len(DOORS)


@pytest.mark.asyncio(loop_scope="module")
async def test_an_owners_key_reaches_only_its_provider(
    server: Avatarium, upstream: Upstream, http: aiohttp.ClientSession, make_avatar: MakeAvatar
) -> None:
    before = len(upstream.requests)
    short_id = await make_avatar(aiProvider="groq", aiModel="500", aiApiKey="the-owners-own-key")
    door = DOORS[0](server.url, http)
    await door.say(short_id, await door.start(short_id), "Hello")
    keys = [key for request in upstream.requests[before:] for key in request.keys]
    assert keys == ["the-owners-own-key", "groq-key"]


@pytest.mark.asyncio(loop_scope="module")
async def test_a_private_address_is_never_asked(
    server: Avatarium, upstream: Upstream, http: aiohttp.ClientSession, make_avatar: MakeAvatar
) -> None:
    before = len(upstream.requests)
    short_id = await make_avatar(aiProvider="custom", aiModel="whole", aiBaseUrl=upstream.url)
    door = DOORS[0](server.url, http)
    with pytest.raises(Exception, match="AI_PROVIDER_ERROR"):
        await door.say(short_id, await door.start(short_id), "Hello")
    assert len(upstream.requests) == before


@pytest.mark.asyncio(loop_scope="module")
async def test_no_key_and_no_word_is_printed(server: Avatarium, impatient: Avatarium) -> None:
    for each in (server, impatient):
        assert await each.leaks("own-key", "groq-key", "openai-key", "owners", "Hello", "token ") == []
