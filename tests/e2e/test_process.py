"""The process: first start, health, shutdown in the middle of a reply, and refusals to start."""

import asyncio
import os
import signal
import sqlite3
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import Connection

from adapters.database.migrations import alone
from tests.doors.doors import GraphQLSendAndFollow
from tests.doors.raw import request, wire
from tests.e2e.process import PROGRAM, avatarium
from tests.parts.ports import free_port
from tests.parts.postgres import Postgres
from tests.parts.upstream import running_upstream


@dataclass(frozen=True)
class Starting:
    """A server that does not come to its database before `go_on`, since another program has that for itself."""

    url: str
    process: Process
    go_on: Callable[[], object]

    async def answer(self, path: str) -> tuple[int, Any]:
        """Status and body, as soon as somebody listens."""
        async with aiohttp.ClientSession() as http:
            while True:
                assert self.process.returncode is None
                try:
                    async with http.get(self.url + path) as response:
                        return response.status, await response.json()
                except aiohttp.ClientConnectorError:
                    await asyncio.sleep(0.01)


@pytest.fixture
async def starting(tmp_path: Path) -> AsyncIterator[Starting]:
    port, file = free_port(), tmp_path / "avatarium.db"
    environment = {
        "PATH": os.environ["PATH"],
        "AVATARIUM_PORT": str(port),
        "AVATARIUM_DATA_DIR": str(tmp_path),
        "AVATARIUM_DATABASE_URL": f"sqlite:///{file}?timeout=3600",
    }
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        process = await asyncio.create_subprocess_exec(
            PROGRAM, "serve", env=environment, stdout=DEVNULL, stderr=DEVNULL
        )
        yield Starting(f"http://127.0.0.1:{port}", process, partial(other.execute, "ROLLBACK"))
    if process.returncode is None:
        process.kill()
    await process.wait()


async def test_health_answers_while_the_rest_still_loads(starting: Starting) -> None:
    assert await starting.answer("/health") == (200, {"status": "starting"})
    assert await starting.answer("/ready") == (503, {"status": "unready", "reasons": ["STARTING"]})
    starting.go_on()
    while await starting.answer("/health") != (200, {"status": "ok"}):
        pass
    while await starting.answer("/ready") != (200, {"status": "ready"}):
        pass
    starting.process.terminate()
    assert await starting.process.wait() == -signal.SIGTERM


async def test_a_request_that_comes_while_it_loads_waits_and_is_answered(starting: Starting) -> None:
    await starting.answer("/health")
    async with wire(starting.url) as connection:
        await connection.send(request("GET", "/v1/public/avatar/DemoAvatar1"))
        assert await starting.answer("/health") == (200, {"status": "starting"})
        assert connection.heard == b""
        starting.go_on()
        assert b"200 OK" in await connection.until(b'"name":"Ava"')


async def test_a_link_that_is_printed_while_it_runs_signs_in(tmp_path: Path) -> None:
    async with avatarium(tmp_path) as server, aiohttp.ClientSession() as http:
        address, _, token = (await server.command("link", "--email", "ada@example.com")).partition("#token=")
        async with http.get(address) as page:
            assert page.status == 200
        avatars = f"{server.url}/v1/consumer-avatars"
        async with (
            http.get(avatars) as stranger,
            http.get(avatars, headers={"Authorization": f"Bearer {token}"}) as ada,
        ):
            assert (stranger.status, ada.status) == (401, 200)


