"""What indexing needs of the world, opened as the settings say."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from adapters.embedding.embedders import ModelEmbedders
from adapters.fetching.robots import RobotsTxt
from adapters.fetching.safe_fetcher import SafeFetcher
from adapters.reading.process import open_readers
from adapters.settings.settings import Settings
from adapters.vectors.chroma_vectors import open_vectors
from adapters.words.lexicon import open_lexicon
from domain.knowledge.ports import Embedders, Fetcher, Lexicon, Reader, Robots, Vectors
from domain.ports import Clock


@dataclass(frozen=True, slots=True)
class DocumentParts:
    fetcher: Fetcher
    robots: Robots
    reader: Reader
    lexicon: Lexicon
    embedders: Embedders
    vectors: Vectors


@asynccontextmanager
async def open_documents(settings: Settings, clock: Clock) -> AsyncIterator[DocumentParts]:
    async with (
        SafeFetcher(settings.public_url, settings.allow_private_hosts) as fetcher,
        open_readers() as reader,
        open_lexicon() as lexicon,
        ModelEmbedders(
            settings.embeddings, settings.models_dir, settings.provider_keys, settings.provider_bases
        ) as embedders,
        open_vectors(settings.vectors_dir, settings.chroma_url, clock) as vectors,
    ):
        yield DocumentParts(fetcher, RobotsTxt(fetcher, clock), reader, lexicon, embedders, vectors)
