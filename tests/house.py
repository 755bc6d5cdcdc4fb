"""The whole house over fakes: every port that a test does not bring itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.memory_replies import MemoryReplies
from domain.failover import Health
from domain.ports import Clock, Limiter, Models, ReplyLog, SignIn, Store, Telemetry, Vault
from domain.providers import Patience
from resolvers.context import Services
from resolvers.speaking import Stage
from resolvers.turns import Turns
from tests.fakes.clock import FakeClock
from tests.fakes.limiter import FakeLimiter
from tests.fakes.models import ScriptedModels
from tests.fakes.sign_in import FakeSignIn
from tests.fakes.store import MemoryStore
from tests.fakes.telemetry import FakeTelemetry
from tests.fakes.vault import FakeVault

PUBLIC_URL = "https://avatarium.ai"


@asynccontextmanager
async def services(
    *,
    public_url: str = PUBLIC_URL,
    clock: Clock | None = None,
    store: Store | None = None,
    replies: ReplyLog | None = None,
    models: Models | None = None,
    vault: Vault | None = None,
    sign_in: SignIn | None = None,
    limiter: Limiter | None = None,
    telemetry: Telemetry | None = None,
    patience: Patience | None = None,
) -> AsyncIterator[Services]:
    """Services over the given ports, and over fakes for the others. Stops every turn at its end."""
    clock = clock or FakeClock()
    store, replies = store or MemoryStore(), replies or MemoryReplies(clock)
    models, vault = models or ScriptedModels(), vault or FakeVault()
    health, telemetry = Health(clock), telemetry or FakeTelemetry()
    turns = Turns(Stage(clock, store, replies, models, vault, health, patience or Patience(), telemetry))
    try:
        yield Services(
            public_url=public_url,
            clock=clock,
            store=store,
            replies=replies,
            models=models,
            vault=vault,
            sign_in=sign_in or FakeSignIn(),
            limiter=limiter or FakeLimiter(clock),
            telemetry=telemetry,
            turns=turns,
        )
    finally:
        await turns.close()
