"""The envelope of answers and errors, the headers, and what becomes of malformed requests."""

import logging
from collections.abc import Iterator

import httpx
import orjson
import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from compatibility import context_headers, error_response, on_error
from domain.errors import AvatariumError, BadRequest, RateLimited
from domain.limits import Hit
from resolvers.context import Context, Services
from tests.compatibility.conftest import REQUEST_ID
from tests.compatibility.people import DOCUMENTED, Owner


def family(root: type[AvatariumError]) -> Iterator[type[AvatariumError]]:
    for error in root.__subclasses__():
        yield error
        yield from family(error)


@pytest.fixture
def context(services: Services) -> Context:
    return Context(services, REQUEST_ID, "192.0.2.1")


async def test_every_answer_carries_the_request_id(http: httpx.AsyncClient) -> None:
    response = await http.get("/health")
    assert response.json() == {"data": {"status": "ok"}, "meta": {"requestId": REQUEST_ID}}
    assert response.headers["x-request-id"] == REQUEST_ID
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert "x-ratelimit-limit" not in response.headers


@pytest.mark.parametrize("kind", list(family(AvatariumError)), ids=lambda kind: kind.code)
def test_every_error_is_told_by_its_attributes(context: Context, kind: type[AvatariumError]) -> None:
    error = RateLimited("Too many.", 7) if issubclass(kind, RateLimited) else kind("What to do.", {"field": "name"})
    response = error_response(context, error)
    assert response.status_code == kind.status
    assert orjson.loads(response.body) == {
        "error": {"code": kind.code, "message": error.message, "details": error.details},
        "meta": {"requestId": REQUEST_ID},
    }
    assert response.headers.get("retry-after") == ("7" if kind is RateLimited else None)
    assert ("www-authenticate" in response.headers) == (kind.status == 401)


def test_details_are_left_out_where_there_are_none(context: Context) -> None:
    assert b"details" not in error_response(context, BadRequest("No.")).body


