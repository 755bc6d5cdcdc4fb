"""Sessions and their messages in SQL: the hot path of a chat turn."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, String, and_, bindparam, func, or_, select, type_coerce, update

from adapters.database.avatars import COLUMNS as AVATAR_COLUMNS
from adapters.database.avatars import avatar_of
from adapters.database.statements import Driver, Row, Statement, assignments, insertion, locked
from adapters.database.tables import AVATARS, MESSAGES, SERVERS, SESSIONS, STREAMING
from domain.ai.prompts import Utterance
from domain.avatars import Avatar
from domain.sessions import SERVER_LEASE, Latency, Message, MessageStatus, Role, Session, Usage, Visitor
from domain.tables import Messages, Sessions

THIS_SESSION = SESSIONS.c.id == bindparam("session_id")
SESSION_BY_ID = Statement(select(SESSIONS).where(THIS_SESSION))
SESSION_BY_ID_LOCKED = Statement(locked(select(SESSIONS).where(THIS_SESSION), SESSIONS))
OF_AVATAR = select(SESSIONS, *AVATAR_COLUMNS).join_from(SESSIONS, AVATARS).where(THIS_SESSION)
WIDTH = len(SESSIONS.c)
WITH_AVATAR = Statement(OF_AVATAR)
WITH_AVATAR_LOCKED = Statement(locked(OF_AVATAR, SESSIONS))
ADD_SESSION = insertion(SESSIONS)
TOUCH_SESSION = Statement(update(SESSIONS).where(THIS_SESSION).values(last_active_at=bindparam("at")))
END_SESSION = Statement(
    update(SESSIONS).where(THIS_SESSION, SESSIONS.c.ended_at.is_(None)).values(ended_at=bindparam("at"))
)

REPLY = "reply_"
# In the order of the fields of `Message`, with its latency and usage laid flat.
COLUMNS = tuple(column for column in MESSAGES.c if column.name not in ("position", "server"))
ENDING = (
    "content", "status", "model", "emotion", "sources", "latency_total", "latency_llm",
    "input_tokens", "output_tokens", "cost_usd", "usage_estimated", "timeline",
)  # fmt: skip
ALL = select(*COLUMNS)
OF_SESSION = MESSAGES.c.session_id == bindparam("session_id")
CURSOR = MESSAGES.alias("cursor")
PLACE_OF_CURSOR = (
    select(CURSOR.c.position)
    .where(CURSOR.c.id == bindparam("cursor"), CURSOR.c.session_id == bindparam("session_id"))
    .scalar_subquery()
)
OLDEST_FIRST = ALL.where(OF_SESSION).order_by(MESSAGES.c.position).limit(bindparam("first"))

MESSAGE_BY_ID = Statement(ALL.where(MESSAGES.c.id == bindparam("message_id")))
MESSAGE_OF_CLIENT = Statement(ALL.where(OF_SESSION, MESSAGES.c.client_message_id == bindparam("client_message_id")))
REPLY_TO = Statement(
    ALL.where(OF_SESSION, MESSAGES.c.in_reply_to == bindparam("message_id"))
    .order_by(MESSAGES.c.position.desc())
    .limit(1)
)
ROLES = {role.value: role for role in Role}
# As plain text: there are many of them in each turn, and `ROLES` converts them for less.
SPOKEN = (
    select(type_coerce(MESSAGES.c.role, String), MESSAGES.c.content)
    .where(OF_SESSION, MESSAGES.c.status != MessageStatus.STREAMING, MESSAGES.c.content != "")
    .order_by(MESSAGES.c.position.desc())
    .limit(bindparam("limit"))
)
HISTORY = Statement(SPOKEN)
HISTORY_BEFORE = Statement(SPOKEN.where(MESSAGES.c.position < PLACE_OF_CURSOR))
FIRST_PAGE = Statement(OLDEST_FIRST)
NEXT_PAGE = Statement(OLDEST_FIRST.where(MESSAGES.c.position > PLACE_OF_CURSOR))
QUESTIONS = Statement(select(func.count()).select_from(MESSAGES).where(OF_SESSION, MESSAGES.c.role == Role.USER))
LATENCIES = Statement(
    select(MESSAGES.c.latency_total)
    .where(
        OF_SESSION,
        MESSAGES.c.role == Role.ASSISTANT,
        MESSAGES.c.status == MessageStatus.COMPLETE,
        MESSAGES.c.latency_total.is_not(None),
    )
    .order_by(MESSAGES.c.position)
)
# A time is later than `since` and not later than `now`; one that lies in the future is some wrong clock's.
SINCE, NOW = (bindparam(name, type_=MESSAGES.c.created_at.type) for name in ("since", "now"))
IS_OF_LIVING_SERVER = (
    select(SERVERS.c.id)
    .where(SERVERS.c.id == MESSAGES.c.server, SERVERS.c.alive_at > SINCE, SERVERS.c.alive_at <= NOW)
    .exists()
)
HAS_JUST_BEGUN = and_(MESSAGES.c.created_at > SINCE, MESSAGES.c.created_at <= NOW)
IS_OF_THIS_SERVER = MESSAGES.c.server == bindparam("server")
ABANDONED = Statement(
    ALL.where(STREAMING, ~HAS_JUST_BEGUN, or_(IS_OF_THIS_SERVER, ~IS_OF_LIVING_SERVER)).order_by(MESSAGES.c.position)
)
IS_ABANDONED = Statement(
    select(MESSAGES.c.id).where(
        MESSAGES.c.id == bindparam("message_id"),
        STREAMING,
        or_(IS_OF_THIS_SERVER, and_(~HAS_JUST_BEGUN, ~IS_OF_LIVING_SERVER)),
    )
)
TAKE_OVER = Statement(
    update(MESSAGES).where(MESSAGES.c.id == bindparam("message_id"), STREAMING).values(server=bindparam("by"))
)
ADD_MESSAGE = insertion(MESSAGES, COLUMNS)
ADD_TURN = insertion(MESSAGES, (*COLUMNS, MESSAGES.c.server), "", REPLY)
SAID = Statement(
    update(MESSAGES).where(MESSAGES.c.id == bindparam("message_id"), STREAMING).values(content=bindparam("content"))
)
DRAFTS = (
    func.unnest(bindparam("ids", type_=ARRAY(String)), bindparam("contents", type_=ARRAY(String)))
    .table_valued("id", "content", name="drafts")
    .render_derived()
)
ALL_SAID = Statement(update(MESSAGES).where(MESSAGES.c.id == DRAFTS.c.id, STREAMING).values(content=DRAFTS.c.content))
"""In PostgreSQL's words: all in one round trip."""
FINISH = Statement(
    update(MESSAGES)
    .where(MESSAGES.c.id == bindparam("message_id"), STREAMING)
    .values(assignments(MESSAGES.c[name] for name in ENDING))
)


