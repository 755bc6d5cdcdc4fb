"""MiniLM computes what its authors' weights say, and a question need not wait for passages."""

import asyncio
import os
import signal
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tokenizers import Tokenizer

from adapters.embedding.embedders import ModelEmbedders
from adapters.embedding.embedders import minilm_folder as folder_of_minilm
from adapters.embedding.minilm import BATCH_TOKENS, MAX_TOKENS, MODEL_FILE, TOKENIZER_FILE, MiniLm, batches
from domain.errors import Unavailable
from tests.parts.minilm import EPSILON, HEADS, LAYERS, WIDTH, Tensor, weights

TEXTS = ["How do I get my money back?", "Refunds are paid within 14 days.", "Our shop opens at nine.", "word " * 600]


@pytest.fixture
def minilm(minilm_folder: Path) -> MiniLm:
    return MiniLm(minilm_folder)


def by_hand(tokenizer: Tokenizer, text: str) -> Tensor:
    """The same model in plain NumPy, one text at a time and without padding."""
    known, ids = weights(), tokenizer.encode(text).ids[:MAX_TOKENS]
    embeddings = {name: known[f"embeddings.{name}_embeddings.weight"] for name in ("word", "position", "token_type")}
    hidden: Tensor = embeddings["word"][ids] + embeddings["position"][: len(ids)] + embeddings["token_type"][0]
    hidden = norm(hidden, "embeddings.LayerNorm")
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}"
        mixed = linear(attention(hidden, f"{name}.attention.self"), f"{name}.attention.output.dense")
        hidden = norm(mixed + hidden, f"{name}.attention.output.LayerNorm")
        inner = gelu(linear(hidden, f"{name}.intermediate.dense"))
        hidden = norm(linear(inner, f"{name}.output.dense") + hidden, f"{name}.output.LayerNorm")
    mean = hidden.mean(axis=0)
    vector: Tensor = mean / np.linalg.norm(mean)
    return vector


def attention(hidden: Tensor, name: str) -> Tensor:
    query, key, value = (
        linear(hidden, f"{name}.{part}").reshape(len(hidden), HEADS, -1).transpose(1, 0, 2)
        for part in ("query", "key", "value")
    )
    scores = query @ key.transpose(0, 2, 1) / np.sqrt(WIDTH // HEADS)
    shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
    mixed: Tensor = (shares / shares.sum(axis=-1, keepdims=True)) @ value
    return mixed.transpose(1, 0, 2).reshape(len(hidden), WIDTH)


def linear(hidden: Tensor, name: str) -> Tensor:
    result: Tensor = hidden @ weights()[f"{name}.weight"].T + weights()[f"{name}.bias"]
    return result


def norm(hidden: Tensor, name: str) -> Tensor:
    centred = hidden - hidden.mean(axis=-1, keepdims=True)
    spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + EPSILON)
    result: Tensor = centred / spread * weights()[f"{name}.weight"] + weights()[f"{name}.bias"]
    return result


def gelu(values: Tensor) -> Tensor:
    result: Tensor = (values * (1 + erf(values / np.sqrt(2))) / 2).astype(np.float32)
    return result


def erf(values: Tensor) -> NDArray[np.float64]:
    """Abramowitz and Stegun 7.1.26, exact to 1.5e-7."""
    size = np.abs(values.astype(np.float64))
    near = 1 / (1 + 0.3275911 * size)
    factors = (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592)
    polynomial = np.polyval([*factors, 0], near)
    result: NDArray[np.float64] = np.sign(values) * (1 - polynomial * np.exp(-(size**2)))
    return result


async def test_the_vectors_are_those_of_the_published_weights(minilm: MiniLm, minilm_folder: Path) -> None:
    tokenizer = Tokenizer.from_file(str(minilm_folder / "tokenizer.json"))
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.no_padding()
    for text, vector in zip(TEXTS, await minilm.embed(TEXTS), strict=True):
        assert np.abs(by_hand(tokenizer, text) - np.asarray(vector)).max() < 1e-5
    await minilm.close()


async def test_near_meanings_are_near(minilm: MiniLm) -> None:
    question, answer, other, _ = (np.asarray(vector) for vector in await minilm.embed(TEXTS))
    assert question @ answer > 0.4
    assert question @ other < 0.2
    await minilm.close()


async def test_a_question_does_not_wait_for_passages(minilm: MiniLm, tmp_path: Path) -> None:
    """The process of the passages reads from a pipe meanwhile, which ends when the test closes it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    held = asyncio.create_task(minilm._passages.do(Path.read_bytes, pipe))
    with await asyncio.to_thread(pipe.open, "wb"):
        passages = asyncio.create_task(minilm.embed(TEXTS))
        assert len(await minilm.embed(["a question"])) == 1
        assert not passages.done()
    assert await held == b""
    assert len(await passages) == len(TEXTS)
    await minilm.close()


async def test_passages_are_unavailable_when_their_process_dies_and_then_made_by_another(
    minilm: MiniLm, tmp_path: Path
) -> None:
    """It dies while it reads from a pipe, and the passages wait behind that."""
    pid = await minilm._passages.do(os.getpid)
    os.mkfifo(pipe := tmp_path / "pipe")
    held = asyncio.create_task(minilm._passages.do(Path.read_bytes, pipe))
    with await asyncio.to_thread(pipe.open, "wb"):
        making = asyncio.create_task(minilm.embed(TEXTS))
        while minilm._passages._at_work < 2:  # noqa: ASYNC110
            await asyncio.sleep(0)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(Unavailable):
            await making
        with pytest.raises(BrokenProcessPool):
            await held
    assert len(await minilm.embed(TEXTS)) == len(TEXTS)
    await minilm.close()


@pytest.mark.parametrize("name", [MODEL_FILE, TOKENIZER_FILE])
async def test_damaged_weights_are_unavailable_and_not_tried_for_ever(
    minilm_folder: Path, tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder = folder_of_minilm(tmp_path)
    folder.mkdir()
    for each in (MODEL_FILE, TOKENIZER_FILE):
        (folder / each).symlink_to(minilm_folder / each)
    (folder / name).unlink()
    (folder / name).write_bytes((minilm_folder / name).read_bytes()[:100_000])
    async with ModelEmbedders("minilm", tmp_path, {}, {}) as embedders:
        minilm = embedders.current()
        assert minilm
        for texts in (TEXTS[:1], TEXTS):
            with pytest.raises(Unavailable):
                await minilm.embed(texts)
        assert embedders.current() is None
    assert f"Delete {folder}" in caplog.text


def test_batches_hold_texts_of_about_one_length_within_a_bound() -> None:
    texts = ["x" * (number * 37 % 200) for number in range(300)]
    found = list(batches(texts))
    assert sorted(place for batch in found for place in batch) == list(range(300))
    for batch in found:
        tokens = [min(len(texts[place]) // 4 + 2, MAX_TOKENS) for place in batch]
        assert len(batch) == 1 or len(batch) * max(tokens) <= BATCH_TOKENS
    assert len(found) < 150
