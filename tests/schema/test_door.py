"""GraphQL over HTTP, server-sent events and WebSocket: what the protocols ask for."""

import asyncio
from io import BytesIO
from typing import Any

import pytest

from tests.doors.doors import CHAT, REPLY, SEND, START
from tests.schema.conftest import Client, socket

QUERY = '{ publicAvatar(shortId: "DemoAvatar1") { name } }'
HEADERS = {"Accept": "text/html,application/xhtml+xml"}


async def test_queries_also_by_get_but_no_mutations(stranger: Client) -> None:
    url = f"{stranger.house.url}/graphql"
    async with stranger.http.get(url, params={"query": QUERY}) as response:
        assert (await response.json())["data"]["publicAvatar"]["name"] == "Ava"
    mutation = 'mutation { stopReply(input: {replyId: "x"}) { reply { id } } }'
    async with stranger.http.get(url, params={"query": mutation}) as response:
        assert response.status == 400
        assert (await response.json())["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


async def test_a_browser_is_shown_graphiql_that_loads_nothing_from_elsewhere(stranger: Client) -> None:
    async with stranger.http.get(f"{stranger.house.url}/graphql", headers=HEADERS) as response:
        page = await response.text()
    assert response.content_type == "text/html"
    assert "http://" not in page
    assert "https://" not in page


async def test_other_verbs_are_refused(stranger: Client) -> None:
    async with stranger.http.delete(f"{stranger.house.url}/graphql") as response:
        assert response.status == 405
        assert response.headers["Allow"] == "GET, POST, OPTIONS"
        assert (await response.json())["errors"][0]["extensions"]["code"] == "METHOD_NOT_ALLOWED"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"7", b'"text"', b"null", b"\xff\xfe", b'{"query": 7}', b'{"query": ""}']
)
async def test_a_body_that_is_no_operation_is_a_bad_request(stranger: Client, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    async with stranger.http.post(f"{stranger.house.url}/graphql", data=body, headers=headers) as response:
        assert response.status in (200, 400)
        assert (await response.json())["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


async def test_a_batch_is_refused(stranger: Client) -> None:
    async with stranger.http.post(f"{stranger.house.url}/graphql", json=[{"query": QUERY}] * 2) as response:
        assert response.status == 400
        [error] = (await response.json())["errors"]
    assert error["extensions"]["code"] == "BAD_REQUEST"
    assert "batches" in error["message"]


async def test_a_body_that_is_too_large_is_refused(stranger: Client) -> None:
    headers = {"Content-Type": "application/json"}
    async with stranger.http.post(
        f"{stranger.house.url}/graphql", data=BytesIO(b" " * 1_100_000), headers=headers
    ) as response:
        assert response.status == 413
        assert (await response.json())["errors"][0]["extensions"]["code"] == "PAYLOAD_TOO_LARGE"


@pytest.mark.parametrize("query", ["{ nobody }", "{ me { ", "query { avatars(first: 1", "{ publicAvatar { name } }"])
async def test_an_invalid_operation_is_a_bad_request(stranger: Client, query: str) -> None:
    assert await stranger.code(query) == "BAD_REQUEST"


async def test_any_site_may_call_with_a_bearer_token(stranger: Client) -> None:
    headers = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST",
               "Access-Control-Request-Headers": "authorization, content-type"}  # fmt: skip
    async with stranger.http.options(f"{stranger.house.url}/graphql", headers=headers) as response:
        assert response.status == 200
        assert response.headers["Access-Control-Allow-Origin"] in ("*", "https://shop.example")
        assert "Access-Control-Allow-Credentials" not in response.headers


async def test_limits_are_told_in_headers(stranger: Client) -> None:
    body = {"query": START, "variables": {"input": {"shortId": "DemoAvatar1"}}}
    async with stranger.http.post(f"{stranger.house.url}/graphql", json=body) as response:
        assert response.headers["X-RateLimit-Limit"] == "10"
        assert response.headers["X-RateLimit-Remaining"] == "9"
        assert response.headers["X-Request-Id"]


async def test_a_socket_signs_in_by_its_parameters(owner: Client) -> None:
    async with socket(owner, Authorization="Bearer owner-token") as opened:
        await opened.send_json(
            {"id": "1", "type": "subscribe", "payload": {"query": "{ avatars { edges { cursor } } }"}}
        )
        assert (await opened.receive_json())["payload"]["data"] == {"avatars": {"edges": []}}


async def test_a_socket_of_another_site_is_welcome(stranger: Client) -> None:
    async with socket(stranger, origin="https://shop.example") as opened:
        await opened.send_json({"type": "ping"})
        assert (await opened.receive_json())["type"] == "pong"


async def test_a_wrong_operation_is_an_error_with_its_code(stranger: Client) -> None:
    async with socket(stranger) as opened:
        await opened.send_json({"id": "1", "type": "subscribe", "payload": {"query": REPLY, "variables": {"id": "x"}}})
        message = await opened.receive_json()
        assert message["payload"]["errors"][0]["extensions"]["code"] == "NOT_FOUND"
        await opened.receive_json()
        await opened.send_json({"id": "2", "type": "subscribe", "payload": {"query": "subscription { nothing }"}})
        message = await opened.receive_json()
        assert message["type"] == "error"
        assert message["payload"][0]["extensions"]["code"] == "BAD_REQUEST"


async def test_a_reply_outlives_its_socket(stranger: Client) -> None:
    more = asyncio.Event()
    stranger.house.models.script(stranger.house.first, "Once ", more, "upon a time.")
    started = await stranger.data(START, input={"shortId": "DemoAvatar1"})
    sent: dict[str, Any] = {"sessionId": started["startSession"]["session"]["id"], "content": "Tell me"}
    async with socket(stranger) as opened:
        payload = {"query": CHAT, "variables": {"input": sent}}
        await opened.send_json({"id": "1", "type": "subscribe", "payload": payload})
        events = [(await opened.receive_json())["payload"]["data"]["chat"] for _ in range(2)]
    more.set()
    async with socket(stranger) as opened:
        payload = {"query": REPLY, "variables": {"id": events[-1]["replyId"], "after": events[-1]["seq"]}}
        await opened.send_json({"id": "1", "type": "subscribe", "payload": payload})
        while (message := await opened.receive_json())["type"] != "complete":
            events.append(message["payload"]["data"]["reply"])
    assert "".join(event["text"] for event in events if event["__typename"] == "ReplyChunk") == events[-1]["text"]


async def test_a_stopped_reply_keeps_what_was_said(stranger: Client) -> None:
    stranger.house.models.script(stranger.house.first, "Once ", asyncio.Event())
    started = await stranger.data(START, input={"shortId": "DemoAvatar1"})
    session = started["startSession"]["session"]["id"]
    reply = (await stranger.data(SEND, input={"sessionId": session, "content": "Tell me"}))["sendMessage"]["reply"]
    stop = "mutation ($input: StopReplyInput!) { stopReply(input: $input) { message { content status } } }"
    stopped = (await stranger.data(stop, input={"replyId": reply["id"]}))["stopReply"]["message"]
    assert stopped["status"] == "interrupted"
    assert stopped["content"] in ("", "Once ")


async def test_a_session_shows_its_messages_to_who_holds_its_id(stranger: Client) -> None:
    stranger.house.models.script(stranger.house.first, "Hello!")
    session = (await stranger.data(START, input={"shortId": "DemoAvatar1"}))["startSession"]["session"]
    sent = (await stranger.data(SEND, input={"sessionId": session["id"], "content": "Hi"}))["sendMessage"]
    async with socket(stranger) as opened:
        payload = {"query": REPLY, "variables": {"id": sent["reply"]["id"]}}
        await opened.send_json({"id": "1", "type": "subscribe", "payload": payload})
        while (await opened.receive_json())["type"] != "complete":
            pass
    query = """query ($id: ID!) { node(id: $id) { ... on Session { greeting messages(first: 1) {
      edges { cursor node { role content } } pageInfo { hasNextPage endCursor } } } } }"""
    shown = (await stranger.data(query, id=session["id"]))["node"]["messages"]
    assert shown["edges"][0]["node"] == {"role": "user", "content": "Hi"}
    assert shown["pageInfo"]["hasNextPage"]
    message = (await stranger.data("query ($id: ID!) { node(id: $id) { id } }", id=sent["message"]["id"]))["node"]
    assert message == {"id": sent["message"]["id"]}
