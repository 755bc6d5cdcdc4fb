"""The built-in answerer: what an avatar says by itself when no AI provider can speak for it."""

from domain.avatars import AvatarSettings

MODEL = "builtin/extractive"
NOT_CONFIGURED = "No AI provider is configured for me yet, so this is all that I can tell you."
UNREACHABLE = "My AI provider cannot be reached right now. Please ask me again in a moment."


def answer(settings: AvatarSettings, *, configured: bool) -> str:
    """An honest answer from the avatar's own soul. `configured`: a provider exists, but failed."""
    if configured:
        return f"I am {settings.name}. {UNREACHABLE}"
    tagline = settings.tagline.strip() if settings.tagline else ""
    about = f" {with_full_stop(tagline)}" if tagline else ""
    return f"{settings.greeting.strip()} I am {settings.name}.{about} {NOT_CONFIGURED}".strip()


def with_full_stop(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…", "。")) else f"{text}."