class SqlSessions(Sessions):
    def __init__(self, driver: Driver, writes: bool) -> None:
        self._driver = driver
        self._by_id = SESSION_BY_ID_LOCKED if writes else SESSION_BY_ID
        self._with_avatar = WITH_AVATAR_LOCKED if writes else WITH_AVATAR

    def by_id(self, session_id: str) -> Session | None:
        row = self._by_id.row(self._driver, session_id=session_id)
        return session_of(row) if row else None

    def with_avatar(self, session_id: str) -> tuple[Session, Avatar] | None:
        row = self._with_avatar.row(self._driver, session_id=session_id)
        return (session_of(row[:WIDTH]), avatar_of(row[WIDTH:])) if row else None

    def add(self, session: Session) -> None:
        ADD_SESSION.run(
            self._driver,
            id=session.id,
            avatar_id=session.avatar_id,
            source=session.source,
            visitor_name=session.visitor.name,
            visitor_email=session.visitor.email,
            started_at=session.started_at,
            last_active_at=session.last_active_at,
            ended_at=session.ended_at,
            opened_with=session.opened_with,
        )

    def touch(self, session_id: str, at: datetime) -> None:
        TOUCH_SESSION.run(self._driver, session_id=session_id, at=at)

    def end(self, session_id: str, at: datetime) -> None:
        """The first end counts; a later one changes nothing."""
        END_SESSION.run(self._driver, session_id=session_id, at=at)


