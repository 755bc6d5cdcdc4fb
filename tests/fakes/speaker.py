"""A speaker that gives what a test has written for it."""

import asyncio
from collections.abc import AsyncGenerator

from domain.ports import Speaker
from domain.reply.asked import Asked
from domain.reply.pieces import Piece


class ScriptedSpeaker(Speaker):
    """Gives pieces, raises errors, and waits for events, in their order.

    `asked` is what it was asked, `closed` counts the answers that were left before their end.
    """

    def __init__(self, *steps: Piece | Exception | asyncio.Event) -> None:
        self.asked: list[Asked] = []
        self.closed = 0
        self._steps = steps

    async def answer(self, asked: Asked) -> AsyncGenerator[Piece]:
        self.asked.append(asked)
        ended = False
        try:
            for step in self._steps:
                if isinstance(step, Exception):
                    ended = True
                    raise step
                if isinstance(step, asyncio.Event):
                    await step.wait()
                else:
                    yield step
            ended = True
        finally:
            self.closed += not ended
