"""What visitors see of an avatar, and how they start a session with it, as the API reference documents it."""

import httpx
import pytest

from tests.compatibility.people import MODEL, OWNER, STRANGER, Owner, bearer, code_of, session_of
from tests.fakes.clock import FakeClock
from tests.fakes.models import ScriptedModels

DOCUMENTED_PUBLIC = {
    "shortId", "name", "tagline", "avatarModelUrl", "avatarBody", "backgroundColor", "greeting",
    "voiceGender", "ttsProvider", "allowEmbedding",
}  # fmt: skip


async def test_the_public_avatar_is_what_is_documented(http: httpx.AsyncClient, short_id: str) -> None:
    response = await http.get(f"/public/avatar/{short_id}")
    data = response.json()["data"]
    assert set(data) == DOCUMENTED_PUBLIC | {"voiceId", "voiceChatEnabled", "hasPassword"}
    assert data["shortId"] == short_id
    assert data["backgroundColor"] == "#0A0A0F"
    assert data["allowEmbedding"] is True


async def test_each_look_counts_as_a_view_and_each_session_as_a_conversation(owner: Owner, short_id: str) -> None:
    for _ in range(2):
        await owner.http.get(f"/public/avatar/{short_id}")
    await session_of(owner.http, short_id)
    listed = (await owner.request("GET", "/consumer-avatars")).json()["data"][0]
    assert (listed["viewCount"], listed["conversationCount"]) == (2, 1)


@pytest.mark.parametrize("hidden", [{"isPublic": False}, {"status": "paused"}, None], ids=["private", "paused", "none"])
async def test_what_is_not_open_does_not_exist(owner: Owner, short_id: str, hidden: dict[str, object] | None) -> None:
    session_id = await session_of(owner.http, short_id)
    if hidden:
        await owner.change(short_id, **hidden)
    address = f"/public/avatar/{short_id if hidden else 'unknown1234'}"
    said = {"sessionId": session_id, "message": "Hello"}
    for method, path, body in (
        ("GET", "", None),
        ("POST", "/session", {}),
        ("POST", "/chat", said),
        ("POST", f"/session/{session_id}/end", None),
        ("POST", "/verify-password", {"password": "x"}),
    ):
        response = await owner.http.request(method, address + path, json=body, headers=bearer(STRANGER))
        assert code_of(response) == (404, "NOT_FOUND"), path


async def test_owners_can_preview_what_is_not_open(owner: Owner, short_id: str, models: ScriptedModels) -> None:
    models.script(MODEL, "Hello there.")
    await owner.change(short_id, isPublic=False, status="paused")
    assert (await owner.request("GET", f"/public/avatar/{short_id}")).status_code == 200
    started = await owner.request("POST", f"/public/avatar/{short_id}/session", {})
    said = {"sessionId": started.json()["data"]["sessionId"], "message": "Hello"}
    answer = await owner.request("POST", f"/public/avatar/{short_id}/chat", said)
    assert answer.json()["data"]["displayText"] == "Hello there."


async def test_starting_a_session_answers_what_is_documented(http: httpx.AsyncClient, short_id: str) -> None:
    body = {"visitorName": "John", "visitorEmail": "john@example.com", "source": "embed"}
    response = await http.post(f"/public/avatar/{short_id}/session", json=body)
    data = response.json()["data"]
    assert set(data) == {"sessionId", "greeting"}
    assert data["greeting"] == "Hi! How can I help you today?"


@pytest.mark.parametrize("body", [b"", b"{}", b'{"visitorName": null, "visitorEmail": null, "source": null}'])
async def test_a_session_needs_nothing(http: httpx.AsyncClient, short_id: str, body: bytes) -> None:
    assert (await http.post(f"/public/avatar/{short_id}/session", content=body)).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"source": "carrier pigeon"}, "source"),
        ({"visitorName": 5}, "visitorName"),
        ({"visitorEmail": "nowhere"}, "visitorEmail"),
        ([], "body"),
    ],
)
async def test_wrong_visitors(http: httpx.AsyncClient, short_id: str, body: object, field: str) -> None:
    response = await http.post(f"/public/avatar/{short_id}/session", json=body)
    assert code_of(response) == (400, "BAD_REQUEST")
    assert response.json()["error"]["details"]["field"] == field


