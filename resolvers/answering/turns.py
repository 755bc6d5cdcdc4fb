"""The turns that are running: each a task of its own, in which the avatar speaks one reply.

A turn outlives the socket that asked for it. It ends when the reply is whole, when it is stopped,
when nobody has listened for a while, or when the server shuts down. What was said is stored first;
while the database takes nothing it is kept, and stored as soon as it can be.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Coroutine, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from domain.errors import ProviderFailure, Unavailable
from domain.sessions import Message, MessageStatus
from domain.tables import Tx
from domain.telemetry import StepName
from resolvers.answering.answer import AnsweringPorts, Opened, Reply

log = logging.getLogger("avatarium.turns")

T = TypeVar("T")
HISTORY_MESSAGES = 20
UNHEARD_LIMIT = 30.0
SWEEP_EVERY = 1.0
SHUTDOWN_LIMIT = 10.0
UNSTORED_MAX = 1000


@dataclass(slots=True)
class Turn:
    """`speaking` may be cancelled at any time; `settling` then stores what was said."""

    reply: Reply
    session_id: str
    speaking: asyncio.Task[None]
    settling: asyncio.Task[None]


class Turns:
    def __init__(self, ports: AnsweringPorts) -> None:
        self._ports = ports
        self._running: dict[str, Turn] = {}
        self._of_session: dict[str, list[Turn]] = {}
        self._starting: set[asyncio.Task[Any]] = set()
        self._unstored: dict[str, Message] = {}
        self.closing = False

    async def to_the_end(self, work: Coroutine[Any, Any, T]) -> T:
        """Does `work` even if the caller hangs up meanwhile: a reply that is stored must be spoken too."""
        task = asyncio.create_task(work)
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)
        return await asyncio.shield(task)

    async def start(self, opened: Opened) -> None:
        """Lets the avatar speak, after it has finished all earlier replies of the same session."""
        reply, session_id = Reply(self._ports, opened), opened.message.session_id
        await reply.begin()
        of_session = self._of_session.setdefault(session_id, [])
        speaking = asyncio.create_task(self._speak(reply, {earlier.settling for earlier in of_session}))
        turn = Turn(reply, session_id, speaking, asyncio.create_task(self._settle(reply, speaking)))
        self._running[reply.id] = turn
        of_session.append(turn)
        self._ports.telemetry.turn_began()
        turn.settling.add_done_callback(lambda _: self._forget(turn))

    async def stop(self, reply_id: str) -> None:
        """Returns when what was said is stored; does nothing for a reply that is over."""
        if turn := self._running.get(reply_id):
            await stopped([turn])

    async def stop_session(self, session_id: str) -> None:
        """Stops its replies, those too that wait for another to end."""
        await stopped(self._of_session.get(session_id, []))

    async def sweep(self) -> None:
        """Stops the turns that nobody has listened to for 30 seconds, and stores what can be stored by now.

        The database comes last: while it is down, turns must still be stopped and logs forgotten.
        """
        for reply_id in list(self._running):
            if self._ports.replies.unheard_for(reply_id) >= UNHEARD_LIMIT:
                await self.stop(reply_id)
        await self._ports.replies.discard_old()
        await self.store_unstored()
        await self.store_drafts()

    async def store_unstored(self) -> None:
        """Stores the ended replies that the database did not take before, until it refuses one again."""
        for message in list(self._unstored.values()):
            await self._store(message)

    async def store_drafts(self) -> None:
        """Stores what each reply has said so far, so that a crash loses a second of it at most."""
        drafts = {turn.reply.id: turn.reply.said for turn in self._running.values()}

        def store(tx: Tx) -> None:
            for reply_id, said in drafts.items():
                tx.messages.said(reply_id, said)

        if any(drafts.values()):
            await self._ports.store.write(store)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Closes what a crash left open, then sweeps until the end, and then stops every turn."""
        await self.recover()
        sweeping = asyncio.create_task(self.keep_sweeping())
        try:
            yield
        finally:
            sweeping.cancel()
            await self.close()

    async def keep_sweeping(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_EVERY)
            try:
                await self.sweep()
            except Exception as error:
                log.error("sweep failed: %s", type(error).__name__)

    async def recover(self) -> None:
        """Closes the replies that a crash left open, with what was stored of them."""

        def close(tx: Tx) -> None:
            for message in tx.messages.streaming():
                tx.messages.finish(replace(message, status=MessageStatus.INTERRUPTED))

        await self._ports.store.write(close)

    async def close(self) -> None:
        """Stops every turn and waits until what was said is stored, or has been refused once more."""
        self.closing = True
        if self._starting:
            await asyncio.wait(self._starting, timeout=SHUTDOWN_LIMIT)
        await stopped(self._running.values(), timeout=SHUTDOWN_LIMIT)
        with suppress(Unavailable):
            await self.store_unstored()

    async def _speak(self, reply: Reply, earlier: Collection[asyncio.Task[None]]) -> None:
        if earlier:
            with reply.report.step(StepName.WAIT):
                await asyncio.wait(earlier)
                reply.opened = await self._reread(reply.opened)
        await reply.speak()

    async def _reread(self, opened: Opened) -> Opened:
        """The turn with the history as it is now that the earlier reply is stored.

        While the database is unavailable: with the history as it was when the words came.
        """
        message = opened.message
        try:
            before = await self._ports.store.read(
                lambda tx: tx.messages.history(message.session_id, HISTORY_MESSAGES, before=message.id)
            )
        except Unavailable:
            return opened
        return replace(opened, before=before)

    async def _settle(self, reply: Reply, speaking: asyncio.Task[None]) -> None:
        await asyncio.wait({speaking})
        message = reply.finished(outcome(reply.id, speaking))
        try:
            await self._store(message)
        except Exception as error:
            log.error("reply %s could not be stored: %s", reply.id, type(error).__name__)
            await reply.end_unstored()
            return
        await reply.end(message)

    async def _store(self, message: Message) -> None:
        """Keeps it for later when the database is unavailable; what it refuses as such is given up."""

        def finish(tx: Tx) -> None:
            tx.messages.finish(message)
            tx.sessions.touch(message.session_id, self._ports.clock.now())

        try:
            await self._ports.store.write(finish)
        except Unavailable:
            if len(self._unstored) < UNSTORED_MAX:
                self._unstored[message.id] = message
            raise
        except Exception:
            self._unstored.pop(message.id, None)
            raise
        self._unstored.pop(message.id, None)

    def _forget(self, turn: Turn) -> None:
        del self._running[turn.reply.id]
        of_session = self._of_session[turn.session_id]
        of_session.remove(turn)
        if not of_session:
            del self._of_session[turn.session_id]
        self._ports.telemetry.turn_ended(turn.reply.report)


async def stopped(turns: Iterable[Turn], timeout: float | None = None) -> None:
    """Silences them all at once, so that none begins when another ends; returns when they are stored."""
    settling = set()
    for turn in turns:
        turn.speaking.cancel()
        settling.add(turn.settling)
    if settling:
        await asyncio.wait(settling, timeout=timeout)


def outcome(reply_id: str, speaking: asyncio.Task[None]) -> MessageStatus:
    """How the speaking ended. Only the kind of an error is logged: its text may quote a visitor."""
    if speaking.cancelled():
        return MessageStatus.INTERRUPTED
    error = speaking.exception()
    if error is None:
        return MessageStatus.COMPLETE
    if isinstance(error, ProviderFailure):
        log.warning("reply %s broke off: %s", reply_id, error.reason)
    else:
        log.error("reply %s failed: %s", reply_id, type(error).__name__)
    return MessageStatus.FAILED
