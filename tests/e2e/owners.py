"""Somebody who has avatars on a server, and teaches them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import aiohttp

from tests.e2e.process import Avatarium

AVATAR = {"name": "Ava", "avatarModelUrl": "https://models.example.com/a.glb"}
NUMBERS = count(1)


@dataclass(frozen=True)
class Owner:
    http: aiohttp.ClientSession

    async def create(self, **fields: str) -> str:
        """The short id of a new avatar."""
        avatar = await self.call("POST", "", json={"slug": f"avatar-{next(NUMBERS)}", **AVATAR, **fields})
        return str(avatar["shortId"])

    async def add(self, short_id: str, **more: Any) -> str:
        """The id of a new item of knowledge."""
        return str((await self.call("POST", f"/{short_id}/knowledge", **more))["id"])

    async def ready(self, short_id: str) -> None:
        """Waits until everything that the avatar knows is indexed."""
        while True:
            states = {item["status"] for item in await self.call("GET", f"/{short_id}/knowledge")}
            if states == {"ready"}:
                return
            assert "failed" not in states
            await asyncio.sleep(0.05)

    async def delete(self, short_id: str, item_id: str) -> None:
        await self.call("DELETE", f"/{short_id}/knowledge/{item_id}")

    async def call(self, method: str, path: str, **more: Any) -> Any:
        """Over /v1."""
        async with self.http.request(method, f"/v1/consumer-avatars{path}", **more) as response:
            assert response.status == 200, await response.text()
            return (await response.json()).get("data")

    async def execute(self, query: str, **variables: object) -> Any:
        """Over GraphQL."""
        async with self.http.post("/graphql", json={"query": query, "variables": variables}) as response:
            answer = await response.json()
        assert "errors" not in answer, answer
        return answer["data"]


@asynccontextmanager
async def owner_at(server: Avatarium) -> AsyncIterator[Owner]:
    """The same one each time."""
    headers = {"Authorization": f"Bearer {await server.command('token', '--email', 'owner@example.com')}"}
    async with aiohttp.ClientSession(server.url, headers=headers, connector=from_elsewhere()) as http:
        yield Owner(http)


def from_elsewhere() -> aiohttp.TCPConnector:
    """From a loopback address of its own, since addresses are limited."""
    number = next(NUMBERS)
    return aiohttp.TCPConnector(local_addr=(f"127.0.{1 + number // 250}.{1 + number % 250}", 0))
