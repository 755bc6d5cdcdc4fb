"""Domain objects for tests: valid, each with an id of its own, and different where a test says so."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from domain.accounts import Account, ApiKey, KeyMode, digest, key_hint, new_api_key
from domain.avatars import SETTING_NAMES, Avatar, AvatarSettings, new_short_id
from domain.jobs import Job, JobKind, Lane, new_job
from domain.knowledge.items import KnowledgeItem, KnowledgeStatus, KnowledgeType, Passage
from domain.sessions import Message, MessageStatus, Role, Session, SessionSource
from domain.telemetry import INTERRUPTED, Effort, TurnReport
from tests.fakes.clock import FakeClock

NOON = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)


def an_account(**changes: Any) -> Account:
    id_ = str(uuid4())
    account = Account(id_, f"subject-{id_}", "ann@example.com", "Ann", NOON)
    return replace(account, **changes)


def an_api_key(account: Account, **changes: Any) -> ApiKey:
    secret = new_api_key(KeyMode.LIVE)
    key = ApiKey(str(uuid4()), account.id, "A key", KeyMode.LIVE, key_hint(secret), digest(secret), NOON)
    return replace(key, **changes)


def an_avatar(account: Account, **changes: Any) -> Avatar:
    """`changes` may name fields of the avatar and of its settings alike."""
    id_ = str(uuid4())
    settings = AvatarSettings(f"slug-{id_}", "Ada", "https://example.com/ada.glb")
    avatar = Avatar(id_, account.id, new_short_id(), settings, "You are Ada.", NOON, NOON)
    return changed(avatar, **changes)


def changed(avatar: Avatar, **changes: Any) -> Avatar:
    """The avatar with other fields, its settings' among them."""
    own = {name: value for name, value in changes.items() if name not in SETTING_NAMES}
    settings = {name: value for name, value in changes.items() if name in SETTING_NAMES}
    return replace(avatar, **({"settings": replace(avatar.settings, **settings)} | own))


def a_session(avatar: Avatar, **changes: Any) -> Session:
    return replace(Session(str(uuid4()), avatar.id, SessionSource.LINK, NOON, NOON), **changes)


def a_message(session: Session, content: str = "Hello?", **changes: Any) -> Message:
    """What a visitor said."""
    return replace(Message(str(uuid4()), session.id, Role.USER, content, NOON), **changes)


def a_reply(message: Message, **changes: Any) -> Message:
    """An answer that is still being spoken."""
    reply = Message(
        str(uuid4()), message.session_id, Role.ASSISTANT, "", NOON,
        status=MessageStatus.STREAMING, in_reply_to=message.id,
    )  # fmt: skip
    return replace(reply, **changes)


def turn_report(**changes: Any) -> TurnReport:
    """A turn that took no time, unless a test says more."""
    effort = Effort(FakeClock().monotonic)
    return replace(TurnReport("reply-1", "session-1", "avatar-1", 0.0, 0.0, None, INTERRUPTED, 0, effort), **changes)


def an_item(avatar: Avatar, **changes: Any) -> KnowledgeItem:
    """A pasted text whose first generation is live, though it has no passages yet."""
    item = KnowledgeItem(
        str(uuid4()), avatar.id, KnowledgeType.TEXT, "A text", NOON, NOON,
        status=KnowledgeStatus.READY, generation=1, passage_count=1, languages=("en",),
    )  # fmt: skip
    return replace(item, **changes)


def a_passage(item: KnowledgeItem, text: str, position: int = 0, **changes: Any) -> Passage:
    """Of the item's live generation, unless a test says otherwise."""
    passage = Passage(
        str(uuid4()), item.avatar_id, item.id, item.generation, position, text, title=item.title, language="en"
    )  # fmt: skip
    return replace(passage, **changes)


def a_job(avatar: Avatar, **changes: Any) -> Job:
    """Of one of the avatar's items."""
    return replace(new_job(JobKind.INDEX, Lane.QUICK, avatar.id, str(uuid4()), NOON), **changes)
