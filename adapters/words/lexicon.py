"""The terms of passages, worked out in another process: in this one Python's lock would hold up every visitor."""

from collections.abc import AsyncIterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager
from importlib import import_module

from adapters.processes.own_process import OwnProcess
from adapters.words.terms import indexed
from domain.errors import Unavailable
from domain.knowledge.items import Passage
from domain.knowledge.ports import Lexicon


@asynccontextmanager
async def open_lexicon() -> AsyncIterator["LexiconBeside"]:
    process = OwnProcess(import_module, __name__)
    try:
        yield LexiconBeside(process)
    finally:
        await process.close()


class LexiconBeside(Lexicon):
    def __init__(self, process: OwnProcess) -> None:
        self._process = process

    async def terms(self, passages: Sequence[Passage]) -> list[str]:
        try:
            return await self._process.do(
                all_indexed, [(passage.avatar_id, passage.indexed_text, passage.language) for passage in passages]
            )
        except BrokenProcessPool:
            raise Unavailable("The process that cuts passages into words has ended. Try again soon.") from None


def all_indexed(passages: Sequence[tuple[str, str, str]]) -> list[str]:
    return [indexed(*passage) for passage in passages]
