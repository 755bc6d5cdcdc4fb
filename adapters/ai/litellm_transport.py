"""What LiteLLM sends and receives goes through here: import it only after LiteLLM, which is slow to load."""

from collections.abc import AsyncIterator
from typing import cast

import aiohttp
import httpx
from litellm.llms.custom_httpx.aiohttp_transport import LiteLLMAiohttpTransport

ENDING_MAX = 32


class WatchedTransport(LiteLLMAiohttpTransport):
    """One call's requests over a shared aiohttp session.

    LiteLLM leaves an abandoned response to the garbage collector, hence `close_response`. Its
    exceptions call most failures a 500, hence `response`, the last one, with its true status. And it
    makes up a finish reason where none came, hence `saw_the_end`: whether `ending` was in the bytes.
    """

    def __init__(self, session: aiohttp.ClientSession, ending: bytes) -> None:
        super().__init__(client=session, owns_session=False)
        self.response: httpx.Response | None = None
        self.saw_the_end = False
        self._ending = ending

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        # The ending could not be seen in compressed bytes.
        request.headers["Accept-Encoding"] = "identity"
        response = await super().handle_async_request(request)
        response.stream = WatchedBytes(cast(httpx.AsyncByteStream, response.stream), self)
        self.response = response
        return response

    def watch(self, data: bytes) -> None:
        self.saw_the_end = self.saw_the_end or self._ending in data

    async def close_response(self) -> None:
        """Closes the connection unless the response was read to its end."""
        if self.response:
            await self.response.aclose()


class WatchedBytes(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream, transport: WatchedTransport) -> None:
        self._stream = stream
        self._transport = transport

    async def __aiter__(self) -> AsyncIterator[bytes]:
        last = b""
        async for data in self._stream:
            self._transport.watch(last + data)
            # The ending may be cut in two.
            last = (last + data)[-ENDING_MAX:]
            yield data

    async def aclose(self) -> None:
        await self._stream.aclose()
