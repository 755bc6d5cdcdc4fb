"""A speaker with others behind it."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from domain.errors import ProviderFailure
from domain.failover import NOBODY_TO_ASK
from domain.ports import Speaker
from domain.reply.asked import Asked
from domain.reply.pieces import Piece, Words


@dataclass(frozen=True, slots=True)
class Backed(Speaker):
    """Lets `first` speak; `absent` where it has nobody to ask, `silent` where nobody whom it asked said a word.

    What was begun, and what a provider refused, is nobody else's to answer.
    """

    first: Speaker
    absent: Speaker
    silent: Speaker

    async def answer(self, asked: Asked) -> AsyncGenerator[Piece]:
        spoke = False
        try:
            async with aclosing(self.first.answer(asked)) as pieces:
                async for piece in pieces:
                    spoke = spoke or isinstance(piece, Words)
                    yield piece
            return
        except ProviderFailure as failure:
            if spoke or failure.refused:
                raise
            second = self.absent if failure.reason == NOBODY_TO_ASK else self.silent
        async with aclosing(second.answer(asked)) as pieces:
            async for piece in pieces:
                yield piece
