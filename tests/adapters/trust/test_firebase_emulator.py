"""Sign-up at Google's own emulator, and the proof that only a development server listens to it."""

import math
from collections.abc import AsyncIterator

import pytest

from adapters.operating.safety import refuse_unsafe
from adapters.settings.settings import Settings, SettingsError
from adapters.trust import firebase
from adapters.trust.firebase import EMULATOR, FirebaseSignIn
from domain.accounts import Identity
from domain.errors import TokenInvalid, Unavailable
from tests.parts.firebase_emulator import PROJECT, FirebaseEmulator
from tests.parts.firebase_emulator import firebase_emulator_fixture as firebase_emulator_fixture


@pytest.fixture
def listening(firebase_emulator: FirebaseEmulator, monkeypatch: pytest.MonkeyPatch) -> FirebaseEmulator:
    """The emulator, with the variable set that firebase-admin reads, and a sign-in whose patience does not end."""
    monkeypatch.setattr(firebase, "PATIENCE", math.inf)
    monkeypatch.setenv(EMULATOR, firebase_emulator.address)
    return firebase_emulator


@pytest.fixture
async def sign_in(listening: FirebaseEmulator) -> AsyncIterator[FirebaseSignIn]:
    adapter = FirebaseSignIn(PROJECT, emulator_allowed=True)
    yield adapter
    await adapter.aclose()


async def test_a_new_user_of_the_emulator_signs_in(sign_in: FirebaseSignIn, listening: FirebaseEmulator) -> None:
    user = await listening.sign_up("grace@example.com", "correct horse")
    expected = Identity(f"firebase:{user['localId']}", "grace@example.com")
    assert await sign_in.verify(user["idToken"]) == expected


async def test_garbage_does_not(sign_in: FirebaseSignIn) -> None:
    with pytest.raises(TokenInvalid):
        await sign_in.verify("garbage")


async def test_a_server_that_was_not_told_of_the_emulator_lets_nobody_in(listening: FirebaseEmulator) -> None:
    user = await listening.sign_up("eve@example.com", "correct horse")
    sign_in = FirebaseSignIn(PROJECT)
    with pytest.raises(Unavailable):
        await sign_in.verify(user["idToken"])
    await sign_in.aclose()


@pytest.mark.parametrize(
    "overrides",
    [
        {"development": False},
        {"development": True, "host": "0.0.0.0"},
        {"development": True, "public_url": "https://avatars.example.com"},
    ],
    ids=["no development", "every address", "public address"],
)
def test_start_up_refuses_the_emulator(overrides: dict[str, object], listening: FirebaseEmulator) -> None:
    settings = Settings(_env_file=None, firebase_project_id=PROJECT, **overrides)  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match=EMULATOR):
        refuse_unsafe(settings, {EMULATOR: listening.address})


def test_start_up_accepts_the_emulator_on_a_developers_machine(listening: FirebaseEmulator) -> None:
    settings = Settings(_env_file=None, firebase_project_id=PROJECT, development=True)
    refuse_unsafe(settings, {EMULATOR: listening.address})
