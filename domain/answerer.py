"""The built-in answerer: what an avatar says by itself when no AI provider can speak for it."""

from domain.avatars import AvatarSettings

MODEL = "builtin/extractive"
NOT_CONFIGURED = "No AI provider is configured for me yet, so this is all that I can tell you."
UNREACHABLE = "My AI provider cannot be reached right now. Please ask me again in a moment."


def answer(settings: AvatarSettings, *, configured: bool, first: bool) -> list[str]:
    """An honest answer from the avatar's own soul, a sentence each.

    `configured`: an AI provider exists but could not be reached. `first`: nothing was answered yet
    in this conversation, so the avatar greets.
    """
    me = f"I am {settings.name}."
    if configured:
        return [f"{me} ", UNREACHABLE]
    greeting = with_full_stop(settings.greeting) if first else ""
    if settings.name in greeting:
        me = ""
    about = with_full_stop(settings.tagline or "")
    sentences = [sentence for sentence in (greeting, me, about, NOT_CONFIGURED) if sentence]
    return [f"{sentence} " for sentence in sentences[:-1]] + sentences[-1:]


def with_full_stop(text: str) -> str:
    return text if not text or text.endswith((".", "!", "?", "…", "。", "！", "？")) else f"{text}."
