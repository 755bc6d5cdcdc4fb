"""What is small waits for nothing that is large."""

import asyncio

from adapters.reading.process import ReaderBySize
from domain.knowledge.jobs import QUICK_BYTES
from domain.knowledge.reading import Raw
from tests.fakes.paragraphs import ParagraphReader


async def test_a_large_document_holds_up_no_small_one() -> None:
    small, large = ParagraphReader(), ParagraphReader()
    large.gate.clear()
    reader = ReaderBySize(small, large)
    waiting = asyncio.create_task(reader.read(Raw(b"a" * (QUICK_BYTES + 1), "text/plain")))
    document = await reader.read(Raw(b"a" * QUICK_BYTES, "text/plain"))
    assert len(document.pieces) == 1
    assert not waiting.done()
    large.gate.set()
    await waiting
    assert (small.readings, large.readings) == (1, 1)
