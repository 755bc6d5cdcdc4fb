"""Sessions and messages over GraphQL."""

from datetime import datetime
from typing import Self

import strawberry
from strawberry import relay

from domain import sessions as domain
from domain.errors import NotFound
from resolvers import sessions as resolvers
from schema.engine.context import Info
from schema.engine.ids import global_id, key_of
from schema.engine.pages import page_info, page_size
from schema.enums import MessageStatus, Role, SessionSource


@strawberry.type(name="Source", description="A passage of the avatar's knowledge that a reply draws on.")
class Citation:
    title: str
    relevance: float = strawberry.field(description="From 0 to 1.")
    number: int = strawberry.field(description="The reply's text cites it by this number, as [1].")
    knowledge_id: strawberry.ID
    passage_id: strawberry.ID
    url: str | None = strawberry.field(description="The page that it stands on, if it came from the web.")
    page: int | None = strawberry.field(description="The page of the PDF, from 1.")

    @classmethod
    def of(cls, source: domain.Citation) -> Self:
        return cls(
            title=source.title,
            relevance=source.relevance,
            number=source.number,
            knowledge_id=strawberry.ID(global_id("Knowledge", source.knowledge_id)),
            passage_id=strawberry.ID(global_id("Passage", source.passage_id)),
            url=source.url,
            page=source.page,
        )


@strawberry.type(description="Milliseconds.")
class Latency:
    total: int = strawberry.field(description="From the message to the reply's last word.")
    llm: int = strawberry.field(description="The AI provider's share of it.")


@strawberry.type(description="What a visitor or the avatar said.")
class Message(relay.Node):
    id: relay.NodeID[str]
    role: Role
    content: str
    status: MessageStatus
    emotion: str
    model: str | None
    created_at: datetime

    @classmethod
    def of(cls, message: domain.Message) -> Self:
        return cls(
            id=message.id,
            role=message.role,
            content=message.content,
            status=message.status,
            emotion=message.emotion,
            model=message.model,
            created_at=message.created_at,
        )


async def find_message(info: Info, key: str) -> Message | None:
    try:
        return Message.of(await resolvers.message(info.context.core, key))
    except NotFound:
        return None


@strawberry.type(description="One visitor's conversation with one avatar. Its id is known only to the visitor.")
class Session(relay.Node):
    id: relay.NodeID[str]
    source: SessionSource
    started_at: datetime
    ended_at: datetime | None
    greeting: str

    @classmethod
    def of(cls, found: resolvers.StartedSession) -> Self:
        return cls(
            id=found.session.id,
            source=found.session.source,
            started_at=found.session.started_at,
            ended_at=found.session.ended_at,
            greeting=found.avatar.settings.greeting,
        )

    @strawberry.field(description="Oldest first.")
    async def messages(self, info: Info, first: int | None = 50, after: str | None = None) -> relay.Connection[Message]:
        cursor = key_of(after, "Message") if after else None
        page = await resolvers.messages(info.context.core, self.id, page_size(first, 50), cursor)
        edges = [
            relay.Edge(cursor=global_id("Message", message.id), node=Message.of(message)) for message in page.messages
        ]
        return relay.Connection(page_info=page_info(edges, page.has_next, after), edges=edges)


async def find_session(info: Info, key: str) -> Session | None:
    try:
        return Session.of(await resolvers.get(info.context.core, key))
    except NotFound:
        return None


@strawberry.type(description="How a session went. Latencies in whole milliseconds, zero without any reply.")
class LatencyStats:
    p50: int
    p95: int
    avg: int


@strawberry.input
class StartSessionInput:
    short_id: str
    visitor_name: str | None = None
    visitor_email: str | None = None
    source: SessionSource | None = SessionSource.LINK
    password: str | None = None


@strawberry.type
class StartSessionPayload:
    session: Session


@strawberry.input
class EndSessionInput:
    session_id: strawberry.ID


@strawberry.type
class EndSessionPayload:
    session_id: strawberry.ID
    question_count: int
    latency: LatencyStats


@strawberry.type
class SessionMutation:
    @strawberry.mutation(description="Starts a conversation. Open to strangers.")
    async def start_session(self, info: Info, input: StartSessionInput) -> StartSessionPayload:
        started = await resolvers.start(
            info.context.core,
            input.short_id,
            visitor_name=input.visitor_name,
            visitor_email=input.visitor_email,
            source=input.source,
            password=input.password,
        )
        return StartSessionPayload(session=Session.of(started))

    @strawberry.mutation(description="Ends a conversation. Ending twice gives the same report.")
    async def end_session(self, info: Info, input: EndSessionInput) -> EndSessionPayload:
        report = await resolvers.end(info.context.core, key_of(input.session_id, "Session"))
        stats = report.latency
        return EndSessionPayload(
            session_id=strawberry.ID(global_id("Session", report.session_id)),
            question_count=report.question_count,
            latency=LatencyStats(p50=stats.p50, p95=stats.p95, avg=stats.avg),
        )
