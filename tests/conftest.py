"""Fixtures that more than one folder uses."""

from tests.parts.certificates import certificates_fixture as certificates_fixture
from tests.parts.chroma import chroma_server_fixture as chroma_server_fixture
from tests.parts.firebase_emulator import firebase_emulator_fixture as firebase_emulator_fixture
from tests.parts.minilm import minilm_folder_fixture as minilm_folder_fixture
from tests.parts.postgres import postgres_fixture as postgres_fixture
from tests.served import house as house
from tests.served import managed as managed
from tests.served import patience as patience
from tests.served import server_settings as server_settings
