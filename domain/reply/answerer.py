"""The built-in answerer: what an avatar says by itself when no AI provider can speak for it."""

import re
from collections.abc import Sequence

from domain.avatars import AvatarSettings
from domain.knowledge.retrieval import QUOTABLE, Finding, Recalled, is_courtesy
from domain.reply.citations import MARKER
from domain.reply.quoting import relevant, with_full_stop

MODEL = "builtin/extractive"
NOT_CONFIGURED = "No AI provider is configured for me yet, so this is all that I can tell you."
UNREACHABLE = "My AI provider cannot be reached right now. Please ask me again in a moment."
UNKNOWN = "I do not know that: nothing in my knowledge base answers it."
ASK = "Ask me a question, and I will look for the answer in my knowledge base."
QUOTED_FINDINGS = 2
NEAR_THE_BEST = 2 / 3
ABOUT_ITSELF = re.compile(
    r"^\W*(who are you|what are you|what can you do|what(?: is|'s|’s) your name|wer bist du|was kannst du|wie heißt du|"
    r"qui (es-tu|êtes-vous)|quién eres|qué puedes hacer|(あなた|君)は(誰|だれ))",
    re.IGNORECASE,
)


def answer(settings: AvatarSettings, question: str, recalled: Recalled, *, configured: bool, first: bool) -> list[str]:
    """An honest answer from the avatar's knowledge or else from its own soul, a sentence each.

    `configured`: an AI provider exists but could not be reached. `first`: nothing was answered yet
    in this conversation, so the avatar greets.
    """
    courtesy = is_courtesy(question)
    if not courtesy and (sure := quotable(recalled.findings)):
        return quotes(question, sure)
    if configured:
        return spaced(f"I am {settings.name}.", UNREACHABLE)
    greeting = with_full_stop(settings.greeting) if first else ""
    me = "" if settings.name in greeting else f"I am {settings.name}."
    about = with_full_stop(settings.tagline or "")
    if not recalled.knows_anything:
        return spaced(greeting, me, about, NOT_CONFIGURED)
    if ABOUT_ITSELF.match(question):
        return spaced(greeting, me, about, ASK)
    return spaced(greeting, ASK if courtesy else UNKNOWN)


def quotable(findings: Sequence[Finding]) -> list[Finding]:
    """The best two; the second only where it is about as good as the first."""
    least = max((finding.relevance for finding in findings), default=0.0) * NEAR_THE_BEST
    return [finding for finding in findings if finding.relevance >= max(QUOTABLE, least)][:QUOTED_FINDINGS]


def quotes(question: str, findings: Sequence[Finding]) -> list[str]:
    """The sentences that share most with the question, in the words of the passages, each finding cited.

    Numbers in brackets that are a passage's own would cite others.
    """
    chosen = [(MARKER.sub("", relevant(question, finding.text)).strip(), finding.number) for finding in findings]
    return spaced(*(f"{words} [{number}]" for words, number in chosen if words.strip(".")))


def spaced(*sentences: str) -> list[str]:
    """Those that are not empty, with a space after each but the last."""
    said = [sentence for sentence in sentences if sentence]
    return [f"{sentence} " for sentence in said[:-1]] + said[-1:]
