"""/v1/public: what visitors do, without an account."""

from dataclasses import asdict
from typing import Any, Literal

from compatibility.frames import PROTOCOL
from compatibility.routing import Call, Endpoint
from compatibility.shapes import HistoryItem, LatencyShape, Nothing, RequestShape, ResponseShape, SourceShape
from domain.avatars import Body, TtsProvider, VoiceGender
from domain.errors import (
    AiProviderFailed,
    BadRequest,
    Forbidden,
    InvalidPassword,
    NotFound,
    PasswordRequired,
    RateLimited,
    SessionBusy,
    SessionEnded,
    SessionExpired,
)
from domain.sessions import SessionSource
from resolvers import avatars, chat, sessions

AVATAR = "/public/avatar/{shortId}"


class PublicAvatar(ResponseShape):
    short_id: str
    name: str
    tagline: str | None
    avatar_model_url: str
    avatar_body: Body
    background_color: str
    greeting: str
    voice_gender: VoiceGender
    tts_provider: TtsProvider
    voice_id: str | None
    voice_chat_enabled: bool
    allow_embedding: bool
    has_password: bool


class StartSession(RequestShape):
    """`password` is asked for where the avatar has one."""

    visitor_name: str | None = None
    visitor_email: str | None = None
    source: SessionSource | None = SessionSource.LINK
    password: str | None = None


class StartedSession(ResponseShape):
    session_id: str
    greeting: str


class ChatMessage(RequestShape):
    """`history` counts only in a session without messages; its last item may repeat `message`.

    A message sent again with the same `clientMessageId` is answered with the same reply.
    """

    session_id: str
    message: str
    history: tuple[HistoryItem, ...] = ()
    client_message_id: str | None = None


class ChatAnswer(ResponseShape):
    """`displayText` is the reply as written; `ttsText` is the same without markup, addresses and emoji."""

    message_id: str
    tts_text: str
    display_text: str
    emotion: str
    sources: tuple[SourceShape, ...]
    latency: LatencyShape


class SessionLatency(ResponseShape):
    """Milliseconds over all replies of the session; zeros without any."""

    p50: int
    p95: int
    avg: int


class EndedSession(ResponseShape):
    session_id: str
    summary: str
    topics: tuple[str, ...]
    sentiment: str
    question_count: int
    latency: SessionLatency


class Password(RequestShape):
    password: str


class ValidPassword(ResponseShape):
    valid: Literal[True] = True


async def get_public_avatar(call: Call[Nothing]) -> PublicAvatar:
    avatar = await avatars.public(call.context, call.path["shortId"])
    has_password = avatar.password_hash is not None
    return PublicAvatar.model_validate(
        asdict(avatar.settings) | {"short_id": avatar.short_id, "has_password": has_password}
    )


async def start_session(call: Call[StartSession]) -> StartedSession:
    started = await sessions.start(
        call.context,
        call.path["shortId"],
        visitor_name=call.body.visitor_name,
        visitor_email=call.body.visitor_email,
        source=call.body.source,
        password=call.body.password,
    )
    return StartedSession(session_id=started.session.id, greeting=started.avatar.settings.greeting)


async def send_chat_message(call: Call[ChatMessage]) -> ChatAnswer:
    spoken = await chat.ask(
        call.context,
        call.body.session_id,
        call.body.message,
        client_message_id=call.body.client_message_id,
        history=[item.utterance() for item in call.body.history],
        short_id=call.path["shortId"],
    )
    return ChatAnswer(
        message_id=spoken.message_id,
        tts_text=spoken.tts_text,
        display_text=spoken.text,
        emotion=spoken.emotion,
        sources=tuple(SourceShape.of(source) for source in spoken.sources),
        latency=LatencyShape.model_validate(asdict(spoken.latency)),
    )


async def end_session(call: Call[Nothing]) -> EndedSession:
    report = await sessions.end(call.context, call.path["sessionId"], call.path["shortId"])
    return EndedSession.model_validate(asdict(report))


async def verify_password(call: Call[Password]) -> ValidPassword:
    await sessions.verify_password(call.context, call.path["shortId"], call.body.password)
    return ValidPassword()


async def not_a_socket(_: Call[Nothing]) -> ResponseShape:
    raise BadRequest("Open this address as a WebSocket.")


ENDPOINTS: tuple[Endpoint[Any], ...] = (
    Endpoint(
        methods=("GET",),
        path=AVATAR,
        summary="What a visitor may see of an avatar; counts one view",
        handler=get_public_avatar,
        body=Nothing,
        answer=PublicAvatar,
        errors=(
            Forbidden,
            NotFound,
        ),
    ),
    Endpoint(
        methods=("POST",),
        path=f"{AVATAR}/session",
        summary="Start a conversation",
        handler=start_session,
        body=StartSession,
        body_optional=True,
        answer=StartedSession,
        errors=(Forbidden, NotFound, PasswordRequired, InvalidPassword, RateLimited),
    ),
    Endpoint(
        methods=("POST",),
        path=f"{AVATAR}/chat",
        summary="Send a message and wait for the whole reply",
        handler=send_chat_message,
        slow=True,
        body=ChatMessage,
        answer=ChatAnswer,
        errors=(Forbidden, NotFound, PasswordRequired, SessionEnded, SessionExpired, SessionBusy, AiProviderFailed),
    ),
    Endpoint(
        methods=("POST",),
        path=f"{AVATAR}/session/{{sessionId}}/end",
        summary="End a conversation; ending it twice gives the same report",
        handler=end_session,
        body=Nothing,
        answer=EndedSession,
        errors=(
            Forbidden,
            NotFound,
        ),
    ),
    Endpoint(
        methods=("POST",),
        path=f"{AVATAR}/verify-password",
        summary="Check an avatar's password",
        handler=verify_password,
        body=Password,
        answer=ValidPassword,
        errors=(Forbidden, NotFound, PasswordRequired, InvalidPassword, RateLimited),
    ),
    Endpoint(
        methods=("GET",),
        path=f"{AVATAR}/ws",
        summary="WebSocket: a conversation, streamed",
        description=PROTOCOL,
        handler=not_a_socket,
        body=Nothing,
        answer=None,
        errors=(BadRequest,),
    ),
)
