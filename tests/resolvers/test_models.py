"""The AI models that a server offers."""

import pytest

from domain.ai.models import CATALOGUE
from domain.avatars import AiProvider
from resolvers import models as resolvers
from resolvers.context import Context
from tests.fakes.models import ScriptedModels


@pytest.fixture
def models() -> ScriptedModels:
    return ScriptedModels(managed=[AiProvider.OPENAI])


async def test_all_models_are_listed_in_their_order(stranger: Context) -> None:
    assert tuple(listed.model for listed in await resolvers.catalogue(stranger)) == CATALOGUE


async def test_those_with_a_key_of_the_server_are_available(stranger: Context) -> None:
    available = {listed.model.id for listed in await resolvers.catalogue(stranger) if listed.available}
    assert available == {"openai/gpt-4o-mini", "openai/gpt-5.4"}
