"""Sign-in by Firebase ID tokens, checked with Google's public certificates; no service account is needed."""

import asyncio
import json
import os
import threading
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from domain.accounts import Identity
from domain.errors import AvatariumError, TokenExpired, TokenInvalid, Unavailable
from domain.ports import SignIn

EMULATOR = "FIREBASE_AUTH_EMULATOR_HOST"
HTTP_TIMEOUT = 5
PATIENCE = 12.0
CLOCK_SKEW = 10
THREADS = 4


class FirebaseSignIn(SignIn):
    """firebase-admin blocks, and takes a while to import: it lives in a few threads of its own.

    A token that was revoked is accepted until it expires, within the hour: asking Firebase about
    each one would need a service account and a request per call.
    """

    def __init__(self, project_id: str, *, emulator_allowed: bool = False) -> None:
        self._project_id = project_id
        self._emulator_allowed = emulator_allowed
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="firebase")
        self._lock = threading.Lock()
        self._app: Any = None

    async def verify(self, token: str) -> Identity:
        """The subject is `firebase:` and the user id. The email is the user's word unless they verified it."""
        checking = asyncio.get_running_loop().run_in_executor(self._threads, self._check, token)
        try:
            outcome = await asyncio.wait_for(checking, PATIENCE)
        except TimeoutError:
            outcome = unreachable()
        if isinstance(outcome, AvatariumError):
            raise outcome
        return outcome

    async def lasting(self, token: str) -> str:
        await self.verify(token)
        return token

    async def aclose(self) -> None:
        await asyncio.to_thread(self._close)

    def _check(self, token: str) -> Identity | AvatariumError:
        """Returns its errors: one raised here would carry the vendor's, whose text quotes the token."""
        if os.environ.get(EMULATOR) and not self._emulator_allowed:
            return Unavailable(f"Sign-in is closed: {EMULATOR} is set, with which any token would be accepted.")
        app = self._opened()
        from firebase_admin import auth

        try:
            return identity(auth.verify_id_token(token, app, clock_skew_seconds=CLOCK_SKEW))
        except auth.ExpiredIdTokenError:
            return TokenExpired("The sign-in token has expired. Sign in again.")
        except auth.CertificateFetchError:
            return unreachable()
        except auth.InvalidIdTokenError as error:
            return unreachable() if isinstance(error.cause, json.JSONDecodeError) else invalid()
        except (ValueError, TypeError, ArithmeticError, RecursionError):
            return invalid()

    def _opened(self) -> Any:
        with self._lock:
            if self._app is None:
                self._app = open_app(self._project_id)
            return self._app

    def _close(self) -> None:
        self._threads.shutdown(cancel_futures=True)
        with self._lock:
            if self._app is not None:
                import firebase_admin

                firebase_admin.delete_app(self._app)
                self._app = None


def open_app(project_id: str) -> Any:
    """An app under a name of its own, as the default app belongs to whoever else uses firebase-admin here."""
    import firebase_admin
    from google.auth.credentials import AnonymousCredentials

    # Without any the first verification looks for Google credentials, and fails.
    nobody = AnonymousCredentials()  # type: ignore[no-untyped-call]
    options = {"projectId": project_id, "httpTimeout": HTTP_TIMEOUT}
    return firebase_admin.initialize_app(nobody, options, name=f"avatarium-{uuid.uuid4().hex}")


def identity(claims: Mapping[str, Any]) -> Identity:
    return Identity(subject=f"firebase:{claims['uid']}", email=claims.get("email"), name=claims.get("name"))


def invalid() -> TokenInvalid:
    return TokenInvalid("The sign-in token is not valid. Sign in again.")


def unreachable() -> Unavailable:
    return Unavailable("Sign-in cannot be checked right now: Google's certificates cannot be fetched. Try again.")
