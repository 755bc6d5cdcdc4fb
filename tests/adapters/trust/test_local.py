"""Tokens that this server signs itself; what they share with others is in tests/contracts."""

from datetime import timedelta

import jwt
import pytest

from adapters.settings.settings import Settings, SettingsError
from adapters.system_clock import SystemClock
from adapters.trust.local import LocalSignIn, local_token, sign_in_link
from adapters.trust.secret_key import derive
from domain.accounts import Identity
from domain.errors import BadRequest, TokenExpired, TokenInvalid
from tests.fakes.clock import FakeClock

SECRET = "s" * 40
HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def sign_in(clock: FakeClock) -> LocalSignIn:
    return LocalSignIn(SECRET, clock)


def signed(claims: dict[str, object], key: bytes | None = None, algorithm: str = "HS256") -> str:
    return jwt.encode(claims, key or derive(SECRET, "local sign-in 1"), algorithm=algorithm)


def claims_of(token: str) -> dict[str, object]:
    return jwt.decode(token, options={"verify_signature": False})


async def test_the_subject_is_the_address_in_lower_case(sign_in: LocalSignIn) -> None:
    token = sign_in.issue(" Ada@Example.COM ", HOUR)
    assert await sign_in.verify(token) == Identity("local:ada@example.com", "ada@example.com")


async def test_a_token_lasts_as_long_as_it_was_issued_for(sign_in: LocalSignIn, clock: FakeClock) -> None:
    token = sign_in.issue("ada@example.com", HOUR)
    clock.advance(3599)
    await sign_in.verify(token)
    clock.advance(1)
    with pytest.raises(TokenExpired):
        await sign_in.verify(token)


async def test_a_clock_that_was_put_back_locks_nobody_out(sign_in: LocalSignIn, clock: FakeClock) -> None:
    token = sign_in.issue("ada@example.com", HOUR)
    clock.set(clock.now() - timedelta(days=1))
    await sign_in.verify(token)


@pytest.mark.parametrize("name", ["iss", "aud", "sub", "email", "iat", "exp"])
async def test_every_claim_is_required(sign_in: LocalSignIn, name: str) -> None:
    claims = claims_of(sign_in.issue("ada@example.com", HOUR))
    with pytest.raises(TokenInvalid):
        await sign_in.verify(signed({key: value for key, value in claims.items() if key != name}))


@pytest.mark.parametrize("exp", [float("inf"), float("-inf"), float("nan"), 1e30, 2e9, "never", "2e9", None, [], {}])
async def test_a_time_that_is_no_whole_number_is_refused(sign_in: LocalSignIn, exp: object) -> None:
    claims = claims_of(sign_in.issue("ada@example.com", HOUR))
    with pytest.raises(TokenInvalid):
        await sign_in.verify(signed({**claims, "exp": exp}))


async def test_a_time_beyond_all_calendars_is_just_late(sign_in: LocalSignIn) -> None:
    claims = claims_of(sign_in.issue("ada@example.com", HOUR))
    assert await sign_in.verify(signed({**claims, "exp": 10**400})) == Identity(
        "local:ada@example.com", "ada@example.com"
    )


@pytest.mark.parametrize("wrong", [{"iss": "elsewhere"}, {"aud": "elsewhere"}])
async def test_tokens_for_elsewhere_are_refused(sign_in: LocalSignIn, wrong: dict[str, object]) -> None:
    claims = claims_of(sign_in.issue("ada@example.com", HOUR))
    with pytest.raises(TokenInvalid):
        await sign_in.verify(signed({**claims, **wrong}))


async def test_only_our_algorithm_counts(sign_in: LocalSignIn) -> None:
    claims = claims_of(sign_in.issue("ada@example.com", HOUR))
    for token in (jwt.encode(claims, "", algorithm="none"), signed(claims, SECRET.encode() * 2, "HS512")):
        with pytest.raises(TokenInvalid):
            await sign_in.verify(token)


async def test_neither_another_secret_nor_the_secret_itself_signs(sign_in: LocalSignIn, clock: FakeClock) -> None:
    stranger = LocalSignIn("t" * 40, clock).issue("ada@example.com", HOUR)
    raw = signed(claims_of(stranger), SECRET.encode())
    vaults = signed(claims_of(stranger), derive(SECRET, "vault 1"))
    for token in (stranger, raw, vaults):
        with pytest.raises(TokenInvalid):
            await sign_in.verify(token)


@pytest.mark.parametrize(
    "email", ["", "ada", "@example.com", "ada@", "a b@example.com", "a\n@example.com", "a@" + "b" * 300]
)
def test_only_an_address_gets_a_token(sign_in: LocalSignIn, email: str) -> None:
    with pytest.raises(BadRequest):
        sign_in.issue(email, HOUR)


async def test_a_links_token_is_exchanged_for_one_that_lasts_within_its_own_life(
    sign_in: LocalSignIn, clock: FakeClock
) -> None:
    link = sign_in.issue("ada@example.com", HOUR, link=True)
    kept = await sign_in.lasting(link)
    clock.advance(3600)
    for use in (sign_in.verify, sign_in.lasting):
        with pytest.raises(TokenExpired):
            await use(link)
    assert (await sign_in.verify(kept)).email == "ada@example.com"


async def test_what_lasts_is_not_exchanged_again(sign_in: LocalSignIn, clock: FakeClock) -> None:
    kept = await sign_in.lasting(sign_in.issue("ada@example.com", HOUR, link=True))
    clock.advance(3600)
    assert await sign_in.lasting(kept) == kept


@pytest.mark.parametrize("minutes", [1, 60])
def test_a_printed_link_lives_as_long_as_the_settings_say(minutes: int) -> None:
    settings = Settings(_env_file=None, secret_key=SECRET, sign_in_link_minutes=minutes)
    link = sign_in_link(settings, "ada@example.com")
    assert link
    claims = claims_of(link.partition("#token=")[2])
    assert int(str(claims["exp"])) - int(str(claims["iat"])) == 60 * minutes


async def test_the_link_keeps_its_token_in_the_fragment() -> None:
    settings = Settings(_env_file=None, secret_key=SECRET, public_url="http://127.0.0.1:8000")
    link = sign_in_link(settings, "ada@example.com")
    assert link
    before, _, token = link.partition("#token=")
    assert before == "http://127.0.0.1:8000/sign-in"
    assert (await LocalSignIn(SECRET, SystemClock()).verify(token)).email == "ada@example.com"


def test_where_firebase_signs_in_there_is_no_link_and_no_token() -> None:
    settings = Settings(_env_file=None, firebase_project_id="my-project")
    assert sign_in_link(settings, "ada@example.com") is None
    with pytest.raises(SettingsError, match="ID token from Firebase"):
        local_token(settings, "ada@example.com")
