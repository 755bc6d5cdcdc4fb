"""The streaming client of the OpenAI chat protocol: one aiohttp session, raw bytes."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import aiohttp
import orjson

from adapters.ai.failures import http_failure
from adapters.ai.openai_events import EventParser
from adapters.fetching.guarded_connector import BlockedAddress
from domain.ai.providers import Delta, TextDelta
from domain.errors import ProviderFailure

# Time to see the end of a response after its last event, without which its connection cannot serve again.
GRACE = 0.05
# A screen shows no more than sixty pictures a second, so words are read no more often.
FRAME = 1 / 60
NOT_STREAMS = frozenset({"text/html", "application/json"})


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """Where a request goes, and all of it. Key and words are never shown."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: Mapping[str, object] = field(repr=False)


def open_session(connector: aiohttp.BaseConnector, connect_timeout: float) -> aiohttp.ClientSession:
    """A session that keeps users apart: no cookies, no proxy or password from the environment.

    Answers are not decompressed, since a compressed one can grow without bound. How long a reply
    may take is the failover's business, so only connecting has a limit here.
    """
    return aiohttp.ClientSession(
        connector=connector,
        trust_env=False,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, connect=connect_timeout),
        headers={
            "Accept": "text/event-stream",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            "User-Agent": "Avatarium",
        },
    )


async def one_frame() -> None:
    await asyncio.sleep(FRAME)


class OpenAiStream:
    """Streams replies over a session that its maker opened with `open_session` and closes.

    `frame` returns when words may be read again after some were read.
    """

    def __init__(self, session: aiohttp.ClientSession, frame: Callable[[], Awaitable[None]] = one_frame) -> None:
        self._session = session
        self._frame = frame

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta]:
        """One reply: the first words at once, then at most a delta for each frame. Raises `ProviderFailure`.

        Closing it early closes the connection, which tells the provider to stop.
        """
        parser = EventParser()
        response = await self._opened(request)
        try:
            require_stream(response)
            async for data in response.content.iter_any():
                text = parser.feed(data)
                if text:
                    yield TextDelta(text)
                if parser.ended:
                    break
                if text:
                    await self._gather(response)
            if rest := parser.feed(b"\n"):
                yield TextDelta(rest)
            parser.require_whole()
            if parser.usage:
                yield parser.usage
            await read_to_end(response.content)
        except (aiohttp.ClientError, OSError):
            raise ProviderFailure("broken_stream") from None
        finally:
            response.release()

    async def _gather(self, response: aiohttp.ClientResponse) -> None:
        """Lets the words of one frame wait in the socket, where they cost nothing, for the next read.

        A response without a connection has arrived whole: nothing more is to be waited for.
        """
        if (connection := response.connection) and (transport := connection.transport):
            transport.pause_reading()
            await self._frame()
            transport.resume_reading()

    async def _opened(self, request: ChatRequest) -> aiohttp.ClientResponse:
        try:
            return await self._session.post(
                request.url, data=orjson.dumps(request.body), headers=request.headers, allow_redirects=False
            )
        except (aiohttp.ClientError, OSError) as error:
            raise connection_failure(error) from None
        except (ValueError, TypeError):
            raise ProviderFailure("unsendable_request", refused=True) from None


def require_stream(response: aiohttp.ClientResponse) -> None:
    if response.status != 200:
        raise http_failure(response.status, response.headers.get("Retry-After"))
    if response.content_type in NOT_STREAMS:
        raise ProviderFailure("not_a_stream")


def connection_failure(error: aiohttp.ClientError | OSError) -> ProviderFailure:
    """Our own word for what kept a request from being answered."""
    match error:
        case aiohttp.ClientConnectorError(os_error=BlockedAddress()):
            return ProviderFailure("blocked_address", refused=True)
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return ProviderFailure("bad_address", refused=True)
        case aiohttp.ClientConnectorDNSError():
            return ProviderFailure("unknown_host")
        case aiohttp.ClientSSLError():
            return ProviderFailure("tls_failed")
        case TimeoutError():
            return ProviderFailure("connect_timeout")
        case aiohttp.ClientConnectorError():
            return ProviderFailure("unreachable")
        case _:
            return ProviderFailure("no_answer")


async def read_to_end(content: aiohttp.StreamReader) -> None:
    """Waits a moment for the end of a response whose events are over."""
    with suppress(aiohttp.ClientError, OSError):
        async with asyncio.timeout(GRACE):
            while not content.at_eof():
                await content.readany()
