"""Real RS256 tokens against a certificate endpoint of our own, in Google's place."""

import asyncio
import base64
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator

import firebase_admin
import pytest

from adapters.trust.firebase import FirebaseSignIn
from domain.accounts import Identity
from domain.errors import TokenExpired, TokenInvalid, Unavailable
from tests.parts.certificates import EMAIL, PROJECT, USER_ID, Certificates, new_key, serving, usual_claims
from tests.parts.certificates import certificates_fixture as certificates_fixture


@pytest.fixture
async def sign_in(certificates: Certificates) -> AsyncIterator[FirebaseSignIn]:
    adapter = FirebaseSignIn(PROJECT)
    yield adapter
    await adapter.aclose()


def unsigned(claims: dict[str, object], **header: str) -> str:
    parts = [{"alg": "none", "typ": "JWT", **header}, claims]
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


async def test_a_token_of_the_project_is_accepted(sign_in: FirebaseSignIn, certificates: Certificates) -> None:
    assert await sign_in.verify(certificates.token()) == Identity(f"firebase:{USER_ID}", EMAIL, "Ada")


async def test_a_user_without_email_or_name_is_accepted(sign_in: FirebaseSignIn, certificates: Certificates) -> None:
    assert await sign_in.verify(certificates.token(email=None, name=None)) == Identity(f"firebase:{USER_ID}")


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another-project"},
        {"iss": "https://securetoken.google.com/another-project"},
        {"iat": 9_000_000_000, "exp": 9_000_003_600},
        {"exp": None},
        {"exp": "tomorrow"},
        {"sub": ""},
        {"sub": None},
        {"sub": "x" * 129},
    ],
    ids=["audience", "issuer", "too early", "no expiry", "expiry in words", "empty user", "no user", "long user"],
)
async def test_wrong_claims_are_refused(
    sign_in: FirebaseSignIn, certificates: Certificates, claims: dict[str, object]
) -> None:
    with pytest.raises(TokenInvalid):
        await sign_in.verify(certificates.token(**claims))


async def test_another_key_is_refused(sign_in: FirebaseSignIn, certificates: Certificates) -> None:
    with pytest.raises(TokenInvalid):
        await sign_in.verify(certificates.signed(usual_claims(), new_key()))


async def test_an_unknown_key_id_is_refused(sign_in: FirebaseSignIn, certificates: Certificates) -> None:
    with pytest.raises(TokenInvalid):
        await sign_in.verify(certificates.signed(usual_claims(), certificates.key, "key-2"))


async def test_an_expired_token_is_refused(sign_in: FirebaseSignIn, certificates: Certificates) -> None:
    with pytest.raises(TokenExpired):
        await sign_in.verify(certificates.token(iat=1_600_000_000, exp=1_600_003_600))


@pytest.mark.parametrize("header", [{}, {"kid": "key-1"}])
async def test_an_unsigned_token_is_refused(sign_in: FirebaseSignIn, header: dict[str, str]) -> None:
    with pytest.raises(TokenInvalid):
        await sign_in.verify(unsigned(usual_claims(), **header))


async def test_garbage_is_refused(sign_in: FirebaseSignIn) -> None:
    with pytest.raises(TokenInvalid):
        await sign_in.verify("garbage")


async def test_a_clock_that_is_seconds_late_locks_nobody_out(
    sign_in: FirebaseSignIn, certificates: Certificates
) -> None:
    token = certificates.token(iat=int(time.time()) + 5)
    assert (await sign_in.verify(token)).subject == f"firebase:{USER_ID}"


async def test_a_token_from_the_future_is_refused(sign_in: FirebaseSignIn, certificates: Certificates) -> None:
    with pytest.raises(TokenInvalid):
        await sign_in.verify(certificates.token(iat=int(time.time()) + 3000))


@pytest.mark.parametrize("answer", [(503, b"{}"), (200, b"<html>Please log in to the hotel's network</html>")])
async def test_no_certificates_are_no_fault_of_the_token(
    sign_in: FirebaseSignIn, certificates: Certificates, answer: tuple[int, bytes]
) -> None:
    certificates.answer = answer
    with pytest.raises(Unavailable):
        await sign_in.verify(certificates.token())


async def test_an_endpoint_that_is_down_is_no_fault_of_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    from firebase_admin import _token_gen

    with serving() as gone:
        monkeypatch.setattr(_token_gen, "ID_TOKEN_CERT_URI", gone.url)
    sign_in = FirebaseSignIn(PROJECT)
    with pytest.raises(Unavailable):
        await sign_in.verify(gone.token())
    await sign_in.aclose()


async def test_sign_in_recovers_with_the_endpoint(sign_in: FirebaseSignIn, certificates: Certificates) -> None:
    certificates.answer = (503, b"{}")
    with pytest.raises(Unavailable):
        await sign_in.verify(certificates.token())
    certificates.answer = None
    assert (await sign_in.verify(certificates.token())).subject == f"firebase:{USER_ID}"


async def test_the_certificates_are_fetched_once(sign_in: FirebaseSignIn, certificates: Certificates) -> None:
    await sign_in.verify(certificates.token())
    await asyncio.gather(*(sign_in.verify(certificates.token(sub=f"user-{n}")) for n in range(50)))
    assert certificates.fetches == 1


async def test_many_first_visitors_make_one_app(sign_in: FirebaseSignIn, certificates: Certificates) -> None:
    before = set(firebase_admin._apps)
    await asyncio.gather(*(sign_in.verify(certificates.token()) for _ in range(8)))
    assert len(set(firebase_admin._apps) - before) == 1


def test_firebase_is_not_imported_before_it_is_needed() -> None:
    """It takes a second or more, and the port must answer first."""
    program = "import sys; from adapters.trust.firebase import FirebaseSignIn as F; F('x'); print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert "adapters.trust.firebase" in modules
    assert not {"firebase_admin", "google.auth", "requests"} & set(modules)


async def test_closing_leaves_nothing_behind(certificates: Certificates) -> None:
    before = set(firebase_admin._apps)
    sign_in = FirebaseSignIn(PROJECT)
    await sign_in.verify(certificates.token())
    await sign_in.aclose()
    assert set(firebase_admin._apps) == before


async def test_the_emulators_variable_closes_sign_in(
    sign_in: FirebaseSignIn, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Start-up refuses it; it may still arrive later, as LiteLLM loads `.env` when it is imported."""
    monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", "127.0.0.1:1")
    for token in (certificates.token(), unsigned({**usual_claims(), "sub": "attacker"})):
        with pytest.raises(Unavailable):
            await sign_in.verify(token)
