"""The jobs of knowledge: an avatar is their group, and each of its items a part of it."""

from datetime import datetime

from domain.jobs import Job, JobKind, Lane, new_job
from domain.knowledge.items import KnowledgeItem, KnowledgeType

QUICK_BYTES = 256 * 1024
"""What is no larger than this is read and indexed within seconds."""


def index_job(item: KnowledgeItem) -> Job:
    return new_job(JobKind.INDEX, lane_of(item), item.avatar_id, item.id, item.updated_at)


def embed_job(avatar_id: str, now: datetime) -> Job:
    return new_job(JobKind.EMBED, Lane.SLOW, avatar_id, None, now)


def erase_job(avatar_id: str, item_id: str | None, now: datetime) -> Job:
    """Of one item, or of the whole avatar."""
    return new_job(JobKind.ERASE, Lane.QUICK, avatar_id, item_id, now)


def lane_of(item: KnowledgeItem) -> Lane:
    """That of indexing it. What is fetched may be of any size, and a site may be slow for as long as it is read."""
    match item.type:
        case KnowledgeType.SITE:
            return Lane.CRAWL
        case KnowledgeType.URL:
            return Lane.SLOW
        case _:
            return Lane.QUICK if item.size <= QUICK_BYTES else Lane.SLOW
