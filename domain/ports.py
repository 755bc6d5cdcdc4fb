"""Every port: what the rules need from the world. Adapters subclass these."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol, TypeVar

from domain.accounts import Account, ApiKey, Identity
from domain.avatars import AiProvider, Avatar, SealedKey
from domain.knowledge_ports import Jobs, Knowledge, Passages
from domain.limits import Hit, Limit
from domain.models import Candidate
from domain.prompts import Prompt, Turn
from domain.providers import Piece
from domain.replies import ReplyEvent
from domain.sessions import Message, Session
from domain.telemetry import TurnReport

T = TypeVar("T")


class Clock(Protocol):
    def now(self) -> datetime:
        """The time of day, in UTC and aware of it."""
        ...

    def monotonic(self) -> float:
        """Seconds from some fixed start; never steps back."""
        ...


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
    def history(self, session_id: str, limit: int, before: str | None = None) -> list[Turn]:
        """The newest `limit` turns of a session, oldest first; those before the message with the id `before`.

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

    def streaming(self) -> list[Message]:
        """All replies that are still being spoken, in every session."""
        ...

    def add(self, message: Message) -> None: ...
    def add_turn(self, message: Message, reply: Message) -> None:
        """Adds what a visitor said, and the reply to it that is about to be spoken."""
        ...

    def said(self, message_id: str, content: str) -> None:
        """Stores what a streaming reply has said so far; a reply that has ended stays as it is."""
        ...

    def finish(self, message: Message) -> None:
        """Stores how a streaming reply ended; a reply that has ended stays as it is."""
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


class ReplyLog(Protocol):
    """The numbered events of the replies that are being spoken or have just been."""

    async def open(self, reply_id: str) -> None:
        """Makes an empty log, before anyone may follow it."""
        ...

    async def append(self, event: ReplyEvent) -> None:
        """Adds the next event; `ReplyDone` or `ReplyFailed` closes the log."""
        ...

    async def has(self, reply_id: str) -> bool: ...

    def follow(self, reply_id: str, after_seq: int) -> AsyncGenerator[ReplyEvent]:
        """Replays the events after `after_seq`, then goes on live until the last.

        Consecutive chunks that wait for a slow follower reach it as one.
        """
        ...

    def unheard_for(self, reply_id: str) -> float:
        """Seconds since anybody last followed a log that is open; 0 while somebody does."""
        ...

    async def discard_old(self) -> None:
        """Forgets logs that were closed a while ago."""
        ...


class Models(Protocol):
    """The AI providers."""

    def managed(self) -> frozenset[AiProvider]:
        """The providers that this server has keys of its own for."""
        ...

    def stream(self, candidate: Candidate, prompt: Prompt) -> AsyncGenerator[Piece]:
        """One model's answer. Raises `ProviderFailure`, also when the stream breaks off."""
        ...


class Vault(Protocol):
    """Keeps owners' provider keys unreadable at rest."""

    def seal(self, secret: str) -> SealedKey: ...
    def open(self, key: SealedKey) -> str:
        """Raises `Unavailable` when no secret key of this server opens it."""
        ...


class SignIn(Protocol):
    async def verify(self, token: str) -> Identity:
        """Raises `TokenInvalid`, `TokenExpired`, or `Unavailable` when it cannot be checked."""
        ...


class Limiter(Protocol):
    async def hit(self, limit: Limit, key: str) -> Hit:
        """Counts one attempt under `key` and says whether it is within the limit."""
        ...


class Telemetry(Protocol):
    """Tells operators what the server does. It must be quick, and it never raises."""

    def turn_began(self) -> None: ...
    def turn_ended(self, report: TurnReport) -> None:
        """Once for each turn that began."""
        ...

    def listening(self) -> AbstractContextManager[None]:
        """Counts one more listener of a reply for as long as the block lasts."""
        ...
