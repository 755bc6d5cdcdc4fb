"""Storing what replies have said: the drafts of those that are spoken, and the end of each.

While the database takes nothing, ended replies are kept, and stored as soon as they can be.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from domain.errors import Unavailable
from domain.ports import Clock
from domain.sessions import Message, MessageStatus
from domain.tables import Store, Tx

UNSTORED_MAX = 1000
REMEMBERED = timedelta(days=1)


class Settling:
    """`server` names this one among all that ever used the database."""

    def __init__(self, clock: Clock, store: Store) -> None:
        self.server = str(uuid4())
        self._clock, self._store = clock, store
        self._kept: dict[str, Message] = {}
        self._drafts: dict[str, str] = {}

    def keeps(self, reply_id: str) -> bool:
        """Whether the reply has ended, and the database did not take it yet."""
        return reply_id in self._kept

    async def settle(self, message: Message) -> None:
        """Keeps it for later when the database is unavailable; what it refuses as such is given up. Raises both."""

        def finish(tx: Tx) -> None:
            tx.messages.finish(message)
            tx.sessions.touch(message.session_id, self._clock.now())

        try:
            await self._store.write(finish)
        except Unavailable:
            if len(self._kept) < UNSTORED_MAX:
                self._kept[message.id] = message
            raise
        except Exception:
            self._kept.pop(message.id, None)
            raise
        self._kept.pop(message.id, None)

    async def settle_kept(self) -> None:
        """Stores the ended replies that the database did not take before, until it refuses one again."""
        for message in list(self._kept.values()):
            await self.settle(message)

    async def keep_alive(self, drafts: Mapping[str, str]) -> None:
        """Says that this server lives, and stores what its replies have said so far, where that has changed.

        `drafts`: by the ids of all replies that are being spoken. So a crash loses no more than was said since.
        """
        changed = {reply_id: said for reply_id, said in drafts.items() if said != self._drafts.get(reply_id, "")}

        def store(tx: Tx) -> None:
            tx.servers.alive(self.server, self._clock.now())
            if changed:
                tx.messages.said(changed)

        if drafts:
            await self._store.write(store)
        self._drafts = dict(drafts)

    async def recover(self, spoken: Collection[str] = ()) -> None:
        """Closes the replies that no living server speaks any more, with what was stored of them.

        `spoken`: the ids of those that this server speaks.
        """
        now = self._clock.now()

        def left(tx: Tx) -> list[Message]:
            found = tx.messages.abandoned(self.server, now)
            return [message for message in found if message.id not in spoken and not self.keeps(message.id)]

        def close(tx: Tx) -> None:
            for message in left(tx):
                tx.messages.finish(replace(message, status=MessageStatus.INTERRUPTED))
            tx.servers.forget(now - REMEMBERED)

        if await self._store.read(left):
            await self._store.write(close)
