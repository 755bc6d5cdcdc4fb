"""/v1/consumer-avatars/…/knowledge: what an owner's avatar knows."""

from datetime import datetime
from typing import Any, Literal, Self

from compatibility.routing import Call, Endpoint
from compatibility.shapes import BareShape, Deleted, Nothing, RequestShape, ResponseShape
from domain.errors import NotFound, QuotaExceeded
from domain.knowledge.additions import Addition, Upload
from domain.knowledge.items import Crawl, KnowledgeItem, KnowledgeStatus, KnowledgeType
from resolvers import knowledge

OF_AVATAR = "/consumer-avatars/{id}/knowledge"
ONE = f"{OF_AVATAR}/{{knowledgeId}}"
USUAL = Crawl()
ALIASES = {"document": KnowledgeType.FILE.value}


class KnowledgeFields(RequestShape):
    """Text takes `content`; url and site take `url`; qa takes `question` and `answer`. A file is sent as a form."""

    title: str | None = None
    content: str | None = None
    url: str | None = None
    question: str | None = None
    answer: str | None = None
    max_pages: int = USUAL.max_pages
    max_depth: int = USUAL.max_depth
    include_paths: tuple[str, ...] = ()
    exclude_paths: tuple[str, ...] = ()

    def addition(self, file: Upload | None) -> Addition:
        return Addition(
            title=self.title,
            content=self.content,
            url=self.url,
            file=file,
            question=self.question,
            answer=self.answer,
            crawl=Crawl(self.max_pages, self.max_depth, self.include_paths, self.exclude_paths),
        )


class AddKnowledge(KnowledgeFields):
    """`type` may be absent with a file."""

    type: Literal["text", "url", "file", "document", "qa", "site"] = "file"


class RenameKnowledge(RequestShape):
    title: str


class KnowledgeShape(ResponseShape):
    """`reason` tells what went wrong and what to do. `chunkCount`: the passages that the avatar answers from."""

    id: str
    type: KnowledgeType
    title: str
    url: str | None
    status: Literal["processing", "ready", "failed"]
    reason: str | None
    chunk_count: int
    created_at: datetime

    @classmethod
    def of(cls, item: KnowledgeItem) -> Self:
        return cls(
            id=item.id,
            type=item.type,
            title=item.title,
            url=item.url,
            status=status_of(item.status),
            reason=item.reason,
            chunk_count=item.passage_count,
            created_at=item.created_at,
        )


class KnowledgeList(BareShape):
    data: tuple[KnowledgeShape, ...]


def status_of(status: KnowledgeStatus) -> Literal["processing", "ready", "failed"]:
    match status:
        case KnowledgeStatus.READY:
            return "ready"
        case KnowledgeStatus.FAILED:
            return "failed"
        case _:
            return "processing"


async def list_knowledge(call: Call[Nothing]) -> KnowledgeList:
    items = await knowledge.items(call.context, call.path["id"])
    return KnowledgeList(data=tuple(KnowledgeShape.of(item) for item in items))


async def add_knowledge(call: Call[AddKnowledge]) -> KnowledgeShape:
    kind, given = ALIASES.get(call.body.type, call.body.type), call.body.addition(call.file)
    return KnowledgeShape.of(await knowledge.add(call.context, call.path["id"], kind, given))


async def get_knowledge(call: Call[Nothing]) -> KnowledgeShape:
    return KnowledgeShape.of(await knowledge.get(call.context, call.path["knowledgeId"], call.path["id"]))


async def rename_knowledge(call: Call[RenameKnowledge]) -> KnowledgeShape:
    item = await knowledge.rename(call.context, call.path["knowledgeId"], call.body.title, call.path["id"])
    return KnowledgeShape.of(item)


async def replace_knowledge(call: Call[KnowledgeFields]) -> KnowledgeShape:
    given = call.body.addition(call.file)
    return KnowledgeShape.of(await knowledge.change(call.context, call.path["knowledgeId"], given, call.path["id"]))


async def delete_knowledge(call: Call[Nothing]) -> Deleted:
    await knowledge.delete(call.context, call.path["knowledgeId"], call.path["id"])
    return Deleted()


ENDPOINTS: tuple[Endpoint[Any], ...] = (
    Endpoint(
        methods=("GET",),
        path=OF_AVATAR,
        summary="What an avatar knows, newest first",
        handler=list_knowledge,
        body=Nothing,
        answer=KnowledgeList,
        bearer=True,
        errors=(NotFound,),
    ),
    Endpoint(
        methods=("POST",),
        path=OF_AVATAR,
        summary="Add an item, which is indexed in the background",
        handler=add_knowledge,
        body=AddKnowledge,
        answer=KnowledgeShape,
        bearer=True,
        takes_file=True,
        errors=(NotFound, QuotaExceeded),
    ),
    Endpoint(
        methods=("GET",),
        path=ONE,
        summary="One item",
        handler=get_knowledge,
        body=Nothing,
        answer=KnowledgeShape,
        bearer=True,
        errors=(NotFound,),
    ),
    Endpoint(
        methods=("PATCH",),
        path=ONE,
        summary="Give an item another title",
        handler=rename_knowledge,
        body=RenameKnowledge,
        answer=KnowledgeShape,
        bearer=True,
        errors=(NotFound,),
    ),
    Endpoint(
        methods=("PUT",),
        path=ONE,
        summary="Give an item new content of its type",
        description="The old passages serve until the new ones are indexed.",
        handler=replace_knowledge,
        body=KnowledgeFields,
        answer=KnowledgeShape,
        bearer=True,
        takes_file=True,
        errors=(NotFound, QuotaExceeded),
    ),
    Endpoint(
        methods=("DELETE",),
        path=ONE,
        summary="Delete an item and erase it from the disk",
        handler=delete_knowledge,
        body=Nothing,
        answer=Deleted,
        bearer=True,
        errors=(NotFound,),
    ),
)
