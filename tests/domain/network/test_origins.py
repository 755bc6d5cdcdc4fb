"""Whose page is asking, and by which name."""

import pytest

from domain.network.origins import foreign_site, is_local_name

PUBLIC = "https://avatars.example.com"


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (None, "avatars.example.com"),
        (None, None),
        (PUBLIC, "avatars.example.com"),
        (PUBLIC, "10.0.0.7:8000"),
        (PUBLIC, None),
        ("https://AVATARS.example.com:443", "10.0.0.7:8000"),
        ("http://avatars.example.com", "avatars.example.com"),
        ("http://192.168.1.5:8000", "192.168.1.5:8000"),
        ("https://other-name.example", "other-name.example"),
        ("http://[::1]:8000", "[::1]:8000"),
    ],
)
def test_our_own_pages_and_programs_are_not_foreign(origin: str | None, host: str | None) -> None:
    assert foreign_site(origin, host, PUBLIC) is None


@pytest.mark.parametrize(
    "origin",
    [
        "https://shop.example",
        "https://avatars.example.com:8443",
        "https://avatars.example.com.evil.example",
        "https://evil.example#avatars.example.com",
        "chrome-extension://abcdefghijklmnop",
        "file://",
        "null",
        "",
        "https://[",
        "https://avatars.example.com:x",
    ],
)
@pytest.mark.parametrize("host", ["avatars.example.com", "10.0.0.7:8000", None, "["])
def test_every_other_origin_is_foreign(origin: str, host: str | None) -> None:
    assert foreign_site(origin, host, PUBLIC) == origin


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "127.8.9.1", "[::1]:8000", "avatars.example.com:443", None, ""],
)
def test_a_private_server_has_local_names_and_its_public_one(host: str | None) -> None:
    assert is_local_name(host, PUBLIC)


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example:8000", "192.168.1.5", "0.0.0.0:8000", "[::2]", "[", "@", ":8000"]
)
def test_other_names_are_not_its_own(host: str) -> None:
    assert not is_local_name(host, PUBLIC)
