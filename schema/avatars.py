"""Avatars over GraphQL."""

from datetime import datetime
from typing import Self

import strawberry
from strawberry import relay

from domain import avatars as domain
from domain.errors import NotFound
from resolvers import avatars as resolvers
from schema.engine.context import Info
from schema.engine.ids import global_id, key_of
from schema.engine.pages import page_info, page_size
from schema.enums import AiProvider, AvatarStatus, Body, QuizDifficulty, TtsProvider, VoiceGender
from schema.knowledge import Knowledge, KnowledgeSummary, knowledge_page, knowledge_summary


@strawberry.type(description="A 3D character that talks, as its owner sees it.")
class Avatar(relay.Node):
    id: relay.NodeID[str]
    short_id: str = strawberry.field(description="Eleven letters and digits; the avatar's public name.")
    slug: str
    name: str
    tagline: str | None
    avatar_model_url: str
    avatar_preset: str | None
    avatar_type: str
    avatar_body: Body
    background_color: str
    personality: str
    greeting: str
    traits: list[str]
    tone: str | None
    system_prompt: str = strawberry.field(description="Made of the soul; made anew whenever the soul changes.")
    voice_gender: VoiceGender
    tts_provider: TtsProvider
    voice_id: str | None
    voice_chat_enabled: bool
    ai_provider: AiProvider
    ai_model: str | None
    ai_base_url: str | None
    ai_key_last4: str | None = strawberry.field(description="The last characters of the stored provider key.")
    is_public: bool
    allow_embedding: bool
    has_password: bool
    status: AvatarStatus
    quiz_mode: bool
    quiz_difficulty: QuizDifficulty
    view_count: int
    conversation_count: int
    url: str
    embed_url: str
    created_at: datetime
    updated_at: datetime

    @strawberry.field(description="What it knows, newest first.")
    async def knowledge(
        self, info: Info, first: int | None = 20, after: str | None = None
    ) -> relay.Connection[Knowledge]:
        return await knowledge_page(info, self.id, first, after)

    @strawberry.field(description="What it knows in all, and how that is searched.")
    async def knowledge_status(self, info: Info) -> KnowledgeSummary:
        return await knowledge_summary(info, self.id)

    @classmethod
    def of(cls, avatar: domain.Avatar, public_url: str) -> Self:
        settings = {name: getattr(avatar.settings, name) for name in domain.SETTING_NAMES}
        return cls(
            **{**settings, "traits": list(avatar.settings.traits)},
            id=avatar.id,
            short_id=avatar.short_id,
            avatar_type=avatar.avatar_type,
            system_prompt=avatar.system_prompt,
            ai_key_last4=avatar.ai_key.last4 if avatar.ai_key else None,
            has_password=avatar.password_hash is not None,
            view_count=avatar.view_count,
            conversation_count=avatar.conversation_count,
            url=avatar.url(public_url),
            embed_url=avatar.embed_url(public_url),
            created_at=avatar.created_at,
            updated_at=avatar.updated_at,
        )


async def find_avatar(info: Info, key: str) -> Avatar | None:
    """One of the caller's own avatars, by id or short id."""
    core = info.context.core
    try:
        return Avatar.of(await resolvers.get(core, key), core.services.public_url)
    except NotFound:
        return None


@strawberry.type(description="What a visitor sees of an avatar.")
class PublicAvatar:
    short_id: str
    name: str
    tagline: str | None
    avatar_model_url: str
    avatar_preset: str | None
    avatar_body: Body
    background_color: str
    greeting: str
    voice_gender: VoiceGender
    tts_provider: TtsProvider
    voice_id: str | None
    voice_chat_enabled: bool
    allow_embedding: bool
    has_password: bool
    url: str
    embed_url: str

    @classmethod
    def of(cls, avatar: domain.Avatar, public_url: str) -> Self:
        settings = avatar.settings
        return cls(
            short_id=avatar.short_id,
            name=settings.name,
            tagline=settings.tagline,
            avatar_model_url=settings.avatar_model_url,
            avatar_preset=settings.avatar_preset,
            avatar_body=settings.avatar_body,
            background_color=settings.background_color,
            greeting=settings.greeting,
            voice_gender=settings.voice_gender,
            tts_provider=settings.tts_provider,
            voice_id=settings.voice_id,
            voice_chat_enabled=settings.voice_chat_enabled,
            allow_embedding=settings.allow_embedding,
            has_password=avatar.password_hash is not None,
            url=avatar.url(public_url),
            embed_url=avatar.embed_url(public_url),
        )


Text = str | None


