"""Damaged documents of every kind: they are read or refused, and nothing hangs."""

import io
import random

import orjson
import pytest

from adapters.reading.frames import read_frame
from adapters.reading.worker import answer
from domain.knowledge.reading import Raw
from tests.parts.documents import KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_documents_are_read_or_refused(kind: str) -> None:
    """Cut short, with bytes changed, and nothing but noise."""
    whole, chance, answers = KINDS[kind], random.Random(7), io.BytesIO()
    for step in range(64):
        body = bytearray(whole[: len(whole) * (step % 8 + 1) // 8])
        for _ in range(step // 8 * 4):
            body[chance.randrange(len(body))] = chance.randrange(256)
        answer(Raw(bytes(body), "", kind), answers)
        answer(Raw(whole[:8] + chance.randbytes(400), "", kind), answers)
    answers.seek(0)
    frames = [orjson.loads(frame) for frame in iter(lambda: read_frame(answers), None)]
    assert len([frame for frame in frames if "pieces" not in frame]) == 128
