"""The built-in answerer: what an avatar says by itself when no AI provider can speak for it."""

from collections.abc import Sequence

from domain.avatars import AvatarSettings
from domain.quoting import relevant, with_full_stop
from domain.retrieval import QUOTABLE, Finding, Recalled, is_courtesy

MODEL = "builtin/extractive"
NOT_CONFIGURED = "No AI provider is configured for me yet, so this is all that I can tell you."
UNREACHABLE = "My AI provider cannot be reached right now. Please ask me again in a moment."
UNKNOWN = "I do not know that: nothing in my knowledge base answers it."
ASK = "Ask me a question, and I will look for the answer in my knowledge base."
QUOTED_FINDINGS = 2
NEAR_THE_BEST = 2 / 3


def answer(settings: AvatarSettings, question: str, recalled: Recalled, *, configured: bool, first: bool) -> list[str]:
    """An honest answer from the avatar's knowledge or else from its own soul, a sentence each.

    `configured`: an AI provider exists but could not be reached. `first`: nothing was answered yet
    in this conversation, so the avatar greets.
    """
    courtesy = is_courtesy(question)
    if not courtesy and (sure := quotable(recalled.findings)):
        return quotes(question, sure)
    me = f"I am {settings.name}."
    if configured:
        return [f"{me} ", UNREACHABLE]
    greeting = with_full_stop(settings.greeting) if first else ""
    if recalled.knows_anything:
        rest = ASK if courtesy else UNKNOWN
        return [f"{greeting} ", rest] if greeting else [rest]
    if settings.name in greeting:
        me = ""
    about = with_full_stop(settings.tagline or "")
    sentences = [sentence for sentence in (greeting, me, about, NOT_CONFIGURED) if sentence]
    return [f"{sentence} " for sentence in sentences[:-1]] + sentences[-1:]


def quotable(findings: Sequence[Finding]) -> list[Finding]:
    """The best two; the second only where it is about as good as the first."""
    least = max((finding.relevance for finding in findings), default=0.0) * NEAR_THE_BEST
    return [finding for finding in findings if finding.relevance >= max(QUOTABLE, least)][:QUOTED_FINDINGS]


def quotes(question: str, findings: Sequence[Finding]) -> list[str]:
    """The sentences that share most with the question, in the words of the passages, each finding cited."""
    said = [f"{chosen} [{finding.number}]" for finding in findings if (chosen := relevant(question, finding.text))]
    return [f"{sentences} " for sentences in said[:-1]] + said[-1:]
