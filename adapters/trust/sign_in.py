"""The sign-in that the settings ask for: Firebase's, or our own."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from adapters.settings.settings import Settings
from adapters.trust.firebase import FirebaseSignIn
from adapters.trust.local import LocalSignIn
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
