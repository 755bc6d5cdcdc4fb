"""What is answered outside the doors' own routes: the envelope, with a request id."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.served import House


@pytest.fixture
async def http(house: House) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(house.url) as http:
        yield http


@pytest.mark.parametrize("path", ["/nothing", "/v1", "/v1/nothing", "/assets/nothing.js", "/a", "/a/b/c"])
async def test_an_unknown_address_is_not_found(http: aiohttp.ClientSession, path: str) -> None:
    async with http.get(path) as response:
        assert response.status == 404
        answer = await response.json()
    assert answer["error"]["code"] == "NOT_FOUND"
    assert answer["meta"]["requestId"] == response.headers["X-Request-Id"]


@pytest.mark.parametrize("path", ["/", "/sign-in", "/v1/health", "/v1/consumer-avatars", "/assets/nothing.js"])
async def test_another_verb_is_not_allowed(http: aiohttp.ClientSession, path: str) -> None:
    async with http.delete(path) as response:
        assert response.status == 405
        answer = await response.json()
    assert answer["error"]["code"] == "METHOD_NOT_ALLOWED"
    assert answer["meta"]["requestId"] == response.headers["X-Request-Id"]


@pytest.mark.parametrize("path", ["/v1/consumer-avatars", "/v1/public/avatar/DemoAvatar1/session"])
async def test_a_body_that_is_too_large_is_refused(http: aiohttp.ClientSession, path: str) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 65_536

    async with http.post(path, data=endless(), headers={"Content-Type": "application/json"}) as response:
        assert response.status == 413
        answer = await response.json()
    assert answer["error"]["code"] == "PAYLOAD_TOO_LARGE"
    assert answer["meta"]["requestId"]


async def test_a_defect_is_masked_and_its_words_are_not_logged(
    http: aiohttp.ClientSession, house: House, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> object:
        raise KeyError("a visitor's words")

    monkeypatch.setattr("resolvers.avatars.require_visible", broken)
    async with http.get("/v1/public/avatar/DemoAvatar1") as response:
        assert response.status == 500
        answer = await response.json()
    assert answer["error"]["code"] == "INTERNAL_ERROR"
    assert answer["meta"]["requestId"] in [getattr(record, "request_id", None) for record in caplog.records]
    assert "KeyError" in caplog.text
    assert "visitor's words" not in caplog.text + str(answer)
