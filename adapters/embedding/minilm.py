"""all-MiniLM-L6-v2, run here: no key, no network, and no text leaves this machine."""

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from adapters.processes.own_process import OwnProcess
from adapters.settings.values import LOCAL_EMBEDDINGS
from domain.errors import Unavailable
from domain.knowledge.ports import Embedder, Vector

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

MODEL_FILE, TOKENIZER_FILE = "model.onnx", "tokenizer.json"
MAX_TOKENS = 256
# Texts of about the same length run together, up to so many tokens: larger batches gain nothing, and are padded more.
BATCH_TOKENS = 128
BATCHES_AT_ONCE = 4
"""For each core, so that little is lost at a shutdown."""
CHARACTERS_PER_TOKEN = 4
ADVICE = "Delete {} and start again: it is fetched anew."
Rows = NDArray[np.float32]
log = logging.getLogger("avatarium.embeddings")


class Damaged(Exception):
    """The weights cannot be loaded. Names what was raised, since that may not come through to another process."""


class MiniLm(Embedder):
    """`folder` has `model.onnx` and `tokenizer.json`, which load on first need.

    A question is embedded here, on a thread of its own. Passages go to another process, which takes every core that
    nobody else wants: neither a question nor the event loop waits for them.
    """

    def __init__(self, folder: Path) -> None:
        self.is_damaged = False
        self._folder, self._network = folder, Network(folder)
        self._questions = ThreadPoolExecutor(1, "minilm-question")
        self._passages = OwnProcess(open_network, folder)

    @property
    def model(self) -> str:
        return LOCAL_EMBEDDINGS

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        try:
            return await self._embed(texts)
        except Damaged as error:
            self.is_damaged = True
            log.error("MiniLM cannot be used (%s): search uses words only. %s", error, ADVICE.format(self._folder))
            raise Unavailable("The embedding model cannot be loaded. Ask whoever runs this server.") from None

    async def _embed(self, texts: Sequence[str]) -> list[Vector]:
        if len(texts) == 1:
            loop = asyncio.get_running_loop()
            rows = await loop.run_in_executor(self._questions, self._network.embed, texts)
            return [row.tolist() for row in rows]
        vectors: list[Vector] = [()] * len(texts)
        groups = list(batched(batches(texts), BATCHES_AT_ONCE * cores()))
        running = [self._beside([[texts[place] for place in batch] for batch in group]) for group in groups]
        for group, found in zip(groups, await asyncio.gather(*running), strict=True):
            for place, row in zip(chain.from_iterable(group), chain.from_iterable(found), strict=True):
                vectors[place] = row.tolist()
        return vectors

    async def close(self) -> None:
        """Waits for what runs, a fraction of a second, and drops the rest."""
        await asyncio.to_thread(self._questions.shutdown, cancel_futures=True)
        await self._passages.close()

    async def _beside(self, texts: Sequence[Sequence[str]]) -> Sequence[Rows]:
        try:
            return await self._passages.do(embedded, texts)
        except BrokenProcessPool:
            raise Unavailable("The process of the embedding model has ended. Try again soon.") from None


class Network:
    """The model itself. Its methods block; each thread that calls them uses one core."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loading = threading.Lock()

    def embed(self, texts: Sequence[str]) -> Rows:
        with self._loading:
            try:
                tokenizer, session = self._tokenizer, self._session
            except Exception as error:  # both libraries raise classes of their own, and bare ones
                raise Damaged(type(error).__name__) from None
        encoded = [tokenizer.encode(text) for text in texts]
        longest = max(len(each.ids) for each in encoded)
        tokens, mask = (np.zeros((len(texts), longest), np.int64) for _ in range(2))
        for row, each in enumerate(encoded):
            tokens[row, : len(each.ids)], mask[row, : len(each.ids)] = each.ids, 1
        inputs = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
        hidden: Any = session.run(None, inputs)[0]
        return pooled(hidden, mask)

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


def batched(found: Iterable[list[int]], count: int) -> Iterator[list[list[int]]]:
    """So many batches at a time, which run together."""
    remaining = iter(found)
    while group := list(islice(remaining, count)):
        yield group


def pooled(hidden: Rows, mask: NDArray[np.int64]) -> Rows:
    """The mean of each text's tokens, brought to length one."""
    weights = mask[:, :, np.newaxis].astype(np.float32)
    means = (hidden * weights).sum(axis=1) / weights.sum(axis=1)
    rows: Rows = means / np.linalg.norm(means, axis=1, keepdims=True)
    return rows


opened: list[tuple[Network, ThreadPoolExecutor]] = []
"""The only one, in the process that embeds passages."""


def open_network(folder: Path) -> None:
    opened.append((Network(folder), ThreadPoolExecutor(cores(), "minilm-passages")))


def embedded(texts: Sequence[Sequence[str]]) -> list[Rows]:
    network, threads = opened[0]
    return list(threads.map(network.embed, texts))


def cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
