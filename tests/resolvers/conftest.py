"""The house over fakes, and the people who call its verbs."""

from collections.abc import AsyncIterator

import pytest

from domain.accounts import Identity
from domain.ai.providers import Patience
from domain.avatars import Avatar
from resolvers import avatars
from resolvers.context import Context, Services
from tests import house
from tests.fakes.clock import FakeClock
from tests.fakes.models import ScriptedModels
from tests.fakes.sign_in import FakeSignIn
from tests.fakes.vault import FakeVault
from tests.parts.sqlite import new_store
from tests.resolvers.talk import AVATAR, FIRST, caller
from tests.resolvers.troubled_store import TroubledStore


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def store() -> AsyncIterator[TroubledStore]:
    async with new_store() as inner:
        yield TroubledStore(inner)


@pytest.fixture
def models() -> ScriptedModels:
    """A test may script replies of its own before it asks; `hello` scripts the usual one."""
    return ScriptedModels()


@pytest.fixture
def hello(models: ScriptedModels) -> str:
    """What the avatar says to everything."""
    models.script(FIRST, "Hello ", "there.")
    return "Hello there."


@pytest.fixture
def vault() -> FakeVault:
    return FakeVault()


@pytest.fixture
def sign_in() -> FakeSignIn:
    sign_in = FakeSignIn()
    for name in ("ann", "bob"):
        sign_in.add(name, Identity(f"subject-{name}", f"{name}@example.com", name.title()))
    return sign_in


@pytest.fixture
async def services(
    clock: FakeClock,
    store: TroubledStore,
    models: ScriptedModels,
    vault: FakeVault,
    sign_in: FakeSignIn,
    patience: Patience,
) -> AsyncIterator[Services]:
    async with house.services(
        clock=clock, store=store, models=models, vault=vault, sign_in=sign_in, patience=patience
    ) as services:
        yield services


@pytest.fixture
def ann(services: Services) -> Context:
    """An owner."""
    return caller(services, "ann")


@pytest.fixture
def bob(services: Services) -> Context:
    """Another owner."""
    return caller(services, "bob")


@pytest.fixture
def stranger(services: Services) -> Context:
    return caller(services)


@pytest.fixture
async def avatar(ann: Context) -> Avatar:
    """Ann's avatar, open to everybody."""
    return await avatars.create(ann, AVATAR)
