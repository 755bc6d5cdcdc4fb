"""What an owner switches off reaches a conversation at its next message, at every door."""

import aiohttp
import pytest

from domain.accounts import Identity
from tests.doors.doors import DOORS, Door, GraphQLSocket, Refused
from tests.served import House

AVATAR = {"slug": "switched", "name": "Switched", "avatarModelUrl": "https://example.com/a.glb"}
NODE = "query ($id: ID!) { node(id: $id) { __typename } }"
SEND = "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { reply { id } message { id } } }"


@pytest.fixture
async def owner(house: House) -> aiohttp.ClientSession:
    house.sign_in.add("owner-token", Identity("firebase:owner", "owner@example.com"))
    house.models.script(house.first, "Welcome!")
    return aiohttp.ClientSession(house.url, headers={"Authorization": "Bearer owner-token"})


@pytest.mark.parametrize("kind", DOORS)
@pytest.mark.parametrize(
    ("change", "code"), [({"password": "secret"}, "PASSWORD_REQUIRED"), ({"isPublic": False}, "NOT_FOUND")]
)
async def test_the_next_message_is_refused(
    house: House, owner: aiohttp.ClientSession, kind: type[Door], change: dict[str, object], code: str
) -> None:
    async with owner, aiohttp.ClientSession() as http:
        short_id = await made(owner)
        door = kind(house.url, http)
        session = await door.start(short_id)
        assert (await door.say(short_id, session, "Hi")).text == "Welcome!"
        await changed(owner, short_id, change)
        with pytest.raises(Refused, match=code):
            await door.say(short_id, session, "And?")


async def test_a_message_of_a_private_avatar_is_no_node(house: House, owner: aiohttp.ClientSession) -> None:
    async with owner, aiohttp.ClientSession() as http:
        short_id = await made(owner)
        door = GraphQLSocket(house.url, http)
        session = await door.start(short_id)
        sent = (await door.execute(SEND, {"input": {"sessionId": session, "content": "Hi"}}))["sendMessage"]
        message_id = sent["message"]["id"]
        assert (await door.execute(NODE, {"id": message_id}))["node"] == {"__typename": "Message"}
        await changed(owner, short_id, {"isPublic": False})
        assert (await door.execute(NODE, {"id": message_id}))["node"] is None


async def made(owner: aiohttp.ClientSession) -> str:
    async with owner.post("/v1/consumer-avatars", json=AVATAR) as response:
        return str((await response.json())["data"]["shortId"])


async def changed(owner: aiohttp.ClientSession, short_id: str, change: dict[str, object]) -> None:
    async with owner.patch(f"/v1/consumer-avatars/{short_id}", json=change) as response:
        assert response.status == 200
