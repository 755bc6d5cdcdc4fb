"""Which addresses a user's URL may lead to."""

import pytest

from domain.network.addresses import host_port, is_public, visitor


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "100.63.255.255",
        "100.128.0.0",
        "172.15.0.1",
        "172.32.0.1",
        "223.255.255.1",
    ],
)
def test_the_public_internet(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", ["2606:4700:4700::1111", "2001:4860:4860::8888", "2a00:1450:4001:81b::200e"])
def test_the_public_internet_in_six(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
    ],
)
def test_our_own_networks(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    ("address", "what"),
    [
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("::127.0.0.1", "IPv4-compatible"),
        ("::8.8.8.8", "IPv4-compatible, public inside"),
        ("::ffff:127.0.0.1", "IPv4-mapped"),
        ("::ffff:8.8.8.8", "IPv4-mapped, public inside"),
        ("::ffff:0:8.8.8.8", "IPv4-translated"),
        ("64:ff9b::a9fe:a9fe", "NAT64"),
        ("64:ff9b::808:808", "NAT64, public inside"),
        ("64:ff9b:1::a00:1", "NAT64 of a local network"),
        ("100::1", "discard"),
        ("2001::1", "Teredo"),
        ("2001:20::1", "ORCHID"),
        ("2001:db8::1", "documentation"),
        ("2002:7f00:1::", "6to4"),
        ("2002:808:808::", "6to4, public inside"),
        ("3fff::1", "documentation"),
        ("5f00::1", "segment routing"),
        ("fc00::1", "unique local"),
        ("fd00:ec2::254", "unique local: metadata"),
        ("fe80::1", "link-local"),
        ("fe80::1%eth0", "link-local with a zone"),
        ("fec0::1", "site-local"),
        ("ff02::1", "multicast"),
    ],
)
def test_our_own_networks_in_six(address: str, what: str) -> None:
    assert not is_public(address), what


@pytest.mark.parametrize("text", ["", "localhost", "2130706433", "0x7f000001", "127.1", "1.2.3.4.5", "8.8.8.8/8"])
def test_what_is_no_address_is_not_public(text: str) -> None:
    assert not is_public(text)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://Example.COM/v1", "example.com:80"),
        ("https://example.com", "example.com:443"),
        ("https://example.com.:8443/a?b=http://c", "example.com:8443"),
        ("http://localhost:11434/v1", "localhost:11434"),
        ("localhost:11434", "localhost:11434"),
        ("http://[::1]:8080/", "[::1]:8080"),
        ("[::1]:8080", "[::1]:8080"),
        ("http://user:pass@example.com:81/", "example.com:81"),
    ],
)
def test_where_a_url_leads(url: str, expected: str) -> None:
    assert host_port(url) == expected


@pytest.mark.parametrize("url", ["", "example.com", "ftp://example.com", "http://", "http://:80", "http://a:99999"])
def test_what_leads_nowhere(url: str) -> None:
    with pytest.raises(ValueError, match=r"host:port|Port"):
        host_port(url)


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
    ],
)
def test_a_visitor_cannot_change_address_within_a_network(address: str, counted_as: str) -> None:
    assert visitor(address) == counted_as
