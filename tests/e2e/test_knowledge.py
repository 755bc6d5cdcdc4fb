"""Knowledge in a process of its own: one that is killed in the middle of its work, and one that takes it up."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp

from resolvers.indexing.building import EMBEDDED_AT_ONCE
from tests.e2e.process import Avatarium, avatarium
from tests.parts.embeddings import running_embeddings

EMAIL = "owner@example.com"
AVATAR = {"slug": "knowing", "name": "Ava", "avatarModelUrl": "https://models.example.com/a.glb"}
PARAGRAPHS = 3 * EMBEDDED_AT_ONCE
TEXT = "\n\n".join(
    f"## Part {number}\n\n" + f"The word number {number} stands here. " * 40 for number in range(PARAGRAPHS)
)


async def call(server: Avatarium, token: str, method: str, path: str, **more: Any) -> Any:
    url = f"{server.url}/v1/consumer-avatars{path}"
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as http,
        http.request(method, url, **more) as response,
    ):
        assert response.status == 200, await response.text()
        return (await response.json()).get("data")


def rows(data: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(data / "avatarium.db")) as connection, connection:
        return connection.execute(query).fetchall()


async def test_a_killed_process_leaves_nothing_half_or_doubled(tmp_path: Path) -> None:
    async with running_embeddings(calls=1) as provider:
        settings = {
            "AVATARIUM_DEMO": "false",
            "AVATARIUM_EMBEDDINGS": "openai/text-embedding-3-small",
            "OPENAI_API_KEY": "key",
            "OPENAI_API_BASE": provider.url,
        }
        async with avatarium(tmp_path, **settings) as server:
            token = await server.command("token", "--email", EMAIL)
            avatar = (await call(server, token, "POST", "", json=AVATAR))["shortId"]
            form = aiohttp.FormData({"title": "Parts"}, quote_fields=False)
            form.add_field("file", TEXT.encode(), filename="parts.md")
            item = await call(server, token, "POST", f"/{avatar}/knowledge", data=form)
            await provider.stalled.wait()
            server.process.kill()
            await server.process.wait()
        assert rows(tmp_path, "SELECT status, generation FROM knowledge") == [("indexing", 0)]
        first = list(provider.texts)
        stored = rows(tmp_path, "SELECT id FROM passages ORDER BY id")
        rows(tmp_path, "UPDATE jobs SET leased_until = '2026-01-01 00:00:00'")
        provider.may_go_on.set()
        async with avatarium(tmp_path, **settings) as server:
            while (await call(server, token, "GET", f"/{avatar}/knowledge/{item['id']}"))["status"] != "ready":  # noqa: ASYNC110
                await asyncio.sleep(0.1)
            found = await call(server, token, "GET", f"/{avatar}/knowledge/{item['id']}")
            while rows(tmp_path, "SELECT id FROM jobs"):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        assert found["chunkCount"] == len(stored)
        assert rows(tmp_path, "SELECT id FROM passages ORDER BY id") == stored
        assert len(first) == EMBEDDED_AT_ONCE
        later = provider.texts[len(first) :]
        assert not set(first) & set(later), "vectors that exist are not made again"
        assert sorted({*first, *later}) == sorted(set(provider.texts))
