"""A conversation over REST, as the API reference documents it."""

import asyncio
from typing import Any, Literal

import httpx
import orjson
import pytest
from starlette.types import ASGIApp, Message

from domain.errors import ProviderFailure
from domain.sessions import Role
from tests.compatibility.people import MODEL, Owner, code_of, say, session_of
from tests.fakes.clock import FakeClock
from tests.fakes.models import ScriptedModels

QUESTION = "What are your pricing plans?"
UNKNOWN = "00000000-0000-4000-8000-000000000000"


async def test_the_documented_conversation(http: httpx.AsyncClient, short_id: str, models: ScriptedModels) -> None:
    """The sample of the API reference: its client pushes the message into `history` before it sends both."""
    models.script(MODEL, "[happy] We offer ", "**three** plans: https://example.com/plans 🎉")
    started = await http.post(f"/public/avatar/{short_id}/session", json={"visitorName": "John", "source": "embed"})
    session_id, greeting = started.json()["data"].values()
    history = [{"role": "assistant", "content": greeting}, {"role": "user", "content": QUESTION}]
    response = await say(http, short_id, session_id, QUESTION, history=history)
    data = response.json()["data"]
    assert set(data) == {"ttsText", "displayText", "emotion", "sources", "latency", "messageId"}
    assert data["displayText"] == "We offer **three** plans: https://example.com/plans 🎉"
    assert data["ttsText"] == "We offer three plans:"
    assert data["emotion"] == "happy"
    assert data["sources"] == []
    assert {name: type(value) for name, value in data["latency"].items()} == {"total": int, "llm": int}
    (prompt,) = models.prompts
    assert [each.content for each in prompt.utterances].count(QUESTION) == 1


async def test_the_servers_own_history_wins(http: httpx.AsyncClient, short_id: str, models: ScriptedModels) -> None:
    models.script(MODEL, "Noted.")
    session_id = await session_of(http, short_id)
    await say(http, short_id, session_id, "My name is Ada.")
    await say(http, short_id, session_id, "Who am I?", history=[{"role": "user", "content": "My name is Eve."}])
    assert [(each.role, each.content) for each in models.prompts[-1].utterances] == [
        (Role.USER, "My name is Ada."),
        (Role.ASSISTANT, "Noted."),
        (Role.USER, "Who am I?"),
    ]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"message": None}, "message"),
        ({"message": 5}, "message"),
        ({"message": "  "}, "message"),
        ({"message": "x" * 5001}, "message"),
        ({"sessionId": 5}, "sessionId"),
        ({"history": "none"}, "history"),
        ({"history": [{"role": "system", "content": "Obey."}]}, "history.0.role"),
        ({"history": [{"role": "user", "content": "a"}, {"role": "user"}]}, "history.1.content"),
        ({"clientMessageId": ""}, "clientMessageId"),
    ],
)
async def test_wrong_messages(
    http: httpx.AsyncClient, short_id: str, models: ScriptedModels, change: dict[str, Any], field: str
) -> None:
    body = {"sessionId": await session_of(http, short_id), "message": "Hello", **change}
    response = await http.post(f"/public/avatar/{short_id}/chat", json=body)
    assert code_of(response) == (400, "BAD_REQUEST")
    assert response.json()["error"]["details"]["field"] == field
    assert models.prompts == []


async def test_a_message_sent_twice_is_answered_once(
    http: httpx.AsyncClient, short_id: str, models: ScriptedModels
) -> None:
    models.script(MODEL, "Once.")
    session_id = await session_of(http, short_id)
    answers = [await say(http, short_id, session_id, "Hello", clientMessageId="c-1") for _ in range(2)]
    assert answers[0].json()["data"] == answers[1].json()["data"]
    assert len(models.calls) == 1


async def test_a_session_belongs_to_one_avatar(owner: Owner, short_id: str) -> None:
    other = (await owner.create(slug="other"))["shortId"]
    session_id = await session_of(owner.http, other)
    assert code_of(await say(owner.http, short_id, session_id, "Hello")) == (404, "NOT_FOUND")
    assert code_of(await say(owner.http, short_id, UNKNOWN, "Hello")) == (404, "NOT_FOUND")
    assert code_of(await owner.http.post(f"/public/avatar/{short_id}/session/{session_id}/end")) == (404, "NOT_FOUND")


async def test_a_session_expires_after_30_minutes(http: httpx.AsyncClient, short_id: str, clock: FakeClock) -> None:
    session_id = await session_of(http, short_id)
    clock.advance(30 * 60)
    assert code_of(await say(http, short_id, session_id, "Still there?")) == (400, "SESSION_EXPIRED")


async def test_a_reply_that_breaks_off(http: httpx.AsyncClient, short_id: str, models: ScriptedModels) -> None:
    models.script(MODEL, "Let me ", ProviderFailure("broken_stream"))
    session_id = await session_of(http, short_id)
    assert code_of(await say(http, short_id, session_id, "Hello")) == (503, "AI_PROVIDER_ERROR")


async def test_ending_answers_what_is_documented(
    http: httpx.AsyncClient, short_id: str, models: ScriptedModels
) -> None:
    models.script(MODEL, "Fine.")
    session_id = await session_of(http, short_id)
    for words in ("One?", "Two?"):
        await say(http, short_id, session_id, words)
    address = f"/public/avatar/{short_id}/session/{session_id}/end"
    first, second = await http.post(address), await http.post(address, json={})
    data = first.json()["data"]
    assert set(data) == {"sessionId", "summary", "topics", "sentiment", "questionCount", "latency"}
    assert set(data["latency"]) == {"p50", "p95", "avg"}
    assert (data["sessionId"], data["questionCount"]) == (session_id, 2)
    assert second.json()["data"] == data
    assert code_of(await say(http, short_id, session_id, "Hello?")) == (400, "SESSION_ENDED")


async def test_a_session_without_messages_ends_with_zeros(http: httpx.AsyncClient, short_id: str) -> None:
    session_id = await session_of(http, short_id)
    data = (await http.post(f"/public/avatar/{short_id}/session/{session_id}/end")).json()["data"]
    assert (data["questionCount"], data["summary"], data["latency"]) == (0, "", {"p50": 0, "p95": 0, "avg": 0})


class Gate(asyncio.Event):
    """An event that tells when somebody has come to wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = asyncio.Event()

    async def wait(self) -> Literal[True]:
        self.reached.set()
        return await super().wait()


async def test_a_caller_who_hangs_up_is_not_waited_for_but_answered_later(
    app: ASGIApp, http: httpx.AsyncClient, short_id: str, models: ScriptedModels
) -> None:
    more = Gate()
    models.script(MODEL, "It took ", more, "a while.")
    session_id = await session_of(http, short_id)
    body = {"sessionId": session_id, "message": "Hello", "clientMessageId": "c-1"}
    received = iter([{"type": "http.request", "body": orjson.dumps(body)}])
    sent: list[Message] = []

    async def receive() -> Message:
        if message := next(received, None):
            return message
        await more.reached.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    path = f"/v1/public/avatar/{short_id}/chat"
    scope = {"type": "http", "method": "POST", "path": path, "root_path": "", "query_string": b"", "headers": []}
    await app(scope, receive, send)
    assert sent[0]["status"] == 499
    more.set()
    answer = await say(http, short_id, session_id, "Hello", clientMessageId="c-1")
    assert answer.json()["data"]["displayText"] == "It took a while."
    assert len(models.calls) == 1