class SqlMessages(Messages):
    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def by_id(self, message_id: str) -> Message | None:
        row = MESSAGE_BY_ID.row(self._driver, message_id=message_id)
        return message_of(row) if row else None

    def of_client(self, session_id: str, client_message_id: str) -> Message | None:
        row = MESSAGE_OF_CLIENT.row(self._driver, session_id=session_id, client_message_id=client_message_id)
        return message_of(row) if row else None

    def reply_to(self, message: Message) -> Message | None:
        """The newest reply, should there be several."""
        row = REPLY_TO.row(self._driver, session_id=message.session_id, message_id=message.id)
        return message_of(row) if row else None

    def history(self, session_id: str, limit: int, before: str | None = None) -> list[Utterance]:
        statement = HISTORY if before is None else HISTORY_BEFORE
        rows = statement.rows(self._driver, session_id=session_id, limit=limit, cursor=before)
        return [Utterance(ROLES[role], content) for role, content in reversed(rows)]

    def page(self, session_id: str, first: int, after: str | None) -> list[Message]:
        statement = FIRST_PAGE if after is None else NEXT_PAGE
        rows = statement.rows(self._driver, session_id=session_id, first=first, cursor=after)
        return [message_of(row) for row in rows]

    def questions(self, session_id: str) -> int:
        return int(QUESTIONS.scalar(self._driver, session_id=session_id))

    def latencies(self, session_id: str) -> list[int]:
        return [total for (total,) in LATENCIES.rows(self._driver, session_id=session_id)]

    def abandoned(self, server: str, now: datetime) -> list[Message]:
        rows = ABANDONED.rows(self._driver, server=server, now=now, since=now - SERVER_LEASE)
        return [message_of(row) for row in rows]

    def is_abandoned(self, reply_id: str, server: str, now: datetime) -> bool:
        values = {"message_id": reply_id, "server": server, "now": now, "since": now - SERVER_LEASE}
        return IS_ABANDONED.row(self._driver, **values) is not None

    def take_over(self, reply_id: str, server: str) -> None:
        TAKE_OVER.run(self._driver, message_id=reply_id, by=server)

    def add(self, message: Message) -> None:
        ADD_MESSAGE.run(self._driver, **values_of(message))

    def add_turn(self, message: Message, reply: Message, server: str) -> None:
        of_reply = {f"{REPLY}{name}": value for name, value in {**values_of(reply), "server": server}.items()}
        ADD_TURN.run(self._driver, **values_of(message), server=None, **of_reply)

    def said(self, drafts: Mapping[str, str]) -> None:
        if self._driver.dialect.name == "postgresql":
            ALL_SAID.run(self._driver, ids=list(drafts), contents=list(drafts.values()))
            return
        for message_id, content in drafts.items():
            SAID.run(self._driver, message_id=message_id, content=content)

    def finish(self, message: Message) -> None:
        FINISH.run(self._driver, message_id=message.id, **ending_of(message))


def session_of(row: Row) -> Session:
    id_, avatar_id, source, visitor_name, visitor_email, *times, opened_with = row
    started_at, last_active_at, ended_at = times
    visitor = Visitor(visitor_name, visitor_email)
    return Session(id_, avatar_id, source, started_at, last_active_at, visitor, ended_at, opened_with)


def message_of(row: Row) -> Message:
    *said, total, llm, input_tokens, output_tokens, cost_usd, estimated, timeline = row
    latency = None if total is None else Latency(total, llm)
    usage = None if input_tokens is None else Usage(input_tokens, output_tokens, cost_usd, estimated)
    return Message(*[*said, latency, usage, timeline])


def values_of(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "session_id": message.session_id,
        "role": message.role,
        "created_at": message.created_at,
        "client_message_id": message.client_message_id,
        "in_reply_to": message.in_reply_to,
        **ending_of(message),
    }


def ending_of(message: Message) -> dict[str, Any]:
    """The columns of `ENDING`: what is known of a reply only when it has ended."""
    latency, usage = message.latency, message.usage
    return {
        "content": message.content,
        "status": message.status,
        "model": message.model,
        "emotion": message.emotion,
        "sources": message.sources,
        "latency_total": latency.total if latency else None,
        "latency_llm": latency.llm if latency else None,
        "input_tokens": usage.input_tokens if usage else None,
        "output_tokens": usage.output_tokens if usage else None,
        "cost_usd": usage.cost_usd if usage else None,
        "usage_estimated": usage.estimated if usage else None,
        "timeline": message.timeline,
    }
