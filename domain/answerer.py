"""The built-in answerer: what an avatar says by itself when no AI provider can speak for it."""

import re
from collections.abc import Sequence

from domain.avatars import AvatarSettings
from domain.retrieval import QUOTABLE, Finding, Recalled

MODEL = "builtin/extractive"
NOT_CONFIGURED = "No AI provider is configured for me yet, so this is all that I can tell you."
UNREACHABLE = "My AI provider cannot be reached right now. Please ask me again in a moment."
UNKNOWN = "I do not know that: nothing in my knowledge base answers it."
QUOTED_FINDINGS = 2
QUOTED_SENTENCES = 3
SENTENCE = re.compile(r"[^.!?。！？\n]+(?:[.!?](?!\s|$)[^.!?。！？\n]*)*[.!?。！？]*[\"”’)\]]*")
MARKUP = re.compile(r"^[\s#>*+\-|]+|[*_`|]+")
STEM = 5


def answer(settings: AvatarSettings, question: str, recalled: Recalled, *, configured: bool, first: bool) -> list[str]:
    """An honest answer from the avatar's knowledge or else from its own soul, a sentence each.

    `configured`: an AI provider exists but could not be reached. `first`: nothing was answered yet
    in this conversation, so the avatar greets.
    """
    if sure := [finding for finding in recalled.findings if finding.relevance >= QUOTABLE]:
        return quotes(question, sure[:QUOTED_FINDINGS])
    me = f"I am {settings.name}."
    if configured:
        return [f"{me} ", UNREACHABLE]
    greeting = with_full_stop(settings.greeting) if first else ""
    if recalled.knows_anything:
        return [f"{greeting} ", UNKNOWN] if greeting else [UNKNOWN]
    if settings.name in greeting:
        me = ""
    about = with_full_stop(settings.tagline or "")
    sentences = [sentence for sentence in (greeting, me, about, NOT_CONFIGURED) if sentence]
    return [f"{sentence} " for sentence in sentences[:-1]] + sentences[-1:]


def quotes(question: str, findings: Sequence[Finding]) -> list[str]:
    """The sentences that share most with the question, in the words of the passages, each finding cited."""
    said = [f"{' '.join(chosen)} [{finding.number}]" for finding in findings if (chosen := relevant(question, finding))]
    return [f"{sentences} " for sentences in said[:-1]] + said[-1:]


def relevant(question: str, finding: Finding) -> list[str]:
    """At most three sentences of a finding, in their order: those next to what was asked."""
    sentences = [text for match in SENTENCE.finditer(finding.text) if (text := MARKUP.sub("", match[0]).strip())]
    asked = stems(question)
    shares = [len(asked & stems(sentence)) for sentence in sentences]
    if not any(shares):
        return [with_full_stop(sentence) for sentence in sentences[:QUOTED_SENTENCES]]
    best = shares.index(max(shares))
    return [with_full_stop(sentence) for sentence in sentences[best : best + QUOTED_SENTENCES]]


def stems(text: str) -> set[str]:
    """Rough ones: the beginnings of its longer words, and the characters of scripts without spaces."""
    words = re.findall(r"\w+", text.casefold())
    return {word[:STEM] for word in words if len(word) > 2} | {c for c in text if "\u3040" <= c <= "\u9fff"}


def with_full_stop(text: str) -> str:
    return text if not text or text.endswith((".", "!", "?", "…", "。", "！", "？")) else f"{text}."
