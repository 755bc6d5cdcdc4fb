"""The family of errors that callers may see, and the tree of it in the module's docstring."""

import re
from collections.abc import Iterator

import pytest

from domain import errors
from domain.errors import AvatariumError, BadRequest, ProviderFailure, RateLimited

LINE = re.compile(r"^([ │├└─]*)(\w+) +([A-Z_]+) +(\d{3})( +retryable)?$", re.MULTILINE)
INDENT = 4


def family(root: type[AvatariumError]) -> Iterator[type[AvatariumError]]:
    for child in root.__subclasses__():
        yield child
        yield from family(child)


def depth(error: type[AvatariumError]) -> int:
    return len(error.__mro__) - len(AvatariumError.__mro__)


FAMILY = list(family(AvatariumError))


def test_the_docstring_draws_every_error_with_its_code_and_status() -> None:
    drawn = [
        (len(indent) // INDENT, name, code, int(status), bool(retryable))
        for indent, name, code, status, retryable in LINE.findall(errors.__doc__ or "")
    ]
    assert drawn == [(depth(each), each.__name__, each.code, each.status, each.retryable) for each in FAMILY]


def test_codes_are_unique() -> None:
    codes = [error.code for error in FAMILY]
    assert len(set(codes)) == len(codes)


def test_the_family_lives_in_one_file() -> None:
    assert {error.__module__ for error in FAMILY} == {errors.__name__}


def test_only_errors_of_the_server_may_be_retried_and_too_many_requests() -> None:
    assert {error.status for error in FAMILY if error.retryable} == {429, 503}


def test_one_wrong_field() -> None:
    error = BadRequest.field("slug", "cannot be empty")
    assert (error.message, str(error)) == ("slug: cannot be empty", "slug: cannot be empty")
    assert error.details == {"field": "slug", "reason": "cannot be empty"}


@pytest.mark.parametrize("kind", [kind for kind in FAMILY if issubclass(kind, BadRequest)])
def test_a_subclass_names_its_field_under_its_own_code(kind: type[BadRequest]) -> None:
    assert kind.field("slug", "is taken").extensions == {
        "code": kind.code, "retryable": False, "field": "slug", "reason": "is taken",
    }  # fmt: skip


def test_details_are_a_copy() -> None:
    given = {"field": "slug"}
    error = BadRequest("No.", given)
    given["field"] = "name"
    assert error.details == {"field": "slug"}


def test_too_many_requests_say_when_to_come_back() -> None:
    error = RateLimited("Too many.", 40)
    assert error.retry_after == 40
    assert error.extensions == {"code": "RATE_LIMIT_EXCEEDED", "retryable": True, "retryAfter": 40}


def test_a_providers_failure_is_none_of_the_family() -> None:
    failure = ProviderFailure("http_500", retry_after=3.0)
    assert not isinstance(failure, AvatariumError)
    assert (failure.reason, failure.refused, failure.retry_after) == ("http_500", False, 3.0)
