"""Storing what replies have said: the drafts of those that are spoken, and the end of each.

While the database takes nothing, ended replies are kept, and stored as soon as they can be.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from domain.errors import Unavailable
from domain.ports import Clock
from domain.sessions import Message, MessageStatus
from domain.tables import Store, Tx

UNSTORED_MAX = 1000


@dataclass(frozen=True, slots=True)
class Settling:
    clock: Clock
    store: Store
    _unstored: dict[str, Message] = field(default_factory=dict, init=False)

    async def settle(self, message: Message) -> None:
        """Keeps it for later when the database is unavailable; what it refuses as such is given up. Raises both."""

        def finish(tx: Tx) -> None:
            tx.messages.finish(message)
            tx.sessions.touch(message.session_id, self.clock.now())

        try:
            await self.store.write(finish)
        except Unavailable:
            if len(self._unstored) < UNSTORED_MAX:
                self._unstored[message.id] = message
            raise
        except Exception:
            self._unstored.pop(message.id, None)
            raise
        self._unstored.pop(message.id, None)

    async def settle_kept(self) -> None:
        """Stores the ended replies that the database did not take before, until it refuses one again."""
        for message in list(self._unstored.values()):
            await self.settle(message)

    async def store_drafts(self, drafts: Mapping[str, str]) -> None:
        """Stores what each reply has said so far, by its id, so that a crash loses no more than was said since."""

        def store(tx: Tx) -> None:
            for reply_id, said in drafts.items():
                tx.messages.said(reply_id, said)

        if any(drafts.values()):
            await self.store.write(store)

    async def recover(self) -> None:
        """Closes the replies that a crash left open, with what was stored of them."""

        def close(tx: Tx) -> None:
            for message in tx.messages.streaming():
                tx.messages.finish(replace(message, status=MessageStatus.INTERRUPTED))

        await self.store.write(close)
