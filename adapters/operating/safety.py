"""What the server refuses to start with: combinations of settings that would let strangers in."""

from collections.abc import Mapping

from adapters.settings.settings import PREFIX, Settings, SettingsError
from adapters.settings.values import SECRET_MIN
from adapters.trust.firebase import EMULATOR


def refuse_unsafe(settings: Settings, environ: Mapping[str, str]) -> None:
    """Raises `SettingsError` for a combination that would let strangers in.

    `environ` is `environment()`: LiteLLM copies `.env` into the process when it is imported,
    so a variable there is as dangerous as one in the process itself.
    """
    problems = [
        *emulator_problems(settings, environ),
        *sign_in_problems(settings),
        *secret_problems(settings),
    ]
    if problems:
        raise SettingsError("\n".join(problems))


def emulator_problems(settings: Settings, environ: Mapping[str, str]) -> list[str]:
    """With this variable set, firebase-admin accepts forged tokens: it checks no signature."""
    if not environ.get(EMULATOR):
        return []
    if not settings.development:
        return [
            f"{EMULATOR}: with it any forged token would be accepted; unset it, "
            f"or set {PREFIX}DEVELOPMENT=true on a machine of your own"
        ]
    if not settings.is_local:
        return [
            f"{EMULATOR}: with it any forged token would be accepted, and other machines reach this server; "
            f"unset it, or set {PREFIX}HOST=127.0.0.1 and leave {PREFIX}PUBLIC_URL unset"
        ]
    return []


def sign_in_problems(settings: Settings) -> list[str]:
    if settings.firebase_project_id or settings.is_local or settings.allow_remote_local_sign_in:
        return []
    return [
        f"{PREFIX}FIREBASE_PROJECT_ID: sign-in is local, but {PREFIX}HOST or {PREFIX}PUBLIC_URL is not a loopback "
        f"address; set the Firebase project, or {PREFIX}ALLOW_REMOTE_LOCAL_SIGN_IN=true to accept sign-in by link"
    ]


def secret_problems(settings: Settings) -> list[str]:
    if all(len(secret) >= SECRET_MIN for secret in settings.secrets):
        return []
    return [
        f"{PREFIX}SECRET_KEY: every secret needs at least {SECRET_MIN} characters; make one with "
        "python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
    ]
