"""The database schema. `SQLModel.metadata` is what the migrations are compared with."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import BigInteger, Index, LargeBinary, Table, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from adapters.database.types import Amount, Choice, Citations, Crawling, Instant, Payload, Position, Words
from domain.accounts import KeyMode
from domain.avatars import AiProvider, AvatarStatus, Body, QuizDifficulty, TtsProvider, VoiceGender
from domain.jobs import JobKind, Lane
from domain.knowledge.items import Crawl, KnowledgeStatus, KnowledgeType
from domain.knowledge.reading import FailureCode
from domain.sessions import Citation, MessageStatus, Role, SessionSource

SQLModel.metadata.naming_convention = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
}

STREAMING = text(f"status = '{MessageStatus.STREAMING}'")
"""Literal, since SQLite takes a partial index only for a query that repeats its words."""
HELD = text("worker IS NOT NULL")


class AccountRow(SQLModel, table=True):
    __tablename__ = "accounts"

    id: str = Field(primary_key=True)
    subject: str = Field(unique=True)
    email: str | None
    name: str | None
    created_at: datetime = Field(sa_type=Instant)


class ApiKeyRow(SQLModel, table=True):
    __tablename__ = "api_keys"
    __table_args__ = (Index(None, "account_id", "created_at", "id"),)

    id: str = Field(primary_key=True)
    account_id: str = Field(foreign_key="accounts.id", ondelete="CASCADE")
    name: str
    mode: KeyMode = Field(sa_type=Choice(KeyMode))
    hint: str
    digest: str = Field(unique=True)
    created_at: datetime = Field(sa_type=Instant)
    last_used_at: datetime | None = Field(sa_type=Instant)
    revoked_at: datetime | None = Field(sa_type=Instant)


class AvatarRow(SQLModel, table=True):
    __tablename__ = "avatars"
    __table_args__ = (Index(None, "account_id", "created_at", "id"),)

    id: str = Field(primary_key=True)
    account_id: str = Field(foreign_key="accounts.id", ondelete="CASCADE")
    short_id: str = Field(unique=True)
    slug: str = Field(unique=True)
    name: str
    avatar_model_url: str
    tagline: str | None
    avatar_preset: str | None
    avatar_body: Body = Field(sa_type=Choice(Body))
    background_color: str
    personality: str
    greeting: str
    traits: tuple[str, ...] = Field(sa_type=Words)
    tone: str | None
    voice_gender: VoiceGender = Field(sa_type=Choice(VoiceGender))
    tts_provider: TtsProvider = Field(sa_type=Choice(TtsProvider))
    voice_id: str | None
    voice_chat_enabled: bool
    ai_provider: AiProvider = Field(sa_type=Choice(AiProvider))
    ai_model: str | None
    ai_base_url: str | None
    is_public: bool
    allow_embedding: bool
    status: AvatarStatus = Field(sa_type=Choice(AvatarStatus))
    quiz_mode: bool
    quiz_difficulty: QuizDifficulty = Field(sa_type=Choice(QuizDifficulty))
    system_prompt: str
    ai_key_sealed: str | None
    ai_key_last4: str | None
    password_hash: str | None
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)
    view_count: int = Field(sa_type=BigInteger)
    conversation_count: int = Field(sa_type=BigInteger)
    avatar_type: str


class SessionRow(SQLModel, table=True):
    __tablename__ = "sessions"

    id: str = Field(primary_key=True)
    avatar_id: str = Field(foreign_key="avatars.id", ondelete="CASCADE", index=True)
    source: SessionSource = Field(sa_type=Choice(SessionSource))
    visitor_name: str | None
    visitor_email: str | None
    started_at: datetime = Field(sa_type=Instant)
    last_active_at: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(sa_type=Instant)
    opened_with: str | None


class MessageRow(SQLModel, table=True):
    """`position` is the order within a session: clocks may repeat themselves or step back."""

    __tablename__ = "messages"
    __table_args__ = (
        Index(None, "session_id", "position"),
        UniqueConstraint("session_id", "client_message_id"),
        Index("ix_messages_streaming", "position", sqlite_where=STREAMING, postgresql_where=STREAMING),
    )

    position: int | None = Field(primary_key=True, sa_type=Position)
    id: str = Field(unique=True)
    session_id: str = Field(foreign_key="sessions.id", ondelete="CASCADE")
    role: Role = Field(sa_type=Choice(Role))
    content: str
    created_at: datetime = Field(sa_type=Instant)
    status: MessageStatus = Field(sa_type=Choice(MessageStatus))
    client_message_id: str | None
    in_reply_to: str | None
    model: str | None
    emotion: str
    sources: tuple[Citation, ...] = Field(sa_type=Citations, nullable=True)
    latency_total: int | None
    latency_llm: int | None
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None = Field(sa_type=Amount)
    usage_estimated: bool | None
    timeline: str | None
    server: str | None


class ServerRow(SQLModel, table=True):
    """Not referred to by keys: a server may be forgotten before what it left."""

    __tablename__ = "servers"

    id: str = Field(primary_key=True)
    alive_at: datetime = Field(sa_type=Instant)


class KnowledgeRow(SQLModel, table=True):
    __tablename__ = "knowledge"
    __table_args__ = (Index(None, "avatar_id", "created_at", "id"),)

    id: str = Field(primary_key=True)
    avatar_id: str = Field(foreign_key="avatars.id", ondelete="CASCADE")
    type: KnowledgeType = Field(sa_type=Choice(KnowledgeType))
    title: str
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)
    size: int = Field(sa_type=BigInteger)
    url: str | None
    file_name: str | None
    media_type: str | None
    question: str | None
    crawl: Crawl | None = Field(sa_type=Crawling, nullable=True)
    status: KnowledgeStatus = Field(sa_type=Choice(KnowledgeStatus))
    failure: FailureCode | None = Field(sa_type=Choice(FailureCode), nullable=True)
    generation: int
    passage_count: int
    done: int
    total: int
    languages: tuple[str, ...] = Field(sa_type=Words)


class BodyRow(SQLModel, table=True):
    """What was pasted or uploaded, apart from its item since it may have megabytes."""

    __tablename__ = "knowledge_bodies"

    item_id: str = Field(primary_key=True, foreign_key="knowledge.id", ondelete="CASCADE")
    body: bytes = Field(sa_type=LargeBinary)


class PassageRow(SQLModel, table=True):
    """`words` are the hidden terms of the passage, separated by spaces: what the search by words reads.

    Each database indexes them in its own way, which the migration makes: SQLite in the FTS5 table
    `passage_words`, which triggers keep, and PostgreSQL as a `tsvector`.
    """

    __tablename__ = "passages"
    __table_args__ = (
        UniqueConstraint("item_id", "generation", "position"),
        Index("ix_passages_avatar_id", "avatar_id"),
    )

    number: int | None = Field(primary_key=True, sa_type=Position)
    id: str = Field(unique=True)
    avatar_id: str
    item_id: str = Field(foreign_key="knowledge.id", ondelete="CASCADE")
    generation: int
    position: int
    text: str
    title: str
    heading: str
    page: int | None
    url: str | None
    language: str
    words: str


class EmbeddingRow(SQLModel, table=True):
    """The embedding model whose vectors an avatar is searched with."""

    __tablename__ = "embeddings"

    avatar_id: str = Field(primary_key=True, foreign_key="avatars.id", ondelete="CASCADE")
    model: str


class JobRow(SQLModel, table=True):
    """Outlives what it is about: what an avatar or an item leaves behind is erased by a job."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index(None, "lane", "created_at", "id"),
        Index(None, "group_id", "part"),
        Index("ix_jobs_held", "group_id", sqlite_where=HELD, postgresql_where=HELD),
    )

    id: str = Field(primary_key=True)
    kind: JobKind = Field(sa_type=Choice(JobKind))
    lane: Lane = Field(sa_type=Choice(Lane))
    group_id: str
    part: str | None
    payload: Mapping[str, str] = Field(sa_type=Payload)
    created_at: datetime = Field(sa_type=Instant)
    run_after: datetime = Field(sa_type=Instant)
    attempts: int
    worker: str | None
    leased_until: datetime | None = Field(sa_type=Instant)


SEARCH_INDEX = "passage_words"


def is_compared(_item: object, name: str | None, _kind: str, _reflected: bool, _to: object) -> bool:
    """Whether Alembic looks after it. The search index is made by hand, with SQLite's tables that serve it."""
    return not (name or "").startswith(SEARCH_INDEX)


def table(name: str) -> Table:
    return SQLModel.metadata.tables[name]


ACCOUNTS = table("accounts")
API_KEYS = table("api_keys")
AVATARS = table("avatars")
SESSIONS = table("sessions")
MESSAGES = table("messages")
SERVERS = table("servers")
KNOWLEDGE = table("knowledge")
BODIES = table("knowledge_bodies")
PASSAGES = table("passages")
EMBEDDINGS = table("embeddings")
JOBS = table("jobs")
