"""The sign-in that the settings ask for: Firebase's, or our own."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from adapters.firebase_sign_in import FirebaseSignIn
from adapters.local_sign_in import LocalSignIn
from adapters.settings import Settings
from domain.ports import Clock, SignIn


@asynccontextmanager
async def open_sign_in(settings: Settings, secret: str, clock: Clock) -> AsyncIterator[SignIn]:
    project = settings.firebase_project_id
    if project is None:
        yield LocalSignIn(secret, clock)
        return
    async with aclosing(
        FirebaseSignIn(project, emulator_allowed=settings.development and settings.is_local)
    ) as firebase:
        yield firebase
