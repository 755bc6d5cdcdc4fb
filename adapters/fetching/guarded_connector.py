"""An aiohttp connector that reaches the public internet only: for every URL that a user gave."""

import socket
from collections.abc import Collection
from contextvars import ContextVar

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

from domain.network.addresses import host_port, is_public


class BlockedAddress(OSError):
    """The address lies within our own network. aiohttp hands it on as `ClientConnectorError.os_error`."""

    def __init__(self) -> None:
        super().__init__("the address is not on the public internet")


class GuardedConnector(aiohttp.TCPConnector):
    """Checks the very address that a socket is about to connect to.

    So it makes no difference how the address was spelled, what a name resolved to, or whether it
    resolved to something else a moment before. `allowed` holds `host:port` pairs, as they stand in
    the URL, that may lead into our own network. A session that uses it must not use a proxy.
    """

    def __init__(
        self, allowed: Collection[str] = (), *, limit: int = 100, resolver: AbstractResolver | None = None
    ) -> None:
        super().__init__(limit=limit, resolver=resolver, socket_factory=self._open_socket)
        self._allowed = frozenset(host_port(pair) for pair in allowed)
        self._exempt = ContextVar("exempt", default=False)

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        exempt = self._exempt.set(bool(self._allowed) and host_port(str(req.url)) in self._allowed)
        try:
            return await super().connect(req, traces, timeout)
        finally:
            self._exempt.reset(exempt)

    def _open_socket(self, address: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, target = address
        if not self._exempt.get() and not is_public(str(target[0])):
            raise BlockedAddress
        return socket.socket(family, kind, protocol)
