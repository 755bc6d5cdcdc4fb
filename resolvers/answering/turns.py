"""The turns that are running: each a task of its own, in which the avatar gives one reply.

A turn outlives the socket that asked for it. It ends when the reply is whole, when it is stopped,
when nobody has listened for a while, or when the server shuts down. What was said is stored first.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Collection, Coroutine, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from domain.errors import ProviderFailure, Unavailable
from domain.sessions import MessageStatus
from domain.telemetry import StepName
from resolvers.answering.answer import AnsweringPorts, answer
from resolvers.answering.settling import Settling
from resolvers.answering.transcript import Opened, Transcript

log = logging.getLogger("avatarium.turns")

T = TypeVar("T")
HISTORY_MESSAGES = 20
QUEUE_MOST = 16
UNHEARD_LIMIT = 30.0
SWEEP_EVERY = 1.0
SHUTDOWN_LIMIT = 10.0


@dataclass(slots=True)
class Turn:
    """`speaking` may be cancelled at any time; `settling` then stores what was said."""

    transcript: Transcript
    session_id: str
    speaking: asyncio.Task[None]
    settling: asyncio.Task[None]


class Turns:
    def __init__(self, ports: AnsweringPorts) -> None:
        self._ports = ports
        self._settling = Settling(ports.clock, ports.store)
        self._running: dict[str, Turn] = {}
        self._of_session: dict[str, list[Turn]] = {}
        self._starting: set[asyncio.Task[Any]] = set()
        self._queueing: Counter[str] = Counter()
        self._swept = asyncio.Event()
        self.closing = False

    async def to_the_end(self, work: Coroutine[Any, Any, T]) -> T:
        """Does `work` even if the caller hangs up meanwhile: a reply that is stored must be spoken too."""
        task = asyncio.create_task(work)
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)
        return await asyncio.shield(task)

    @contextmanager
    def queueing(self, session_id: str) -> Iterator[bool]:
        """Whether one more message of the session may wait for its answer; its place is kept until the block ends."""
        self._queueing[session_id] += 1
        try:
            yield self._queueing[session_id] + len(self._of_session.get(session_id, ())) <= QUEUE_MOST
        finally:
            self._queueing[session_id] -= 1
            if not self._queueing[session_id]:
                del self._queueing[session_id]

    @property
    def server(self) -> str:
        """The name of this server, which is stored with the replies that it speaks."""
        return self._settling.server

    def speaks(self, reply_id: str) -> bool:
        """Whether the reply is being spoken here, or is over and not stored yet."""
        return reply_id in self._running or self.keeps(reply_id)

    def keeps(self, reply_id: str) -> bool:
        """Whether the reply is over here, and not stored yet."""
        return self._settling.keeps(reply_id)

    async def start(self, opened: Opened) -> None:
        """Lets the avatar speak, after it has finished all earlier replies of the same session.

        Does nothing for a reply that is spoken already, as when the same message was sent twice at once.
        """
        if opened.reply.id in self._running:
            return
        transcript = Transcript(self._ports.clock, self._ports.replies, opened)
        session_id, begun = opened.message.session_id, asyncio.Event()
        of_session = self._of_session.setdefault(session_id, [])
        earlier = {turn.settling for turn in of_session}
        speaking = asyncio.create_task(self._speak(opened, transcript, earlier, begun))
        settling = asyncio.create_task(self._settle(transcript, speaking))
        turn = Turn(transcript, session_id, speaking, settling)
        self._running[transcript.id] = turn
        of_session.append(turn)
        self._ports.telemetry.turn_began()
        settling.add_done_callback(lambda _: self._forget(turn))
        try:
            await transcript.begin()
        except BaseException:
            speaking.cancel()
            raise
        begun.set()

    async def stop(self, reply_id: str) -> None:
        """Returns when what was said is stored; does nothing for a reply that is over."""
        if turn := self._running.get(reply_id):
            await stopped([turn])

    async def stop_session(self, session_id: str) -> None:
        """Stops its replies, those too that wait for another to end."""
        await stopped(self._of_session.get(session_id, []))

    async def sweep(self) -> None:
        """Stops the turns that nobody has listened to for 30 seconds, stores what can be stored by now, and closes the
        replies of servers that died.

        The database comes last: while it is down, turns must still be stopped and logs forgotten.
        """
        unheard_for = self._ports.replies.unheard_for
        try:
            await stopped([turn for turn in self._running.values() if unheard_for(turn.transcript.id) >= UNHEARD_LIMIT])
            await self._ports.replies.discard_old()
            await self._settling.settle_kept()
            await self._settling.keep_alive(
                {reply_id: turn.transcript.said for reply_id, turn in self._running.items()}
            )
            await self._settling.recover(self._running)
        finally:
            self._swept.set()
            self._swept = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Sweeps until the end, and then stops every turn."""
        await self._settling.recover()
        sweeping = asyncio.create_task(self._keep_sweeping())
        try:
            yield
        finally:
            sweeping.cancel()
            await self.close()

    async def close(self, limit: float = SHUTDOWN_LIMIT) -> None:
        """Stops every turn and waits until what was said is stored, or has been refused once more.

        It waits for `limit` seconds at most: a database that is stuck answers nothing.
        """
        self.closing = True
        self._swept.set()
        with suppress(TimeoutError, Unavailable):
            async with asyncio.timeout(limit):
                await stopped(self._running.values())
                if self._starting:
                    await asyncio.wait(self._starting)
                    await stopped(self._running.values())
                await self._settling.settle_kept()

    async def _keep_sweeping(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_EVERY)
            try:
                await self.sweep()
            except Exception as error:
                log.error("sweep failed: %s", type(error).__name__)

    async def next_sweep(self) -> None:
        """Returns when what servers left behind has been looked at once more."""
        await self._swept.wait()

    async def _speak(
        self, opened: Opened, transcript: Transcript, earlier: Collection[asyncio.Task[None]], begun: asyncio.Event
    ) -> None:
        await begun.wait()
        if earlier:
            with transcript.effort.step(StepName.WAIT):
                await asyncio.wait(earlier)
                opened = await self._reread(opened)
        await answer(self._ports.speaker, opened, transcript)

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

    async def _settle(self, transcript: Transcript, speaking: asyncio.Task[None]) -> None:
        await asyncio.wait({speaking})
        message = transcript.message(outcome(transcript.id, speaking))
        try:
            await self._settling.settle(message)
        except Exception as error:
            log.error("reply %s could not be stored: %s", transcript.id, type(error).__name__)
            await transcript.end_unstored()
            return
        await transcript.end(message)

    def _forget(self, turn: Turn) -> None:
        del self._running[turn.transcript.id]
        of_session = self._of_session[turn.session_id]
        of_session.remove(turn)
        if not of_session:
            del self._of_session[turn.session_id]
        self._ports.telemetry.turn_ended(turn.transcript.report())


async def stopped(turns: Iterable[Turn]) -> None:
    """Silences them all at once, so that none begins when another ends; returns when they are stored."""
    settling = set()
    for turn in turns:
        turn.speaking.cancel()
        settling.add(turn.settling)
    if settling:
        await asyncio.wait(settling)


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
