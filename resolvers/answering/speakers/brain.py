"""The avatar's brain: its own model, and those that stand in for it."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from domain.ai.models import REPLY_TOKENS, Candidate, candidates
from domain.ai.prompts import Prompt, Utterance, fitting
from domain.ai.providers import Patience
from domain.avatars import Avatar
from domain.errors import ProviderFailure
from domain.failover import NOBODY_TO_ASK, Failover, ProviderHealth
from domain.ports import Models, Speaker, Vault
from domain.reply.asked import Asked
from domain.reply.emotions import EmotionFilter
from domain.reply.filters import filtered
from domain.reply.grounding import grounded
from domain.reply.pieces import Piece
from domain.sessions import Role
from domain.telemetry import StepName


@dataclass(frozen=True, slots=True)
class Brain(Speaker):
    """Fails with `NOBODY_TO_ASK` where no provider has a key."""

    models: Models
    vault: Vault
    health: ProviderHealth
    patience: Patience

    def answer(self, asked: Asked) -> AsyncGenerator[Piece]:
        asks = self._asks(asked.avatar)
        if not asks:
            raise ProviderFailure(NOBODY_TO_ASK)
        failover = Failover(self.models, self.health, self.patience, asked.effort)
        with asked.effort.step(StepName.PROMPT):
            prompt = prompt_for(asked, asks)
        return filtered(failover.stream(asks, prompt), [EmotionFilter()])

    def _asks(self, avatar: Avatar) -> Sequence[Candidate]:
        key = self.vault.open(avatar.ai_key) if avatar.ai_key else None
        return candidates(avatar, key, self.models.managed())


def prompt_for(asked: Asked, asks: Sequence[Candidate]) -> Prompt:
    """The conversation as far as it fits the smallest context of those who may be asked."""
    system = grounded(asked.avatar.system_prompt, asked.recalled)
    budget = min(candidate.context for candidate in asks) - REPLY_TOKENS
    return fitting(system, [*asked.earlier, Utterance(Role.USER, asked.question)], budget)
