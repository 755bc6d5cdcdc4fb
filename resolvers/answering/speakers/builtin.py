"""The built-in answerer as a speaker."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from domain.ports import Speaker
from domain.reply.answerer import MODEL, answer
from domain.reply.asked import Asked
from domain.reply.pieces import Piece, Words


@dataclass(frozen=True, slots=True)
class Builtin(Speaker):
    """Needs no key and no network. `configured`: an AI provider exists but could not be reached."""

    configured: bool

    async def answer(self, asked: Asked) -> AsyncGenerator[Piece]:
        asked.effort.model = MODEL
        for sentence in answer(
            asked.avatar.settings, asked.question, asked.recalled, configured=self.configured, first=asked.first
        ):
            yield Words(sentence)
