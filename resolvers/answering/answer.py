"""Answering: what a turn asks, and how a speaker's pieces become the reply."""

from contextlib import aclosing
from dataclasses import dataclass

from domain.ai.prompts import client_history
from domain.ports import Clock, ReplyLog, Speaker, Telemetry
from domain.reply.asked import Asked
from domain.tables import Store
from resolvers.answering.transcript import Opened, Transcript

REPLY_MAX_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class AnsweringPorts:
    """What a turn needs of the world."""

    clock: Clock
    store: Store
    replies: ReplyLog
    telemetry: Telemetry
    speaker: Speaker


async def answer(speaker: Speaker, opened: Opened, transcript: Transcript) -> None:
    """Lets the speaker answer, to its end or to the most that a reply may say. Raises what the speaker does."""
    async with aclosing(speaker.answer(asked_of(opened, transcript))) as pieces:
        async for piece in pieces:
            await transcript.tell(piece)
            if transcript.length >= REPLY_MAX_CHARS:
                return


def asked_of(opened: Opened, transcript: Transcript) -> Asked:
    question = opened.message.content
    return Asked(
        avatar=opened.avatar,
        question=question,
        earlier=opened.before or client_history(opened.history, question),
        first=not opened.before,
        informed=opened.informed,
        effort=transcript.effort,
    )
