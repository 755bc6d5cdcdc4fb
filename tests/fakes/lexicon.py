"""The terms of passages, worked out at once and here."""

from collections.abc import Sequence

from adapters.words.terms import indexed
from domain.knowledge.items import Passage
from domain.knowledge.ports import Lexicon
from domain.tables import Tx


class FakeLexicon(Lexicon):
    async def terms(self, passages: Sequence[Passage]) -> list[str]:
        return terms_of(passages)


def add_passages(tx: Tx, passages: Sequence[Passage]) -> None:
    tx.passages.add(passages, terms_of(passages))


def terms_of(passages: Sequence[Passage]) -> list[str]:
    return [indexed(passage.avatar_id, passage.indexed_text, passage.language) for passage in passages]
