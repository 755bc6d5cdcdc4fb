"""A shutdown with a database that is stuck: whoever waits is told, and the process ends."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp

from tests.doors.doors import SEND, GraphQLSendAndFollow
from tests.doors.raw import Wire, request, wire
from tests.e2e.process import avatarium

SECONDS = 9
"""A third is for the replies, a third for the requests, a third for the end: each answer has time to arrive."""
SHORT_ID = "DemoAvatar1"


async def answer_on(connection: Wire) -> tuple[bytes, Any]:
    """The first line of what the server says until it hangs up, and its body."""
    head, _, body = (await connection.to_the_end()).partition(b"\r\n\r\n")
    return head.split(b"\r\n")[0], json.loads(body)


async def test_a_database_that_is_stuck_holds_nobody_up(tmp_path: Path) -> None:
    never = f"sqlite:///{tmp_path / 'stuck.db'}?timeout=3600"
    async with (
        avatarium(tmp_path, AVATARIUM_DATABASE_URL=never, AVATARIUM_SHUTDOWN_TIMEOUT=str(SECONDS)) as server,
        aiohttp.ClientSession() as http,
        wire(server.url) as rest,
        wire(server.url) as graphql,
    ):
        session = await GraphQLSendAndFollow(server.url, http).start(SHORT_ID)
        with closing(sqlite3.connect(tmp_path / "stuck.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            said = {"sessionId": session, "message": "Hi"}
            operation = {"query": SEND, "variables": {"input": {"sessionId": session, "content": "Hi"}}}
            await rest.send(post(f"/v1/public/avatar/{SHORT_ID}/chat", said))
            await graphql.send(post("/graphql", operation))
            async with http.get(f"{server.url}/health") as response:  # what was sent before has been read by then
                assert response.status == 200
            server.process.terminate()
            line, envelope = await answer_on(rest)
            graphql_line, payload = await answer_on(graphql)
            assert await server.stop() == 1
    assert b" 503 " in line
    assert (set(envelope), envelope["error"]["code"]) == ({"error", "meta"}, "SERVICE_UNAVAILABLE")
    assert b" 503 " in graphql_line
    [error] = payload["errors"]
    assert (error["extensions"]["code"], error["extensions"]["retryable"]) == ("SERVICE_UNAVAILABLE", True)
    assert "by force" in "".join(server.output)


def post(target: str, body: object) -> bytes:
    return request("POST", target, json.dumps(body).encode(), Content_Type="application/json")
