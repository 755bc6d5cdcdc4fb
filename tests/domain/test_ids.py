"""Ids that grow."""

import uuid
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.ids import growing_id

NOON = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


@given(st.timedeltas(timedelta(0), timedelta(days=365_000)))
def test_an_id_is_a_uuid_of_version_7(later: timedelta) -> None:
    at = NOON + later
    made = uuid.UUID(growing_id(at))
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == int(at.timestamp() * 1000)


def test_later_ids_are_greater() -> None:
    ids = [growing_id(NOON + timedelta(milliseconds=number)) for number in range(1000)]
    assert ids == sorted(ids)


def test_ids_of_one_moment_differ_in_every_random_bit() -> None:
    ids = [uuid.UUID(growing_id(NOON)).int for _ in range(2000)]
    changed = 0
    for each in ids:
        changed |= each ^ ids[0]
    fixed = (0xF << 76) | (0b11 << 62)
    assert changed == (1 << 80) - 1 & ~fixed
    assert len(set(ids)) == len(ids)
