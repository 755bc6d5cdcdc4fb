"""The rows of the database in memory."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from domain.accounts import Account, ApiKey
from domain.avatars import Avatar
from domain.jobs import Job
from domain.knowledge.items import KnowledgeItem, Passage
from domain.sessions import Message, Session

T = TypeVar("T")


class ConstraintBroken(Exception):
    """What a database says to a row that does not fit; no caller may cause it."""


@dataclass
class Tables:
    """Rows by id, in the order in which they were added."""

    accounts: dict[str, Account] = field(default_factory=dict)
    api_keys: dict[str, ApiKey] = field(default_factory=dict)
    avatars: dict[str, Avatar] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)

    knowledge: dict[str, KnowledgeItem] = field(default_factory=dict)
    bodies: dict[str, bytes] = field(default_factory=dict)
    passages: dict[str, Passage] = field(default_factory=dict)
    terms: dict[str, str] = field(default_factory=dict)
    models: dict[str, str] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)

    def copy(self) -> "Tables":
        return Tables(*(dict(rows) for rows in vars(self).values()))


def require(held: bool) -> None:
    if not held:
        raise ConstraintBroken


def found(rows: Iterable[T], wanted: Callable[[T], bool]) -> T | None:
    return next((row for row in rows if wanted(row)), None)


def page_of(rows: list[T], first: int, after: str | None, id_of: Callable[[T], str]) -> list[T]:
    ids = [id_of(row) for row in rows]
    if after is None:
        return rows[:first]
    start = ids.index(after) + 1 if after in ids else len(ids)
    return rows[start : start + first]
