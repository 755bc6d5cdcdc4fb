"""The avatar: its fields, the rules they keep, and the system prompt made of its soul."""

import re
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

from domain.errors import BadRequest
from domain.passwords import mark

SHORT_ID_LENGTH = 11
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
COLOR = re.compile(r"#[0-9A-Fa-f]{6}")
TRAITS_MAX = 20
URL_MAX = 2000
TEXT_MAX = {
    "slug": 64,
    "name": 100,
    "tagline": 200,
    "avatar_preset": 64,
    "personality": 4000,
    "greeting": 1000,
    "voice_id": 200,
    "ai_model": 200,
    "ai_api_key": 500,
    "tone": 100,
    "password": 200,
}


class Body(StrEnum):
    FEMALE = "F"
    MALE = "M"


class VoiceGender(StrEnum):
    FEMALE = "female"
    MALE = "male"


class TtsProvider(StrEnum):
    GROQ = "groq"
    ELEVENLABS = "elevenlabs"
    GOOGLE = "google"
    BROWSER = "browser"


class AiProvider(StrEnum):
    GROQ = "groq"
    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    GOOGLE = "google"
    XAI = "xai"
    CUSTOM = "custom"


class AvatarStatus(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"


class QuizDifficulty(StrEnum):
    EASY = "easy"
    MEDIUM = "medium"
    HARD = "hard"


@dataclass(frozen=True, slots=True)
class AvatarSettings:
    """Every field that an owner sets. Times and counters live in `Avatar`."""

    slug: str
    name: str
    avatar_model_url: str
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
    ai_provider: AiProvider = AiProvider.GROQ
    ai_model: str | None = None
    ai_base_url: str | None = None
    is_public: bool = True
    allow_embedding: bool = True
    status: AvatarStatus = AvatarStatus.ACTIVE
    quiz_mode: bool = False
    quiz_difficulty: QuizDifficulty = QuizDifficulty.MEDIUM


@dataclass(frozen=True, slots=True)
class SealedKey:
    """An owner's own provider key: ciphertext of the vault, and its last four characters."""

    sealed: str = field(repr=False)
    last4: str


@dataclass(frozen=True, slots=True)
class Avatar:
    id: str
    account_id: str
    short_id: str
    settings: AvatarSettings
    system_prompt: str
    created_at: datetime
    updated_at: datetime
    ai_key: SealedKey | None = None
    password_hash: str | None = field(default=None, repr=False)
    view_count: int = 0
    conversation_count: int = 0
    avatar_type: str = "interactive"

    @property
    def is_open(self) -> bool:
        """Whether strangers may see it and talk to it."""
        return self.settings.is_public and self.settings.status is AvatarStatus.ACTIVE

    def may_be_met_on(self, foreign_site: str | None) -> bool:
        """Whether visitors may talk to it on another site's page; None is a page of ours, or no page."""
        return foreign_site is None or self.settings.allow_embedding

    @property
    def password_mark(self) -> str | None:
        """What a session must have been opened with; None without a password."""
        return mark(self.password_hash) if self.password_hash else None

    def url(self, public_url: str) -> str:
        """The page where visitors meet it."""
        return f"{public_url}/a/{self.short_id}"

    def embed_url(self, public_url: str) -> str:
        """The same page for a frame on another site."""
        return f"{self.url(public_url)}/embed"


SETTING_NAMES = frozenset(f.name for f in fields(AvatarSettings))
REQUIRED = ("slug", "name", "avatar_model_url")
FLAGS = frozenset({"voice_chat_enabled", "is_public", "allow_embedding", "quiz_mode"})
CHOICES: Mapping[str, type[StrEnum]] = {
    "avatar_body": Body,
    "voice_gender": VoiceGender,
    "tts_provider": TtsProvider,
    "ai_provider": AiProvider,
    "status": AvatarStatus,
    "quiz_difficulty": QuizDifficulty,
}
NULLABLE = frozenset({"tagline", "avatar_preset", "tone", "voice_id", "ai_model", "ai_base_url"})


def new_short_id() -> str:
    alphabet = string.ascii_letters + string.digits
    return "".join(secrets.choice(alphabet) for _ in range(SHORT_ID_LENGTH))


def settings_from(values: Mapping[str, object]) -> AvatarSettings:
    """Settings of a new avatar. `values` are the fields that the caller sent, by our names.

    Raises `BadRequest`, naming the field as callers spell it.
    """
    for name in REQUIRED:
        if not values.get(name):
            raise BadRequest.field(public_name(name), "is required")
    return AvatarSettings(**checked(values))  # type: ignore[arg-type]


def changed(settings: AvatarSettings, values: Mapping[str, object]) -> AvatarSettings:
    """The settings with only the sent fields changed. Raises `BadRequest`."""
    return replace(settings, **checked(values))  # type: ignore[arg-type]


def with_consistent_brain(
    settings: AvatarSettings, sent: Mapping[str, object], before: AvatarSettings | None = None
) -> AvatarSettings:
    """Settings whose model and address belong to their provider.

    What was sent must fit: `aiBaseUrl` goes with `custom`, which needs it and `aiModel`. What was
    stored for another provider `before` is forgotten. Raises `BadRequest`.
    """
    moved = before is not None and before.ai_provider is not settings.ai_provider
    if moved and "ai_model" not in sent:
        settings = replace(settings, ai_model=None)
    if settings.ai_provider is not AiProvider.CUSTOM:
        if sent.get("ai_base_url"):
            raise BadRequest.field("aiBaseUrl", "can only be set when aiProvider is custom")
        return replace(settings, ai_base_url=None)
    for name in ("ai_base_url", "ai_model"):
        if not getattr(settings, name):
            raise BadRequest.field(public_name(name), "is required when aiProvider is custom")
    return settings


def checked(values: Mapping[str, object]) -> dict[str, object]:
    """The sent settings as their own types, each within its rule."""
    return {name: check(name, value) for name, value in values.items() if name in SETTING_NAMES}


def check(name: str, value: object) -> object:
    """One setting as its own type; `BadRequest` when it breaks its rule."""
    public = public_name(name)
    if value is None:
        if name in NULLABLE:
            return None
        raise BadRequest.field(public, "cannot be null")
    if name in CHOICES:
        return one_of(CHOICES[name], public, value)
    if name == "traits":
        return check_traits(value)
    if name in ("avatar_model_url", "ai_base_url"):
        return check_url(public, value)
    if name in FLAGS:
        return check_flag(public, value)
    return check_text(name, value)


def check_flag(public: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise BadRequest.field(public, "takes true or false")
    return value


def check_text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise BadRequest.field(public_name(name), "takes text")
    public, text = public_name(name), value.strip()
    if len(text) > TEXT_MAX.get(name, 200):
        raise BadRequest.field(public, f"can have at most {TEXT_MAX.get(name, 200)} characters")
    if "\x00" in text:
        raise BadRequest.field(public, "cannot contain a NUL character")
    if name in REQUIRED and not text:
        raise BadRequest.field(public, "cannot be empty")
    if name == "slug" and not SLUG.fullmatch(text):
        raise BadRequest.field(public, "takes lower-case letters, digits and single hyphens, for example my-avatar")
    if name == "background_color" and not COLOR.fullmatch(text):
        raise BadRequest.field(public, "takes a colour like #0A0A0F")
    return text


def one_of(choice: type[StrEnum], public: str, value: object) -> StrEnum:
    if choice is AiProvider and value == "gemini":
        return AiProvider.GOOGLE
    try:
        return choice(str(value))
    except ValueError:
        raise BadRequest.field(public, f"takes one of {', '.join(choice)}") from None


def check_traits(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(trait, str) for trait in value):
        raise BadRequest.field("traits", "takes a list of texts")
    traits = tuple(trait.strip() for trait in value)
    if len(traits) > TRAITS_MAX:
        raise BadRequest.field("traits", f"can have at most {TRAITS_MAX} entries")
    if any(not trait or len(trait) > 100 or "\x00" in trait for trait in traits):
        raise BadRequest.field("traits", "takes entries of 1 to 100 characters")
    return traits


def check_url(public: str, value: object) -> str:
    url = value.strip() if isinstance(value, str) else ""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or len(url) > URL_MAX or " " in url or not url.isprintable():
        raise BadRequest.field(public, "takes an http or https address")
    if "@" in parts.netloc:
        raise BadRequest.field(public, "cannot carry a user name or a password")
    return url


def public_name(name: str) -> str:
    """`avatar_model_url` as callers spell it: `avatarModelUrl`."""
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)
