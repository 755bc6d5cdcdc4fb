"""Which lane an item is indexed in, and what keeps its jobs apart."""

import pytest

from domain.jobs import Lane
from domain.knowledge.items import KnowledgeType
from domain.knowledge.jobs import QUICK_BYTES, embed_job, erase_job, index_job, lane_of
from tests.builders import NOON, an_account, an_avatar, an_item

AVATAR = an_avatar(an_account())


@pytest.mark.parametrize(
    ("kind", "size", "lane"),
    [
        (KnowledgeType.TEXT, 20, Lane.QUICK),
        (KnowledgeType.QA, 20, Lane.QUICK),
        (KnowledgeType.FILE, QUICK_BYTES, Lane.QUICK),
        (KnowledgeType.FILE, QUICK_BYTES + 1, Lane.SLOW),
        (KnowledgeType.TEXT, QUICK_BYTES + 1, Lane.SLOW),
        (KnowledgeType.URL, 0, Lane.SLOW),
        (KnowledgeType.SITE, 0, Lane.CRAWL),
    ],
)
def test_what_takes_longer_has_another_lane(kind: KnowledgeType, size: int, lane: Lane) -> None:
    assert lane_of(an_item(AVATAR, type=kind, size=size)) is lane


def test_items_are_parts_of_their_avatar() -> None:
    item = an_item(AVATAR)
    parts = [job.part for job in (index_job(item), erase_job(AVATAR.id, item.id, NOON))]
    wholes = [job.part for job in (embed_job(AVATAR.id, NOON), erase_job(AVATAR.id, None, NOON))]
    assert (parts, wholes) == ([item.id, item.id], [None, None])
    assert {index_job(item).group, embed_job(AVATAR.id, NOON).group} == {AVATAR.id}
