"""Embeddings of the providers, through LiteLLM."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from adapters.ai.litellm_planner import load_litellm
from domain.errors import Unavailable
from domain.knowledge.ports import Embedder, Vector

log = logging.getLogger("avatarium.embeddings")

BATCH = 96
# In seconds, for each batch.
TIMEOUT = 30.0


class LitellmEmbedder(Embedder):
    """`model` has LiteLLM's name of the provider in front, such as `openai/text-embedding-3-small`."""

    def __init__(self, model: str, api_key: str, base: str | None) -> None:
        self._model, self._api_key, self._base = model, api_key, base

    @property
    def model(self) -> str:
        return self._model

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        vectors: list[Vector] = []
        for start in range(0, len(texts), BATCH):
            vectors += await self._batch(list(texts[start : start + BATCH]))
        return vectors

    async def _batch(self, texts: list[str]) -> list[Vector]:
        litellm = await asyncio.to_thread(load_litellm)
        try:
            async with asyncio.timeout(TIMEOUT):
                answer = await litellm.aembedding(**self._arguments(texts))
            return in_order(answer.data, len(texts))
        except Exception as error:
            # Its text may quote what was asked.
            log.warning("the embeddings of %s failed: %s", self._model, type(error).__name__)
            raise Unavailable(
                "The provider of the knowledge base's embeddings does not answer. Try again soon."
            ) from None

    def _arguments(self, texts: list[str]) -> dict[str, object]:
        return {
            "model": self._model,
            "input": texts,
            "api_key": self._api_key,
            "api_base": self._base,
            "encoding_format": "float",
            "max_retries": 0,
            "num_retries": 0,
            "timeout": TIMEOUT,
        }


def in_order(data: Sequence[Any], count: int) -> list[Vector]:
    """Brought to length one. Raises `ValueError` when there are too few, or numbers that are none."""
    rows = np.array([each["embedding"] for each in sorted(data, key=lambda each: each["index"])], np.float32)
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    if len(rows) != count or not np.all(lengths > 0):
        raise ValueError("these are not the vectors that were asked for")
    vectors: list[Vector] = (rows / lengths).tolist()
    return vectors
