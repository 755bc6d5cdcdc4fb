"""The ports of the database: a store, and its tables within one transaction. Adapters subclass these."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Protocol, TypeVar

from domain.accounts import Account, ApiKey
from domain.ai.prompts import Utterance
from domain.avatars import Avatar
from domain.jobs import Job, Lane
from domain.knowledge.tables import Knowledge, Passages
from domain.sessions import Message, Session

T = TypeVar("T")


class Accounts(Protocol):
    def by_id(self, account_id: str) -> Account | None: ...
    def by_subject(self, subject: str) -> Account | None: ...
    def add(self, account: Account) -> None: ...


class ApiKeys(Protocol):
    def by_digest(self, digest: str) -> ApiKey | None: ...
    def of_account(self, account_id: str) -> list[ApiKey]:
        """Newest first, revoked ones included."""
        ...

    def by_id(self, account_id: str, key_id: str) -> ApiKey | None: ...
    def add(self, key: ApiKey) -> None: ...
    def revoke(self, key_id: str, at: datetime) -> None: ...
    def used(self, key_id: str, at: datetime) -> None: ...


class Avatars(Protocol):
    def by_id(self, account_id: str, avatar_id: str) -> Avatar | None:
        """One of the account's own avatars, by id or by short id."""
        ...

    def by_short_id(self, short_id: str) -> Avatar | None: ...
    def page(self, account_id: str, first: int, after: str | None) -> list[Avatar]:
        """Newest first; those after the avatar with the id `after`. At most `first`."""
        ...

    def own(self, account_id: str, avatar_ids: Collection[str]) -> set[str]:
        """Those of the given ids that are the account's."""
        ...

    def count(self, account_id: str) -> int: ...
    def add(self, avatar: Avatar) -> None:
        """Raises `SlugTaken`; the short id is the caller's to make unique."""
        ...

    def update(self, avatar: Avatar) -> None:
        """Stores all but the counters. Raises `SlugTaken`."""
        ...

    def delete(self, avatar_id: str) -> None:
        """Deletes it with its sessions and their messages."""
        ...

    def count_view(self, avatar_id: str) -> None: ...
    def count_conversation(self, avatar_id: str) -> None: ...


class Sessions(Protocol):
    def by_id(self, session_id: str) -> Session | None: ...
    def with_avatar(self, session_id: str) -> tuple[Session, Avatar] | None:
        """A session and the avatar that its visitor talks with."""
        ...

    def add(self, session: Session) -> None: ...
    def touch(self, session_id: str, at: datetime) -> None:
        """Records activity, which puts off the expiry."""
        ...

    def end(self, session_id: str, at: datetime) -> None: ...


class Messages(Protocol):
    def by_id(self, message_id: str) -> Message | None: ...
    def of_client(self, session_id: str, client_message_id: str) -> Message | None:
        """The visitor's message that was sent under this id."""
        ...

    def reply_to(self, message: Message) -> Message | None: ...
    def history(self, session_id: str, limit: int, before: str | None = None) -> list[Utterance]:
        """The newest `limit` utterances of a session, oldest first; those before the message with the id `before`.

        Replies that are still being spoken, and those that never said a word, are no part of it.
        """
        ...

    def page(self, session_id: str, first: int, after: str | None) -> list[Message]:
        """Oldest first; those after the message with the id `after`. At most `first`."""
        ...

    def questions(self, session_id: str) -> int:
        """How many messages the visitor sent."""
        ...

    def latencies(self, session_id: str) -> list[int]:
        """Total milliseconds of each complete reply."""
        ...

    def abandoned(self, server: str, now: datetime) -> list[Message]:
        """The streaming replies that no living server speaks, and those of `server`, which knows what it speaks.

        A reply that was begun less than `SERVER_LEASE` ago counts as spoken.
        """
        ...

    def is_abandoned(self, reply_id: str, server: str, now: datetime) -> bool:
        """Whether it is one of these. Of the replies of `server` those too that have just been begun."""
        ...

    def take_over(self, reply_id: str, server: str) -> None:
        """From now on `server` speaks it."""
        ...

    def add(self, message: Message) -> None: ...
    def add_turn(self, message: Message, reply: Message, server: str) -> None:
        """Adds what a visitor said, and the reply to it that `server` is about to speak."""
        ...

    def said(self, drafts: Mapping[str, str]) -> None:
        """Stores what streaming replies have said so far, by their ids; a reply that has ended stays as it is."""
        ...

    def finish(self, message: Message) -> None:
        """Stores how a streaming reply ended; a reply that has ended stays as it is."""
        ...


class Jobs(Protocol):
    def add(self, job: Job) -> None:
        """When a job of the same kind, group, part and payload waits already, it only moves to the lane of this one."""
        ...

    def claim(self, lane: Lane, worker: str, now: datetime, leased_until: datetime) -> Job | None:
        """Leases the lane's oldest job that is due, that nobody holds, and that may run beside those which are held.

        Two jobs of one group may, whatever their lanes, if both name a part and the parts differ. Nobody holds what is
        leased for twice as long as this lease or longer: the clock of whoever did was wrong.
        """
        ...

    def renew(self, job_id: str, worker: str, leased_until: datetime) -> bool:
        """Whether the worker still held it."""
        ...

    def retry(self, job_id: str, worker: str, run_after: datetime) -> None:
        """Gives the lease back, to be claimed again later."""
        ...

    def finish(self, job_id: str, worker: str) -> None: ...
    def is_empty(self) -> bool: ...


class Servers(Protocol):
    """The servers that speak replies."""

    def alive(self, server: str, now: datetime) -> None:
        """Counts as living for `SERVER_LEASE` from now on."""
        ...

    def forget(self, before: datetime) -> None:
        """Forgets those that have been silent since then."""
        ...


class Tx(Protocol):
    """The tables within one transaction. Its methods do not await."""

    @property
    def accounts(self) -> Accounts: ...
    @property
    def api_keys(self) -> ApiKeys: ...
    @property
    def avatars(self) -> Avatars: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def messages(self) -> Messages: ...
    @property
    def servers(self) -> Servers: ...
    @property
    def knowledge(self) -> Knowledge: ...
    @property
    def passages(self) -> Passages: ...
    @property
    def jobs(self) -> Jobs: ...


class Store(Protocol):
    """The database. `work` is a plain function that runs within one transaction.

    It may run on another thread, so it must not touch the event loop, and it must be quick. When it
    loses against another transaction it is undone and run again, so it changes nothing but its rows.
    What it raises rolls its own changes back and reaches the caller.
    """

    async def read(self, work: Callable[[Tx], T]) -> T:
        """Runs `work` on a snapshot. It must not write."""
        ...

    async def write(self, work: Callable[[Tx], T]) -> T:
        """Returns only when the changes are durable."""
        ...

    async def erased(self) -> None:
        """Makes sure that what was deleted by now has left the database's files as well."""
        ...