def test_other_exceptions_are_masked_and_logged_without_their_text(
    context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    try:
        raise ValueError("my password is hunter2")
    except ValueError as error:
        response = error_response(context, error)
    told = orjson.loads(response.body)["error"]
    assert (response.status_code, told["code"]) == (500, "INTERNAL_ERROR")
    assert REQUEST_ID in told["message"]
    assert "hunter2" not in f"{told}{caplog.text}"
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert f"request failed: ValueError at {__file__}" in record.getMessage()
    assert vars(record)["request_id"] == REQUEST_ID


@pytest.mark.parametrize(
    ("raised", "status", "code"),
    [
        (HTTPException(404), 404, "NOT_FOUND"),
        (HTTPException(405, headers={"Allow": "GET"}), 405, "METHOD_NOT_ALLOWED"),
        (HTTPException(418), 500, "INTERNAL_ERROR"),
        (BadRequest("No."), 400, "BAD_REQUEST"),
        (KeyError("secret"), 500, "INTERNAL_ERROR"),
    ],
)
async def test_what_is_raised_outside_the_routes(context: Context, raised: Exception, status: int, code: str) -> None:
    request = Request({"type": "http", "state": {"context": context}})
    response = await on_error(request, raised)
    assert (response.status_code, orjson.loads(response.body)["error"]["code"]) == (status, code)
    assert response.headers.get("allow") == ("GET" if status == 405 else None)


def test_of_several_limits_the_most_restrictive_is_told(context: Context) -> None:
    context.hits = [
        Hit(allowed=True, limit=10, remaining=0, reset_at=100, retry_after=0),
        Hit(allowed=False, limit=5, remaining=0, reset_at=200, retry_after=3),
        Hit(allowed=True, limit=3, remaining=2, reset_at=300, retry_after=0),
    ]
    headers = context_headers(context)
    assert (headers["X-RateLimit-Limit"], headers["X-RateLimit-Reset"]) == ("5", "200")


@pytest.mark.parametrize("path", ["/nothing", "/", "/consumer-avatars/a/b", "/health/", "/public/avatar/abc/sessions"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_unknown_paths(http: httpx.AsyncClient, method: str, path: str) -> None:
    response = await http.request(method, path)
    assert (response.status_code, response.json()["error"]["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/consumer-avatars", "GET, HEAD, OPTIONS, POST"),
        ("POST", "/consumer-avatars/abc", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
        ("GET", "/public/avatar/abc/chat", "OPTIONS, POST"),
        ("POST", "/health", "GET, HEAD, OPTIONS"),
        ("PROPFIND", "/health", "GET, HEAD, OPTIONS"),
    ],
)
async def test_a_wrong_verb_on_a_known_path(http: httpx.AsyncClient, method: str, path: str, allow: str) -> None:
    response = await http.request(method, path)
    assert (response.status_code, response.json()["error"]["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert response.headers["allow"] == allow


async def test_head_and_options(http: httpx.AsyncClient) -> None:
    assert (await http.head("/health")).status_code == 200
    options = await http.options("/consumer-avatars")
    assert (options.status_code, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    assert options.content == b""


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b'{"slug": "\\ud800"}', b"[" * 100_000, b'{"x":' * 5_000],
    ids=["empty", "cut", "array", "null", "text", "not utf-8", "lone surrogate", "deep arrays", "deep objects"],
)
async def test_malformed_bodies(owner: Owner, body: bytes) -> None:
    response = await owner.http.post("/consumer-avatars", content=body, headers=dict(owner.headers))
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["details"]["field"]) == (400, "BAD_REQUEST", "body")
    assert error["details"]["reason"]


@pytest.mark.parametrize(
    ("field", "wrong", "at"),
    [
        ("slug", 1, "slug"),
        ("name", ["a"], "name"),
        ("avatarBody", "X", "avatarBody"),
        ("isPublic", "true", "isPublic"),
        ("voiceChatEnabled", 1, "voiceChatEnabled"),
        ("traits", "warm", "traits"),
        ("traits", ["warm", 2], "traits.1"),
        ("aiProvider", "skynet", "aiProvider"),
        ("aiProvider", None, "aiProvider"),
        ("avatarModelUrl", "ftp://example.com", "avatarModelUrl"),
        ("backgroundColor", "red", "backgroundColor"),
        ("aiBaseUrl", "http://example.com", "aiBaseUrl"),
        ("aiApiKey", 5, "aiApiKey"),
    ],
)
async def test_wrong_fields_are_named_as_the_caller_spells_them(
    owner: Owner, field: str, wrong: object, at: str
) -> None:
    response = await owner.request("POST", "/consumer-avatars", DOCUMENTED | {field: wrong})
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["details"]["field"]) == (400, "BAD_REQUEST", at)
    assert error["message"] == f"{at}: {error['details']['reason']}"


@pytest.mark.parametrize("missing", ["slug", "name", "avatarModelUrl"])
async def test_missing_fields(owner: Owner, missing: str) -> None:
    body = {name: value for name, value in DOCUMENTED.items() if name != missing}
    response = await owner.request("POST", "/consumer-avatars", body)
    assert (response.status_code, response.json()["error"]["details"]["field"]) == (400, missing)


async def test_unknown_and_snake_case_fields_are_ignored(owner: Owner) -> None:
    created = await owner.create(color="red", id="mine", background_color="#FFFFFF", quiz_mode=True)
    full = (await owner.request("GET", f"/consumer-avatars/{created['id']}")).json()["data"]
    assert (full["id"] != "mine", full["backgroundColor"], full["quizMode"]) == (True, "#0A0A0F", False)


async def test_a_refused_request_counts_against_no_limit(owner: Owner) -> None:
    response = await owner.request("POST", "/consumer-avatars", DOCUMENTED | {"slug": "Not A Slug"})
    assert response.status_code == 400
    assert "x-ratelimit-limit" not in response.headers
