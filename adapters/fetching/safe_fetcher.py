"""Fetches what a user's URL names, from the public internet only."""

import asyncio
import logging
import socket
import ssl
import zlib
from collections.abc import Collection, Iterator, Sequence
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ipaddress import IPv4Address, IPv6Address
from types import TracebackType
from typing import Self

import httpx
from httpx_secure import SSRFProtectionError, httpx_ssrf_protection

from domain.knowledge.ports import Fetcher
from domain.knowledge.reading import FailureCode, Raw, Unreadable
from domain.network.addresses import DEFAULT_PORTS, host_port, is_public, joined

DEADLINE = 30.0
CONNECT_TIMEOUT = 10.0
REDIRECTS = 5
PORTS = frozenset({80, 443, 8000, 8008, 8080, 8081, 8443, 8888})
REMEMBER_NAMES = 60.0
UNPACKED_AT_ONCE = 256 * 1024
PACKED = frozenset({"gzip", "x-gzip"})
PLAIN = frozenset({"", "identity"})
GONE = frozenset({404, 410})
LATER = frozenset({408, 425, 429})

# They log addresses, which may hold an owner's secrets.
for name in ("httpx", "httpcore"):
    logging.getLogger(name).setLevel(logging.WARNING)


class SafeFetcher(Fetcher):
    """Used as an async context manager, which opens and closes its connections.

    `private_hosts` are the `host:port` pairs, as they stand in the URL, that may lead into our own network.
    `deadline` is in seconds, for one document with all its redirects.
    """

    def __init__(self, public_url: str, private_hosts: Collection[str] = (), *, deadline: float = DEADLINE) -> None:
        self._agent = f"Avatarium (+{public_url})"
        self._private = frozenset(host_port(pair) for pair in private_hosts)
        self._deadline = deadline

    async def __aenter__(self) -> Self:
        self._client = httpx_ssrf_protection(
            open_client(self._agent),
            check_globally_reachable=False,
            custom_validator=self._may_connect,
            dns_cache_ttl=REMEMBER_NAMES,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def fetch(self, url: str, media_types: Sequence[str], max_bytes: int) -> Raw:
        try:
            async with asyncio.timeout(self._deadline):
                return await self._follow(httpx.URL(url), media_types, max_bytes)
        except SSRFProtectionError:
            raise Unreadable(FailureCode.FORBIDDEN_ADDRESS) from None
        except zlib.error:
            raise Unreadable(FailureCode.BROKEN) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError):
            raise Unreadable(FailureCode.UNREACHABLE) from None

    async def _follow(self, url: httpx.URL, media_types: Sequence[str], max_bytes: int) -> Raw:
        accept = {"Accept": ", ".join(media_types) or "*/*"}
        for _ in range(1 + REDIRECTS):
            await self._check(url)
            async with self._client.stream("GET", url, headers=accept) as response:
                if not response.has_redirect_location:
                    return await read(response, media_types, max_bytes)
                url = url.join(response.headers["Location"])
        raise Unreadable(FailureCode.UNREACHABLE)

    async def _check(self, url: httpx.URL) -> None:
        """Refuses what can be refused before a socket is opened, which would tell whether a port is open."""
        if url.scheme not in DEFAULT_PORTS or url.userinfo:
            raise Unreadable(FailureCode.FORBIDDEN_ADDRESS)
        host, port = url.raw_host.decode("ascii"), url.port or DEFAULT_PORTS[url.scheme]
        if joined(host, port) in self._private:
            return
        if port not in PORTS or not all(is_public(address) for address in await resolved(host, port)):
            raise Unreadable(FailureCode.FORBIDDEN_ADDRESS)

    def _may_connect(self, host: str, address: IPv4Address | IPv6Address, port: int) -> bool:
        """Decides about the very address that is connected to, whatever the name led to a moment before."""
        return joined(host, port) in self._private or is_public(str(address))


def open_client(agent: str) -> httpx.AsyncClient:
    """It keeps no cookies: what one owner's page sets must not be sent with another's."""
    return httpx.AsyncClient(
        headers={"User-Agent": agent, "Accept-Encoding": "gzip"},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        timeout=httpx.Timeout(DEADLINE, connect=CONNECT_TIMEOUT),
        verify=ssl.create_default_context(),
        trust_env=False,
    )


async def resolved(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


async def read(response: httpx.Response, media_types: Sequence[str], max_bytes: int) -> Raw:
    if code := failure(response.status_code):
        raise Unreadable(code)
    declared = response.headers.get("Content-Type", "").strip() or "application/octet-stream"
    if media_types and declared.partition(";")[0].strip().lower() not in media_types:
        raise Unreadable(FailureCode.UNSUPPORTED_TYPE)
    return Raw(await read_body(response, max_bytes), declared, url=str(response.url))


def failure(status: int) -> FailureCode | None:
    if 200 <= status < 300:
        return None
    if status in GONE:
        return FailureCode.NOT_FOUND
    return FailureCode.REFUSED if 400 <= status < 500 and status not in LATER else FailureCode.UNREACHABLE


async def read_body(response: httpx.Response, max_bytes: int) -> bytes:
    """Unpacked. Raises `Unreadable` as soon as it is known to be larger than `max_bytes`, and `zlib.error`."""
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in PACKED | PLAIN:
        raise Unreadable(FailureCode.BROKEN)
    unpacking = Unpacking() if encoding in PACKED else None
    if not unpacking and int(response.headers.get("Content-Length", 0)) > max_bytes:
        raise Unreadable(FailureCode.TOO_LARGE)
    body = bytearray()
    async for data in response.aiter_raw():
        for part in unpacking.parts(data) if unpacking else (data,):
            body += part
            if len(body) > max_bytes:
                raise Unreadable(FailureCode.TOO_LARGE)
            await asyncio.sleep(0)
    if unpacking:
        unpacking.end()
    return bytes(body)


class Unpacking:
    """Unpacks gzip in small steps, since a small body may unpack to a thousand times its size."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(zlib.MAX_WBITS | 16)

    def parts(self, data: bytes) -> Iterator[bytes]:
        while data and not self._stream.eof:
            yield self._stream.decompress(data, UNPACKED_AT_ONCE)
            data = self._stream.unconsumed_tail

    def end(self) -> None:
        if not self._stream.eof:
            raise zlib.error("the stream ends too early")
