"""Adding, changing, trying and watching knowledge over GraphQL."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry
from strawberry.file_uploads import Upload

from domain.knowledge import items as domain
from domain.knowledge.additions import Addition
from resolvers import knowledge as resolvers
from schema.engine.context import Info
from schema.engine.ids import global_id, key_of
from schema.engine.uploads import uploaded
from schema.enums import KnowledgeType
from schema.knowledge import Knowledge, Passage

USUAL = domain.Crawl()


@strawberry.type(description="Found for a question.")
class FoundPassage:
    relevance: float = strawberry.field(description="From 0 to 1: about how often such a passage answers the question.")
    text: str = strawberry.field(description="The passage together with its neighbours, as the model is told.")
    passage: Passage


@strawberry.type(description="An item was added or changed, or got further.")
class KnowledgeChanged:
    knowledge: Knowledge


@strawberry.type(description="An item was deleted.")
class KnowledgeDeleted:
    deleted_id: strawberry.ID


KnowledgeEvent = Annotated[KnowledgeChanged | KnowledgeDeleted, strawberry.union("KnowledgeEvent")]


@strawberry.input(description="Which pages of a site are read. A path holds all that is below it.")
class CrawlInput:
    max_pages: int = strawberry.field(default=USUAL.max_pages, description=f"At most {domain.CRAWL_PAGES_MAX}.")
    max_depth: int = strawberry.field(default=USUAL.max_depth, description="How many links away from the start.")
    include_paths: list[str] = strawberry.field(default_factory=list, description="Only these, such as /docs.")
    exclude_paths: list[str] = strawberry.field(default_factory=list)

    @property
    def rules(self) -> domain.Crawl:
        return domain.Crawl(self.max_pages, self.max_depth, tuple(self.include_paths), tuple(self.exclude_paths))


@strawberry.input(description="The fields of the item's type are needed; the title is always optional.")
class KnowledgeFields:
    title: str | None = None
    content: str | None = strawberry.field(default=None, description="Of text: plain or Markdown.")
    url: str | None = strawberry.field(default=None, description="Of url and site: where to read.")
    file: Upload | None = strawberry.field(default=None, description="Of file: PDF, DOCX, TXT, MD, HTML or CSV.")
    question: str | None = strawberry.field(default=None, description="Of qa.")
    answer: str | None = strawberry.field(default=None, description="Of qa.")
    crawl: CrawlInput | None = strawberry.field(default=None, description="Of site.")


@strawberry.input
class AddKnowledgeInput(KnowledgeFields):
    avatar_id: strawberry.ID
    type: KnowledgeType


@strawberry.input
class ReplaceKnowledgeInput(KnowledgeFields):
    id: strawberry.ID


@strawberry.input
class RenameKnowledgeInput:
    id: strawberry.ID
    title: str


@strawberry.input
class ReindexKnowledgeInput:
    id: strawberry.ID


@strawberry.input
class DeleteKnowledgeInput:
    id: strawberry.ID


@strawberry.type
class AddKnowledgePayload:
    knowledge: Knowledge


@strawberry.type
class ReplaceKnowledgePayload:
    knowledge: Knowledge


@strawberry.type
class RenameKnowledgePayload:
    knowledge: Knowledge


@strawberry.type
class ReindexKnowledgePayload:
    knowledge: Knowledge


@strawberry.type
class DeleteKnowledgePayload:
    deleted_id: strawberry.ID


async def addition(fields: KnowledgeFields) -> Addition:
    return Addition(
        title=fields.title,
        content=fields.content,
        url=fields.url,
        file=None if fields.file is None else await uploaded(fields.file),
        question=fields.question,
        answer=fields.answer,
        crawl=fields.crawl.rules if fields.crawl else None,
    )


@strawberry.type
class KnowledgeQuery:
    @strawberry.field(description="What your avatar would be told of its knowledge to answer with; nothing is sent.")
    async def try_question(self, info: Info, avatar_id: strawberry.ID, question: str) -> list[FoundPassage]:
        found = await resolvers.try_question(info.context.core, key_of(avatar_id, "Avatar"), question)
        return [
            FoundPassage(relevance=each.relevance, text=each.text, passage=Passage.of(each.passage)) for each in found
        ]


@strawberry.type
class KnowledgeMutation:
    @strawberry.mutation(description="Adds an item, which is indexed in the background.")
    async def add_knowledge(self, info: Info, input: AddKnowledgeInput) -> AddKnowledgePayload:
        avatar_id, given = key_of(input.avatar_id, "Avatar"), await addition(input)
        item = await resolvers.add(info.context.core, avatar_id, input.type, given)
        return AddKnowledgePayload(knowledge=Knowledge.of(item))

    @strawberry.mutation(description="New content of the same type; the old passages serve until it is indexed.")
    async def replace_knowledge(self, info: Info, input: ReplaceKnowledgeInput) -> ReplaceKnowledgePayload:
        item = await resolvers.change(info.context.core, key_of(input.id, "Knowledge"), await addition(input))
        return ReplaceKnowledgePayload(knowledge=Knowledge.of(item))

    @strawberry.mutation
    async def rename_knowledge(self, info: Info, input: RenameKnowledgeInput) -> RenameKnowledgePayload:
        item = await resolvers.rename(info.context.core, key_of(input.id, "Knowledge"), input.title)
        return RenameKnowledgePayload(knowledge=Knowledge.of(item))

    @strawberry.mutation(description="Reads an item anew; one that is being indexed goes on as it is.")
    async def reindex_knowledge(self, info: Info, input: ReindexKnowledgeInput) -> ReindexKnowledgePayload:
        item = await resolvers.reindex(info.context.core, key_of(input.id, "Knowledge"))
        return ReindexKnowledgePayload(knowledge=Knowledge.of(item))

    @strawberry.mutation(description="Deletes an item with its passages, and erases them from the disk.")
    async def delete_knowledge(self, info: Info, input: DeleteKnowledgeInput) -> DeleteKnowledgePayload:
        deleted = await resolvers.delete(info.context.core, key_of(input.id, "Knowledge"))
        return DeleteKnowledgePayload(deleted_id=strawberry.ID(global_id("Knowledge", deleted)))


@strawberry.type
class KnowledgeSubscription:
    @strawberry.subscription(description="Your avatar's unfinished items, then whatever happens to its knowledge.")
    async def knowledge(self, info: Info, avatar_id: strawberry.ID) -> AsyncGenerator[KnowledgeEvent]:
        async with aclosing(resolvers.follow(info.context.core, key_of(avatar_id, "Avatar"))) as events:
            async for event in events:
                yield shown(event)


def shown(event: domain.KnowledgeEvent) -> KnowledgeChanged | KnowledgeDeleted:
    if isinstance(event, domain.KnowledgeDeleted):
        return KnowledgeDeleted(deleted_id=strawberry.ID(global_id("Knowledge", event.item_id)))
    return KnowledgeChanged(knowledge=Knowledge.of(event.item))
