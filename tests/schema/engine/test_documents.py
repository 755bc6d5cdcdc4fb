"""Stored documents, asked for by their ids over every transport."""

import json
from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from typing import Any

import pytest

from tests.doors.doors import SEND, START
from tests.schema.conftest import Client, socket
from web.documents import documents

BY_NAME = {text.split("(")[0].split("{")[0].split()[1]: text for text in documents()}
UNKNOWN = "0" * 64
Sent = dict[str, Any]
Send = Callable[[Client, Sent], Awaitable[Any]]


def hash_of(name: str) -> str:
    return sha256(BY_NAME[name].encode()).hexdigest()


def apollo(hash_: str) -> Sent:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash_}}}


SPELLINGS: Mapping[str, Callable[[str], Sent]] = {
    "documentId": lambda hash_: {"documentId": f"sha256:{hash_}"},
    "bare documentId": lambda hash_: {"documentId": hash_},
    "Apollo's": apollo,
    "with an empty query": lambda hash_: {"documentId": f"sha256:{hash_}", "query": ""},
}


async def by_post(client: Client, sent: Sent) -> Any:
    async with client.http.post(f"{client.house.url}/graphql", json=sent) as response:
        return await response.json()


async def by_get(client: Client, sent: Sent) -> Any:
    params = {name: value if isinstance(value, str) else json.dumps(value) for name, value in sent.items()}
    async with client.http.get(f"{client.house.url}/graphql", params=params) as response:
        return await response.json()


async def by_events(client: Client, sent: Sent) -> Any:
    headers = {"Accept": "text/event-stream"}
    async with client.http.post(f"{client.house.url}/graphql", json=sent, headers=headers) as response:
        if response.content_type != "text/event-stream":
            return await response.json()
        lines = [line async for line in response.content]
    return next(json.loads(line[6:]) for line in lines if line.startswith(b"data: {"))


async def by_socket(client: Client, sent: Sent) -> Any:
    async with socket(client) as opened:
        await opened.send_json({"id": "1", "type": "subscribe", "payload": sent})
        message = await opened.receive_json()
    return {"errors": message["payload"]} if message["type"] == "error" else message["payload"]


TRANSPORTS = [by_post, by_get, by_events, by_socket]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("send", TRANSPORTS)
async def test_a_stored_document_is_executed(stranger: Client, send: Send, spelling: str) -> None:
    sent = SPELLINGS[spelling](hash_of("PublicAvatar")) | {"variables": {"shortId": "DemoAvatar1"}}
    assert (await send(stranger, sent))["data"]["publicAvatar"]["name"] == "Ava"


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("send", TRANSPORTS)
async def test_an_unknown_id_has_a_code_of_its_own(stranger: Client, send: Send, spelling: str) -> None:
    [error] = (await send(stranger, SPELLINGS[spelling](UNKNOWN)))["errors"]
    assert error["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
    assert error["extensions"]["requestId"]


@pytest.mark.parametrize("send", TRANSPORTS)
async def test_nobody_stores_a_document_by_sending_it(stranger: Client, send: Send) -> None:
    query = "query Mine { __typename }"
    asked = apollo(sha256(query.encode()).hexdigest())
    assert (await send(stranger, {"query": query, **asked}))["data"] == {"__typename": "Query"}
    [error] = (await send(stranger, asked))["errors"]
    assert error["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"


@pytest.mark.parametrize("send", [by_events, by_socket])
async def test_a_stored_subscription_streams(stranger: Client, send: Send) -> None:
    stranger.house.models.script(stranger.house.first, "Hello!")
    session = (await stranger.data(START, input={"shortId": "DemoAvatar1"}))["startSession"]["session"]["id"]
    reply = (await stranger.data(SEND, input={"sessionId": session, "content": "Hi"}))["sendMessage"]["reply"]["id"]
    sent = {"documentId": f"sha256:{hash_of('Reply')}", "variables": {"replyId": reply, "afterSeq": 0}}
    assert (await send(stranger, sent))["data"]["reply"]["__typename"] == "ReplyStarted"


@pytest.mark.parametrize("ask", [{"documentId": 7}, {"extensions": []}, {"extensions": {"persistedQuery": "x"}}])
async def test_an_id_that_is_none_is_a_bad_request(stranger: Client, ask: Sent) -> None:
    [error] = (await by_post(stranger, ask))["errors"]
    assert error["extensions"]["code"] == "BAD_REQUEST"


async def test_an_unknown_id_is_told_on_the_operation_and_the_socket_stays(stranger: Client) -> None:
    async with socket(stranger) as opened:
        for id_, hash_ in (("1", UNKNOWN), ("2", hash_of("Me"))):
            await opened.send_json({"id": id_, "type": "subscribe", "payload": {"documentId": hash_}})
        assert (await opened.receive_json())["type"] == "error"
        assert (await opened.receive_json())["payload"]["data"] == {"me": None}


async def test_an_unknown_id_before_the_acknowledgement_closes_with_4401(stranger: Client) -> None:
    url = f"{stranger.house.url}/graphql"
    async with stranger.http.ws_connect(url, protocols=["graphql-transport-ws"]) as opened:
        await opened.send_json({"id": "1", "type": "subscribe", "payload": {"documentId": UNKNOWN}})
        assert (await opened.receive()).data == 4401
