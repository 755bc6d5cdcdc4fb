"""What every vault promises."""

from dataclasses import replace

import pytest

from adapters.trust.vault import FernetVault
from domain.avatars import SealedKey
from domain.errors import Unavailable
from domain.ports import Vault
from tests.fakes.vault import FakeVault

KEY = "sk-proj-0123456789abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(params=["fake", "fernet"])
def vaults(request: pytest.FixtureRequest) -> tuple[Vault, Vault]:
    """Two vaults that know nothing of each other."""
    if request.param == "fake":
        return FakeVault(), FakeVault()
    return FernetVault(["a" * 40]), FernetVault(["b" * 40])


@pytest.fixture
def vault(vaults: tuple[Vault, Vault]) -> Vault:
    return vaults[0]


@pytest.mark.parametrize("secret", [KEY, "", "ключ 🔑", "x" * 500])
def test_what_was_sealed_opens(vault: Vault, secret: str) -> None:
    assert vault.open(vault.seal(secret)) == secret


def test_what_is_sealed_cannot_be_read(vault: Vault) -> None:
    sealed = vault.seal(KEY)
    assert KEY not in sealed.sealed
    assert KEY not in repr(sealed)


def test_sealing_twice_gives_two_texts(vault: Vault) -> None:
    assert vault.seal(KEY).sealed != vault.seal(KEY).sealed


@pytest.mark.parametrize(("secret", "shown"), [(KEY, "wxyz"), ("123456789", "6789"), ("12345678", ""), ("abc", "")])
def test_the_last_four_are_shown_of_a_long_secret_only(vault: Vault, secret: str, shown: str) -> None:
    assert vault.seal(secret).last4 == shown


def test_a_stranger_cannot_open_it(vaults: tuple[Vault, Vault]) -> None:
    mine, theirs = vaults
    with pytest.raises(Unavailable):
        theirs.open(mine.seal(KEY))


@pytest.mark.parametrize("sealed", ["", "nonsense", "gAAAAA==", "é"])
def test_what_was_never_sealed_does_not_open(vault: Vault, sealed: str) -> None:
    with pytest.raises(Unavailable):
        vault.open(SealedKey(sealed, ""))


def test_a_changed_seal_does_not_open(vault: Vault) -> None:
    sealed = vault.seal(KEY)
    with pytest.raises(Unavailable):
        vault.open(replace(sealed, sealed=sealed.sealed[:-6] + "AAAAA="))


def test_with_fernet_any_of_the_secrets_opens_and_the_first_seals() -> None:
    old, new = FernetVault(["a" * 40]), FernetVault(["b" * 40])
    both = FernetVault(["b" * 40, "a" * 40])
    assert both.open(old.seal(KEY)) == KEY
    assert new.open(both.seal(KEY)) == KEY
    with pytest.raises(Unavailable):
        old.open(both.seal(KEY))
