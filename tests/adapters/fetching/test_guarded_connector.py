"""No URL that a user gave leads into our own network, however it is written."""

import socket
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from adapters.fetching.guarded_connector import BlockedAddress, GuardedConnector
from tests.parts.upstream import Upstream, running_upstream

PUBLIC = "93.184.216.34"
NAMES = {
    "internal.example.com": ["10.0.0.7"],
    "metadata.example.com": ["169.254.169.254"],
    "loop.example.com": ["127.0.0.1", "::1"],
    "mixed.example.com": [PUBLIC, "127.0.0.1"],
    "mixed-the-other-way.example.com": ["127.0.0.1", PUBLIC],
    "public.example.com": [PUBLIC],
}
BYPASSES = {
    "loopback": "http://127.0.0.1:{port}/v1",
    "localhost": "http://localhost:{port}/v1",
    "loopback in six": "http://[::1]:{port}/v1",
    "decimal": "http://2130706433:{port}/v1",
    "hexadecimal": "http://0x7f000001:{port}/v1",
    "octal": "http://0177.0.0.1:{port}/v1",
    "short": "http://127.1:{port}/v1",
    "unspecified": "http://0.0.0.0:{port}/v1",
    "unspecified in six": "http://[::]:{port}/v1",
    "metadata": "http://169.254.169.254/latest/meta-data/",
    "IPv4-mapped": "http://[::ffff:127.0.0.1]:{port}/v1",
    "IPv4-mapped in hexadecimal": "http://[::ffff:7f00:1]:{port}/v1",
    "NAT64": "http://[64:ff9b::7f00:1]:{port}/v1",
    "carrier-grade NAT": "http://100.64.0.1:{port}/v1",
    "a name for 10/8": "http://internal.example.com:{port}/v1",
    "a name for the metadata": "http://metadata.example.com/v1",
    "a name for loopback": "http://loop.example.com:{port}/v1",
    "full-width digits": "http://１２７.0.0.1:{port}/v1",
    "a trailing dot": "http://localhost.:{port}/v1",
}


class Resolver(AbstractResolver):
    """Knows `NAMES`, and the names that the system reads as loopback numbers."""

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0)
            for address in NAMES.get(host, ["127.0.0.1"])
        ]

    async def close(self) -> None:
        """Nothing to close."""


class OfflineConnector(GuardedConnector):
    """Notes which public addresses it would have connected to, and connects to none."""

    def __init__(self, allowed: Collection[str] = ()) -> None:
        super().__init__(allowed, resolver=Resolver())
        self.tried: list[str] = []

    def _open_socket(self, address: aiohttp.AddrInfoType) -> socket.socket:
        opened = super()._open_socket(address)
        if address[4][0] == PUBLIC:
            opened.close()
            self.tried.append(PUBLIC)
            raise OSError("there is no network here")
        return opened


@pytest.fixture
async def upstream() -> AsyncGenerator[Upstream]:
    async with running_upstream() as server:
        yield server


@asynccontextmanager
async def session_over(connector: aiohttp.BaseConnector) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(connector=connector, trust_env=False) as session:
        yield session


def pair(upstream: Upstream) -> str:
    return upstream.url.split("/")[2]


async def reached(session: aiohttp.ClientSession, url: str) -> None:
    async with session.post(f"{url}/chat/completions", json={"model": "whole"}) as response:
        await response.read()


async def blocked(session: aiohttp.ClientSession, url: str) -> None:
    with pytest.raises(aiohttp.ClientError) as raised:
        await reached(session, url)
    error = raised.value
    assert isinstance(error, aiohttp.InvalidURL) or isinstance(getattr(error, "os_error", None), BlockedAddress)


@pytest.mark.parametrize("url", BYPASSES.values(), ids=BYPASSES.keys())
async def test_no_spelling_leads_inside(upstream: Upstream, url: str) -> None:
    async with session_over(OfflineConnector()) as session:
        await blocked(session, url.format(port=pair(upstream).split(":")[1]))
    assert upstream.requests == []


@pytest.mark.parametrize("host", ["localhost", "localhost.", "0x7f000001", "0177.0.0.1", "127.1", "0", "[::1]"])
async def test_nothing_that_the_system_resolves_leads_inside(upstream: Upstream, host: str) -> None:
    async with session_over(GuardedConnector()) as session:
        with pytest.raises(aiohttp.ClientError):
            await reached(session, f"http://{host}:{pair(upstream).split(':')[1]}/v1")
    assert upstream.requests == []


@pytest.mark.parametrize("host", ["mixed.example.com", "mixed-the-other-way.example.com"])
async def test_of_mixed_records_only_the_public_one_is_tried(upstream: Upstream, host: str) -> None:
    connector = OfflineConnector()
    async with session_over(connector) as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await reached(session, f"http://{host}:{pair(upstream).split(':')[1]}/v1")
    assert set(connector.tried) == {PUBLIC}
    assert upstream.requests == []


async def test_a_name_that_changes_its_mind(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding. Each port is looked up anew, since aiohttp remembers names for some seconds."""
    connector = OfflineConnector()
    async with session_over(connector) as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await reached(session, "http://public.example.com/v1")
        assert connector.tried == [PUBLIC]
        monkeypatch.setitem(NAMES, "public.example.com", ["127.0.0.1"])
        await blocked(session, f"http://public.example.com:{pair(upstream).split(':')[1]}/v1")
    assert upstream.requests == []


async def test_a_redirect_leads_inside_as_little(upstream: Upstream) -> None:
    async def redirect(_request: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": f"{upstream.url}/chat/completions"})

    application = web.Application()
    application.router.add_post("/{path:.*}", redirect)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    outside = f"127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with session_over(GuardedConnector([outside])) as session:
            await blocked(session, f"http://{outside}")
    finally:
        await runner.cleanup()
    assert upstream.requests == []


async def test_the_public_internet_is_reached() -> None:
    connector = OfflineConnector()
    async with session_over(connector) as session:
        for url in ("http://public.example.com/v1", f"http://{PUBLIC}/v1"):
            with pytest.raises(aiohttp.ClientConnectorError) as raised:
                await reached(session, url)
            assert not isinstance(raised.value.os_error, BlockedAddress)
    assert connector.tried == [PUBLIC, PUBLIC]


async def test_an_allowed_pair_is_reached(upstream: Upstream) -> None:
    async with session_over(GuardedConnector([pair(upstream)])) as session:
        await reached(session, upstream.url)
        await reached(session, upstream.url.replace("http://", "HTTP://"))
    assert len(upstream.requests) == 2


async def test_an_allowed_pair_opens_nothing_else(upstream: Upstream) -> None:
    host, port = pair(upstream).split(":")
    async with session_over(GuardedConnector([f"LOCALHOST:{port}"])) as session:
        await reached(session, f"http://localhost:{port}/v1")
        await blocked(session, upstream.url)
        await blocked(session, f"http://{host}:1/v1")
        await blocked(session, "http://localhost:1/v1")
    assert len(upstream.requests) == 1


def test_the_error_names_no_address() -> None:
    assert str(BlockedAddress()) == "the address is not on the public internet"
