"""Every port: what the rules need from the world. Adapters subclass these."""

from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol, TypeVar

from domain.accounts import Identity
from domain.ai.models import Candidate
from domain.ai.prompts import Prompt
from domain.ai.providers import Delta
from domain.avatars import AiProvider, SealedKey
from domain.jobs import Job
from domain.limits import Hit, Limit
from domain.reply.asked import Asked
from domain.reply.events import ReplyEvent
from domain.reply.pieces import Piece
from domain.tables import Tx
from domain.telemetry import TurnReport

T = TypeVar("T")


class Clock(Protocol):
    def now(self) -> datetime:
        """The time of day, in UTC and aware of it."""
        ...

    def monotonic(self) -> float:
        """Seconds from some fixed start; never steps back."""
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


class Speaker(Protocol):
    """Whoever can answer a visitor. A speaker made of others chooses among them, or adds to what they say."""

    def answer(self, asked: Asked) -> AsyncGenerator[Piece]:
        """The pieces of one reply. It is closed when the reply is stopped.

        What it raises breaks the reply off: `ProviderFailure` and `Unavailable` where a part that it needs fails.
        """
        ...


class Models(Protocol):
    """The AI providers."""

    def managed(self) -> frozenset[AiProvider]:
        """The providers that this server has keys of its own for."""
        ...

    def stream(self, candidate: Candidate, prompt: Prompt) -> AsyncGenerator[Delta]:
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

    async def lasting(self, token: str) -> str:
        """The token to keep: a sign-in link's is exchanged for one of the usual life, any other is kept itself.

        Raises as `verify` does.
        """
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


class Handler(Protocol):
    """Does the jobs of one kind.

    `foreseen`: what `run` may raise without being at fault. Anything else is logged by its name.
    """

    foreseen: tuple[type[Exception], ...]

    async def run(self, job: Job) -> None:
        """Does it, or the rest of what an earlier attempt began. It is cancelled when the lease is lost."""
        ...

    def failed(self, tx: Tx, job: Job, error: Exception) -> bool:
        """Whether the job is to be tried again later. Stores what its owner sees of the failure.

        It belongs to the transaction that gives the job back or ends it.
        """
        ...

    async def tell(self, job: Job) -> None:
        """Tells those who watch, once a failure is stored."""
        ...
