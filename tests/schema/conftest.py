"""A GraphQL client over a served house."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from domain.accounts import Identity
from tests.served import House

Payload = dict[str, Any]


@dataclass(slots=True)
class Client:
    house: House
    http: aiohttp.ClientSession
    token: str | None = None

    async def post(self, query: str, **variables: object) -> Payload:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        body = {"query": query, "variables": variables}
        async with self.http.post(f"{self.house.url}/graphql", json=body, headers=headers) as response:
            payload: Payload = await response.json()
            return payload

    async def data(self, query: str, **variables: object) -> Payload:
        payload = await self.post(query, **variables)
        assert "errors" not in payload, payload["errors"]
        data: Payload = payload["data"]
        return data

    async def code(self, query: str, **variables: object) -> str:
        """The code of the error that the operation must meet."""
        error = (await self.post(query, **variables))["errors"][0]
        assert error["extensions"]["requestId"]
        return str(error["extensions"]["code"])


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as http:
        yield http


@pytest.fixture
def stranger(house: House, http: aiohttp.ClientSession) -> Client:
    return Client(house, http)


@pytest.fixture
def owner(house: House, http: aiohttp.ClientSession) -> Client:
    house.sign_in.add("owner-token", Identity("firebase:owner", "owner@example.com"))
    return Client(house, http, "owner-token")


@pytest.fixture
def other(house: House, http: aiohttp.ClientSession) -> Client:
    """Somebody else who signed in."""
    house.sign_in.add("other-token", Identity("firebase:other", "other@example.com"))
    return Client(house, http, "other-token")


Socket = aiohttp.ClientWebSocketResponse


@asynccontextmanager
async def socket(client: Client, origin: str | None = None, **params: str) -> AsyncIterator[Socket]:
    headers = {"Origin": origin} if origin else {}
    async with client.http.ws_connect(
        f"{client.house.url}/graphql", protocols=["graphql-transport-ws"], headers=headers
    ) as opened:
        await opened.send_json({"type": "connection_init", "payload": params})
        assert (await opened.receive_json())["type"] == "connection_ack"
        yield opened


async def over_socket(client: Client, query: str, **variables: object) -> tuple[str, Any]:
    """The first answer to an operation: `next` with its payload, or `error` with the list of errors."""
    async with socket(client) as opened:
        payload = {"query": query, "variables": variables}
        await opened.send_json({"id": "1", "type": "subscribe", "payload": payload})
        message = await opened.receive_json()
        return message["type"], message["payload"]
