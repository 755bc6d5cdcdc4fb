"""A speaker that is told what the avatar knows."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

from domain.errors import Unavailable
from domain.knowledge.retrieval import NOTHING, Recalled
from domain.ports import Speaker
from domain.reply.asked import Asked
from domain.reply.citations import CitationFilter
from domain.reply.filters import filtered
from domain.reply.pieces import Piece
from domain.telemetry import StepName
from resolvers.answering.recall import Recall


@dataclass(frozen=True, slots=True)
class Informed(Speaker):
    """Looks up what the avatar knows, lets `speaker` answer from it, and tells which sources that one cites."""

    recall: Recall
    speaker: Speaker

    async def answer(self, asked: Asked) -> AsyncGenerator[Piece]:
        recalled = await self._recalled(asked)
        answer = self.speaker.answer(replace(asked, recalled=recalled))
        if recalled.knows_anything:
            answer = filtered(answer, [CitationFilter([found.citation() for found in recalled.findings])])
        async with aclosing(answer) as pieces:
            async for piece in pieces:
                yield piece

    async def _recalled(self, asked: Asked) -> Recalled:
        """Without the database the avatar answers from what it is told, and cites nothing."""
        if not asked.informed:
            return NOTHING
        with asked.effort.step(StepName.RECALL):
            try:
                return await self.recall.about(asked.avatar.id, asked.question, asked.earlier)
            except Unavailable:
                return NOTHING
