"""The items of an avatar's knowledge in SQL."""

from collections.abc import Collection
from dataclasses import fields
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, bindparam, delete, func, select, tuple_, update

from adapters.database.lists import LIST, listed, of_each, of_list
from adapters.database.statements import Driver, Statement, assignments, insertion, locked
from adapters.database.tables import ACCOUNTS, AVATARS, BODIES, EMBEDDINGS, KNOWLEDGE
from domain.knowledge.items import KnowledgeCounts, KnowledgeItem, KnowledgeStatus, KnowledgeTotals
from domain.knowledge.tables import Knowledge

FIELDS = tuple(field.name for field in fields(KnowledgeItem))
COLUMNS = tuple(KNOWLEDGE.c[name] for name in FIELDS)
OF_AVATAR = KNOWLEDGE.c.avatar_id == bindparam("avatar_id")
ONE = KNOWLEDGE.c.id == bindparam("item_id")
NEWEST_FIRST = (KNOWLEDGE.c.created_at.desc(), KNOWLEDGE.c.id.desc())
PAGED = KNOWLEDGE.alias("paged")
CURSOR = KNOWLEDGE.alias("cursor")

OWN_BY_ID = select(*COLUMNS).where(OF_AVATAR, ONE)
BY_ID = Statement(OWN_BY_ID)
BY_ID_LOCKED = Statement(locked(OWN_BY_ID, KNOWLEDGE))
BY_IDS = of_list(lambda ids: select(*COLUMNS).where(OF_AVATAR, KNOWLEDGE.c.id.in_(ids)))
OWN_OF_ACCOUNT = (
    select(*COLUMNS).join_from(KNOWLEDGE, AVATARS).where(ONE, AVATARS.c.account_id == bindparam("account_id"))
)
OF_ACCOUNT = Statement(OWN_OF_ACCOUNT)
OF_ACCOUNT_LOCKED = Statement(locked(OWN_OF_ACCOUNT, KNOWLEDGE))
OWN_OF_LIST = of_list(
    lambda ids: (
        select(KNOWLEDGE.c.id)
        .join_from(KNOWLEDGE, AVATARS)
        .where(KNOWLEDGE.c.id.in_(ids), AVATARS.c.account_id == bindparam("account_id"))
    )
)
ALL = Statement(select(*COLUMNS).where(OF_AVATAR).order_by(*NEWEST_FIRST))


def first_page(avatar_id: ColumnElement[str]) -> Select[Any]:
    newest_first = (PAGED.c.created_at.desc(), PAGED.c.id.desc())
    return select(PAGED.c.id).where(PAGED.c.avatar_id == avatar_id).order_by(*newest_first).limit(bindparam("first"))


def next_page(avatar_id: ColumnElement[str]) -> Select[Any]:
    place = select(CURSOR.c.created_at, CURSOR.c.id).where(
        CURSOR.c.id == bindparam("after"), CURSOR.c.avatar_id == PAGED.c.avatar_id
    )
    return first_page(avatar_id).where(tuple_(PAGED.c.created_at, PAGED.c.id) < place.scalar_subquery())


FIRST_PAGES = of_each(COLUMNS, KNOWLEDGE.c.id, first_page, NEWEST_FIRST)
NEXT_PAGES = of_each(COLUMNS, KNOWLEDGE.c.id, next_page, NEWEST_FIRST)
COUNTS = of_list(
    lambda ids: (
        select(
            AVATARS.c.id,
            func.count(KNOWLEDGE.c.id),
            func.count().filter(KNOWLEDGE.c.status == KnowledgeStatus.READY),
            func.count().filter(KNOWLEDGE.c.status == KnowledgeStatus.FAILED),
            func.coalesce(func.sum(KNOWLEDGE.c.passage_count), 0),
            func.coalesce(func.sum(KNOWLEDGE.c.size), 0),
            func.max(EMBEDDINGS.c.model),
        )
        .join_from(AVATARS, KNOWLEDGE, KNOWLEDGE.c.avatar_id == AVATARS.c.id, isouter=True)
        .join(EMBEDDINGS, EMBEDDINGS.c.avatar_id == AVATARS.c.id, isouter=True)
        .where(AVATARS.c.id.in_(ids))
        .group_by(AVATARS.c.id)
    )
)
LOCK_ACCOUNT = Statement(locked(select(ACCOUNTS.c.id).where(ACCOUNTS.c.id == bindparam("account_id")), ACCOUNTS))
LOCK_AVATAR = Statement(locked(select(AVATARS.c.id).where(AVATARS.c.id == bindparam("avatar_id")), AVATARS))
TOTALS = Statement(
    select(func.count(), func.coalesce(func.sum(KNOWLEDGE.c.size), 0))
    .select_from(KNOWLEDGE)
    .join(AVATARS)
    .where(AVATARS.c.account_id == bindparam("account_id"))
)
ADD = insertion(KNOWLEDGE)
UPDATE = Statement(
    update(KNOWLEDGE)
    .where(ONE)
    .values(assignments(column for column in COLUMNS if column.name not in ("id", "avatar_id", "created_at")))
)
DELETE = Statement(delete(KNOWLEDGE).where(ONE), is_slow=True)
BODY = Statement(select(BODIES.c.body).where(BODIES.c.item_id == bindparam("item_id")), is_slow=True)
ADD_BODY = insertion(BODIES, is_slow=True)
DELETE_BODY = Statement(delete(BODIES).where(BODIES.c.item_id == bindparam("item_id")))
OF_THIS_AVATAR = EMBEDDINGS.c.avatar_id == bindparam("avatar_id")
MODEL = Statement(select(EMBEDDINGS.c.model).where(OF_THIS_AVATAR))
WITHOUT_MODEL = Statement(
    select(KNOWLEDGE.c.avatar_id)
    .distinct()
    .join_from(KNOWLEDGE, EMBEDDINGS, EMBEDDINGS.c.avatar_id == KNOWLEDGE.c.avatar_id, isouter=True)
    .where(KNOWLEDGE.c.generation > 0, EMBEDDINGS.c.model.is_distinct_from(bindparam("model", type_=Text)))
    .order_by(KNOWLEDGE.c.avatar_id)
)
FORGET_MODEL = Statement(delete(EMBEDDINGS).where(OF_THIS_AVATAR))
FORGET_MODELS = Statement(delete(EMBEDDINGS))
USE_MODEL = insertion(EMBEDDINGS)


