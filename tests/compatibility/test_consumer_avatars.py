"""An owner's avatars, as the API reference documents them."""

import httpx
import orjson
import pytest

from tests.compatibility.people import DOCUMENTED, STRANGER, Owner, bearer
from tests.fakes.clock import FakeClock

CREATED = {"id", "shortId", "slug", "name", "avatarType", "url", "embedUrl", "createdAt"}
LISTED = {
    "id", "shortId", "slug", "name", "tagline", "avatarPreset", "avatarType", "isPublic", "status",
    "viewCount", "conversationCount", "voiceChatEnabled", "url", "createdAt",
}  # fmt: skip
FULL = LISTED | set(DOCUMENTED) | {
    "embedUrl", "updatedAt", "backgroundColor", "systemPrompt", "voiceId", "aiBaseUrl", "aiKeyLast4",
    "allowEmbedding", "hasPassword", "quizMode", "quizDifficulty",
}  # fmt: skip
CHANGES = {
    "personality": "Updated personality",
    "voiceChatEnabled": True,
    "status": "paused",
    "traits": ["friendly", "expert"],
    "quizMode": True,
    "quizDifficulty": "medium",
}


async def test_creating_answers_what_is_documented(owner: Owner) -> None:
    response = await owner.request("POST", "/consumer-avatars", DOCUMENTED)
    assert (response.status_code, set(response.json())) == (200, {"data", "meta"})
    data = response.json()["data"]
    assert set(data) == CREATED
    assert data["slug"] == "my-avatar"
    assert data["name"] == "Sales Assistant"
    assert data["avatarType"] == "interactive"
    assert data["url"] == f"https://avatarium.ai/a/{data['shortId']}"
    assert data["embedUrl"] == f"https://avatarium.ai/a/{data['shortId']}/embed"
    assert data["createdAt"] == "2026-01-01T12:00:00Z"


async def test_a_created_avatar_keeps_every_field_that_was_sent(owner: Owner) -> None:
    created = await owner.create()
    full = (await owner.request("GET", f"/consumer-avatars/{created['id']}")).json()["data"]
    assert set(full) == FULL | {"knowledge"}
    assert {name: full[name] for name in DOCUMENTED} == DOCUMENTED
    assert (full["knowledge"], full["hasPassword"], full["aiKeyLast4"]) == ([], False, None)
    assert "Sales Assistant" in full["systemPrompt"]


async def test_three_fields_are_enough(owner: Owner) -> None:
    """The defaults that the OpenAPI document tells are the ones that an avatar gets."""
    least = {name: DOCUMENTED[name] for name in ("slug", "name", "avatarModelUrl")}
    created = (await owner.request("POST", "/consumer-avatars", least)).json()["data"]
    full = (await owner.request("GET", f"/consumer-avatars/{created['id']}")).json()["data"]
    assert full["greeting"] == "Hi! How can I help you today?"
    assert (full["avatarBody"], full["backgroundColor"], full["ttsProvider"]) == ("F", "#0A0A0F", "groq")
    assert (full["isPublic"], full["allowEmbedding"], full["status"]) == (True, True, "active")


async def test_listing_answers_what_is_documented(owner: Owner) -> None:
    await owner.create()
    listing = (await owner.request("GET", "/consumer-avatars")).json()
    assert set(listing) == {"data", "hasAccount", "meta"}
    assert listing["hasAccount"] is True
    assert [set(item) for item in listing["data"]] == [LISTED]
    assert listing["data"][0]["viewCount"] == listing["data"][0]["conversationCount"] == 0


async def test_a_newcomer_has_no_account_yet(owner: Owner) -> None:
    listing = (await owner.request("GET", "/consumer-avatars")).json()
    assert (listing["data"], listing["hasAccount"]) == ([], False)


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_an_update_changes_only_what_was_sent(owner: Owner, clock: FakeClock, method: str) -> None:
    created = await owner.create()
    before = (await owner.request("GET", f"/consumer-avatars/{created['id']}")).json()["data"]
    clock.advance(60)
    response = await owner.request(method, f"/consumer-avatars/{created['shortId']}", CHANGES)
    after = response.json()["data"]
    assert set(after) == FULL
    assert {name: after[name] for name in CHANGES} == CHANGES
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"personality", "status", "traits", "quizMode", "systemPrompt", "updatedAt"}
    assert "friendly, expert" in after["systemPrompt"]