async def test_ten_sessions_a_minute(http: httpx.AsyncClient, short_id: str, clock: FakeClock) -> None:
    address = f"/public/avatar/{short_id}/session"
    responses = [await http.post(address) for _ in range(10)]
    assert {response.headers["x-ratelimit-limit"] for response in responses} == {"10"}
    assert responses[-1].headers["x-ratelimit-remaining"] == "0"
    refused = await http.post(address)
    assert code_of(refused) == (429, "RATE_LIMIT_EXCEEDED")
    assert refused.headers["retry-after"] == "60"
    assert (await http.post(address, headers={"x-test-ip": "192.0.2.2"})).status_code == 200
    clock.advance(60)
    assert (await http.post(address)).status_code == 200


async def test_the_password_flow(owner: Owner, short_id: str) -> None:
    await owner.change(short_id, password="open sesame")
    http, address = owner.http, f"/public/avatar/{short_id}"
    assert (await http.get(address)).json()["data"]["hasPassword"] is True
    assert code_of(await http.post(f"{address}/session")) == (401, "PASSWORD_REQUIRED")
    wrong = await http.post(f"{address}/session", json={"password": "sesame"})
    assert code_of(wrong) == (401, "INVALID_PASSWORD")
    assert code_of(await http.post(f"{address}/verify-password", json={"password": "no"})) == (401, "INVALID_PASSWORD")
    right = await http.post(f"{address}/verify-password", json={"password": "open sesame"})
    assert right.json()["data"] == {"valid": True}
    assert (await http.post(f"{address}/session", json={"password": "open sesame"})).status_code == 200


async def test_five_passwords_a_minute(owner: Owner, short_id: str, clock: FakeClock) -> None:
    await owner.change(short_id, password="open sesame")
    address = f"/public/avatar/{short_id}/verify-password"
    guesses = [await owner.http.post(address, json={"password": f"guess {n}"}) for n in range(5)]
    assert [guess.headers["x-ratelimit-remaining"] for guess in guesses] == ["4", "3", "2", "1", "0"]
    refused = await owner.http.post(address, json={"password": "open sesame"})
    assert code_of(refused) == (429, "RATE_LIMIT_EXCEEDED")
    assert (refused.headers["x-ratelimit-limit"], refused.headers["retry-after"]) == ("5", "60")
    clock.advance(60)
    assert (await owner.http.post(address, json={"password": "open sesame"})).status_code == 200


async def test_a_password_must_be_text(http: httpx.AsyncClient, short_id: str) -> None:
    for body in ({}, {"password": 1}, {"password": None}):
        response = await http.post(f"/public/avatar/{short_id}/verify-password", json=body)
        assert response.json()["error"]["details"]["field"] == "password"


async def test_a_bad_token_does_not_shut_visitors_out(http: httpx.AsyncClient, short_id: str) -> None:
    response = await http.get(f"/public/avatar/{short_id}", headers=bearer("forged"))
    assert response.status_code == 200


async def test_the_socket_address_says_how_to_open_it(http: httpx.AsyncClient, short_id: str) -> None:
    response = await http.get(f"/public/avatar/{short_id}/ws")
    assert code_of(response) == (400, "BAD_REQUEST")
    assert "WebSocket" in response.json()["error"]["message"]


async def test_an_owner_token_is_no_key_to_other_avatars(owner: Owner, short_id: str) -> None:
    await owner.change(short_id, isPublic=False)
    for token in (STRANGER, "forged"):
        response = await owner.http.get(f"/public/avatar/{short_id}", headers=bearer(token))
        assert code_of(response) == (404, "NOT_FOUND")
    assert (await owner.http.get(f"/public/avatar/{short_id}", headers=bearer(OWNER))).status_code == 200
