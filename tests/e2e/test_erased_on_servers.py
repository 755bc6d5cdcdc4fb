"""Knowledge on PostgreSQL and a Chroma server: added, asked for, and deleted without a trace."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import asyncpg
import chromadb
from chromadb.config import Settings

from tests.doors.doors import Rest
from tests.e2e.owners import owner_at
from tests.e2e.process import avatarium
from tests.parts.embeddings import running_embeddings
from tests.parts.postgres import Postgres

TEXT = "The Wolpertinger sleeps in the attic."
QUESTION = "Where does the Wolpertinger sleep?"
WORD = "Wolpertinger"
SAID = {"messages"}
"""A conversation keeps what was said in it."""


async def rows(database: asyncpg.Connection, query: str) -> list[str]:
    return [str(row[0]) for row in await database.fetch(query)]


async def tables_with(database: asyncpg.Connection, word: str) -> set[str]:
    """The tables with a row that holds it, as text or as bytes."""
    names = await rows(database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    forms = (word.lower(), word.encode().hex())
    held = {name: "\n".join(await rows(database, f'SELECT t::text FROM "{name}" t')).lower() for name in names}
    return {name for name, text in held.items() if any(form in text for form in forms)}


def kept_vectors(url: str, passage_ids: Sequence[str]) -> int:
    host, _, port = url.removeprefix("http://").partition(":")
    client = chromadb.HttpClient(host, int(port), settings=Settings(anonymized_telemetry=False))
    return sum(len(each.get(ids=list(passage_ids), include=[])["ids"]) for each in client.list_collections())


async def test_a_deleted_word_is_in_no_table(tmp_path: Path, postgres: Postgres, chroma_server: str) -> None:
    async with postgres.database() as url, running_embeddings(calls=1000) as provider:
        database = await asyncpg.connect(url)
        settings = {
            "AVATARIUM_DEMO": "false",
            "AVATARIUM_DATABASE_URL": url,
            "AVATARIUM_CHROMA_URL": chroma_server,
            "AVATARIUM_EMBEDDINGS": "openai/text-embedding-3-small",
            "OPENAI_API_BASE": provider.url,
        }
        async with (
            avatarium(tmp_path, **settings) as server,
            owner_at(server) as owner,
            aiohttp.ClientSession() as http,
        ):
            short_id, door = await owner.create(aiProvider="groq"), Rest(server.url, http)
            item = await owner.add(short_id, json={"type": "text", "title": "The attic", "content": TEXT})
            await owner.ready(short_id)
            answer = await door.say(short_id, await door.start(short_id), QUESTION)
            assert (answer.text, answer.sources[0]["title"]) == (f"{TEXT} [1]", "The attic")
            passages = await rows(database, "SELECT id FROM passages")
            assert await asyncio.to_thread(kept_vectors, chroma_server, passages) == len(passages) > 0
            assert await tables_with(database, WORD) > SAID
            await owner.delete(short_id, item)
            while await rows(database, "SELECT id FROM jobs"):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            assert await tables_with(database, WORD) == SAID
            assert await asyncio.to_thread(kept_vectors, chroma_server, passages) == 0
            assert WORD not in (await door.say(short_id, await door.start(short_id), QUESTION)).text
            assert await server.leaks(WORD) == []
        await database.close()
