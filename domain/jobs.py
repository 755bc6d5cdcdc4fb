"""Work that must be done even if the server dies meanwhile."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from uuid import uuid4

NOTHING: Mapping[str, str] = MappingProxyType({})


class JobKind(StrEnum):
    """`INDEX` builds an item's next generation. `EMBED` gives an avatar's live passages the current model's vectors.

    `ERASE` removes what the vector store and the files keep of a deleted item, or of a deleted avatar.
    """

    INDEX = "index"
    EMBED = "embed"
    ERASE = "erase"


class Lane(StrEnum):
    """How long a job may take. Each lane has workers of its own, so that none waits for a slower one.

    `QUICK`: seconds. `SLOW`: minutes at most. `CRAWL`: as long as another site takes.
    """

    QUICK = "quick"
    SLOW = "slow"
    CRAWL = "crawl"


@dataclass(frozen=True, slots=True)
class Job:
    """Work that survives a crash. Whoever holds the lease does it; after `leased_until` anybody may.

    Two jobs of one `group` run at once only if both name a `part` of it and the parts differ. None is the whole group.
    `payload`: what else a job of its kind needs. `attempts` counts the leases so far.
    """

    id: str
    kind: JobKind
    lane: Lane
    group: str
    part: str | None
    payload: Mapping[str, str] = field(repr=False)
    created_at: datetime
    run_after: datetime
    attempts: int = 0
    worker: str | None = None
    leased_until: datetime | None = None


def new_job(
    kind: JobKind, lane: Lane, group: str, part: str | None, now: datetime, payload: Mapping[str, str] = NOTHING
) -> Job:
    """To be done at once."""
    return Job(str(uuid4()), kind, lane, group, part, payload, now, now)
