"""What every embedder promises: the fake, MiniLM, and a provider's through LiteLLM."""

import math
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from adapters.embedding import litellm_embedder
from adapters.embedding.litellm_embedder import LitellmEmbedder
from adapters.embedding.minilm import MiniLm
from domain.avatars import AiProvider
from domain.knowledge.ports import Embedder, Vector
from tests.fakes.embedder import BagOfWords
from tests.fakes.vectors import cosine
from tests.parts.aimock import Aimock, running_aimock

TEXTS = ["Refunds are paid within 14 days.", "Our shop opens at nine.", "今日は、世界。", "a" * 5000, "word " * 700, ""]


@pytest.fixture(scope="module")
def aimock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aimock]:
    with running_aimock(tmp_path_factory.mktemp("aimock"), []) as server:
        yield server


@pytest.fixture(params=["fake", "minilm", "litellm"])
async def embedder(
    request: pytest.FixtureRequest, minilm_folder: Path, aimock: Aimock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Embedder]:
    monkeypatch.setattr(litellm_embedder, "TIMEOUT", 3600.0)
    if request.param == "fake":
        yield BagOfWords()
    elif request.param == "litellm":
        yield LitellmEmbedder("openai/text-embedding-3-small", "sk-secret", aimock.base(AiProvider.OPENAI))
    else:
        minilm = MiniLm(minilm_folder)
        yield minilm
        await minilm.close()


def same(one: Vector, other: Vector) -> bool:
    return cosine(one, other) == pytest.approx(1, abs=1e-5)


async def test_each_text_has_a_vector_of_length_one(embedder: Embedder) -> None:
    vectors = await embedder.embed(TEXTS)
    assert len(vectors) == len(TEXTS)
    assert len({len(vector) for vector in vectors}) == 1
    assert [math.hypot(*vector) for vector in vectors] == pytest.approx([1] * len(TEXTS), abs=1e-5)


async def test_a_text_has_the_same_vector_alone_and_among_others(embedder: Embedder) -> None:
    together = await embedder.embed(TEXTS)
    alone = [(await embedder.embed([text]))[0] for text in TEXTS[:3]]
    assert all(same(one, other) for one, other in zip(alone, together, strict=False))
    assert not same(together[0], together[1])


async def test_many_texts_keep_their_order(embedder: Embedder) -> None:
    texts = [f"{'Passage ' * (number % 7)}number {number}" for number in range(200)]
    vectors = await embedder.embed(texts)
    for number in (0, 99, 199):
        assert same(vectors[number], (await embedder.embed([texts[number]]))[0])


async def test_no_text_has_no_vector(embedder: Embedder) -> None:
    assert await embedder.embed([]) == []
