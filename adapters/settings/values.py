"""How the text of one variable becomes a value; the errors never repeat the text, which may be a secret."""

import re
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from domain.avatars import AiProvider
from domain.network.addresses import host_port

HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
EMBEDDING_PROVIDERS = {"openai": AiProvider.OPENAI, "gemini": AiProvider.GOOGLE}
LOCAL_EMBEDDINGS, NO_EMBEDDINGS = "minilm", "none"
DATABASES = {"sqlite": "sqlite", "postgresql": "postgresql", "postgres": "postgresql"}
SECRET_MIN = 32
LOOPBACK = {4: "127.0.0.1", 6: "::1"}

Network = IPv4Network | IPv6Network


def listed(value: object) -> object:
    """The entries of a comma list, without blanks around them and without empty ones."""
    if not isinstance(value, str):
        return value
    return tuple(entry.strip() for entry in value.split(",") if entry.strip())


def lowered(text: str) -> str:
    return text.strip().lower()


def host(text: str) -> str:
    if HOST_NAME.fullmatch(text) or is_address(text):
        return text.lower()
    raise ValueError("this is neither a host name nor an IP address")


def directory(path: Path) -> Path:
    return path.expanduser().absolute()


def origin(text: str) -> str:
    """Pages and links are built from it, and they live at the root: a path would be lost."""
    parts = http_url(text)
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("this has a path or a query after the host")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def api_base(text: str) -> str:
    parts = http_url(text)
    if parts.query or parts.fragment:
        raise ValueError("this has a query or a fragment")
    return text.rstrip("/")


def http_url(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or any(character.isspace() for character in text):
        raise ValueError("this is not an http or https address")
    if parts.username or parts.password:
        raise ValueError("this carries a user name or a password")
    return parts


def embeddings(text: str) -> str:
    """A model's name is passed on as it is; only who answers for it is known here."""
    if text.lower() in (LOCAL_EMBEDDINGS, NO_EMBEDDINGS):
        return text.lower()
    provider, _, name = text.partition("/")
    if provider not in EMBEDDING_PROVIDERS or not name or any(character.isspace() for character in name):
        raise ValueError("there is no such model")
    return text


def database_url(text: str) -> str:
    """The address without a driver's name, which the database's own adapter chooses."""
    scheme, separator, rest = text.partition("://")
    name = DATABASES.get(scheme.partition("+")[0])
    if not (name and separator and rest.strip("/")):
        raise ValueError("this is not the address of an SQLite or PostgreSQL database")
    if name == "postgresql" and not is_server(f"{name}://{rest}"):
        raise ValueError("its host or port is wrong, or its user or password has a character that is not %-encoded")
    return f"{name}://{rest}"


def is_server(text: str) -> bool:
    """Whether user, host and port can be told apart: a password with an @ would reach into the host."""
    try:
        parts = urlsplit(text)
        return parts.port != 0 and parts.netloc.count("@") <= 1 and "@" not in parts.path
    except ValueError:
        return False


def network(text: object) -> Network:
    if isinstance(text, (IPv4Network, IPv6Network)):
        return text
    try:
        return ip_network(str(text))
    except ValueError:
        raise ValueError("one entry is not an IP address or network (a network's host bits must be zero)") from None


def private_host(text: object) -> str:
    """In the spelling by which the guarded client compares."""
    try:
        return host_port(str(text))
    except ValueError:
        raise ValueError("one entry is not host:port") from None


def is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def local_url(bind_host: str, port: int) -> str:
    """The address of a server on this machine; a wildcard host becomes the loopback one."""
    address = ip_address(bind_host) if is_address(bind_host) else None
    reachable = LOOPBACK[address.version] if address and address.is_unspecified else bind_host
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"
