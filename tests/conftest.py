"""Fixtures that more than one folder uses, and Hypothesis without deadlines: no test depends on a machine's speed."""

from hypothesis import HealthCheck, settings

from tests.parts.certificates import certificates_fixture as certificates_fixture
from tests.parts.chroma import chroma_server_fixture as chroma_server_fixture
from tests.parts.firebase_emulator import firebase_emulator_fixture as firebase_emulator_fixture
from tests.parts.minilm import minilm_folder_fixture as minilm_folder_fixture
from tests.parts.postgres import postgres_fixture as postgres_fixture
from tests.served import house as house
from tests.served import managed as managed
from tests.served import patience as patience
from tests.served import server_settings as server_settings

settings.register_profile(
    "avatarium", deadline=None, max_examples=200, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("avatarium")
