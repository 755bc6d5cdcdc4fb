"""The tables of knowledge, within one transaction."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from domain.knowledge.items import KnowledgeCounts, KnowledgeItem, KnowledgeTotals, Match, Passage


class Knowledge(Protocol):
    def by_id(self, avatar_id: str, item_id: str) -> KnowledgeItem | None: ...
    def by_ids(self, avatar_id: str, item_ids: Collection[str]) -> list[KnowledgeItem]:
        """Those of the given ids that the avatar has, in any order."""
        ...

    def of_account(self, account_id: str, item_id: str) -> KnowledgeItem | None:
        """An item of one of the account's avatars."""
        ...

    def of_avatar(self, avatar_id: str) -> list[KnowledgeItem]:
        """Newest first."""
        ...

    def own(self, account_id: str, item_ids: Collection[str]) -> set[str]:
        """Those of the given ids that are items of the account's avatars."""
        ...

    def pages(self, avatar_ids: Collection[str], first: int, after: str | None) -> Mapping[str, list[KnowledgeItem]]:
        """Of each avatar, newest first; those after its item with the id `after`. At most `first` of each."""
        ...

    def counts(self, avatar_ids: Collection[str]) -> Mapping[str, KnowledgeCounts]:
        """Of each avatar that there is."""
        ...

    def totals(self, account_id: str) -> KnowledgeTotals:
        """What the account's avatars know by now, items that are still queued included."""
        ...

    def model(self, avatar_id: str) -> str | None:
        """The embedding model whose vectors the avatar is searched with; None for words alone."""
        ...

    def without_model(self, model: str) -> list[str]:
        """The avatars that have live passages and are not searched with the vectors of this model."""
        ...

    def use_model(self, avatar_id: str, model: str | None) -> None: ...
    def forget_models(self) -> None:
        """Every avatar is searched by words alone from now on."""
        ...

    def add(self, item: KnowledgeItem, body: bytes | None) -> None:
        """`body` is what was pasted or uploaded; None for what is fetched."""
        ...

    def body(self, item_id: str) -> bytes | None: ...
    def update(self, item: KnowledgeItem) -> None:
        """Stores all but the body. Does nothing for an item that was deleted meanwhile."""
        ...

    def replace_body(self, item_id: str, body: bytes) -> None: ...
    def delete(self, item_id: str) -> None:
        """Deletes it with its body, its passages of every generation, and their search index."""
        ...


class Passages(Protocol):
    """Searches see live passages only: those of their item's own generation."""

    def add(self, passages: Sequence[Passage], terms: Sequence[str]) -> None:
        """Adds passages of a generation that is being built, each with what the `Lexicon` says of it."""
        ...

    def of_generation(self, item_id: str, generation: int) -> list[Passage]:
        """By position."""
        ...

    def pages(self, item_ids: Collection[str], first: int, after: int) -> Mapping[str, list[Passage]]:
        """Of each item the live ones with a position greater than `after` (-1 for the beginning), by position.

        At most `first` of each.
        """
        ...

    def live(self, passage_ids: Sequence[str]) -> list[Passage]:
        """Those of the given ids that are live, in the given order."""
        ...

    def live_ids(self, avatar_id: str) -> list[str]: ...
    def around(self, passage_ids: Sequence[str], reach: int) -> list[tuple[Passage, list[Passage]]]:
        """Those of the given ids that are live, in the given order, each with its neighbours.

        These are the passages of its item at most `reach` positions away, itself included, by position.
        """
        ...

    def has_any(self, avatar_id: str) -> bool:
        """Whether the avatar has live passages."""
        ...

    def matching(self, avatar_id: str, questions: Sequence[str], limit: int) -> list[list[Match]] | None:
        """Lexical search: for each question the live passages that share words with it, best first.

        None for an avatar without live passages.

        Words count by their stems in the avatar's languages, and rare words count more. The score is the
        BM25 sum over the question's words, divided by the greatest that it could be: 0 when no word is
        found, near 1 when each is found often. Words that no passage has count in the divisor.
        """
        ...

    def keep_only(self, item_id: str, generation: int) -> None:
        """Deletes the item's passages of all other generations."""
        ...
