"""The database in memory, with the same rules: constraints, cascades, order and rollback."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from domain.accounts import Account, ApiKey
from domain.ai.prompts import Utterance
from domain.avatars import Avatar
from domain.errors import SlugTaken, Unavailable
from domain.sessions import Message, MessageStatus, Role, Session
from domain.tables import Accounts, ApiKeys, Avatars, Messages, Sessions, Store, Tx
from tests.fakes.knowledge_tables import MemoryJobs, MemoryKnowledge, MemoryPassages
from tests.fakes.tables import ConstraintBroken, Tables, found, page_of, require

__all__ = ["ConstraintBroken", "MemoryStore"]

T = TypeVar("T")


class MemoryAccounts(Accounts):
    def __init__(self, tables: Tables) -> None:
        self._rows = tables.accounts

    def by_id(self, account_id: str) -> Account | None:
        return self._rows.get(account_id)

    def by_subject(self, subject: str) -> Account | None:
        return found(self._rows.values(), lambda row: row.subject == subject)

    def add(self, account: Account) -> None:
        require(account.id not in self._rows and self.by_subject(account.subject) is None)
        self._rows[account.id] = account


class MemoryApiKeys(ApiKeys):
    def __init__(self, tables: Tables) -> None:
        self._tables, self._rows = tables, tables.api_keys

    def by_digest(self, digest: str) -> ApiKey | None:
        return found(self._rows.values(), lambda row: row.digest == digest)

    def of_account(self, account_id: str) -> list[ApiKey]:
        own = [row for row in self._rows.values() if row.account_id == account_id]
        return sorted(own, key=lambda row: (row.created_at, row.id), reverse=True)

    def by_id(self, account_id: str, key_id: str) -> ApiKey | None:
        return found(self.of_account(account_id), lambda row: row.id == key_id)

    def add(self, key: ApiKey) -> None:
        require(key.id not in self._rows and self.by_digest(key.digest) is None)
        require(key.account_id in self._tables.accounts)
        self._rows[key.id] = key

    def revoke(self, key_id: str, at: datetime) -> None:
        if (key := self._rows.get(key_id)) and key.revoked_at is None:
            self._rows[key_id] = replace(key, revoked_at=at)

    def used(self, key_id: str, at: datetime) -> None:
        if key := self._rows.get(key_id):
            self._rows[key_id] = replace(key, last_used_at=at)


class MemoryAvatars(Avatars):
    def __init__(self, tables: Tables) -> None:
        self._tables, self._rows = tables, tables.avatars

    def by_id(self, account_id: str, avatar_id: str) -> Avatar | None:
        return found(self._own(account_id), lambda row: avatar_id in (row.id, row.short_id))

    def by_short_id(self, short_id: str) -> Avatar | None:
        return found(self._rows.values(), lambda row: row.short_id == short_id)

    def page(self, account_id: str, first: int, after: str | None) -> list[Avatar]:
        return page_of(self._own(account_id), first, after, lambda row: row.id)

    def count(self, account_id: str) -> int:
        return len(self._own(account_id))

    def add(self, avatar: Avatar) -> None:
        self._require_unique(avatar)
        require(avatar.id not in self._rows and avatar.account_id in self._tables.accounts)
        self._rows[avatar.id] = avatar

    def update(self, avatar: Avatar) -> None:
        self._require_unique(avatar)
        if before := self._rows.get(avatar.id):
            self._rows[avatar.id] = replace(
                avatar, view_count=before.view_count, conversation_count=before.conversation_count
            )

    def delete(self, avatar_id: str) -> None:
        self._rows.pop(avatar_id, None)
        self._tables.models.pop(avatar_id, None)
        for item in [row for row in self._tables.knowledge.values() if row.avatar_id == avatar_id]:
            MemoryKnowledge(self._tables).delete(item.id)
        sessions, messages = self._tables.sessions, self._tables.messages
        for session in [row for row in sessions.values() if row.avatar_id == avatar_id]:
            del sessions[session.id]
            for message in [row for row in messages.values() if row.session_id == session.id]:
                del messages[message.id]

    def count_view(self, avatar_id: str) -> None:
        if row := self._rows.get(avatar_id):
            self._rows[avatar_id] = replace(row, view_count=row.view_count + 1)

    def count_conversation(self, avatar_id: str) -> None:
        if row := self._rows.get(avatar_id):
            self._rows[avatar_id] = replace(row, conversation_count=row.conversation_count + 1)

    def _own(self, account_id: str) -> list[Avatar]:
        own = [row for row in self._rows.values() if row.account_id == account_id]
        return sorted(own, key=lambda row: (row.created_at, row.id), reverse=True)

    def _require_unique(self, avatar: Avatar) -> None:
        others = [row for row in self._rows.values() if row.id != avatar.id]
        if any(row.settings.slug == avatar.settings.slug for row in others):
            raise SlugTaken(f"The slug {avatar.settings.slug} is taken. Choose another one.")
        require(all(row.short_id != avatar.short_id for row in others))


class MemorySessions(Sessions):
    def __init__(self, tables: Tables) -> None:
        self._tables, self._rows = tables, tables.sessions

    def by_id(self, session_id: str) -> Session | None:
        return self._rows.get(session_id)

    def with_avatar(self, session_id: str) -> tuple[Session, Avatar] | None:
        session = self._rows.get(session_id)
        return (session, self._tables.avatars[session.avatar_id]) if session else None

    def add(self, session: Session) -> None:
        require(session.id not in self._rows and session.avatar_id in self._tables.avatars)
        self._rows[session.id] = session

    def touch(self, session_id: str, at: datetime) -> None:
        if session := self._rows.get(session_id):
            self._rows[session_id] = replace(session, last_active_at=at)

    def end(self, session_id: str, at: datetime) -> None:
        if (session := self._rows.get(session_id)) and session.ended_at is None:
            self._rows[session_id] = replace(session, ended_at=at)


class MemoryMessages(Messages):
    def __init__(self, tables: Tables) -> None:
        self._tables, self._rows = tables, tables.messages

    def by_id(self, message_id: str) -> Message | None:
        return self._rows.get(message_id)

    def of_client(self, session_id: str, client_message_id: str) -> Message | None:
        return found(self._of(session_id), lambda row: row.client_message_id == client_message_id)

    def reply_to(self, message: Message) -> Message | None:
        return found(reversed(self._of(message.session_id)), lambda row: row.in_reply_to == message.id)

    def history(self, session_id: str, limit: int, before: str | None = None) -> list[Utterance]:
        earlier = self._of(session_id)
        if before is not None:
            ids = [row.id for row in earlier]
            earlier = earlier[: ids.index(before)] if before in ids else []
        spoken = [row for row in earlier if row.content and row.status is not MessageStatus.STREAMING]
        return [Utterance(row.role, row.content) for row in spoken[max(0, len(spoken) - limit) :]]

    def page(self, session_id: str, first: int, after: str | None) -> list[Message]:
        return page_of(self._of(session_id), first, after, lambda row: row.id)

    def questions(self, session_id: str) -> int:
        return sum(row.role is Role.USER for row in self._of(session_id))

    def latencies(self, session_id: str) -> list[int]:
        replies = [row for row in self._of(session_id) if row.role is Role.ASSISTANT]
        return [row.latency.total for row in replies if row.latency and row.status is MessageStatus.COMPLETE]

    def streaming(self) -> list[Message]:
        return [row for row in self._rows.values() if row.status is MessageStatus.STREAMING]

    def add(self, message: Message) -> None:
        require(message.id not in self._rows and message.session_id in self._tables.sessions)
        client_id = message.client_message_id
        require(client_id is None or self.of_client(message.session_id, client_id) is None)
        self._rows[message.id] = message

    def add_turn(self, message: Message, reply: Message) -> None:
        self.add(message)
        self.add(reply)

    def said(self, message_id: str, content: str) -> None:
        before = self._rows.get(message_id)
        if before and before.status is MessageStatus.STREAMING:
            self._rows[message_id] = replace(before, content=content)

    def finish(self, message: Message) -> None:
        before = self._rows.get(message.id)
        if before and before.status is MessageStatus.STREAMING:
            self._rows[message.id] = replace(
                message,
                session_id=before.session_id,
                role=before.role,
                created_at=before.created_at,
                client_message_id=before.client_message_id,
                in_reply_to=before.in_reply_to,
            )

    def _of(self, session_id: str) -> list[Message]:
        return [row for row in self._rows.values() if row.session_id == session_id]


class MemoryTx(Tx):
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    @property
    def accounts(self) -> MemoryAccounts:
        return MemoryAccounts(self._tables)

    @property
    def api_keys(self) -> MemoryApiKeys:
        return MemoryApiKeys(self._tables)

    @property
    def avatars(self) -> MemoryAvatars:
        return MemoryAvatars(self._tables)

    @property
    def sessions(self) -> MemorySessions:
        return MemorySessions(self._tables)

    @property
    def messages(self) -> MemoryMessages:
        return MemoryMessages(self._tables)

    @property
    def knowledge(self) -> MemoryKnowledge:
        return MemoryKnowledge(self._tables)

    @property
    def passages(self) -> MemoryPassages:
        return MemoryPassages(self._tables)

    @property
    def jobs(self) -> MemoryJobs:
        return MemoryJobs(self._tables)


class MemoryStore(Store):
    """Like a real one it lets other tasks run before it answers."""

    def __init__(self) -> None:
        self._tables = Tables()
        self._closed = False

    async def read(self, work: Callable[[Tx], T]) -> T:
        self._require_open()
        snapshot = self._tables.copy()
        try:
            answer = work(MemoryTx(snapshot))
            require(snapshot == self._tables)
        finally:
            await asyncio.sleep(0)
        return answer

    async def write(self, work: Callable[[Tx], T]) -> T:
        self._require_open()
        changed = self._tables.copy()
        try:
            answer = work(MemoryTx(changed))
            self._tables = changed
        finally:
            await asyncio.sleep(0)
        return answer

    async def erased(self) -> None:
        self._require_open()

    def close(self) -> None:
        self._closed = True

    def _require_open(self) -> None:
        if self._closed:
            raise Unavailable("The database is closed: this server is stopping.")
