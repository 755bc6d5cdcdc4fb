"""The one family of errors that callers may see.

AvatariumError
├── BadRequest            BAD_REQUEST            400
│   ├── SlugTaken         SLUG_TAKEN             400
│   ├── PersistedQueryNotFound  PERSISTED_QUERY_NOT_FOUND  400
│   ├── SessionEnded      SESSION_ENDED          400
│   └── SessionExpired    SESSION_EXPIRED        400
├── Unauthorized          UNAUTHORIZED           401
│   ├── InvalidApiKey     INVALID_API_KEY        401
│   ├── TokenExpired      TOKEN_EXPIRED          401
│   ├── TokenInvalid      TOKEN_INVALID          401
│   ├── PasswordRequired  PASSWORD_REQUIRED      401
│   └── InvalidPassword   INVALID_PASSWORD       401
├── Forbidden             FORBIDDEN              403
│   └── QuotaExceeded     QUOTA_EXCEEDED         403
├── NotFound              NOT_FOUND              404
├── MethodNotAllowed      METHOD_NOT_ALLOWED     405
├── PayloadTooLarge       PAYLOAD_TOO_LARGE      413
├── RateLimited           RATE_LIMIT_EXCEEDED    429  retryable
├── SessionBusy           SESSION_BUSY           429  retryable
├── Internal              INTERNAL_ERROR         500
├── AiProviderFailed      AI_PROVIDER_ERROR      503  retryable
└── Unavailable           SERVICE_UNAVAILABLE    503  retryable

Both doors read the same attributes: REST puts `code`, `message` and `details` into its
envelope, GraphQL into `extensions`. Any other exception is masked as `Internal`.
"""

import logging
import traceback
from collections.abc import Mapping
from typing import ClassVar

log = logging.getLogger("avatarium.errors")


class AvatariumError(Exception):
    """An error whose `message` tells the caller what was wrong and what to do.

    `details` is a small JSON object for machines, for example `{"field": …, "reason": …}`.
    """

    code: ClassVar[str]
    status: ClassVar[int]
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, details: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = dict(details or {})

    @property
    def extensions(self) -> dict[str, object]:
        """What a GraphQL error carries beside its message."""
        return {"code": self.code, "retryable": self.retryable, **self.details}


class BadRequest(AvatariumError):
    code = "BAD_REQUEST"
    status = 400

    @classmethod
    def field(cls, field: str, reason: str) -> "BadRequest":
        """The error for one wrong field, named as the caller spells it."""
        return cls(f"{field}: {reason}", {"field": field, "reason": reason})


class SlugTaken(BadRequest):
    code = "SLUG_TAKEN"


class PersistedQueryNotFound(BadRequest):
    code = "PERSISTED_QUERY_NOT_FOUND"


class SessionEnded(BadRequest):
    code = "SESSION_ENDED"


class SessionExpired(BadRequest):
    code = "SESSION_EXPIRED"


class Unauthorized(AvatariumError):
    code = "UNAUTHORIZED"
    status = 401


class InvalidApiKey(Unauthorized):
    code = "INVALID_API_KEY"


class TokenExpired(Unauthorized):
    code = "TOKEN_EXPIRED"


class TokenInvalid(Unauthorized):
    code = "TOKEN_INVALID"


class PasswordRequired(Unauthorized):
    code = "PASSWORD_REQUIRED"


class InvalidPassword(Unauthorized):
    code = "INVALID_PASSWORD"


class Forbidden(AvatariumError):
    code = "FORBIDDEN"
    status = 403


class QuotaExceeded(Forbidden):
    code = "QUOTA_EXCEEDED"


class NotFound(AvatariumError):
    code = "NOT_FOUND"
    status = 404


class MethodNotAllowed(AvatariumError):
    code = "METHOD_NOT_ALLOWED"
    status = 405


class PayloadTooLarge(AvatariumError):
    code = "PAYLOAD_TOO_LARGE"
    status = 413


class RateLimited(AvatariumError):
    """`retry_after` is in whole seconds, at least one."""

    code = "RATE_LIMIT_EXCEEDED"
    status = 429
    retryable = True

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message, {"retryAfter": retry_after})
        self.retry_after = retry_after


class SessionBusy(AvatariumError):
    """As many messages of one session wait for their answers as may wait."""

    code = "SESSION_BUSY"
    status = 429
    retryable = True


class Internal(AvatariumError):
    code = "INTERNAL_ERROR"
    status = 500


class AiProviderFailed(AvatariumError):
    """No AI provider could finish the reply. What was said is saved."""

    code = "AI_PROVIDER_ERROR"
    status = 503
    retryable = True


class Unavailable(AvatariumError):
    """A part that this server depends on cannot be reached right now."""

    code = "SERVICE_UNAVAILABLE"
    status = 503
    retryable = True


class ProviderFailure(Exception):
    """What an adapter raises when a provider fails; it never leaves the failover.

    `refused` means that the request or its key is at fault (HTTP 400, 401, 403), and `of_key` that it is the
    key: whose it is decides whether asking elsewhere helps. `retry_after` is the provider's own wish, in seconds.
    The `reason` is one of our own words (`timeout`, `http_500`, …), never the provider's text, since that may quote
    a prompt or a key.
    """

    def __init__(
        self, reason: str, *, refused: bool = False, of_key: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.refused = refused
        self.of_key = of_key
        self.retry_after = retry_after


def masked(error: BaseException, request_id: str) -> AvatariumError:
    """The error as a caller may see it: one of ours as it is, any other as `Internal`.

    Of the others only kind and place are logged: an exception's text may quote a visitor or a key.
    """
    if isinstance(error, AvatariumError):
        return error
    log.error("request failed: %s at %s", type(error).__name__, place_of(error), extra={"request_id": request_id})
    return Internal(f"Something went wrong on our side. Report it with the request id {request_id}.")


def place_of(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "an unknown place"
