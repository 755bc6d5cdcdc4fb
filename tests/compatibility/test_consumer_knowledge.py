"""What an avatar knows, over /v1."""

from collections.abc import AsyncIterator, Mapping

import httpx
import pytest

from domain.knowledge.reading import BODY_MAX_BYTES
from resolvers.context import Services
from tests import house
from tests.compatibility.people import STRANGER, Owner, bearer, code_of
from tests.fakes.clock import FakeClock
from tests.fakes.sign_in import FakeSignIn
from tests.resolvers.indexed import all_done

ITEM = {"id", "type", "title", "url", "status", "reason", "chunkCount", "createdAt"}
TEXT = {"type": "text", "title": "Hours", "content": "We open at nine.", "metadata": {"source": "manual"}}
FILE_WITHOUT_NAME = b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\ntext\r\n--x--\r\n'
File = tuple[str, bytes, str]


@pytest.fixture
async def services(clock: FakeClock, sign_in: FakeSignIn) -> AsyncIterator[Services]:
    async with house.services(clock=clock, sign_in=sign_in) as services:
        yield services


@pytest.fixture
def path(short_id: str) -> str:
    return f"/consumer-avatars/{short_id}/knowledge"


async def send_form(
    owner: Owner, method: str, path: str, files: list[tuple[str, File]], fields: Mapping[str, str] | None = None
) -> httpx.Response:
    return await owner.http.request(method, path, files=files, data=fields, headers=dict(owner.headers))


async def test_an_item_is_added_and_becomes_ready(owner: Owner, path: str, services: Services) -> None:
    response = await owner.request("POST", path, TEXT)
    assert response.status_code == 200, response.text
    item = response.json()["data"]
    assert set(item) == ITEM
    assert (item["status"], item["chunkCount"], item["title"]) == ("processing", 0, "Hours")
    await all_done(services)
    now = (await owner.request("GET", f"{path}/{item['id']}")).json()["data"]
    assert (now["status"], now["chunkCount"], now["reason"]) == ("ready", 1, None)
    assert (await owner.request("GET", path)).json()["data"] == [now]
    avatar = (await owner.request("GET", path.removesuffix("/knowledge"))).json()["data"]
    assert avatar["knowledge"] == [now]


@pytest.mark.parametrize(
    "body",
    [
        {"type": "url", "url": "https://example.com/a"},
        {"type": "site", "url": "https://example.com", "maxPages": 3, "excludePaths": ["/blog"]},
        {"type": "qa", "question": "When?", "answer": "At nine."},
    ],
)
async def test_the_other_types(owner: Owner, path: str, body: dict[str, object]) -> None:
    response = await owner.request("POST", path, body)
    assert (response.status_code, response.json()["data"]["type"]) == (200, body["type"])


async def test_a_failure_has_a_reason(owner: Owner, path: str, services: Services) -> None:
    item = (await owner.request("POST", path, {"type": "url", "url": "https://example.com/none"})).json()["data"]
    await all_done(services)
    now = (await owner.request("GET", f"{path}/{item['id']}")).json()["data"]
    assert now["status"] == "failed"
    assert "Check the URL" in now["reason"]


@pytest.mark.parametrize("fields", [{}, {"type": "document", "title": "Prices"}, {"type": "file"}])
async def test_a_file_is_sent_as_a_form(owner: Owner, path: str, fields: dict[str, str], services: Services) -> None:
    response = await send_form(owner, "POST", path, [("file", ("C:\\prices.txt", b"Bread: 3.", "text/plain"))], fields)
    assert response.status_code == 200, response.text
    item = response.json()["data"]
    assert (item["type"], item["title"]) == ("file", fields.get("title", "prices.txt"))
    await all_done(services)
    replaced = await send_form(owner, "PUT", f"{path}/{item['id']}", [("file", ("b.txt", b"Bread: 4.", "text/plain"))])
    assert replaced.json()["data"]["status"] == "processing"


async def test_ten_megabytes_and_no_byte_more(owner: Owner, path: str) -> None:
    large = ("a.txt", b"x" * (BODY_MAX_BYTES + 1), "text/plain")
    assert code_of(await send_form(owner, "POST", path, [("file", large)])) == (413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize(
    "files",
    [
        [("other", ("a.txt", b"x", "text/plain"))],
        [("file", ("a.txt", b"x", "text/plain")), ("file", ("b.txt", b"x", "text/plain"))],
        [("file", ("a.txt", b"", "text/plain"))],
        [("file", ("..", b"x", "text/plain"))],
    ],
)
async def test_wrong_forms_are_refused(owner: Owner, path: str, files: list[tuple[str, File]]) -> None:
    assert code_of(await send_form(owner, "POST", path, files)) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"", "multipart/form-data"),
        (b"file=a", "application/x-www-form-urlencoded"),
        (
            b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\ntext\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
        ),
    ],
)
async def test_what_is_no_form_is_refused(owner: Owner, path: str, content: bytes, content_type: str) -> None:
    headers = {**owner.headers, "Content-Type": content_type}
    assert code_of(await owner.http.post(path, content=content, headers=headers)) == (400, "BAD_REQUEST")


async def test_renaming_and_deleting(owner: Owner, path: str) -> None:
    item = (await owner.request("POST", path, TEXT)).json()["data"]
    one = f"{path}/{item['id']}"
    assert (await owner.request("PATCH", one, {"title": "Times"})).json()["data"]["title"] == "Times"
    assert (await owner.request("DELETE", one)).json()["success"] is True
    assert code_of(await owner.request("DELETE", one)) == (404, "NOT_FOUND")


async def test_nobody_else_reaches_it(owner: Owner, http: httpx.AsyncClient, path: str) -> None:
    item = (await owner.request("POST", path, TEXT)).json()["data"]
    stranger = Owner(http, bearer(STRANGER))
    for method, body in (("GET", None), ("PATCH", {"title": "x"}), ("PUT", {"content": "x"}), ("DELETE", None)):
        assert code_of(await stranger.request(method, f"{path}/{item['id']}", body)) == (404, "NOT_FOUND")
        assert code_of(await http.request(method, f"{path}/{item['id']}", json=body)) == (401, "UNAUTHORIZED")
    assert code_of(await stranger.request("POST", path, TEXT)) == (404, "NOT_FOUND")
    assert code_of(await stranger.request("GET", path)) == (404, "NOT_FOUND")
