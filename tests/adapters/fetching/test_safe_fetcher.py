"""No URL that a user gave leads into our own network, and no site can do us harm."""

import asyncio
import gzip
import logging
import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from adapters.fetching.safe_fetcher import UNPACKED_AT_ONCE, SafeFetcher, Unpacking
from domain.knowledge.reading import FailureCode, Raw, Unreadable
from tests.parts.certificates import new_key
from tests.parts.site import Site, raw_server, running_site

PUBLIC = "93.184.216.34"
NAMES = {
    "internal.example.com": ["10.0.0.7"],
    "metadata.example.com": ["169.254.169.254"],
    "loop.example.com": ["127.0.0.1"],
    "loop-in-six.example.com": ["::1"],
    "mixed.example.com": [PUBLIC, "127.0.0.1"],
    "mixed-the-other-way.example.com": ["127.0.0.1", PUBLIC],
    "public.example.com": [PUBLIC],
}
BYPASSES = {
    "loopback": "http://127.0.0.1:{port}/",
    "localhost": "http://localhost:{port}/",
    "loopback in six": "http://[::1]:{port}/",
    "decimal": "http://2130706433:{port}/",
    "hexadecimal": "http://0x7f000001:{port}/",
    "short": "http://127.1:{port}/",
    "zero": "http://0:{port}/",
    "unspecified": "http://0.0.0.0:{port}/",
    "unspecified in six": "http://[::]:{port}/",
    "metadata": "http://169.254.169.254/latest/meta-data/",
    "metadata of Azure": "http://168.63.129.16/",
    "IPv4-mapped": "http://[::ffff:127.0.0.1]:{port}/",
    "IPv4-mapped in hexadecimal": "http://[::ffff:7f00:1]:{port}/",
    "NAT64": "http://[64:ff9b::7f00:1]:{port}/",
    "6to4": "http://[2002:7f00:1::]:{port}/",
    "carrier-grade NAT": "http://100.64.0.1:{port}/",
    "a name for 10/8": "http://internal.example.com:{port}/",
    "a name for the metadata": "http://metadata.example.com/",
    "a name for loopback": "http://loop.example.com:{port}/",
    "a name for loopback in six": "http://loop-in-six.example.com:{port}/",
    "mixed records": "http://mixed.example.com:{port}/",
    "mixed records the other way": "http://mixed-the-other-way.example.com:{port}/",
    "a password": "http://user:password@public.example.com/",
    "another scheme": "ftp://public.example.com/",
    "a file": "file:///etc/passwd",
    "a mail server": "http://public.example.com:25/",
    "a database": "http://public.example.com:6379/",
}
HTML = ("text/html",)
LONG, SHORT = 3600.0, 0.1
"""Seconds: more than any machine takes for a page, and less than what never ends."""
PAGE = b"<p>Hello</p>"
Names = dict[str, list[str]]


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """What the names lead to; the system answers for others."""
    known = {name: list(addresses) for name, addresses in NAMES.items()}
    ask = socket.getaddrinfo

    def resolve(host: Any, *rest: Any, **more: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        return [answer for address in known.get(name, [host]) for answer in ask(address, *rest, **more)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return known


@pytest.fixture(autouse=True)
def connected(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that sockets were connected to; those outside of this machine are not reached."""
    tried: list[str] = []
    connect = asyncio.SelectorEventLoop.sock_connect

    async def note(loop: asyncio.SelectorEventLoop, sock: socket.socket, address: Any) -> None:
        tried.append(address[0])
        if address[0] not in ("127.0.0.1", "::1"):
            raise OSError("there is no network here")
        await connect(loop, sock, address)

    monkeypatch.setattr(asyncio.SelectorEventLoop, "sock_connect", note)
    return tried


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with running_site() as site:
        site.add("/", PAGE)
        yield site


def fetcher_for(*pairs: str, deadline: float = LONG) -> AbstractAsyncContextManager[SafeFetcher]:
    return SafeFetcher("https://avatarium.ai", pairs, deadline=deadline)


async def fetch(url: str, *pairs: str, max_bytes: int = 1000, deadline: float = LONG) -> Raw:
    async with fetcher_for(*pairs, deadline=deadline) as fetcher:
        return await fetcher.fetch(url, HTML, max_bytes)


async def refused(url: str, *pairs: str, max_bytes: int = 1000, deadline: float = LONG) -> FailureCode:
    with pytest.raises(Unreadable) as raised:
        await fetch(url, *pairs, max_bytes=max_bytes, deadline=deadline)
    assert raised.value.__suppress_context__ or raised.value.__context__ is None
    return raised.value.code


def open_ports(monkeypatch: pytest.MonkeyPatch, *ports: int) -> None:
    """The local server is on a random port, which no stranger may be asked on otherwise."""
    monkeypatch.setattr("adapters.fetching.safe_fetcher.PORTS", frozenset({80, 443, *ports}))


@pytest.mark.parametrize("url", BYPASSES.values(), ids=BYPASSES.keys())
async def test_no_spelling_leads_inside(
    site: Site, connected: list[str], monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    open_ports(monkeypatch, site.port)
    assert await refused(url.format(port=site.port)) is FailureCode.FORBIDDEN_ADDRESS
    assert (connected, site.requests) == ([], [])


@pytest.mark.parametrize("host", ["0177.0.0.1", "localhost.", "１２７.0.0.1", "127。0。0。1"])
async def test_what_systems_read_differently_leads_inside_on_none(
    site: Site, connected: list[str], monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    open_ports(monkeypatch, site.port)
    code = await refused(f"http://{host}:{site.port}/")
    assert code in (FailureCode.FORBIDDEN_ADDRESS, FailureCode.UNREACHABLE)
    assert (connected, site.requests) == ([], [])


async def test_a_name_that_changes_its_mind(site: Site, names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: the name leads outside when it is checked, and inside when it is connected to."""
    open_ports(monkeypatch, site.port)
    look_up = socket.getaddrinfo

    def rebind(host: Any, *rest: Any, **more: Any) -> Any:
        answers = look_up(host, *rest, **more)
        names["public.example.com"] = ["127.0.0.1"]
        return answers

    monkeypatch.setattr(socket, "getaddrinfo", rebind)
    assert await refused(f"http://public.example.com:{site.port}/") is FailureCode.FORBIDDEN_ADDRESS
    assert names["public.example.com"] == ["127.0.0.1"]
    assert site.requests == []


@pytest.mark.parametrize("url", ["http://public.example.com/", f"http://{PUBLIC}/", "https://public.example.com/"])
async def test_the_public_internet_is_tried(connected: list[str], url: str) -> None:
    assert await refused(url) is FailureCode.UNREACHABLE
    assert set(connected) == {PUBLIC}


async def test_an_allowed_pair_opens_nothing_else(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    open_ports(monkeypatch, site.port, 8080)
    pair = f"LOCALHOST:{site.port}"
    assert (await fetch(f"http://localhost:{site.port}/", pair)).body == PAGE
    assert (await fetch(f"HTTP://LocalHost:{site.port}/", pair)).body == PAGE
    for url in (site.origin, "http://localhost:8080/", "http://127.0.0.1:8080/"):
        assert await refused(url, pair) is FailureCode.FORBIDDEN_ADDRESS
    assert len(site.requests) == 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_leads_inside_as_little(
    site: Site, connected: list[str], monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    async with running_site() as outside:
        open_ports(monkeypatch, site.port)
        outside.answer("/", status=status, headers={"Location": f"{site.origin}/"})
        assert await refused(outside.origin, outside.pair) is FailureCode.FORBIDDEN_ADDRESS
        assert len(outside.requests) == 1
    assert (connected, site.requests) == (["127.0.0.1"], [])


@pytest.mark.parametrize("place", ["file:///etc/passwd", "gopher://127.0.0.1/", "http://user:password@{pair}/"])
async def test_a_redirect_to_another_protocol(site: Site, place: str) -> None:
    site.redirect("/away", place.format(pair=site.pair))
    assert await refused(f"{site.origin}/away", site.pair) is FailureCode.FORBIDDEN_ADDRESS
    assert len(site.requests) == 1


@pytest.mark.parametrize("place", ["http://[", "http://a:99999/", "//", "http://a..b/", "\xff://"])
async def test_a_redirect_to_nowhere(place: str) -> None:
    answer = b"HTTP/1.1 302 Found\r\nLocation: " + place.encode("latin-1") + b"\r\nContent-Length: 0\r\n\r\n"
    async with raw_server(answer) as pair:
        assert await refused(f"http://{pair}/", pair) in (FailureCode.UNREACHABLE, FailureCode.FORBIDDEN_ADDRESS)


@pytest.mark.parametrize("host", ["gone.example.com", "gone." + "a" * 64 + ".com"])
async def test_a_name_that_leads_nowhere(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    def resolve(*_asked: Any, **_more: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert await refused(f"http://{host}/") is FailureCode.UNREACHABLE


async def test_a_name_without_addresses(names: Names, connected: list[str]) -> None:
    names["empty.example.com"] = []
    assert await refused("http://empty.example.com/") is FailureCode.UNREACHABLE
    assert connected == []


async def test_refused_connections() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        pair = f"127.0.0.1:{taken.getsockname()[1]}"
        assert await refused(f"http://{pair}/", pair) is FailureCode.UNREACHABLE


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, FailureCode.REFUSED),
        (401, FailureCode.REFUSED),
        (403, FailureCode.REFUSED),
        (404, FailureCode.NOT_FOUND),
        (408, FailureCode.UNREACHABLE),
        (410, FailureCode.NOT_FOUND),
        (429, FailureCode.UNREACHABLE),
        (451, FailureCode.REFUSED),
        (500, FailureCode.UNREACHABLE),
        (503, FailureCode.UNREACHABLE),
        (302, FailureCode.UNREACHABLE),
        (304, FailureCode.UNREACHABLE),
    ],
)
async def test_statuses(site: Site, status: int, code: FailureCode) -> None:
    site.answer("/", status=status, headers={"Content-Type": "text/html"})
    assert await refused(site.origin, site.pair) is code


@pytest.mark.parametrize(
    "header", ["text/html", "Text/HTML; Charset=ISO-8859-2", "text/html;charset=", "text/html ; a=b", "text/html;"]
)
async def test_types_are_told_as_they_are_declared(site: Site, header: str) -> None:
    site.add("/", PAGE, header)
    assert (await fetch(site.origin, site.pair)).media_type == header


@pytest.mark.parametrize("header", ["application/pdf", "text/htmlx", "image/png; a=text/html"])
async def test_wrong_types_are_refused_before_the_body(site: Site, header: str) -> None:
    site.add("/", b"x" * 5000, header)
    assert await refused(site.origin, site.pair) is FailureCode.UNSUPPORTED_TYPE


async def test_a_page_without_a_type() -> None:
    async with raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi") as pair, fetcher_for(pair) as fetcher:
        assert (await fetcher.fetch(f"http://{pair}/", (), 10)).media_type == "application/octet-stream"
        with pytest.raises(Unreadable):
            await fetcher.fetch(f"http://{pair}/", HTML, 10)


async def test_headers_that_are_not_utf_8() -> None:
    answer = (
        b"HTTP/1.1 200 \xfcber\r\nX-Name: M\xfcller\r\nContent-Type: text/html; a=\xff\r\nContent-Length: 2\r\n\r\nhi"
    )
    async with raw_server(answer) as pair:
        assert (await fetch(f"http://{pair}/", pair)).body == b"hi"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 100\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000,
    ],
)
async def test_servers_that_speak_no_http(answer: bytes) -> None:
    async with raw_server(answer) as pair:
        assert await refused(f"http://{pair}/", pair) is FailureCode.UNREACHABLE


def streamed(parts: Callable[[web.StreamResponse], Awaitable[None]], **headers: str) -> Any:
    async def respond(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/html", **headers})
        await response.prepare(request)
        await parts(response)
        return response

    return respond


async def endless(response: web.StreamResponse) -> None:
    while True:
        await response.write(b"x" * 1000)


async def dripping(response: web.StreamResponse) -> None:
    while True:
        await response.write(b"x")
        await asyncio.sleep(0)


async def test_a_body_without_end(site: Site) -> None:
    site.pages["/"] = streamed(endless)
    assert await refused(site.origin, site.pair, max_bytes=100_000) is FailureCode.TOO_LARGE


async def test_a_body_that_says_that_it_is_too_large() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1001\r\n\r\n"
    async with raw_server(answer) as pair:
        assert await refused(f"http://{pair}/", pair) is FailureCode.TOO_LARGE


async def test_a_body_that_drips(site: Site) -> None:
    site.pages["/"] = streamed(dripping)
    assert await refused(site.origin, site.pair, max_bytes=10**9, deadline=SHORT) is FailureCode.UNREACHABLE


async def test_a_site_that_says_nothing(site: Site) -> None:
    async def silent(_request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    site.pages["/"] = silent
    assert await refused(site.origin, site.pair, deadline=SHORT) is FailureCode.UNREACHABLE


@pytest.mark.parametrize("size", [0, 1, 1000, UNPACKED_AT_ONCE - 1, UNPACKED_AT_ONCE, 3 * UNPACKED_AT_ONCE + 1])
@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip"])
async def test_a_packed_body(site: Site, size: int, encoding: str) -> None:
    body = (PAGE * (size // len(PAGE) + 1))[:size]
    site.answer("/", body=gzip.compress(body), headers={"Content-Type": "text/html", "Content-Encoding": encoding})
    assert (await fetch(site.origin, site.pair, max_bytes=size)).body == body
    if size:
        assert await refused(site.origin, site.pair, max_bytes=size - 1) is FailureCode.TOO_LARGE


async def test_a_bomb_is_not_unpacked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked: list[int] = []
    parts = Unpacking.parts

    def count(unpacking: Unpacking, data: bytes) -> Any:
        for part in parts(unpacking, data):
            unpacked.append(len(part))
            yield part

    monkeypatch.setattr(Unpacking, "parts", count)
    bomb = gzip.compress(bytes(100_000_000), compresslevel=9)
    site.answer("/", body=bomb, headers={"Content-Type": "text/html", "Content-Encoding": "gzip"})
    assert await refused(site.origin, site.pair, max_bytes=1_000_000) is FailureCode.TOO_LARGE
    assert max(unpacked) <= UNPACKED_AT_ONCE
    assert sum(unpacked) <= 1_000_000 + UNPACKED_AT_ONCE


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", PAGE),
        ("gzip", gzip.compress(PAGE)[:-9]),
        ("gzip", b""),
        ("gzip, gzip", gzip.compress(gzip.compress(PAGE))),
        ("br", PAGE),
        ("deflate", zlib.compress(PAGE)),
    ],
    ids=["not at all", "cut off", "empty", "twice", "br", "deflate"],
)
async def test_a_body_that_is_packed_badly(site: Site, encoding: str, body: bytes) -> None:
    site.answer("/", body=body, headers={"Content-Type": "text/html", "Content-Encoding": encoding})
    assert await refused(site.origin, site.pair) is FailureCode.BROKEN


async def test_what_sites_are_told(site: Site) -> None:
    site.answer("/", body=PAGE, headers={"Content-Type": "text/html", "Set-Cookie": "owner=1; Path=/"})
    async with fetcher_for(site.pair) as fetcher:
        for _ in range(2):
            await fetcher.fetch(f"{site.origin}/", HTML, 1000)
    for request in site.requests:
        assert dict(request.headers) == {
            "Host": site.pair,
            "Connection": "keep-alive",
            "User-Agent": "Avatarium (+https://avatarium.ai)",
            "Accept": "text/html",
            "Accept-Encoding": "gzip",
        }


async def test_no_proxy_is_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert (await fetch(site.origin, site.pair)).body == PAGE


async def test_no_address_is_logged(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    site.add("/?token=hunter2", PAGE)
    await fetch(f"{site.origin}/?token=hunter2", site.pair)
    await refused("http://public.example.com/?token=hunter2")
    assert "hunter2" not in caplog.text
    assert "public.example.com" not in caplog.text


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's certificate for `secure.example.com`, which this machine trusts."""
    key = new_key()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "secure.example.com")])
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), 1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("secure.example.com")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    public, both = tmp_path / "certificate.pem", tmp_path / "both.pem"
    public.write_bytes(certificate.public_bytes(Encoding.PEM))
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    both.write_bytes(public.read_bytes() + secret)
    monkeypatch.setenv("SSL_CERT_FILE", str(public))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return context


async def secure(trusted: ssl.SSLContext, host: str) -> Raw:
    async with running_site(trusted) as site:
        site.add("/", PAGE)
        return await fetch(f"https://{host}:{site.port}/", f"{host}:{site.port}")


async def test_tls(trusted: ssl.SSLContext, names: Names) -> None:
    names["secure.example.com"] = ["127.0.0.1"]
    assert (await secure(trusted, "secure.example.com")).body == PAGE


@pytest.mark.parametrize("host", ["other.example.com", "127.0.0.1"])
async def test_tls_for_another_name(trusted: ssl.SSLContext, names: Names, host: str) -> None:
    names["other.example.com"] = ["127.0.0.1"]
    with pytest.raises(Unreadable) as raised:
        await secure(trusted, host)
    assert raised.value.code is FailureCode.UNREACHABLE


async def test_tls_that_nobody_vouches_for(
    trusted: ssl.SSLContext, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    names["secure.example.com"] = ["127.0.0.1"]
    with pytest.raises(Unreadable) as raised:
        await secure(trusted, "secure.example.com")
    assert raised.value.code is FailureCode.UNREACHABLE


async def test_tls_with_a_server_that_has_none(site: Site) -> None:
    assert await refused(f"https://{site.pair}/", site.pair) is FailureCode.UNREACHABLE
