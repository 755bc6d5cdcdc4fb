"""Work that must be done even if the server dies meanwhile."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class JobKind(StrEnum):
    """`INDEX` builds an item's next generation. `EMBED` gives an avatar's live passages the current model's vectors.

    `ERASE` removes what the vector store and the files keep of a deleted item, or of a deleted avatar.
    """

    INDEX = "index"
    EMBED = "embed"
    ERASE = "erase"


@dataclass(frozen=True, slots=True)
class Job:
    """Work that survives a crash. Whoever holds the lease does it; after `leased_until` anybody may.

    `item_id` is None for work on a whole avatar. `attempts` counts the leases so far.
    """

    id: str
    kind: JobKind
    avatar_id: str
    item_id: str | None
    created_at: datetime
    run_after: datetime
    attempts: int = 0
    worker: str | None = None
    leased_until: datetime | None = None
