"""How often a caller may do what, as the API reference documents it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` attempts within `seconds`. `action` completes "Too many …"."""

    name: str
    action: str
    count: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Hit:
    """`reset_at` is a Unix time in whole seconds."""

    allowed: bool
    limit: int
    remaining: int
    reset_at: int
    retry_after: int


AVATAR_CREATION = Limit("avatar.create", "new avatars", 3, 300)
SESSION_CREATION = Limit("session.start", "new sessions", 10, 60)
PASSWORD_ATTEMPT = Limit("password.attempt", "password attempts", 5, 60)
