"""Who speaks for an avatar, unless somebody else is wired in."""

from domain.ai.providers import Patience
from domain.failover import ProviderHealth
from domain.ports import Clock, Models, Speaker, Vault
from resolvers.answering.recall import Recall
from resolvers.answering.speakers.backed import Backed
from resolvers.answering.speakers.brain import Brain
from resolvers.answering.speakers.builtin import Builtin
from resolvers.answering.speakers.informed import Informed


def default_speaker(clock: Clock, models: Models, vault: Vault, patience: Patience, recall: Recall) -> Speaker:
    """The avatar's brain, with the built-in answerer behind it, both told what the avatar knows."""
    brain = Brain(models, vault, ProviderHealth(clock), patience)
    return Informed(recall, Backed(brain, absent=Builtin(configured=False), silent=Builtin(configured=True)))