class SqlKnowledge(Knowledge):
    def __init__(self, driver: Driver, writes: bool) -> None:
        self._driver, self._writes = driver, writes
        self._by_id, self._of_account = (BY_ID_LOCKED, OF_ACCOUNT_LOCKED) if writes else (BY_ID, OF_ACCOUNT)

    def by_id(self, avatar_id: str, item_id: str) -> KnowledgeItem | None:
        row = self._by_id.row(self._driver, avatar_id=avatar_id, item_id=item_id)
        return KnowledgeItem(*row) if row else None

    def by_ids(self, avatar_id: str, item_ids: Collection[str]) -> list[KnowledgeItem]:
        rows = BY_IDS.rows(self._driver, avatar_id=avatar_id, **{LIST: listed(list(item_ids))})
        return [KnowledgeItem(*row) for row in rows]

    def of_account(self, account_id: str, item_id: str) -> KnowledgeItem | None:
        row = self._of_account.row(self._driver, account_id=account_id, item_id=item_id)
        return KnowledgeItem(*row) if row else None

    def of_avatar(self, avatar_id: str) -> list[KnowledgeItem]:
        return [KnowledgeItem(*row) for row in ALL.rows(self._driver, avatar_id=avatar_id)]

    def own(self, account_id: str, item_ids: Collection[str]) -> set[str]:
        rows = OWN_OF_LIST.rows(self._driver, account_id=account_id, **{LIST: listed(list(item_ids))})
        return {item_id for (item_id,) in rows}

    def pages(self, avatar_ids: Collection[str], first: int, after: str | None) -> dict[str, list[KnowledgeItem]]:
        statement = FIRST_PAGES if after is None else NEXT_PAGES
        pages: dict[str, list[KnowledgeItem]] = {avatar_id: [] for avatar_id in avatar_ids}
        for row in statement.rows(self._driver, first=first, after=after, **{LIST: listed(list(pages))}):
            item = KnowledgeItem(*row)
            pages[item.avatar_id].append(item)
        return pages

    def counts(self, avatar_ids: Collection[str]) -> dict[str, KnowledgeCounts]:
        rows = COUNTS.rows(self._driver, **{LIST: listed(list(avatar_ids))})
        return {row[0]: counted(*row[1:]) for row in rows}

    def totals(self, account_id: str) -> KnowledgeTotals:
        if self._writes:
            LOCK_ACCOUNT.rows(self._driver, account_id=account_id)
        items, size = TOTALS.rows(self._driver, account_id=account_id)[0]
        return KnowledgeTotals(int(items), int(size))

    def add(self, item: KnowledgeItem, body: bytes | None) -> None:
        ADD.run(self._driver, **values_of(item))
        if body is not None:
            ADD_BODY.run(self._driver, item_id=item.id, body=body)

    def body(self, item_id: str) -> bytes | None:
        row = BODY.row(self._driver, item_id=item_id)
        return bytes(row[0]) if row else None

    def update(self, item: KnowledgeItem) -> None:
        UPDATE.run(self._driver, item_id=item.id, **values_of(item))

    def replace_body(self, item_id: str, body: bytes) -> None:
        DELETE_BODY.run(self._driver, item_id=item_id)
        ADD_BODY.run(self._driver, item_id=item_id, body=body)

    def delete(self, item_id: str) -> None:
        DELETE.run(self._driver, item_id=item_id)

    def model(self, avatar_id: str) -> str | None:
        if self._writes:
            LOCK_AVATAR.rows(self._driver, avatar_id=avatar_id)
        row = MODEL.row(self._driver, avatar_id=avatar_id)
        return str(row[0]) if row else None

    def without_model(self, model: str) -> list[str]:
        return [avatar_id for (avatar_id,) in WITHOUT_MODEL.rows(self._driver, model=model)]

    def use_model(self, avatar_id: str, model: str | None) -> None:
        FORGET_MODEL.run(self._driver, avatar_id=avatar_id)
        if model is not None:
            USE_MODEL.run(self._driver, avatar_id=avatar_id, model=model)

    def forget_models(self) -> None:
        FORGET_MODELS.run(self._driver)


def counted(items: int, ready: int, failed: int, passages: int, size: int, model: str | None) -> KnowledgeCounts:
    return KnowledgeCounts(items, items - ready - failed, failed, int(passages), int(size), model)


def values_of(item: KnowledgeItem) -> dict[str, Any]:
    return {name: getattr(item, name) for name in FIELDS}
