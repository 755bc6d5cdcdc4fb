"""What avatars know, over GraphQL."""

from datetime import datetime
from typing import Self

import strawberry
from strawberry import relay

from domain.errors import BadRequest, NotFound
from domain.knowledge import items as domain
from resolvers import knowledge as resolvers
from schema.engine.context import Info
from schema.engine.ids import global_id, key_of, parts
from schema.engine.pages import page_info, page_size
from schema.enums import FailureCode, KnowledgeStatus, KnowledgeType

POSITION_DIGITS = 9


@strawberry.type(description="A piece of what an avatar knows: what is found, told to the model, and cited.")
class Passage(relay.Node):
    id: relay.NodeID[str]
    knowledge_id: strawberry.ID
    position: int = strawberry.field(description="From 0 within its item.")
    text: str
    title: str
    heading: str = strawberry.field(description="The headings that it stands under, outermost first.")
    page: int | None = strawberry.field(description="The page of the PDF, from 1.")
    url: str | None
    language: str = strawberry.field(description="An ISO 639-1 code; empty where it is not known.")

    @classmethod
    def of(cls, passage: domain.Passage) -> Self:
        return cls(
            id=passage.id,
            knowledge_id=strawberry.ID(global_id("Knowledge", passage.item_id)),
            position=passage.position,
            text=passage.text,
            title=passage.title,
            heading=passage.heading,
            page=passage.page,
            url=passage.url,
            language=passage.language,
        )


@strawberry.type(description="Something that an avatar knows, as its owner added it.")
class Knowledge(relay.Node):
    id: relay.NodeID[str]
    avatar_id: strawberry.ID
    type: KnowledgeType
    title: str
    status: KnowledgeStatus
    failure: FailureCode | None
    reason: str | None = strawberry.field(description="What went wrong and what you can do about it.")
    done: int = strawberry.field(description="How many passages are indexed; while a site is fetched, its pages.")
    total: int = strawberry.field(description="Of how many.")
    passage_count: int = strawberry.field(description="How many passages the avatar answers from by now.")
    size: int = strawberry.field(description="Bytes that you sent; 0 for what is fetched.")
    url: str | None
    file_name: str | None
    question: str | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, item: domain.KnowledgeItem) -> Self:
        return cls(
            id=item.id,
            avatar_id=strawberry.ID(global_id("Avatar", item.avatar_id)),
            type=item.type,
            title=item.title,
            status=item.status,
            failure=item.failure,
            reason=item.reason,
            done=item.done,
            total=item.total,
            passage_count=item.passage_count,
            size=item.size,
            url=item.url,
            file_name=item.file_name,
            question=item.question,
            created_at=item.created_at,
            updated_at=item.updated_at,
        )

    @strawberry.field(description="What it was split into, in order.")
    async def passages(self, info: Info, first: int | None = 20, after: str | None = None) -> relay.Connection[Passage]:
        page = await info.context.loaders.load(resolvers.passages, self.id, page_size(first, 20), position_of(after))
        edges = [
            relay.Edge(cursor=global_id("Position", str(each.position)), node=Passage.of(each))
            for each in page.passages
        ]
        return relay.Connection(page_info=page_info(edges, page.has_next, after), edges=edges)


@strawberry.type(description="What an avatar knows in all.")
class KnowledgeSummary:
    items: int
    unfinished: int
    failed: int
    passages: int
    bytes: float = strawberry.field(description="A whole number, which may be too large for an Int.")
    embedding_model: str | None = strawberry.field(
        description="Whose vectors find passages by their meaning; null while they are found by words only."
    )
    reindexing: bool = strawberry.field(description="Another model is taking over; until then the old one serves.")


async def knowledge_page(
    info: Info, avatar_id: str, first: int | None, after: str | None
) -> relay.Connection[Knowledge]:
    cursor = key_of(after, "Knowledge") if after else None
    page = await info.context.loaders.load(resolvers.pages, avatar_id, page_size(first, 20), cursor)
    edges = [relay.Edge(cursor=global_id("Knowledge", item.id), node=Knowledge.of(item)) for item in page.items]
    return relay.Connection(page_info=page_info(edges, page.has_next, after), edges=edges)


async def knowledge_summary(info: Info, avatar_id: str) -> KnowledgeSummary:
    summary = await info.context.loaders.load(resolvers.summaries, avatar_id)
    counts = summary.counts
    return KnowledgeSummary(
        items=counts.items,
        unfinished=counts.unfinished,
        failed=counts.failed,
        passages=counts.passages,
        bytes=float(counts.bytes),
        embedding_model=counts.model,
        reindexing=summary.reindexing,
    )


async def find_knowledge(info: Info, key: str) -> Knowledge | None:
    try:
        return Knowledge.of(await resolvers.get(info.context.core, key))
    except NotFound:
        return None


async def find_passage(info: Info, key: str) -> Passage | None:
    try:
        return Passage.of(await resolvers.passage(info.context.core, key))
    except NotFound:
        return None


def position_of(after: str | None) -> int:
    """The position that a cursor of `Knowledge.passages` stands for; -1 for the beginning."""
    if after is None:
        return -1
    kind, position = parts(after)
    if kind != "Position" or not position.isdecimal() or len(position) > POSITION_DIGITS:
        raise BadRequest.field("after", "takes a cursor of this connection")
    return int(position)
