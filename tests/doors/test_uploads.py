"""A file is taken from its owner only: whoever else sends one is answered before its body has arrived."""

import io

import aiohttp
import pytest

from domain.accounts import Identity
from domain.knowledge.additions import UPLOAD_MAX_BYTES
from tests.doors.raw import request, wire
from tests.served import House

TARGETS = ["/graphql", "/v1/consumer-avatars/DemoAvatar1/knowledge"]
BEGINNING = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'.ljust(1024, b"x")
TOKENS = {
    "unknown": (b" 401 ", b"TOKEN_INVALID"),
    "av_live_unknown": (b" 401 ", b"INVALID_API_KEY"),
    "expired": (b" 401 ", b"TOKEN_EXPIRED"),
    "newcomer": (b" 404 ", b"NOT_FOUND"),
}


@pytest.fixture
def people(house: House) -> House:
    for name in ("expired", "newcomer"):
        house.sign_in.add(name, Identity(f"subject-{name}"))
    house.sign_in.expire("expired")
    return house


def upload(target: str, **headers: str) -> bytes:
    """The head of a request with a file, and the first kilobyte of its body."""
    headers["Content_Type"], headers["Content_Length"] = "multipart/form-data; boundary=x", str(UPLOAD_MAX_BYTES)
    return request("POST", target, **headers) + BEGINNING


async def answer(house: House, sent: bytes) -> tuple[bytes, bytes]:
    """The first line and the body of what the server says."""
    async with wire(house.url) as connection:
        await connection.send(sent)
        head = await connection.until(b"\r\n\r\n")
        return head.split(b"\r\n")[0], await connection.until(b"}}" if b"/v1" in sent else b"}]}")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("token", TOKENS)
async def test_a_stranger_is_answered_before_the_file_has_come(people: House, target: str, token: str) -> None:
    status, code = TOKENS[token]
    line, body = await answer(people, upload(target, Authorization=f"Bearer {token}"))
    assert status in line
    assert code in body


@pytest.mark.parametrize("target", TARGETS)
async def test_so_is_whoever_sends_no_token(people: House, target: str) -> None:
    line, _ = await answer(people, upload(target))
    assert (b" 400 " if target == "/graphql" else b" 401 ") in line


@pytest.mark.parametrize("target", TARGETS)
async def test_who_sends_all_of_it_at_once_gets_the_answer_too(people: House, target: str) -> None:
    form = aiohttp.FormData({"operations": "{}", "map": "{}"})
    form.add_field("file", io.BytesIO(b"x" * 2**23), filename="a.txt")
    async with (
        aiohttp.ClientSession(headers={"Authorization": "Bearer unknown"}) as http,
        http.post(people.url + target, data=form) as response,
    ):
        assert response.status == 401
        assert "TOKEN_INVALID" in await response.text()
