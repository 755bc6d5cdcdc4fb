"""No word that somebody said or typed reaches the log of the program, whatever goes wrong."""

import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import closing, suppress
from itertools import count, product
from pathlib import Path
from typing import Any

import aiohttp
import pytest_asyncio

from tests.doors.doors import DOORS, Door, Refused
from tests.e2e.process import Avatarium, avatarium
from tests.parts.upstream import running_upstream

SECRET = "xyzzy"
"""Is in everything that nobody may find in the log."""
FAULTS = ("whole", "500", "400", "429", "half", "error-in-stream", "html", "empty", "redirect")
NUMBERS = count(1)
Kind = Callable[[str, aiohttp.ClientSession], Door]
KINDS: tuple[Kind, ...] = DOORS
PASSWORD = f"password-{SECRET}"


@pytest_asyncio.fixture
async def server(tmp_path: Path) -> AsyncIterator[Avatarium]:
    async with (
        running_upstream() as upstream,
        avatarium(
            tmp_path,
            GROQ_API_KEY=f"groq-{SECRET}",
            GROQ_API_BASE=upstream.url,
            ANTHROPIC_API_KEY=f"anthropic-{SECRET}",
            ANTHROPIC_API_BASE=upstream.url,
            AVATARIUM_LOG_LEVEL="debug",
            AVATARIUM_LOG_FORMAT="json",
            AVATARIUM_METRICS_TOKEN=f"metrics-{SECRET}" * 4,
        ) as server,
    ):
        yield server


async def avatar_with(server: Avatarium, http: aiohttp.ClientSession, token: str, **fields: object) -> dict[str, Any]:
    body = {
        "slug": f"{SECRET}-{next(NUMBERS)}",
        "name": f"name {SECRET}",
        "avatarModelUrl": f"https://models.example.com/{SECRET}.glb",
        "personality": f"personality {SECRET}",
        "aiApiKey": f"own-{SECRET}",
        **fields,
    }
    headers = {"Authorization": f"Bearer {token}"}
    async with http.post(f"{server.url}/v1/consumer-avatars", headers=headers, json=body) as response:
        created = await response.json()
    data: dict[str, Any] = created["data"]
    return data


def visitor() -> aiohttp.ClientSession:
    """From a loopback address of its own, since visitors' addresses are limited."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(local_addr=(f"127.0.1.{next(NUMBERS)}", 0)))


async def test_no_secret_is_in_the_log(server: Avatarium) -> None:
    token = await server.command("token", "--email", f"{SECRET}@example.com")
    brains = [("groq", fault) for fault in FAULTS] + [("anthropic", "500")]
    for kind, (provider, model) in product(KINDS, brains):
        await visit(kind, server, token, {"aiProvider": provider, "aiModel": model})
    for kind, password in product(KINDS, (PASSWORD, f"wrong-{SECRET}")):
        await visit(kind, server, token, {"password": PASSWORD}, password=password)
    async with visitor() as http:
        await knock(server.url, http, str((await avatar_with(server, http, token))["shortId"]))
    await server.stop()
    printed = "".join(server.output)
    log = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    assert SECRET not in printed
    assert token not in printed
    assert "Traceback" not in printed
    assert {line["logger"] for line in log} >= {"avatarium.access", "avatarium.turns"}
    routes = {line["route"] for line in log if line["logger"] == "avatarium.access"}
    assert {"/graphql", "/v1/public/avatar/{shortId}/chat", "/v1/public/avatar/{shortId}/ws", "unknown"} <= routes
    assert said(server.data / "avatarium.db") == len(KINDS) * (len(brains) + 1)
    assert all(line["request_id"] for line in log if line["logger"] == "avatarium.access")


def said(file: Path) -> int:
    """How often a visitor's secret words are in the database."""
    with closing(sqlite3.connect(file)) as connection:
        query = "SELECT count(*) FROM messages WHERE role = 'user' AND content LIKE ?"
        return int(connection.execute(query, (f"%{SECRET}%",)).fetchone()[0])


async def visit(kind: Kind, server: Avatarium, token: str, avatar: Mapping[str, object], **visitor_: str) -> None:
    async with visitor() as http:
        short_id = str((await avatar_with(server, http, token, **avatar))["shortId"])
        await converse(kind(server.url, http), short_id, **visitor_)


async def converse(door: Door, short_id: str, **visitor: str) -> None:
    """Says secret words twice: as a visitor with a name, and with the same message id for other words."""
    with suppress(Refused):
        session = await door.start(
            short_id, visitorName=f"visitor {SECRET}", visitorEmail=f"{SECRET}@visitors.example", **visitor
        )
        with suppress(Refused):
            await door.say(short_id, session, f"words {SECRET}", "message-1")
        await door.say(short_id, session, f"other words {SECRET}", "message-1")
    with suppress(Refused):
        await door.say(short_id, f"session-{SECRET}", f"words {SECRET}")


async def knock(url: str, http: aiohttp.ClientSession, short_id: str) -> None:
    """Requests that no door takes, each with a secret where one may be."""
    wrong = {"Authorization": f"Bearer token-{SECRET}"}
    bodies: list[dict[str, Any]] = [
        {"method": "GET", "url": f"{url}/{SECRET}?{SECRET}={SECRET}"},
        {"method": "GET", "url": f"{url}/a/{SECRET}?{SECRET}"},
        {"method": "GET", "url": f"{url}/assets/{SECRET}.js"},
        {"method": "GET", "url": f"{url}/v1/{SECRET}?token={SECRET}"},
        {"method": "GET", "url": f"{url}/metrics", "headers": wrong},
        {"method": "GET", "url": f"{url}/v1/consumer-avatars", "headers": wrong},
        {"method": "POST", "url": f"{url}/v1/public/avatar/{short_id}/chat", "data": f"{{ not json {SECRET}"},
        {"method": "POST", "url": f"{url}/v1/public/avatar/{SECRET}/session", "json": {"visitorEmail": SECRET}},
        {"method": "POST", "url": f"{url}/graphql", "json": {"query": f"{{ {SECRET} }}"}, "headers": wrong},
        {"method": "POST", "url": f"{url}/graphql", "json": {"query": f"query {SECRET} {{ me {{ id }} }}"}},
        {"method": "POST", "url": f"{url}/graphql", "data": f"{SECRET}"},
    ]
    for body in bodies:
        async with http.request(**body) as response:
            await response.read()
    async with http.ws_connect(f"{url}/v1/public/avatar/{short_id}/ws?token={SECRET}") as socket:
        await socket.send_str(f"not json {SECRET}")
        await socket.send_bytes(SECRET.encode())
        await socket.receive()
    async with http.ws_connect(f"{url}/graphql", protocols=["graphql-transport-ws"]) as socket:
        await socket.send_json({"type": "connection_init", "payload": {"Authorization": f"Bearer {SECRET}"}})
        await socket.receive()
    async with http.ws_connect(f"{url}/graphql", protocols=["graphql-transport-ws"]) as socket:
        await socket.send_json({"type": SECRET, "payload": SECRET})
        await socket.receive()
