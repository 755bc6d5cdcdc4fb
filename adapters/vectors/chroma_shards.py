"""Passages' vectors in Chroma's collections: ids, vectors, and whose they are; never a text.

A collection for each avatar would take 3 MiB and four open files each, and one for all of them would scan all of
them. So avatars share a fixed number of shards, and each embedding model has shards of its own.
"""

from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from zlib import crc32

import numpy as np

from adapters.vectors.chroma_client import Chroma
from adapters.vectors.coarse import Rows
from adapters.vectors.matrices import Matrix, digest, empty, matrix

if TYPE_CHECKING:
    from chromadb.api.client import Client
    from chromadb.api.models.Collection import Collection as Shard

SHARDS = 32
BATCH = 1000
# Chroma's approximate index is never asked, so it is as small as it can be. Its log is emptied at once: to find what
# waits there all of it is read, and what was deleted stays in it.
INDEX: Any = {"space": "l2", "max_neighbors": 2, "ef_construction": 2, "batch_size": 2, "sync_threshold": 2}
PAD = "pad"
PADDINGS = 2


class ChromaShards:
    """Its methods block.

    An avatar's vectors of a model have a version, which every change changes: two processes tell by it whether
    they know the same. It is "" where there are none.
    """

    def __init__(self, chroma: Chroma) -> None:
        self._chroma = chroma
        self._client: Client | None = None
        self._opening = Lock()

    def is_empty(self) -> bool:
        return not self._opened().list_collections()

    def put(self, avatar_id: str, model: str, vectors: Matrix) -> None:
        shard = self._make(avatar_id, model)
        for start in range(0, len(vectors), BATCH):
            part = slice(start, start + BATCH)
            # The version belongs to the same batch, so nobody sees one without the other.
            version = uuid4().hex
            owners = [{"avatar": avatar_id, "item": item.decode()} for item in vectors.items[part]]
            rows = vectors.rows[part]
            shard.upsert(
                ids=[version_id(avatar_id), *(each.decode() for each in vectors.ids[part])],
                embeddings=np.concatenate((blanks(1, rows.shape[1]), rows)),
                metadatas=[{"version": version}, *owners],
            )
        self._chroma.tidy()

    def present(self, avatar_id: str, model: str, passage_ids: Sequence[str]) -> set[str]:
        shard = self._shard(avatar_id, model)
        if not shard:
            return set()
        batches = (list(passage_ids[start : start + BATCH]) for start in range(0, len(passage_ids), BATCH))
        return {found for batch in batches for found in shard.get(ids=batch, include=[])["ids"]}

    def version(self, avatar_id: str, model: str) -> str:
        shard = self._shard(avatar_id, model)
        return version_in(shard, avatar_id) if shard else ""

    def load(self, avatar_id: str, model: str) -> tuple[str, Matrix]:
        """The version and all that belongs to it, or to a later one."""
        shard = self._shard(avatar_id, model)
        version = version_in(shard, avatar_id) if shard else ""
        if not shard or not version:
            return version, empty()
        found = shard.get(where={"avatar": avatar_id}, include=["embeddings", "metadatas"])
        if not found["ids"]:
            return version, empty()
        items = [str(owner["item"]) for owner in found["metadatas"] or []]
        return version, matrix(found["ids"], items, np.asarray(found["embeddings"], np.float32))

    def models(self, avatar_id: str) -> list[str]:
        """The models that the avatar may have vectors of."""
        number = shard_number(avatar_id)
        collections = self._opened().list_collections()
        return [str(each.metadata["model"]) for each in collections if each.name.startswith(f"{number}-")]

    def of_item(self, avatar_id: str, model: str, item_id: str) -> list[str]:
        """The ids of the item's vectors."""
        shard = self._shard(avatar_id, model)
        owner: Any = {"$and": [{"avatar": avatar_id}, {"item": item_id}]}
        return shard.get(where=owner, include=[])["ids"] if shard else []

    def remove(self, avatar_id: str, model: str, passage_ids: Sequence[str]) -> None:
        shard = self._shard(avatar_id, model)
        if shard and passage_ids:
            self._erase(shard, passage_ids)
            shard.upsert(
                ids=[version_id(avatar_id)],
                embeddings=blanks(1, dimension(shard)),
                metadatas=[{"version": uuid4().hex}],
            )

    def remove_model(self, avatar_id: str, model: str) -> None:
        shard = self._shard(avatar_id, model)
        if shard:
            found = shard.get(where={"avatar": avatar_id}, include=[])["ids"]
            self._erase(shard, [*found, version_id(avatar_id)])

    def wipe(self) -> None:
        """Takes what was removed off the disk."""
        self._opened()
        self._chroma.wipe()

    def _erase(self, shard: "Shard", ids: Sequence[str]) -> None:
        """Overwrites the vectors first, since the index keeps deleted ones. Then pads the log, which keeps the last."""
        self._chroma.soil()
        if not (width := dimension(shard)):
            return
        for start in range(0, len(ids), BATCH):
            batch = list(ids[start : start + BATCH])
            nothing = [{"avatar": "", "item": "", "version": ""}] * len(batch)
            shard.upsert(ids=batch, embeddings=blanks(len(batch), width), metadatas=list(nothing))
            shard.delete(ids=batch)
        for _ in range(PADDINGS):
            shard.upsert(ids=[PAD], embeddings=blanks(1, width))

    def _shard(self, avatar_id: str, model: str) -> "Shard | None":
        from chromadb.errors import NotFoundError

        try:
            return self._opened().get_collection(shard_name(avatar_id, model), embedding_function=None)
        except NotFoundError:
            return None

    def _make(self, avatar_id: str, model: str) -> "Shard":
        return self._opened().get_or_create_collection(
            shard_name(avatar_id, model),
            configuration={"hnsw": INDEX},
            metadata={"model": model},
            embedding_function=None,
        )

    def _opened(self) -> "Client":
        with self._opening:
            if self._client is None:
                self._client = self._chroma.open()
            return self._client

    def close(self) -> None:
        if self._client:
            self._chroma.close(self._client)


def version_in(shard: "Shard", avatar_id: str) -> str:
    owners = shard.get(ids=[version_id(avatar_id)], include=["metadatas"])["metadatas"] or []
    return str(owners[0]["version"]) if owners else ""


def version_id(avatar_id: str) -> str:
    return f"version-{avatar_id}"


def shard_name(avatar_id: str, model: str) -> str:
    return f"{shard_number(avatar_id)}-{digest(model)}"


def shard_number(avatar_id: str) -> str:
    return f"{crc32(avatar_id.encode()) % SHARDS:02d}"


def dimension(shard: "Shard") -> int:
    """Of the vectors in it; 0 when it never had any."""
    found = shard.get(limit=1, include=["embeddings"])["embeddings"]
    return len(found[0]) if found is not None and len(found) else 0


def blanks(count: int, width: int) -> Rows:
    """Vectors that say nothing."""
    rows = np.zeros((count, width), np.float32)
    rows[:, 0] = 1
    return rows
