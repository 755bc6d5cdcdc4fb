"""What is asked of every item of a list costs as much as of one: reads of the database, and checks of the token."""

import sqlite3

import pytest
from sqlalchemy import URL

from adapters.database.sqlite import store as sqlite_store
from adapters.database.sqlite.connections import connect_to_read
from domain.accounts import Identity
from domain.limits import AVATAR_CREATION
from tests.fakes.sign_in import FakeSignIn
from tests.schema.conftest import Client, Payload, socket
from tests.schema.test_avatars import created
from tests.schema.test_knowledge import add, ready

WALK = """query ($first: Int) { avatars(first: 50) { edges { node { name knowledgeStatus { items passages }
  knowledge(first: $first) { edges { node { title passages(first: 1) { edges { node { text } } } } } } } } } }"""
MANY = 50
Spent = tuple[int, int]


@pytest.fixture(autouse=True)
def selects(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the connections that read were asked. It comes before the house does."""
    seen: list[str] = []

    def connect(url: URL) -> sqlite3.Connection:
        connection = connect_to_read(url)
        connection.set_trace_callback(lambda text: seen.append(text) if text.startswith("SELECT") else None)
        return connection

    monkeypatch.setattr(sqlite_store, "connect_to_read", connect)
    return seen


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens that were verified."""
    seen, verify = list[str](), FakeSignIn.verify

    async def verify_and_note(self: FakeSignIn, token: str) -> Identity:
        seen.append(token)
        return await verify(self, token)

    monkeypatch.setattr(FakeSignIn, "verify", verify_and_note)
    return seen


async def test_a_list_costs_as_much_as_one_of_it(owner: Client, selects: list[str], checks: list[str]) -> None:
    async def spent() -> tuple[Payload, Spent]:
        selects.clear()
        checks.clear()
        walked = await owner.data(WALK, first=2)
        return walked, (len(selects), len(checks))

    async def one_more(number: int) -> None:
        owner.house.clock.advance(AVATAR_CREATION.seconds)
        avatar = await created(owner, slug=f"avatar-{number}", name=f"Avatar {number}")
        for title in ("Hours", "Prices"):
            await ready(owner, (await add(owner, avatar, title=title, content=f"{title} of {number}."))["id"])

    await one_more(0)
    _, of_one = await spent()
    for number in range(1, MANY):
        await one_more(number)
    walked, of_many = await spent()
    assert of_many == of_one
    assert of_many[1] == 1
    nodes = [edge["node"] for edge in walked["avatars"]["edges"]]
    assert [node["name"] for node in nodes] == [f"Avatar {number}" for number in reversed(range(MANY))]
    for number, node in enumerate(reversed(nodes)):
        assert node["knowledgeStatus"] == {"items": 2, "passages": 2}
        texts = [edge["node"]["passages"]["edges"][0]["node"]["text"] for edge in node["knowledge"]["edges"]]
        assert sorted(texts) == [f"Hours of {number}.", f"Prices of {number}."]


async def test_each_operation_of_a_socket_verifies_the_token_again(owner: Client, checks: list[str]) -> None:
    async with socket(owner, Authorization=f"Bearer {owner.token}") as opened:
        for number in ("1", "2"):
            checks.clear()
            payload = {"query": "{ a: me { id } b: me { id } avatars { edges { node { id } } } }"}
            await opened.send_json({"id": number, "type": "subscribe", "payload": payload})
            assert (await opened.receive_json())["type"] == "next"
            assert (await opened.receive_json())["type"] == "complete"
            assert checks == [owner.token]
        owner.house.sign_in.expire(str(owner.token))
        await opened.send_json({"id": "3", "type": "subscribe", "payload": payload})
        refused = (await opened.receive_json())["payload"]
        assert refused["errors"][0]["extensions"]["code"] == "TOKEN_EXPIRED"


async def test_each_field_of_a_mutation_verifies_the_token_again(owner: Client, checks: list[str]) -> None:
    """The first one makes the account that the second one must find."""
    make = 'createAvatar(input: {slug: "%s", name: "A", avatarModelUrl: "https://example.com/a.glb"}) { avatar { id } }'
    made = await owner.data(f"mutation {{ a: {make % 'one'} b: {make % 'two'} }}")
    assert made["a"]["avatar"]["id"] != made["b"]["avatar"]["id"]
    assert checks == [owner.token] * 2
