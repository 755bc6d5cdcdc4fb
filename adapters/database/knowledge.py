"""The items of an avatar's knowledge in SQL."""

from collections.abc import Collection
from dataclasses import fields
from typing import Any

from sqlalchemy import Text, bindparam, delete, func, select, tuple_, update

from adapters.database.lists import LIST, listed, of_list
from adapters.database.statements import Driver, Statement, assignments, insertion, locked
from adapters.database.tables import ACCOUNTS, AVATARS, BODIES, EMBEDDINGS, KNOWLEDGE
from domain.knowledge.items import KnowledgeItem, KnowledgeTotals
from domain.tables import Knowledge

FIELDS = tuple(field.name for field in fields(KnowledgeItem))
COLUMNS = tuple(KNOWLEDGE.c[name] for name in FIELDS)
OF_AVATAR = KNOWLEDGE.c.avatar_id == bindparam("avatar_id")
ONE = KNOWLEDGE.c.id == bindparam("item_id")
CURSOR = KNOWLEDGE.alias("cursor")
PLACE_OF_CURSOR = select(CURSOR.c.created_at, CURSOR.c.id).where(
    CURSOR.c.id == bindparam("after"), CURSOR.c.avatar_id == bindparam("avatar_id")
)
NEWEST_FIRST = select(*COLUMNS).where(OF_AVATAR).order_by(KNOWLEDGE.c.created_at.desc(), KNOWLEDGE.c.id.desc())

OWN_BY_ID = select(*COLUMNS).where(OF_AVATAR, ONE)
BY_ID = Statement(OWN_BY_ID)
BY_ID_LOCKED = Statement(locked(OWN_BY_ID, KNOWLEDGE))
BY_IDS = of_list(lambda ids: select(*COLUMNS).where(OF_AVATAR, KNOWLEDGE.c.id.in_(ids)))
OWN_OF_ACCOUNT = (
    select(*COLUMNS).join_from(KNOWLEDGE, AVATARS).where(ONE, AVATARS.c.account_id == bindparam("account_id"))
)
OF_ACCOUNT = Statement(OWN_OF_ACCOUNT)
OF_ACCOUNT_LOCKED = Statement(locked(OWN_OF_ACCOUNT, KNOWLEDGE))
ALL = Statement(NEWEST_FIRST)
FIRST_PAGE = Statement(NEWEST_FIRST.limit(bindparam("first")))
NEXT_PAGE = Statement(
    NEWEST_FIRST.where(tuple_(KNOWLEDGE.c.created_at, KNOWLEDGE.c.id) < PLACE_OF_CURSOR.scalar_subquery()).limit(
        bindparam("first")
    )
)
LOCK_ACCOUNT = Statement(locked(select(ACCOUNTS.c.id).where(ACCOUNTS.c.id == bindparam("account_id")), ACCOUNTS))
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

    def page(self, avatar_id: str, first: int, after: str | None) -> list[KnowledgeItem]:
        statement = FIRST_PAGE if after is None else NEXT_PAGE
        rows = statement.rows(self._driver, avatar_id=avatar_id, first=first, after=after)
        return [KnowledgeItem(*row) for row in rows]

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


def values_of(item: KnowledgeItem) -> dict[str, Any]:
    return {name: getattr(item, name) for name in FIELDS}
