"""The turns that are running: each a task of its own, in which the avatar speaks one reply.

A turn outlives the socket that asked for it. It ends when the reply is whole, when it is stopped,
when nobody has listened for a while, or when the server shuts down. What was said is stored first.
"""

import asyncio
import logging
from dataclasses import dataclass, replace

from domain.errors import ProviderFailure
from domain.ports import Tx
from domain.sessions import Message, MessageStatus
from resolvers.speaking import Opened, Reply, Stage

log = logging.getLogger("avatarium.turns")

HISTORY_MESSAGES = 40
UNHEARD_LIMIT = 30.0
SWEEP_EVERY = 1.0
SHUTDOWN_LIMIT = 10.0


@dataclass(slots=True)
class Turn:
    """`speaking` may be cancelled at any time; `settling` then stores what was said."""

    reply: Reply
    session_id: str
    speaking: asyncio.Task[None]
    settling: asyncio.Task[None]


class Turns:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._running: dict[str, Turn] = {}
        self._last_in_session: dict[str, Turn] = {}

    async def start(self, opened: Opened) -> None:
        """Lets the avatar speak, after it has finished any earlier reply of the same session."""
        reply, session_id = Reply(self._stage, opened), opened.message.session_id
        await reply.begin()
        earlier = self._last_in_session.get(session_id)
        speaking = asyncio.create_task(self._speak(reply, earlier))
        turn = Turn(reply, session_id, speaking, asyncio.create_task(self._settle(reply, speaking)))
        self._running[reply.id] = self._last_in_session[session_id] = turn
        turn.settling.add_done_callback(lambda _: self._forget(turn))

    async def stop(self, reply_id: str) -> None:
        """Returns when what was said is stored; does nothing for a reply that is over."""
        if turn := self._running.get(reply_id):
            turn.speaking.cancel()
            await asyncio.wait({turn.settling})

    async def stop_session(self, session_id: str) -> None:
        for turn in list(self._running.values()):
            if turn.session_id == session_id:
                await self.stop(turn.reply.id)

    async def sweep(self) -> None:
        """Stops the turns that nobody has listened to for 30 seconds."""
        for reply_id in list(self._running):
            if self._stage.replies.unheard_for(reply_id) >= UNHEARD_LIMIT:
                await self.stop(reply_id)
        await self._stage.replies.discard_old()

    async def keep_sweeping(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_EVERY)
            try:
                await self.sweep()
            except Exception as error:
                log.exception("sweep failed: %s", type(error).__name__)

    async def recover(self) -> None:
        """Closes the replies that a crash left open."""

        def close(tx: Tx) -> None:
            for message in tx.messages.streaming():
                tx.messages.finish(replace(message, status=MessageStatus.INTERRUPTED))

        await self._stage.store.write(close)

    async def close(self) -> None:
        """Stops every turn and waits until what was said is stored."""
        turns = list(self._running.values())
        for turn in turns:
            turn.speaking.cancel()
        if turns:
            await asyncio.wait({turn.settling for turn in turns}, timeout=SHUTDOWN_LIMIT)

    async def _speak(self, reply: Reply, earlier: Turn | None) -> None:
        if earlier and not earlier.settling.done():
            await asyncio.wait({earlier.settling})
            reply.opened = await self._reread(reply.opened)
        await reply.speak()

    async def _reread(self, opened: Opened) -> Opened:
        """The turn with the history as it is now that the earlier reply is stored."""
        session_id = opened.message.session_id
        recent = await self._stage.store.read(lambda tx: tx.messages.recent(session_id, HISTORY_MESSAGES + 2))
        ids = [message.id for message in recent]
        before = recent[: ids.index(opened.message.id)] if opened.message.id in ids else opened.before
        return replace(opened, before=before)

    async def _settle(self, reply: Reply, speaking: asyncio.Task[None]) -> None:
        await asyncio.wait({speaking})
        message = reply.finished(outcome(reply.id, speaking))
        try:
            await self._stage.store.write(lambda tx: self._store(tx, message))
        except Exception as error:
            log.error("reply %s could not be stored: %s", reply.id, type(error).__name__)
            await reply.end_unstored()
            return
        await reply.end(message)

    def _store(self, tx: Tx, message: Message) -> None:
        tx.messages.finish(message)
        tx.sessions.touch(message.session_id, self._stage.clock.now())

    def _forget(self, turn: Turn) -> None:
        self._running.pop(turn.reply.id, None)
        if self._last_in_session.get(turn.session_id) is turn:
            del self._last_in_session[turn.session_id]


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