async def test_a_shutdown_stores_what_was_said(tmp_path: Path) -> None:
    async with (
        running_upstream() as upstream,
        avatarium(tmp_path, GROQ_API_KEY="key", GROQ_API_BASE=upstream.url) as server,
        aiohttp.ClientSession() as http,
    ):
        with closing(sqlite3.connect(tmp_path / "avatarium.db")) as connection, connection:
            connection.execute("UPDATE avatars SET ai_model = 'dictated'")
        door = GraphQLSendAndFollow(server.url, http)
        session = await door.start("DemoAvatar1")
        events = door.events({"sessionId": session, "content": "Talk"})
        seen = []
        async for event in events:
            seen.append(event["__typename"])
            upstream.dictation.put_nowait("word ")
            if seen[-1] == "ReplyChunk" and seen.count("ReplyChunk") == 3:
                server.process.terminate()
            if event["__typename"] == "ReplyDone":
                assert event["interrupted"]
                said = event["text"]
        assert seen[-1] == "ReplyDone"
        assert await server.stop() == -signal.SIGTERM
    with closing(sqlite3.connect(tmp_path / "avatarium.db")) as connection:
        stored = connection.execute("SELECT content, status FROM messages WHERE role = 'assistant'").fetchall()
    assert stored == [(said, "interrupted")]


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path, postgres: Postgres) -> AsyncIterator[str]:
    """The address of a database that is empty."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'avatarium.db'}"
        return
    async with postgres.database("template1") as url:
        yield url


async def sql(database: str, statement: str) -> list[Sequence[object]]:
    def run(connection: Connection) -> list[Sequence[object]]:
        result = connection.exec_driver_sql(statement)
        return [tuple(row) for row in result] if result.returns_rows else []

    return await asyncio.to_thread(alone, database, run)


async def test_words_survive_a_kill_and_the_open_reply_is_closed(tmp_path: Path, database: str) -> None:
    async with running_upstream() as upstream:
        settings = {"GROQ_API_KEY": "key", "GROQ_API_BASE": upstream.url, "AVATARIUM_DATABASE_URL": database}
        async with avatarium(tmp_path, **settings) as server, aiohttp.ClientSession() as http:
            await sql(database, "UPDATE avatars SET ai_model = 'dictated'")
            door = GraphQLSendAndFollow(server.url, http)
            session = await door.start("DemoAvatar1")
            upstream.dictation.put_nowait("Once upon")
            async with aclosing(door.events({"sessionId": session, "content": "Never lose this"})) as events:
                await anext(events)
                while not (draft := await draft_in(database)):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            server.process.kill()
            await server.process.wait()
        async with avatarium(tmp_path, **settings):
            while await sql(database, "SELECT id FROM messages WHERE status = 'streaming'"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    stored = await sql(database, "SELECT role, content, status FROM messages ORDER BY position")
    assert stored[0] == ("user", "Never lose this", "complete")
    assert stored[1] == ("assistant", draft, "interrupted")


async def draft_in(database: str) -> str:
    """What the database has of the newest reply."""
    [(content,)] = await sql(database, "SELECT content FROM messages WHERE role = 'assistant'")
    return str(content)


async def test_two_servers_that_start_at_once_share_a_new_database(tmp_path: Path, postgres: Postgres) -> None:
    async with postgres.database("template1") as url, AsyncExitStack() as stack:
        starting = [avatarium(tmp_path, AVATARIUM_DATABASE_URL=url) for _ in range(2)]
        await asyncio.gather(*[stack.enter_async_context(server) for server in starting])
        assert await sql(url, "SELECT name FROM avatars") == [("Ava",)]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"AVATARIUM_PROT": "1"}, "AVATARIUM_PORT"),
        ({"AVATARIUM_PORT": "none"}, "AVATARIUM_PORT"),
        ({"FIREBASE_AUTH_EMULATOR_HOST": "127.0.0.1:9099"}, "FIREBASE_AUTH_EMULATOR_HOST"),
        ({"AVATARIUM_HOST": "0.0.0.0"}, "AVATARIUM_ALLOW_REMOTE_LOCAL_SIGN_IN"),
    ],
)
async def test_it_refuses_to_start_and_says_why(tmp_path: Path, settings: dict[str, str], named: str) -> None:
    environment = {"PATH": os.environ["PATH"], "AVATARIUM_DATA_DIR": str(tmp_path), **settings}
    process = await asyncio.create_subprocess_exec(
        PROGRAM, "serve", env=environment, cwd=tmp_path, stdout=PIPE, stderr=PIPE
    )
    _, said = await process.communicate()
    assert process.returncode == 1
    assert named in said.decode()
    assert "Traceback" not in said.decode()
