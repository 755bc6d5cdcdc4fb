"""What every way to sign in promises."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from adapters.trust.firebase import FirebaseSignIn
from adapters.trust.local import LocalSignIn
from domain.accounts import Identity
from domain.errors import TokenExpired, TokenInvalid
from domain.ports import SignIn
from tests.fakes.clock import FakeClock
from tests.fakes.sign_in import FakeSignIn
from tests.parts.certificates import PROJECT, Certificates
from tests.parts.certificates import certificates_fixture as certificates_fixture

SECRET = "s" * 40


@dataclass(frozen=True)
class Case:
    """One provider, with the tokens that it takes for Ada's, for Bob's, and for an expired one."""

    sign_in: SignIn
    ada: str
    bob: str
    expired: str


@pytest.fixture(params=["fake", "local", "firebase"])
async def case(request: pytest.FixtureRequest) -> AsyncIterator[Case]:
    match request.param:
        case "fake":
            yield fake()
        case "local":
            yield local()
        case _:
            certificates: Certificates = request.getfixturevalue("certificates")
            sign_in = FirebaseSignIn(PROJECT)
            yield firebase(sign_in, certificates)
            await sign_in.aclose()


def fake() -> Case:
    sign_in = FakeSignIn()
    sign_in.add("ada", Identity("fake:ada", "ada@example.com"))
    sign_in.add("bob", Identity("fake:bob", "bob@example.com"))
    sign_in.expire("old")
    return Case(sign_in, "ada", "bob", "old")


def local() -> Case:
    clock = FakeClock()
    sign_in = LocalSignIn(SECRET, clock)
    expired = sign_in.issue("ada@example.com", timedelta(minutes=1))
    clock.advance(60)
    day = timedelta(days=1)
    return Case(sign_in, sign_in.issue("ada@example.com", day), sign_in.issue("bob@example.com", day), expired)


def firebase(sign_in: SignIn, certificates: Certificates) -> Case:
    return Case(
        sign_in,
        certificates.token(sub="ada", email="ada@example.com"),
        certificates.token(sub="bob", email="bob@example.com"),
        certificates.token(iat=1_600_000_000, exp=1_600_003_600),
    )


async def test_a_token_tells_who_it_is(case: Case) -> None:
    ada = await case.sign_in.verify(case.ada)
    assert ada.email == "ada@example.com"
    assert ada.subject


async def test_the_same_person_is_always_the_same_and_nobody_else(case: Case) -> None:
    ada, again, bob = [await case.sign_in.verify(token) for token in (case.ada, case.ada, case.bob)]
    assert ada == again
    assert ada.subject != bob.subject


async def test_an_expired_token_is_told_apart(case: Case) -> None:
    with pytest.raises(TokenExpired):
        await case.sign_in.verify(case.expired)


@pytest.mark.parametrize(
    "token",
    ["", " ", "nonsense", "a.b.c", "..", "é.ü.ß", "\ud800", "av_live_0000", "W10.W10.W10", "e30.e30.e30", "x" * 9000],
)
async def test_anything_else_is_invalid(case: Case, token: str) -> None:
    with pytest.raises(TokenInvalid):
        await case.sign_in.verify(token)


async def test_json_that_is_too_deep_is_invalid(case: Case) -> None:
    deep = "W1tb" * 5000
    with pytest.raises(TokenInvalid):
        await case.sign_in.verify(f"{deep}.{deep}.{deep}")


async def test_no_error_repeats_a_token(case: Case) -> None:
    token = case.ada + "tampered.with"
    with pytest.raises(TokenInvalid) as caught:
        await case.sign_in.verify(token)
    error = caught.value
    assert "tampered" not in f"{error}{error.message}{error.details}{error.__cause__}{error.__context__}"


async def test_the_token_to_keep_is_of_the_same_person_and_kept_itself(case: Case) -> None:
    kept = await case.sign_in.lasting(case.ada)
    assert await case.sign_in.verify(kept) == await case.sign_in.verify(case.ada)
    assert await case.sign_in.lasting(kept) == kept


async def test_nothing_lasts_of_a_token_that_is_not_good(case: Case) -> None:
    with pytest.raises(TokenExpired):
        await case.sign_in.lasting(case.expired)
    with pytest.raises(TokenInvalid):
        await case.sign_in.lasting("nonsense")
