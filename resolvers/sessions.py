"""Sessions: a visitor's conversation from its start to its end."""

import asyncio
from dataclasses import dataclass
from uuid import uuid4

from domain.avatars import Avatar
from domain.errors import InvalidPassword, NotFound, PasswordRequired
from domain.limits import PASSWORD_ATTEMPT, SESSION_CREATION
from domain.passwords import matches
from domain.sessions import Message, Session, SessionReport, check_visitor, latency_stats, source_of
from domain.tables import Tx
from resolvers.avatars import owner_id, require_visible, visible
from resolvers.context import Context
from resolvers.guards import anyone, not_too_often


@dataclass(frozen=True, slots=True)
class StartedSession:
    """A session with the avatar that the visitor talks with."""

    session: Session
    avatar: Avatar


@dataclass(frozen=True, slots=True)
class MessagePage:
    messages: list[Message]
    has_next: bool


@anyone
async def start(
    ctx: Context,
    short_id: str,
    *,
    visitor_name: str | None = None,
    visitor_email: str | None = None,
    source: str | None = None,
    password: str | None = None,
) -> StartedSession:
    """Opens a conversation. An avatar with a password asks for it here."""
    visitor, origin = check_visitor(visitor_name, visitor_email), source_of(source)
    await not_too_often(ctx, SESSION_CREATION)
    avatar = await visible(ctx, short_id, embedded=origin.is_embedded)
    await require_password(ctx, avatar, password)
    now = ctx.services.clock.now()
    session = Session(
        str(uuid4()), avatar.id, origin, started_at=now, last_active_at=now, visitor=visitor,
        opened_with=avatar.password_mark,
    )  # fmt: skip

    def add(tx: Tx) -> None:
        tx.sessions.add(session)
        tx.avatars.count_conversation(avatar.id)

    await ctx.services.store.write(add)
    return StartedSession(session, avatar)


@anyone
async def verify_password(ctx: Context, short_id: str, password: str) -> None:
    """Raises `InvalidPassword`. An avatar without a password takes any."""
    await require_password(ctx, await visible(ctx, short_id), password)


async def require_password(ctx: Context, avatar: Avatar, password: str | None) -> None:
    if avatar.password_hash is None:
        return
    if not password:
        raise PasswordRequired("This avatar asks for a password.")
    await not_too_often(ctx, PASSWORD_ATTEMPT, avatar.short_id)
    if not await asyncio.to_thread(matches, password, avatar.password_hash):
        raise InvalidPassword("That password is wrong.")


@anyone
async def get(ctx: Context, session_id: str) -> StartedSession:
    """A session is known only to who was given its random id. Raises `NotFound`."""
    owner = await owner_id(ctx)
    return await ctx.services.store.read(lambda tx: StartedSession(*of_avatar(ctx, tx, session_id, None, owner)))


@anyone
async def message(ctx: Context, message_id: str) -> Message:
    """A message is known only to who was given its random id. Raises `NotFound`, and `Forbidden` as `get` does."""
    owner = await owner_id(ctx)
    return await ctx.services.store.read(lambda tx: message_of(ctx, tx, message_id, owner))


@anyone
async def messages(ctx: Context, session_id: str, first: int, after: str | None = None) -> MessagePage:
    """A session's messages, oldest first."""
    owner = await owner_id(ctx)

    def load(tx: Tx) -> list[Message]:
        of_avatar(ctx, tx, session_id, None, owner)
        return tx.messages.page(session_id, first + 1, after)

    found = await ctx.services.store.read(load)
    return MessagePage(found[:first], has_next=len(found) > first)


@anyone
async def end(ctx: Context, session_id: str, short_id: str | None = None) -> SessionReport:
    """Ends a session, and the reply that is being spoken in it. Ending twice gives the same report."""
    owner = await owner_id(ctx)

    def finish(tx: Tx) -> None:
        session, _ = of_avatar(ctx, tx, session_id, short_id, owner)
        if session.ended_at is None:
            tx.sessions.end(session.id, ctx.services.clock.now())

    await ctx.services.store.write(finish)
    await ctx.services.turns.stop_session(session_id)
    return await ctx.services.store.read(lambda tx: report(tx, session_id))


def report(tx: Tx, session_id: str) -> SessionReport:
    stats = latency_stats(tx.messages.latencies(session_id))
    return SessionReport(session_id, tx.messages.questions(session_id), stats)


def message_of(ctx: Context, tx: Tx, message_id: str, owner: str | None) -> Message:
    """A message of a session whose avatar must be visible."""
    found = tx.messages.by_id(message_id)
    if found is None:
        raise NotFound("Message not found")
    of_avatar(ctx, tx, found.session_id, None, owner)
    return found


def of_avatar(ctx: Context, tx: Tx, session_id: str, short_id: str | None, owner: str | None) -> tuple[Session, Avatar]:
    """A session with its avatar, which must be visible and, if named, the one named."""
    found = tx.sessions.with_avatar(session_id)
    if found is None:
        raise NotFound("Session not found")
    session, avatar = found
    require_visible(ctx, avatar, owner, embedded=session.source.is_embedded)
    if short_id is not None and avatar.short_id != short_id:
        raise NotFound("Session not found")
    return session, avatar
