"""Sign-in without an identity provider: whoever holds a token that this server signed is its owner."""

from datetime import timedelta

import jwt

from adapters.settings.settings import PREFIX, Settings, SettingsError
from adapters.system_clock import SystemClock
from adapters.trust.secret_key import derive, secrets_of
from domain.accounts import Identity
from domain.errors import BadRequest, TokenExpired, TokenInvalid
from domain.ports import Clock, SignIn

PURPOSE = "local sign-in 1"
ALGORITHM = "HS256"
ISSUER = "avatarium-local"
AUDIENCE = "avatarium"
CLAIMS = ("iss", "aud", "sub", "email", "iat", "exp")
EMAIL_MAX = 254
LINK = "link"
TOKEN_LIFETIME = timedelta(days=30)


class LocalSignIn(SignIn):
    """A token is signed with one secret only; a server that changes it signs everybody out."""

    def __init__(self, secret: str, clock: Clock) -> None:
        self._key = derive(secret, PURPOSE)
        self._clock = clock

    def issue(self, email: str, lifetime: timedelta, *, link: bool = False) -> str:
        """A token for `email`, whatever its case. Raises `BadRequest` when it is no address.

        A link's is exchanged for one that lasts, which is not exchanged again.
        """
        address = checked_email(email)
        now = int(self._clock.now().timestamp())
        claims: dict[str, object] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": f"local:{address}",
            "email": address,
            "iat": now,
            "exp": now + int(lifetime.total_seconds()),
            LINK: link,
        }
        return jwt.encode(claims, self._key, algorithm=ALGORITHM)

    async def verify(self, token: str) -> Identity:
        claims = self._verified(token)
        return Identity(subject=str(claims["sub"]), email=str(claims["email"]))

    async def lasting(self, token: str) -> str:
        claims = self._verified(token)
        return self.issue(str(claims["email"]), TOKEN_LIFETIME) if claims.get(LINK) is True else token

    def _verified(self, token: str) -> dict[str, object]:
        claims = self._claims(token)
        if claims is None or not isinstance(claims["exp"], int):
            raise TokenInvalid("The sign-in token is not valid. Sign in again.")
        if self._clock.now().timestamp() >= claims["exp"]:
            raise TokenExpired("The sign-in token has expired. Sign in again.")
        return claims

    def _claims(self, token: str) -> dict[str, object] | None:
        """What this server signed, or None. Times are left to our own clock."""
        try:
            return jwt.decode(
                token,
                self._key,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                audience=AUDIENCE,
                options={"require": list(CLAIMS), "verify_exp": False, "verify_iat": False, "verify_nbf": False},
            )
        except (jwt.InvalidTokenError, ValueError, RecursionError):
            return None


def checked_email(email: str) -> str:
    address = email.strip().lower()
    name, _, domain = address.rpartition("@")
    if not name or not domain or len(address) > EMAIL_MAX or any(c.isspace() or not c.isprintable() for c in address):
        raise BadRequest.field("email", "takes an address like you@example.com")
    return address


def local_token(settings: Settings, email: str) -> str:
    """Raises `SettingsError` where sign-in is not local, and `BadRequest`."""
    if settings.firebase_project_id:
        raise SettingsError(f"{PREFIX}FIREBASE_PROJECT_ID is set: get an ID token from Firebase instead")
    return issuer(settings).issue(email, TOKEN_LIFETIME)


def sign_in_link(settings: Settings, email: str) -> str | None:
    """None where sign-in is not local. Raises `BadRequest`.

    The token stands in the fragment, which browsers do not send: it reaches no log and no proxy.
    """
    if settings.firebase_project_id:
        return None
    lifetime = timedelta(minutes=settings.sign_in_link_minutes)
    return f"{settings.public_url}/sign-in#token={issuer(settings).issue(email, lifetime, link=True)}"


def issuer(settings: Settings) -> LocalSignIn:
    return LocalSignIn(secrets_of(settings)[0], SystemClock())
