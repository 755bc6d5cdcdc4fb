"""Passwords of avatars."""

import pytest

from domain.passwords import hashed, matches


@pytest.mark.parametrize("password", ["secret", " with spaces ", "пароль🔑", "$", "x" * 200])
def test_a_password_matches_itself_only(password: str) -> None:
    stored = hashed(password)
    assert matches(password, stored)
    assert not matches(password + "x", stored)
    assert not matches(password[:-1], stored)


def test_the_stored_form_is_salted_and_does_not_tell_the_password() -> None:
    one, other = hashed("secret"), hashed("secret")
    assert one != other
    assert one.startswith("scrypt$")
    assert "secret" not in one
