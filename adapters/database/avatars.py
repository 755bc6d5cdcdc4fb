"""Avatars in SQL: one column for each setting."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

from sqlalchemy import bindparam, delete, func, or_, select, tuple_, update

from adapters.database.lists import LIST, listed, of_list
from adapters.database.statements import Driver, Row, Statement, assignments, insertion, locked
from adapters.database.tables import AVATARS
from domain.avatars import Avatar, AvatarSettings, SealedKey
from domain.errors import SlugTaken
from domain.tables import Avatars

SETTINGS = tuple(field.name for field in fields(AvatarSettings))
COUNTERS = ("view_count", "conversation_count")
COLUMNS = (
    *(AVATARS.c[name] for name in SETTINGS),
    *(column for column in AVATARS.c if column.name not in SETTINGS),
)

OWN = AVATARS.c.account_id == bindparam("account_id")
ONE = AVATARS.c.id == bindparam("avatar_id")
NEWEST_FIRST = (
    select(*COLUMNS).where(OWN).order_by(AVATARS.c.created_at.desc(), AVATARS.c.id.desc()).limit(bindparam("first"))
)
CURSOR = AVATARS.alias("cursor")
PLACE_OF_CURSOR = select(CURSOR.c.created_at, CURSOR.c.id).where(
    CURSOR.c.id == bindparam("after"), CURSOR.c.account_id == bindparam("account_id")
)

OWN_BY_ID = select(*COLUMNS).where(OWN, or_(AVATARS.c.id == bindparam("key"), AVATARS.c.short_id == bindparam("key")))
BY_ID = Statement(OWN_BY_ID)
BY_ID_LOCKED = Statement(locked(OWN_BY_ID, AVATARS))
BY_SHORT_ID = Statement(select(*COLUMNS).where(AVATARS.c.short_id == bindparam("short_id")))
FIRST_PAGE = Statement(NEWEST_FIRST)
NEXT_PAGE = Statement(
    NEWEST_FIRST.where(tuple_(AVATARS.c.created_at, AVATARS.c.id) < PLACE_OF_CURSOR.scalar_subquery())
)
OWN_OF_LIST = of_list(lambda ids: select(AVATARS.c.id).where(OWN, AVATARS.c.id.in_(ids)))
COUNT = Statement(select(func.count()).select_from(AVATARS).where(OWN))
OTHER_WITH_SLUG = Statement(
    select(AVATARS.c.id).where(AVATARS.c.slug == bindparam("slug"), AVATARS.c.id != bindparam("avatar_id"))
)
ADD = insertion(AVATARS)
UPDATE = Statement(
    update(AVATARS)
    .where(ONE)
    .values(assignments(column for column in AVATARS.c if column.name not in ("id", *COUNTERS)))
)
DELETE = Statement(delete(AVATARS).where(ONE), is_slow=True)
COUNT_VIEW = Statement(update(AVATARS).where(ONE).values(view_count=AVATARS.c.view_count + 1))
COUNT_CONVERSATION = Statement(update(AVATARS).where(ONE).values(conversation_count=AVATARS.c.conversation_count + 1))


class SqlAvatars(Avatars):
    def __init__(self, driver: Driver, writes: bool) -> None:
        self._driver = driver
        self._by_id = BY_ID_LOCKED if writes else BY_ID

    def by_id(self, account_id: str, avatar_id: str) -> Avatar | None:
        row = self._by_id.row(self._driver, account_id=account_id, key=avatar_id)
        return avatar_of(row) if row else None

    def by_short_id(self, short_id: str) -> Avatar | None:
        row = BY_SHORT_ID.row(self._driver, short_id=short_id)
        return avatar_of(row) if row else None

    def page(self, account_id: str, first: int, after: str | None) -> list[Avatar]:
        statement = FIRST_PAGE if after is None else NEXT_PAGE
        rows = statement.rows(self._driver, account_id=account_id, first=first, after=after)
        return [avatar_of(row) for row in rows]

    def own(self, account_id: str, avatar_ids: Collection[str]) -> set[str]:
        rows = OWN_OF_LIST.rows(self._driver, account_id=account_id, **{LIST: listed(list(avatar_ids))})
        return {avatar_id for (avatar_id,) in rows}

    def count(self, account_id: str) -> int:
        return int(COUNT.scalar(self._driver, account_id=account_id))

    def add(self, avatar: Avatar) -> None:
        with self._slug_checked(avatar):
            ADD.run(self._driver, **values_of(avatar))

    def update(self, avatar: Avatar) -> None:
        with self._slug_checked(avatar):
            UPDATE.run(self._driver, avatar_id=avatar.id, **values_of(avatar))

    def delete(self, avatar_id: str) -> None:
        DELETE.run(self._driver, avatar_id=avatar_id)

    def count_view(self, avatar_id: str) -> None:
        COUNT_VIEW.run(self._driver, avatar_id=avatar_id)

    def count_conversation(self, avatar_id: str) -> None:
        COUNT_CONVERSATION.run(self._driver, avatar_id=avatar_id)

    @contextmanager
    def _slug_checked(self, avatar: Avatar) -> Iterator[None]:
        """Raises `SlugTaken` for a broken constraint when it is the slug's.

        The savepoint keeps the caller's transaction usable: PostgreSQL refuses every further
        statement after one that failed.
        """
        self._driver.flush()  # what fails of it is not the slug's fault
        try:
            with self._driver.savepoint():
                yield
        except self._driver.refusal:
            slug = avatar.settings.slug
            if OTHER_WITH_SLUG.row(self._driver, slug=slug, avatar_id=avatar.id) is None:
                raise
            raise SlugTaken(
                f"The slug {slug} is taken. Choose another one.", {"field": "slug", "reason": "is taken"}
            ) from None


def avatar_of(row: Row) -> Avatar:
    settings = AvatarSettings(*row[: len(SETTINGS)])
    id_, account_id, short_id, prompt, sealed, last4, password_hash, created, updated, *counters_and_type = row[
        len(SETTINGS) :
    ]
    key = SealedKey(sealed, last4) if sealed is not None else None
    return Avatar(id_, account_id, short_id, settings, prompt, created, updated, key, password_hash, *counters_and_type)


def values_of(avatar: Avatar) -> dict[str, Any]:
    return {
        **{name: getattr(avatar.settings, name) for name in SETTINGS},
        "id": avatar.id,
        "account_id": avatar.account_id,
        "short_id": avatar.short_id,
        "system_prompt": avatar.system_prompt,
        "ai_key_sealed": avatar.ai_key.sealed if avatar.ai_key else None,
        "ai_key_last4": avatar.ai_key.last4 if avatar.ai_key else None,
        "password_hash": avatar.password_hash,
        "created_at": avatar.created_at,
        "updated_at": avatar.updated_at,
        "view_count": avatar.view_count,
        "conversation_count": avatar.conversation_count,
        "avatar_type": avatar.avatar_type,
    }
