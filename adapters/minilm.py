"""all-MiniLM-L6-v2, run here: no key, no network, and no text leaves this machine."""

import asyncio
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from adapters.settings_values import LOCAL_EMBEDDINGS
from domain.knowledge_ports import Embedder, Vector

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

MODEL_FILE, TOKENIZER_FILE = "model.onnx", "tokenizer.json"
MAX_TOKENS = 256
# Texts of about the same length run together, up to so many tokens: about a tenth of a second on one core.
BATCH_TOKENS = 512
CHARACTERS_PER_TOKEN = 4


class MiniLm(Embedder):
    """`folder` has `model.onnx` and `tokenizer.json`, which load on first need.

    A question has a thread of its own, so it does not wait for passages that are being indexed. Each thread uses
    one core at most.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._questions = ThreadPoolExecutor(1, "minilm-question")
        self._passages = ThreadPoolExecutor(background_threads(), "minilm-passages")
        self._loading = threading.Lock()

    @property
    def model(self) -> str:
        return LOCAL_EMBEDDINGS

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        threads = self._questions if len(texts) == 1 else self._passages
        loop, together = asyncio.get_running_loop(), list(batches(texts))
        running = [loop.run_in_executor(threads, self._run, [texts[place] for place in batch]) for batch in together]
        vectors: list[Vector] = [()] * len(texts)
        for batch, rows in zip(together, await asyncio.gather(*running), strict=True):
            for place, row in zip(batch, rows, strict=True):
                vectors[place] = row
        return vectors

    def close(self) -> None:
        """Waits for the batches that run."""
        self._questions.shutdown(cancel_futures=True)
        self._passages.shutdown(cancel_futures=True)

    def _run(self, texts: Sequence[str]) -> list[list[float]]:
        with self._loading:
            tokenizer, session = self._tokenizer, self._session
        encoded = [tokenizer.encode(text) for text in texts]
        longest = max(len(each.ids) for each in encoded)
        tokens, mask = (np.zeros((len(texts), longest), np.int64) for _ in range(2))
        for row, each in enumerate(encoded):
            tokens[row, : len(each.ids)], mask[row, : len(each.ids)] = each.ids, 1
        inputs = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
        hidden: Any = session.run(None, inputs)[0]
        rows: list[list[float]] = pooled(hidden, mask).tolist()
        return rows

    @cached_property
    def _tokenizer(self) -> "Tokenizer":
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self._folder / TOKENIZER_FILE))
        tokenizer.enable_truncation(MAX_TOKENS)
        tokenizer.no_padding()
        return tokenizer

    @cached_property
    def _session(self) -> "InferenceSession":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(self._folder / MODEL_FILE, options, providers=["CPUExecutionProvider"])


def has_weights(folder: Path) -> bool:
    return all((folder / name).is_file() for name in (MODEL_FILE, TOKENIZER_FILE))


def batches(texts: Sequence[str]) -> Iterator[list[int]]:
    """The texts' places, those of about the same length together, since the shorter ones are padded."""
    batch: list[int] = []
    for place in sorted(range(len(texts)), key=lambda index: len(texts[index])):
        # The new text is the longest of its batch.
        if batch and (len(batch) + 1) * about_tokens(texts[place]) > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def about_tokens(text: str) -> int:
    return min(len(text) // CHARACTERS_PER_TOKEN + 2, MAX_TOKENS)


def pooled(hidden: NDArray[np.float32], mask: NDArray[np.int64]) -> NDArray[np.float32]:
    """The mean of each text's tokens, brought to length one."""
    weights = mask[:, :, np.newaxis].astype(np.float32)
    means = (hidden * weights).sum(axis=1) / weights.sum(axis=1)
    rows: NDArray[np.float32] = means / np.linalg.norm(means, axis=1, keepdims=True)
    return rows


def background_threads() -> int:
    """A core stays for the event loop. The threads are not niced: one that is put off while it holds Python's lock puts
    off everybody.
    """
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return max(1, cores - 1)