async def test_an_empty_update_changes_nothing(owner: Owner) -> None:
    created = await owner.create()
    before = (await owner.request("GET", f"/consumer-avatars/{created['id']}")).json()["data"]
    after = (await owner.change(created["id"])).json()["data"]
    assert {**after, "knowledge": []} == before


async def test_null_clears_what_may_be_empty_and_nothing_else(owner: Owner) -> None:
    created = await owner.create()
    assert (await owner.change(created["id"], tagline=None)).json()["data"]["tagline"] is None
    refused = await owner.change(created["id"], slug=None)
    assert (refused.status_code, refused.json()["error"]["details"]["field"]) == (400, "slug")


async def test_secrets_are_write_only(owner: Owner) -> None:
    created = await owner.create(aiApiKey="gsk-very-secret-1234", password="open sesame")
    shown = await owner.request("GET", f"/consumer-avatars/{created['id']}")
    assert shown.json()["data"]["aiKeyLast4"] == "1234"
    assert shown.json()["data"]["hasPassword"] is True
    assert not {"aiApiKey", "password", "passwordHash", "aiKey"} & set(shown.json()["data"])
    assert "very-secret" not in shown.text
    assert "sesame" not in shown.text
    cleared = (await owner.change(created["id"], aiApiKey=None, password="")).json()["data"]
    assert (cleared["aiKeyLast4"], cleared["hasPassword"]) == (None, False)


async def test_gemini_is_another_name_of_google(owner: Owner) -> None:
    created = await owner.create(aiProvider="gemini", aiModel=None)
    full = (await owner.request("GET", f"/consumer-avatars/{created['id']}")).json()["data"]
    assert full["aiProvider"] == "google"


async def test_deleting_answers_what_is_documented(owner: Owner) -> None:
    created = await owner.create()
    response = await owner.request("DELETE", f"/consumer-avatars/{created['id']}")
    assert response.json() == {"success": True, "meta": response.json()["meta"]}
    again = await owner.request("DELETE", f"/consumer-avatars/{created['id']}")
    assert (again.status_code, again.json()["error"]["code"]) == (404, "NOT_FOUND")


async def test_another_owners_avatar_does_not_exist(owner: Owner, http: httpx.AsyncClient) -> None:
    created = await owner.create()
    stranger = Owner(http, bearer(STRANGER))
    for method, body in (("GET", None), ("PATCH", {"name": "Mine"}), ("PUT", {}), ("DELETE", None)):
        response = await stranger.request(method, f"/consumer-avatars/{created['id']}", body)
        assert (response.status_code, response.json()["error"]) == (
            404,
            {"code": "NOT_FOUND", "message": "Avatar not found"},
        )
    assert (await stranger.request("GET", "/consumer-avatars")).json()["data"] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/consumer-avatars"),
        ("POST", "/consumer-avatars"),
        ("GET", "/consumer-avatars/abc12345678"),
        ("PATCH", "/consumer-avatars/abc12345678"),
        ("DELETE", "/consumer-avatars/abc12345678"),
    ],
)
async def test_strangers_must_sign_in(http: httpx.AsyncClient, method: str, path: str) -> None:
    content = orjson.dumps(DOCUMENTED)
    response = await http.request(method, path, content=content)
    assert (response.status_code, response.json()["error"]["code"]) == (401, "UNAUTHORIZED")
    assert response.headers["www-authenticate"] == "Bearer"
    wrong = await http.request(method, path, content=content, headers=bearer("forged"))
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "TOKEN_INVALID")


async def test_a_slug_is_taken_once(owner: Owner) -> None:
    await owner.create()
    response = await owner.request("POST", "/consumer-avatars", DOCUMENTED)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "SLUG_TAKEN")


async def test_three_avatars_in_five_minutes(owner: Owner, clock: FakeClock) -> None:
    remaining = []
    for number in range(3):
        response = await owner.request("POST", "/consumer-avatars", DOCUMENTED | {"slug": f"number-{number}"})
        assert response.headers["x-ratelimit-limit"] == "3"
        remaining.append(response.headers["x-ratelimit-remaining"])
    assert remaining == ["2", "1", "0"]
    refused = await owner.request("POST", "/consumer-avatars", DOCUMENTED | {"slug": "number-4"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "RATE_LIMIT_EXCEEDED")
    assert refused.headers["retry-after"] == "300"
    assert refused.headers["x-ratelimit-remaining"] == "0"
    assert int(refused.headers["x-ratelimit-reset"]) == clock.now().timestamp() + 300
    clock.advance(300)
    assert (await owner.create(slug="number-4"))["slug"] == "number-4"
