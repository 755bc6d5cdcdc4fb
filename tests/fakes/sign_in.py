"""A sign-in provider that knows the tokens a test gave it."""

from domain.accounts import Identity
from domain.errors import TokenExpired, TokenInvalid, Unavailable
from domain.ports import SignIn


class FakeSignIn(SignIn):
    """`links` are the tokens of links, each with the one that it is exchanged for."""

    def __init__(self) -> None:
        self.down = False
        self.links: dict[str, str] = {}
        self._identities: dict[str, Identity] = {}
        self._expired: set[str] = set()

    def add(self, token: str, identity: Identity) -> None:
        self._identities[token] = identity

    def expire(self, token: str) -> None:
        self._expired.add(token)

    async def verify(self, token: str) -> Identity:
        if self.down:
            raise Unavailable("Sign-in cannot be checked right now. Try again.")
        if token in self._expired:
            raise TokenExpired("The sign-in token has expired. Sign in again.")
        if token not in self._identities:
            raise TokenInvalid("The sign-in token is not valid. Sign in again.")
        return self._identities[token]

    async def lasting(self, token: str) -> str:
        await self.verify(token)
        return self.links.get(token, token)
