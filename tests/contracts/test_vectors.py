"""What every store of vectors promises: the fake, embedded Chroma and a Chroma server."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable
from uuid import uuid4

import pytest
import pytest_asyncio

from adapters.vectors.chroma_vectors import open_vectors
from domain.knowledge.ports import Vector, Vectors
from tests.fakes.clock import FakeClock
from tests.fakes.vectors import MemoryVectors

MODEL, OTHER_MODEL, WIDE_MODEL = "minilm", "openai/text-embedding-3-small", "openai/text-embedding-3-large"
NORTH, EAST, SOUTH = (0.0, 1.0), (1.0, 0.0), (0.0, -1.0)
NORTH_EAST = (math.sqrt(0.5), math.sqrt(0.5))


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def clock() -> FakeClock:
    return FakeClock()


@pytest_asyncio.fixture(params=["memory", "embedded", "server"], scope="module", loop_scope="module")
async def vectors(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, clock: FakeClock
) -> AsyncIterator[Vectors]:
    """All tests share them, so each uses avatars of its own."""
    if request.param == "memory":
        yield MemoryVectors()
        return
    url = request.getfixturevalue("chroma_server") if request.param == "server" else None
    async with open_vectors(tmp_path_factory.mktemp("vectors"), url, clock) as vectors:
        yield vectors


@pytest.fixture
def avatar() -> str:
    return str(uuid4())


async def found(vectors: Vectors, avatar: str, toward: Vector = NORTH, model: str = MODEL) -> list[str]:
    return [match.passage_id for match in await vectors.nearest(avatar, model, toward, 10)]


async def test_the_nearest_come_first_with_their_cosine(vectors: Vectors, avatar: str) -> None:
    await vectors.put(avatar, MODEL, "item", {"south": SOUTH, "north": NORTH, "between": NORTH_EAST})
    matches = await vectors.nearest(avatar, MODEL, NORTH, 10)
    assert [match.passage_id for match in matches] == ["north", "between", "south"]
    assert [match.score for match in matches] == pytest.approx([1, math.sqrt(0.5), -1])
    assert [match.passage_id for match in await vectors.nearest(avatar, MODEL, SOUTH, 1)] == ["south"]


async def test_it_is_not_empty_once_something_is_in_it(vectors: Vectors, avatar: str) -> None:
    await vectors.put(avatar, MODEL, "item", {"north": NORTH})
    assert not await vectors.is_empty()


async def test_nothing_is_near_where_nothing_is(vectors: Vectors, avatar: str) -> None:
    assert await vectors.nearest(avatar, MODEL, NORTH, 5) == []
    assert await vectors.missing(avatar, MODEL, ["a", "b"]) == ["a", "b"]
    await vectors.put(avatar, MODEL, "item", {})
    assert await vectors.missing(avatar, MODEL, []) == []


async def test_what_is_added_is_found_at_once(vectors: Vectors, avatar: str) -> None:
    await vectors.put(avatar, MODEL, "item", {"a": NORTH})
    assert await found(vectors, avatar) == ["a"]
    await vectors.put(avatar, MODEL, "item", {"b": EAST})
    assert await found(vectors, avatar) == ["a", "b"]
    assert await vectors.missing(avatar, MODEL, ["c", "b", "a", "d"]) == ["c", "d"]


async def test_a_vector_that_is_put_again_is_replaced(vectors: Vectors, avatar: str) -> None:
    await vectors.put(avatar, MODEL, "item", {"a": NORTH, "b": EAST})
    await vectors.put(avatar, MODEL, "item", {"a": SOUTH})
    assert await found(vectors, avatar) == ["b", "a"]


async def test_avatars_and_models_are_apart(vectors: Vectors, avatar: str) -> None:
    other = str(uuid4())
    await vectors.put(avatar, MODEL, "item", {"mine": NORTH})
    await vectors.put(other, MODEL, "item", {"theirs": NORTH})
    await vectors.put(avatar, WIDE_MODEL, "item", {"mine": (0.0, 0.0, 1.0)})
    assert await found(vectors, avatar) == ["mine"]
    assert await found(vectors, other) == ["theirs"]
    assert await found(vectors, avatar, (0.0, 0.0, 1.0), WIDE_MODEL) == ["mine"]
    assert await vectors.missing(other, WIDE_MODEL, ["theirs"]) == ["theirs"]


async def test_an_item_keeps_only_what_it_should(vectors: Vectors, avatar: str) -> None:
    await vectors.put(avatar, MODEL, "item", {"old": NORTH, "new": EAST})
    await vectors.put(avatar, OTHER_MODEL, "item", {"old": NORTH, "new": EAST})
    await vectors.put(avatar, MODEL, "other", {"others": SOUTH})
    await vectors.keep_only(avatar, "item", ["new"])
    assert await found(vectors, avatar) == ["new", "others"]
    assert await found(vectors, avatar, model=OTHER_MODEL) == ["new"]
    assert await vectors.missing(avatar, MODEL, ["old", "new"]) == ["old"]
    await vectors.keep_only(avatar, "item", [])
    assert await found(vectors, avatar) == ["others"]


async def test_a_model_is_removed_alone(vectors: Vectors, avatar: str) -> None:
    await vectors.put(avatar, MODEL, "item", {"a": NORTH})
    await vectors.put(avatar, OTHER_MODEL, "item", {"a": NORTH})
    await vectors.remove_model(avatar, MODEL)
    assert await found(vectors, avatar) == []
    assert await found(vectors, avatar, model=OTHER_MODEL) == ["a"]


async def test_an_avatar_is_removed_with_every_model(vectors: Vectors, avatar: str) -> None:
    other = str(uuid4())
    for model in (MODEL, OTHER_MODEL):
        await vectors.put(avatar, model, "item", {"a": NORTH})
    await vectors.put(other, MODEL, "item", {"theirs": NORTH})
    await vectors.remove_avatar(avatar)
    await vectors.remove_avatar(avatar)
    assert await found(vectors, avatar) == []
    assert await vectors.missing(avatar, OTHER_MODEL, ["a"]) == ["a"]
    assert await found(vectors, other) == ["theirs"]
    await vectors.put(avatar, MODEL, "item", {"again": NORTH})
    assert await found(vectors, avatar) == ["again"]


async def everything(vectors: Vectors, avatar: str) -> set[str]:
    return {match.passage_id for match in await vectors.nearest(avatar, MODEL, NORTH, 1000)}


async def test_items_of_one_avatar_change_beside_each_other(vectors: Vectors, avatar: str, clock: FakeClock) -> None:
    """As when some are indexed while others are erased, and visitors ask all the time."""
    items, gone = [f"item-{number}" for number in range(4)], [f"gone-{number}" for number in range(2)]
    for item in gone:
        await vectors.put(avatar, MODEL, item, {f"{item}-a": NORTH, f"{item}-b": EAST})

    async def of_item(item: str) -> set[str]:
        return {each for each in await everything(vectors, avatar) if each.startswith(item)}

    async def asked_meanwhile(change: Awaitable[None]) -> None:
        clock.advance(60)
        await asyncio.gather(change, everything(vectors, avatar))

    async def index(item: str) -> None:
        for generation in "ab":
            first, second = f"{item}-{generation}-1", f"{item}-{generation}-2"
            await asked_meanwhile(vectors.put(avatar, MODEL, item, {first: NORTH}))
            assert first in await of_item(item)
            await vectors.put(avatar, MODEL, item, {second: SOUTH})
            await asked_meanwhile(vectors.keep_only(avatar, item, [first, second]))
            assert await of_item(item) == {first, second}
            assert await vectors.missing(avatar, MODEL, [first, second]) == []

    async def erase(item: str) -> None:
        await asked_meanwhile(vectors.keep_only(avatar, item, []))
        assert await of_item(item) == set()

    await asyncio.gather(*map(index, items), *map(erase, gone))
    clock.advance(60)
    assert await everything(vectors, avatar) == {f"{item}-b-{number}" for item in items for number in (1, 2)}


async def test_more_vectors_than_fit_one_request(vectors: Vectors, avatar: str) -> None:
    ids = [f"passage-{number}" for number in range(2100)]
    await vectors.put(avatar, MODEL, "item", dict.fromkeys(ids, NORTH))
    assert await vectors.missing(avatar, MODEL, [*ids, "none"]) == ["none"]
    await vectors.put(avatar, MODEL, "item", {"best": NORTH, "worst": SOUTH})
    assert (await vectors.nearest(avatar, MODEL, SOUTH, 1))[0].passage_id == "worst"
    await vectors.keep_only(avatar, "item", ["best"])
    assert await found(vectors, avatar) == ["best"]
