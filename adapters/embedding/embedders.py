"""The model that makes vectors, as the settings choose it, and those that made some before."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from adapters.embedding.litellm_embedder import LitellmEmbedder
from adapters.embedding.minilm import MiniLm, has_weights
from adapters.embedding.minilm_download import MINILM, Archive, keep_fetching
from adapters.settings.settings import Settings
from adapters.settings.values import EMBEDDING_PROVIDERS, LOCAL_EMBEDDINGS
from domain.avatars import AiProvider
from domain.knowledge.ports import Embedder, Embedders

# For servers that ask for none; the provider's library does not start without one.
NO_KEY = "none"


def open_embedders(settings: Settings) -> "ModelEmbedders":
    return ModelEmbedders(settings.embeddings, settings.models_dir, settings.provider_keys, settings.provider_bases)


class ModelEmbedders(Embedders):
    """Used as an async context manager, which fetches MiniLM's weights in the background if they are chosen.

    `choice` is `minilm`, `none`, or a model of LiteLLM's with one of `EMBEDDING_PROVIDERS` in front.
    `keys` and `bases` are this server's own. `directory` is where models are kept.
    """

    def __init__(
        self,
        choice: str,
        directory: Path,
        keys: Mapping[AiProvider, str],
        bases: Mapping[AiProvider, str],
        archive: Archive = MINILM,
    ) -> None:
        self._choice, self._keys, self._bases, self._archive = choice, keys, bases, archive
        self._folder = minilm_folder(directory)
        self._minilm = MiniLm(self._folder)
        self._fetching: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "ModelEmbedders":
        if self._choice == LOCAL_EMBEDDINGS:
            self._fetching = asyncio.create_task(keep_fetching(self._folder, self._archive))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._fetching:
            self._fetching.cancel()
            with suppress(asyncio.CancelledError):
                await self._fetching
        await self._minilm.close()

    def current(self) -> Embedder | None:
        return self.named(self._choice)

    def named(self, model: str) -> Embedder | None:
        if model == LOCAL_EMBEDDINGS:
            return self._minilm if has_weights(self._folder) and not self._minilm.is_damaged else None
        provider = EMBEDDING_PROVIDERS.get(model.partition("/")[0])
        if not provider or not (provider in self._keys or provider in self._bases):
            return None
        return LitellmEmbedder(model, self._keys.get(provider, NO_KEY), self._bases.get(provider))


def minilm_folder(directory: Path) -> Path:
    return directory / "all-MiniLM-L6-v2"
