"""The server is started with another embedding model: the old index serves until the new one is whole."""

import asyncio
from pathlib import Path

from tests.e2e.owners import Owner, owner_at
from tests.e2e.process import avatarium
from tests.parts.embeddings import running_embeddings

ALONE = {"AVATARIUM_DEMO": "false"}
MINILM, OPENAI = "minilm", "openai/text-embedding-3-small"
TEXT = """# The inn

## Animals

Pets may stay in all of our rooms.

## Breakfast

Eggs and fresh bread from seven to ten.

## Arrival

The keys are handed out from three o'clock.
"""
BY_MEANING, BY_WORDS = "Are dogs allowed?", "When are the keys handed out?"
STATUS = "{ avatars(first: 1) { edges { node { id knowledgeStatus { embeddingModel reindexing } } } } }"
TRY = "query ($id: ID!, $question: String!) { tryQuestion(avatarId: $id, question: $question) { text } }"


async def status(owner: Owner) -> tuple[str, str | None, bool]:
    """The avatar's id, the model that it is searched with, and whether another one takes over."""
    [edge] = (await owner.execute(STATUS))["avatars"]["edges"]
    told = edge["node"]["knowledgeStatus"]
    return edge["node"]["id"], told["embeddingModel"], told["reindexing"]


async def best(owner: Owner, question: str) -> str:
    """The passage that is found first, or nothing."""
    avatar_id, _, _ = await status(owner)
    found = (await owner.execute(TRY, id=avatar_id, question=question))["tryQuestion"]
    return str(found[0]["text"]) if found else ""


async def until_searched_with(owner: Owner, model: str) -> None:
    while (await status(owner))[1:] != (model, False):  # noqa: ASYNC110
        await asyncio.sleep(0.05)


async def until_found(owner: Owner, question: str, words: str) -> None:
    """A question whose vector takes too long is answered by words alone, as when its model still loads."""
    while words not in await best(owner, question):  # noqa: ASYNC110
        await asyncio.sleep(0.05)


async def test_a_local_model_gives_way_to_one_over_http(tmp_path: Path, minilm_folder: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "all-MiniLM-L6-v2").symlink_to(minilm_folder)
    async with running_embeddings() as provider:
        async with avatarium(tmp_path, **ALONE, AVATARIUM_EMBEDDINGS=MINILM) as server, owner_at(server) as owner:
            short_id = await owner.create()
            await owner.add(short_id, json={"type": "text", "title": "The inn", "content": TEXT})
            await owner.ready(short_id)
            await until_searched_with(owner, MINILM)
            await until_found(owner, BY_MEANING, "Pets may stay")
        new = {"AVATARIUM_EMBEDDINGS": OPENAI, "OPENAI_API_KEY": "key", "OPENAI_API_BASE": provider.url}
        async with avatarium(tmp_path, **ALONE, **new) as server, owner_at(server) as owner:
            await provider.stalled.wait()
            assert (await status(owner))[1:] == (MINILM, True)
            await until_found(owner, BY_MEANING, "Pets may stay")
            provider.may_go_on.set()
            await until_searched_with(owner, OPENAI)
            while BY_WORDS not in provider.texts:
                assert "three o'clock" in await best(owner, BY_WORDS)
            assert await server.leaks("Pets", "dogs", "key") == []


async def test_words_alone_give_way_to_a_model(tmp_path: Path) -> None:
    async with running_embeddings() as provider:
        async with avatarium(tmp_path, **ALONE) as server, owner_at(server) as owner:
            short_id = await owner.create()
            await owner.add(short_id, json={"type": "text", "title": "The inn", "content": TEXT})
            await owner.ready(short_id)
            assert (await status(owner))[1:] == (None, False)
        new = {"AVATARIUM_EMBEDDINGS": OPENAI, "OPENAI_API_KEY": "key", "OPENAI_API_BASE": provider.url}
        async with avatarium(tmp_path, **ALONE, **new) as server, owner_at(server) as owner:
            await provider.stalled.wait()
            assert (await status(owner))[1:] == (None, True)
            assert "three o'clock" in await best(owner, BY_WORDS)
            provider.may_go_on.set()
            await until_searched_with(owner, OPENAI)
            while BY_WORDS not in provider.texts:
                assert "three o'clock" in await best(owner, BY_WORDS)
