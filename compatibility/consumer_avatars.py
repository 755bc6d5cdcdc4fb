"""/v1/consumer-avatars: an owner's own avatars."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from pydantic import ConfigDict, WithJsonSchema

from compatibility.consumer_knowledge import KnowledgeShape
from compatibility.routing import Call, Endpoint
from compatibility.shapes import BareShape, Deleted, Nothing, RequestShape, ResponseShape
from domain.avatars import (
    TEXT_MAX,
    AiProvider,
    Avatar,
    AvatarStatus,
    Body,
    QuizDifficulty,
    TtsProvider,
    VoiceGender,
    public_name,
)
from domain.errors import NotFound, RateLimited, SlugTaken
from resolvers import avatars, knowledge
from resolvers.context import Context

AI_PROVIDERS: dict[str, Any] = {"type": "string", "enum": [*AiProvider, "gemini"]}


def with_lengths(schema: dict[str, Any]) -> None:
    for name, most in TEXT_MAX.items():
        schema["properties"][public_name(name)]["maxLength"] = most


def partial(schema: dict[str, Any]) -> None:
    """A default would be read as what an absent field is set to, but an absent field stays as it is."""
    with_lengths(schema)
    for described in schema["properties"].values():
        described.pop("default", None)


class AvatarFields(RequestShape):
    """Every field that an owner sets, with what a new avatar gets when it is absent."""

    tagline: str | None = None
    avatar_preset: str | None = None
    avatar_body: Body = Body.FEMALE
    background_color: str = "#0A0A0F"
    personality: str = ""
    greeting: str = "Hi! How can I help you today?"
    traits: tuple[str, ...] = ()
    tone: str | None = None
    voice_gender: VoiceGender = VoiceGender.FEMALE
    tts_provider: TtsProvider = TtsProvider.GROQ
    voice_id: str | None = None
    voice_chat_enabled: bool = False
    ai_provider: Annotated[str, WithJsonSchema(AI_PROVIDERS)] = AiProvider.GROQ
    ai_model: str | None = None
    ai_base_url: str | None = None
    ai_api_key: str | None = None
    is_public: bool = True
    allow_embedding: bool = True
    status: AvatarStatus = AvatarStatus.ACTIVE
    quiz_mode: bool = False
    quiz_difficulty: QuizDifficulty = QuizDifficulty.MEDIUM
    password: str | None = None

    def sent(self) -> dict[str, object]:
        """The fields that the caller sent, and no others, by our names."""
        return self.model_dump(exclude_unset=True)


class CreateAvatar(AvatarFields):
    """A new avatar. `aiApiKey` and `password` are write-only."""

    model_config = ConfigDict(json_schema_extra=with_lengths)

    slug: str
    name: str
    avatar_model_url: str


class UpdateAvatar(AvatarFields):
    """Changes to an avatar: absent fields stay as they are, null clears one that may be empty."""

    model_config = ConfigDict(json_schema_extra=partial)

    slug: str = ""
    name: str = ""
    avatar_model_url: str = ""


class CreatedAvatar(ResponseShape):
    id: str
    short_id: str
    slug: str
    name: str
    avatar_type: str
    url: str
    embed_url: str
    created_at: datetime


class ListedAvatar(ResponseShape):
    id: str
    short_id: str
    slug: str
    name: str
    tagline: str | None
    avatar_preset: str | None
    avatar_type: str
    is_public: bool
    status: AvatarStatus
    view_count: int
    conversation_count: int
    voice_chat_enabled: bool
    url: str
    created_at: datetime


class AvatarList(BareShape):
    """`hasAccount` is false until the caller has created something."""

    data: tuple[ListedAvatar, ...]
    has_account: bool


class FullAvatar(ListedAvatar):
    """Everything about an avatar but its secrets."""

    embed_url: str
    updated_at: datetime
    avatar_model_url: str
    avatar_body: Body
    background_color: str
    personality: str
    greeting: str
    traits: tuple[str, ...]
    tone: str | None
    system_prompt: str
    voice_gender: VoiceGender
    tts_provider: TtsProvider
    voice_id: str | None
    ai_provider: AiProvider
    ai_model: str | None
    ai_base_url: str | None
    ai_key_last4: str | None
    allow_embedding: bool
    has_password: bool
    quiz_mode: bool
    quiz_difficulty: QuizDifficulty


class DetailedAvatar(FullAvatar):
    """An avatar with its knowledge base."""

    knowledge: tuple[KnowledgeShape, ...]


def told(ctx: Context, avatar: Avatar) -> dict[str, object]:
    """What an owner may see of an avatar, by our names; each shape takes its own fields of it."""
    public_url = ctx.services.public_url
    return asdict(avatar.settings) | {
        "id": avatar.id,
        "short_id": avatar.short_id,
        "avatar_type": avatar.avatar_type,
        "system_prompt": avatar.system_prompt,
        "ai_key_last4": avatar.ai_key.last4 if avatar.ai_key else None,
        "has_password": avatar.password_hash is not None,
        "view_count": avatar.view_count,
        "conversation_count": avatar.conversation_count,
        "url": avatar.url(public_url),
        "embed_url": avatar.embed_url(public_url),
        "created_at": avatar.created_at,
        "updated_at": avatar.updated_at,
    }


async def list_avatars(call: Call[Nothing]) -> AvatarList:
    page = await avatars.page(call.context)
    listed = tuple(ListedAvatar.model_validate(told(call.context, avatar)) for avatar in page.avatars)
    return AvatarList(data=listed, has_account=page.has_account)


async def create_avatar(call: Call[CreateAvatar]) -> CreatedAvatar:
    avatar = await avatars.create(call.context, call.body.sent())
    return CreatedAvatar.model_validate(told(call.context, avatar))


async def get_avatar(call: Call[Nothing]) -> DetailedAvatar:
    avatar = await avatars.get(call.context, call.path["id"])
    listed = tuple(KnowledgeShape.of(item) for item in await knowledge.items(call.context, avatar.id))
    return DetailedAvatar.model_validate(told(call.context, avatar) | {"knowledge": listed})


async def update_avatar(call: Call[UpdateAvatar]) -> FullAvatar:
    avatar = await avatars.update(call.context, call.path["id"], call.body.sent())
    return FullAvatar.model_validate(told(call.context, avatar))


async def delete_avatar(call: Call[Nothing]) -> Deleted:
    await avatars.delete(call.context, call.path["id"])
    return Deleted()


ENDPOINTS: tuple[Endpoint[Any], ...] = (
    Endpoint(
        methods=("GET",),
        path="/consumer-avatars",
        summary="All avatars of the account, newest first",
        handler=list_avatars,
        body=Nothing,
        answer=AvatarList,
        bearer=True,
    ),
    Endpoint(
        methods=("POST",),
        path="/consumer-avatars",
        summary="Create an avatar",
        handler=create_avatar,
        body=CreateAvatar,
        answer=CreatedAvatar,
        bearer=True,
        errors=(SlugTaken, RateLimited),
    ),
    Endpoint(
        methods=("GET",),
        path="/consumer-avatars/{id}",
        summary="One avatar in full, by its id or its short id",
        handler=get_avatar,
        body=Nothing,
        answer=DetailedAvatar,
        bearer=True,
        errors=(NotFound,),
    ),
    Endpoint(
        methods=("PATCH", "PUT"),
        path="/consumer-avatars/{id}",
        summary="Change some fields of an avatar",
        handler=update_avatar,
        body=UpdateAvatar,
        answer=FullAvatar,
        bearer=True,
        errors=(SlugTaken, NotFound),
    ),
    Endpoint(
        methods=("DELETE",),
        path="/consumer-avatars/{id}",
        summary="Delete an avatar with its sessions, messages and knowledge",
        handler=delete_avatar,
        body=Nothing,
        answer=Deleted,
        bearer=True,
        errors=(NotFound,),
    ),
)
