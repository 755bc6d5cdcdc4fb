"""Sessions and their messages in SQL: the hot path of a chat turn."""

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select, update

from adapters.sql_statements import Driver, Row, Statement, assignments, insertion, locked
from adapters.sql_tables import MESSAGES, SESSIONS, STREAMING
from domain.ports import Messages, Sessions
from domain.sessions import Latency, Message, MessageStatus, Role, Session, Usage, Visitor

THIS_SESSION = SESSIONS.c.id == bindparam("session_id")
SESSION_BY_ID = Statement(select(SESSIONS).where(THIS_SESSION))
SESSION_BY_ID_LOCKED = Statement(locked(select(SESSIONS).where(THIS_SESSION), SESSIONS))
ADD_SESSION = insertion(SESSIONS)
TOUCH_SESSION = Statement(update(SESSIONS).where(THIS_SESSION).values(last_active_at=bindparam("at")))
END_SESSION = Statement(
    update(SESSIONS).where(THIS_SESSION, SESSIONS.c.ended_at.is_(None)).values(ended_at=bindparam("at"))
)

# In the order of the fields of `Message`, with its latency and usage laid flat.
COLUMNS = tuple(column for column in MESSAGES.c if column.name != "position")
ENDING = (
    "content", "status", "model", "emotion", "sources", "latency_total", "latency_llm",
    "input_tokens", "output_tokens", "cost_usd", "usage_estimated", "timeline",
)  # fmt: skip
ALL = select(*COLUMNS)
OF_SESSION = MESSAGES.c.session_id == bindparam("session_id")
CURSOR = MESSAGES.alias("cursor")
PLACE_OF_CURSOR = (
    select(CURSOR.c.position)
    .where(CURSOR.c.id == bindparam("after"), CURSOR.c.session_id == bindparam("session_id"))
    .scalar_subquery()
)
OLDEST_FIRST = ALL.where(OF_SESSION).order_by(MESSAGES.c.position).limit(bindparam("first"))

MESSAGE_BY_ID = Statement(ALL.where(MESSAGES.c.id == bindparam("message_id")))
MESSAGE_OF_CLIENT = Statement(ALL.where(OF_SESSION, MESSAGES.c.client_message_id == bindparam("client_message_id")))
REPLY_TO = Statement(
    ALL.where(MESSAGES.c.in_reply_to == bindparam("message_id")).order_by(MESSAGES.c.position.desc()).limit(1)
)
RECENT = Statement(ALL.where(OF_SESSION).order_by(MESSAGES.c.position.desc()).limit(bindparam("limit")))
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
STILL_STREAMING = Statement(ALL.where(STREAMING).order_by(MESSAGES.c.position))
ADD_MESSAGE = insertion(MESSAGES, COLUMNS)
SAID = Statement(
    update(MESSAGES).where(MESSAGES.c.id == bindparam("message_id"), STREAMING).values(content=bindparam("content"))
)
FINISH = Statement(
    update(MESSAGES)
    .where(MESSAGES.c.id == bindparam("message_id"), STREAMING)
    .values(assignments(MESSAGES.c[name] for name in ENDING))
)


class SqlSessions(Sessions):
    def __init__(self, driver: Driver, writes: bool) -> None:
        self._driver = driver
        self._by_id = SESSION_BY_ID_LOCKED if writes else SESSION_BY_ID

    def by_id(self, session_id: str) -> Session | None:
        row = self._by_id.row(self._driver, session_id=session_id)
        return session_of(row) if row else None

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

    def reply_to(self, message_id: str) -> Message | None:
        """The newest reply, should there be several."""
        row = REPLY_TO.row(self._driver, message_id=message_id)
        return message_of(row) if row else None

    def recent(self, session_id: str, limit: int) -> list[Message]:
        rows = RECENT.rows(self._driver, session_id=session_id, limit=limit)
        return [message_of(row) for row in reversed(rows)]

    def page(self, session_id: str, first: int, after: str | None) -> list[Message]:
        statement = FIRST_PAGE if after is None else NEXT_PAGE
        rows = statement.rows(self._driver, session_id=session_id, first=first, after=after)
        return [message_of(row) for row in rows]

    def questions(self, session_id: str) -> int:
        return int(QUESTIONS.scalar(self._driver, session_id=session_id))

    def latencies(self, session_id: str) -> list[int]:
        return [total for (total,) in LATENCIES.rows(self._driver, session_id=session_id)]

    def streaming(self) -> list[Message]:
        return [message_of(row) for row in STILL_STREAMING.rows(self._driver)]

    def add(self, message: Message) -> None:
        ADD_MESSAGE.run(
            self._driver,
            id=message.id,
            session_id=message.session_id,
            role=message.role,
            created_at=message.created_at,
            client_message_id=message.client_message_id,
            in_reply_to=message.in_reply_to,
            **ending_of(message),
        )

    def said(self, message_id: str, content: str) -> None:
        SAID.run(self._driver, message_id=message_id, content=content)

    def finish(self, message: Message) -> None:
        FINISH.run(self._driver, message_id=message.id, **ending_of(message))


def session_of(row: Row) -> Session:
    id_, avatar_id, source, visitor_name, visitor_email, *times = row
    started_at, last_active_at, ended_at = times
    visitor = Visitor(visitor_name, visitor_email)
    return Session(id_, avatar_id, source, started_at, last_active_at, visitor, ended_at)


def message_of(row: Row) -> Message:
    *said, total, llm, input_tokens, output_tokens, cost_usd, estimated, timeline = row
    latency = None if total is None else Latency(total, llm)
    usage = None if input_tokens is None else Usage(input_tokens, output_tokens, cost_usd, estimated)
    return Message(*[*said, latency, usage, timeline])


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
