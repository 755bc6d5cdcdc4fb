"""The domain's enums as GraphQL enums, their values spelled as in `/v1`."""

from enum import Enum

import strawberry
from strawberry.schema.name_converter import NameConverter
from strawberry.types.enum import EnumValue, StrawberryEnumDefinition

from domain.accounts import KeyMode
from domain.ai.models import Tier
from domain.avatars import AiProvider, AvatarStatus, Body, QuizDifficulty, TtsProvider, VoiceGender
from domain.knowledge.items import KnowledgeStatus, KnowledgeType
from domain.knowledge.reading import FailureCode
from domain.sessions import MessageStatus, Role, SessionSource

__all__ = [
    "AiProvider",
    "AvatarStatus",
    "Body",
    "FailureCode",
    "KeyMode",
    "KnowledgeStatus",
    "KnowledgeType",
    "MessageStatus",
    "OwnSpelling",
    "QuizDifficulty",
    "Role",
    "SessionSource",
    "Tier",
    "TtsProvider",
    "VoiceGender",
]

strawberry.enum(Body, name="AvatarBody", description="The skeleton of the 3D model.")
strawberry.enum(AvatarStatus, description="A paused avatar is hidden from visitors.")
strawberry.enum(AiProvider, description="Who answers. custom: any OpenAI-compatible server.")
strawberry.enum(QuizDifficulty)
strawberry.enum(VoiceGender)
strawberry.enum(TtsProvider)
strawberry.enum(Tier, name="ModelTier", description="managed: in all plans. premium: in the higher ones.")
strawberry.enum(KeyMode, name="ApiKeyMode")
strawberry.enum(KnowledgeType, description="qa: a question with its answer. site: the pages of a web site.")
strawberry.enum(KnowledgeStatus, description="ready and failed stay so until the owner changes something.")
strawberry.enum(FailureCode, name="KnowledgeFailure", description="Why something could not be read.")
strawberry.enum(SessionSource, name="SessionSource", description="Where a visitor came from.")
strawberry.enum(Role, name="MessageRole")
strawberry.enum(
    MessageStatus,
    description="streaming while the avatar speaks. interrupted: stopped, and the content is what was said.",
)


class OwnSpelling(NameConverter):
    def from_enum_value(self, enum: StrawberryEnumDefinition, enum_value: EnumValue) -> str:
        value = enum_value.value
        return str(value.value if isinstance(value, Enum) else value)