@strawberry.input(description="The fields that an owner may set, all optional.")
class AvatarFields:
    tagline: Text = strawberry.UNSET
    avatar_preset: Text = strawberry.UNSET
    avatar_body: Body | None = strawberry.UNSET
    background_color: Text = strawberry.UNSET
    personality: Text = strawberry.UNSET
    greeting: Text = strawberry.UNSET
    traits: list[str] | None = strawberry.UNSET
    tone: Text = strawberry.UNSET
    voice_gender: VoiceGender | None = strawberry.UNSET
    tts_provider: TtsProvider | None = strawberry.UNSET
    voice_id: Text = strawberry.UNSET
    voice_chat_enabled: bool | None = strawberry.UNSET
    ai_provider: AiProvider | None = strawberry.UNSET
    ai_model: Text = strawberry.UNSET
    ai_base_url: Text = strawberry.field(default=strawberry.UNSET, description="Only with aiProvider custom.")
    ai_api_key: Text = strawberry.field(
        default=strawberry.UNSET, description="Your own provider key: stored encrypted, never shown. Null removes it."
    )
    is_public: bool | None = strawberry.UNSET
    allow_embedding: bool | None = strawberry.UNSET
    password: Text = strawberry.field(default=strawberry.UNSET, description="Asked of every visitor. Null removes it.")
    status: AvatarStatus | None = strawberry.UNSET
    quiz_mode: bool | None = strawberry.UNSET
    quiz_difficulty: QuizDifficulty | None = strawberry.UNSET


@strawberry.input
class CreateAvatarInput(AvatarFields):
    slug: str = strawberry.field(description="Lower-case letters, digits and hyphens; unique on this server.")
    name: str
    avatar_model_url: str


@strawberry.input
class UpdateAvatarInput(AvatarFields):
    id: strawberry.ID
    slug: Text = strawberry.UNSET
    name: Text = strawberry.UNSET
    avatar_model_url: Text = strawberry.UNSET


@strawberry.input
class DeleteAvatarInput:
    id: strawberry.ID


@strawberry.type
class CreateAvatarPayload:
    avatar: Avatar


@strawberry.type
class UpdateAvatarPayload:
    avatar: Avatar


@strawberry.type
class DeleteAvatarPayload:
    deleted_id: strawberry.ID


def sent(fields: AvatarFields) -> dict[str, object]:
    """The fields that the caller sent, by our names."""
    return {name: value for name, value in vars(fields).items() if value is not strawberry.UNSET and name != "id"}


@strawberry.type
class AvatarQuery:
    @strawberry.field(description="Your avatars, newest first.")
    async def avatars(self, info: Info, first: int | None = 20, after: str | None = None) -> relay.Connection[Avatar]:
        core = info.context.core
        page = await resolvers.page(core, page_size(first, 20), key_of(after, "Avatar") if after else None)
        edges = [
            relay.Edge(cursor=global_id("Avatar", avatar.id), node=Avatar.of(avatar, core.services.public_url))
            for avatar in page.avatars
        ]
        return relay.Connection(page_info=page_info(edges, page.has_next, after), edges=edges)

    @strawberry.field(description="One of your avatars, by id or short id; null if you have none such.")
    async def avatar(self, info: Info, id: strawberry.ID) -> Avatar | None:
        return await find_avatar(info, key_of(id, "Avatar"))

    @strawberry.field(description="What a visitor sees; counts a view. Null if it is private, paused or unknown.")
    async def public_avatar(self, info: Info, short_id: str) -> PublicAvatar | None:
        core = info.context.core
        try:
            return PublicAvatar.of(await resolvers.public(core, short_id), core.services.public_url)
        except NotFound:
            return None


@strawberry.type
class AvatarMutation:
    @strawberry.mutation(description="Creates an avatar, and your account with the first one.")
    async def create_avatar(self, info: Info, input: CreateAvatarInput) -> CreateAvatarPayload:
        core = info.context.core
        avatar = await resolvers.create(core, sent(input))
        return CreateAvatarPayload(avatar=Avatar.of(avatar, core.services.public_url))

    @strawberry.mutation(description="Changes only the fields that you send.")
    async def update_avatar(self, info: Info, input: UpdateAvatarInput) -> UpdateAvatarPayload:
        core = info.context.core
        avatar = await resolvers.update(core, key_of(input.id, "Avatar"), sent(input))
        return UpdateAvatarPayload(avatar=Avatar.of(avatar, core.services.public_url))

    @strawberry.mutation(description="Deletes an avatar with its sessions, messages and knowledge.")
    async def delete_avatar(self, info: Info, input: DeleteAvatarInput) -> DeleteAvatarPayload:
        deleted = await resolvers.delete(info.context.core, key_of(input.id, "Avatar"))
        return DeleteAvatarPayload(deleted_id=strawberry.ID(global_id("Avatar", deleted)))
