"""Network addresses: where a URL that a user gave may lead, and whom an address belongs to."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}

# 168.63.129.16 is public by number, yet each Azure machine reaches its own host's control server there.
CLOSED_V4 = tuple(
    ip_network(block)
    for block in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# All that IANA has given out for the public internet. Loopback, local, multicast and the forms that
# carry an IPv4 address inside (mapped, compatible, NAT64) lie outside of it, Teredo and 6to4 within.
OPEN_V6 = ip_network("2000::/3")
CLOSED_V6 = tuple(ip_network(block) for block in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))


def is_public(ip: str) -> bool:
    """Whether an IP address, in any spelling that `ipaddress` knows, is on the public internet.

    Ask it about the address that a socket is about to connect to: a name, or a number in another
    notation, can lead anywhere.
    """
    try:
        address = ip_address(ip.partition("%")[0])
    except ValueError:
        return False
    return is_public_v4(address) if isinstance(address, IPv4Address) else is_public_v6(address)


def is_public_v4(address: IPv4Address) -> bool:
    return not any(address in block for block in CLOSED_V4)


def is_public_v6(address: IPv6Address) -> bool:
    return address in OPEN_V6 and not any(address in block for block in CLOSED_V6)


def is_loopback(name: str | None) -> bool:
    """Whether a host is reached from this machine alone. A name other than localhost may point anywhere."""
    if name is None:
        return False
    try:
        return name.lower() == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


def visitor(ip: str) -> str:
    """Whom an address is counted as: an IPv6 one by its /64 network, of which one visitor has all addresses."""
    try:
        address = ip_address(ip.partition("%")[0])
    except ValueError:
        return ip
    if isinstance(address, IPv4Address):
        return str(address)
    return str(address.ipv4_mapped or ip_network((address, 64), strict=False))


def host_port(url: str) -> str:
    """Where a URL leads, as `host:port` in lower case; an IPv6 host keeps its brackets.

    Two URLs with the same `host_port` lead to the same server. A bare `host:port` is understood too.
    Raises `ValueError` for a URL without a host or without a port that is known.
    """
    parts = urlsplit(url if "//" in url else f"//{url}")
    port = parts.port or DEFAULT_PORTS.get(parts.scheme)
    if not (parts.hostname or "").rstrip(".") or port is None:
        raise ValueError("neither host:port nor an http address")
    return joined(parts.hostname or "", port)


def joined(host: str, port: int) -> str:
    """The same spelling, of a host without brackets and a port."""
    host = host.rstrip(".").lower()
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
