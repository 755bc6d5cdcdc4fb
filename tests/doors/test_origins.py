"""Both doors tell our own pages from those of other sites by one rule."""

from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest

from domain.accounts import Identity
from tests.doors.doors import DOORS, Door, GraphQLSocket, Refused, Rest
from tests.house import PUBLIC_URL
from tests.rules.test_house import documented_routes
from tests.served import House

SHOP = "https://shop.example"
AVATAR = {"slug": "homely", "name": "Homely", "avatarModelUrl": "https://example.com/a.glb", "allowEmbedding": False}
OWNER = {"Authorization": "Bearer owner-token"}
ROUTES = [("POST", "/graphql"), ("GET", "/graphql")] + [
    (method, f"/v1{path}") for method, path in (route.split() for route in documented_routes())
]
OpenedFrom = Callable[..., Door]


@pytest.fixture
async def opened_from(house: House) -> AsyncIterator[OpenedFrom]:
    """Makes a door as a page of this origin has it; None is a program."""
    sessions: list[aiohttp.ClientSession] = []

    def opened(kind: type[Door], origin: str | None, **headers: str) -> Door:
        sessions.append(aiohttp.ClientSession(headers=headers | ({"Origin": origin} if origin else {})))
        return kind(house.url, sessions[-1])

    yield opened
    for session in sessions:
        await session.close()


@pytest.fixture
async def homely(house: House) -> str:
    """The short id of an avatar that may not be embedded."""
    house.sign_in.add("owner-token", Identity("firebase:owner", "owner@example.com"))
    async with (
        aiohttp.ClientSession(house.url, headers=OWNER) as http,
        http.post("/v1/consumer-avatars", json=AVATAR) as response,
    ):
        return str((await response.json())["data"]["shortId"])


@pytest.mark.parametrize("kind", DOORS)
@pytest.mark.parametrize("origin", [SHOP, "null", PUBLIC_URL, None])
async def test_an_avatar_talks_on_every_site_at_first(
    house: House, opened_from: OpenedFrom, kind: type[Door], origin: str | None
) -> None:
    house.models.script(house.first, "Welcome!")
    door = opened_from(kind, origin)
    assert (await door.say(house.short_id, await door.start(house.short_id), "Hi")).text == "Welcome!"


@pytest.mark.parametrize("kind", DOORS)
@pytest.mark.parametrize("own", ["the public address", "the same host", "a program"])
async def test_one_that_may_not_be_embedded_talks_at_home(
    house: House, opened_from: OpenedFrom, homely: str, kind: type[Door], own: str
) -> None:
    house.models.script(house.first, "Welcome!")
    door = opened_from(kind, {"the public address": PUBLIC_URL, "the same host": house.url}.get(own))
    assert (await door.say(homely, await door.start(homely), "Hi")).text == "Welcome!"


@pytest.mark.parametrize("kind", DOORS)
@pytest.mark.parametrize("origin", [SHOP, "null"])
async def test_and_not_on_another_site(
    house: House, opened_from: OpenedFrom, homely: str, kind: type[Door], origin: str
) -> None:
    foreign = opened_from(kind, origin)
    with pytest.raises(Refused, match="FORBIDDEN"):
        await foreign.start(homely)
    session = await opened_from(kind, None).start(homely)
    with pytest.raises(Refused, match="FORBIDDEN"):
        await foreign.say(homely, session, "Hi")
    with pytest.raises(Refused, match="FORBIDDEN"):
        await foreign.end(homely, session)
    assert house.messages() == []


@pytest.mark.parametrize("kind", DOORS)
async def test_its_owner_may_ask_from_anywhere(opened_from: OpenedFrom, homely: str, kind: type[Door]) -> None:
    assert await opened_from(kind, SHOP, **OWNER).start(homely)


async def test_nor_is_it_shown_there(opened_from: OpenedFrom, homely: str) -> None:
    rest, graphql = opened_from(Rest, SHOP), opened_from(GraphQLSocket, SHOP)
    async with rest.http.get(f"{rest.url}/v1/public/avatar/{homely}") as response:
        assert response.status == 403
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert (await response.json())["error"]["code"] == "FORBIDDEN"
    query = {"query": f'{{ publicAvatar(shortId: "{homely}") {{ name }} }}'}
    async with graphql.http.post(f"{graphql.url}/graphql", json=query) as response:
        assert (await response.json())["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_the_v1_socket_closes_with_4403(opened_from: OpenedFrom, homely: str) -> None:
    door = opened_from(Rest, SHOP)
    async with door.http.ws_connect(f"{door.url}/v1/public/avatar/{homely}/ws") as socket:
        assert (await socket.receive_json())["code"] == "FORBIDDEN"
        assert (await socket.receive()).data == 4403


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_every_route_answers_preflights_of_any_site(house: House, method: str, path: str) -> None:
    asked = {
        "Origin": SHOP,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization, content-type, x-client-version",
    }
    async with aiohttp.ClientSession(house.url) as http, http.options(path, headers=asked) as response:
        told = response.headers
        assert response.status == 200
        assert told["Access-Control-Allow-Origin"] == "*"
        assert method in told["Access-Control-Allow-Methods"]
        assert {"authorization", "content-type", "x-client-version"} <= set(
            told["Access-Control-Allow-Headers"].lower().split(", ")
        )
        assert int(told["Access-Control-Max-Age"]) > 0
        assert "Access-Control-Allow-Credentials" not in told


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_every_answer_can_be_read_by_any_site(house: House, method: str, path: str) -> None:
    async with (
        aiohttp.ClientSession(house.url) as http,
        http.request(method, path, headers={"Origin": SHOP}) as response,
    ):
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert response.headers["Access-Control-Expose-Headers"] == "*"
        assert "Access-Control-Allow-Credentials" not in response.headers
        assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("path", ["/", "/graphql", "/v1/health", "/v1/public/avatar/DemoAvatar1/ws"])
async def test_a_server_on_its_own_machine_answers_to_no_foreign_name(house: House, path: str) -> None:
    async with aiohttp.ClientSession(house.url, headers={"Host": "rebound.example:8000"}) as http:
        async with http.get(path) as response:
            assert response.status == 421
            assert "AVATARIUM_PUBLIC_URL" in await response.text()
            assert "Access-Control-Allow-Origin" not in response.headers
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await http.ws_connect(path)
        assert refused.value.status == 421


@pytest.mark.parametrize("server_settings", [{"host": "0.0.0.0", "public_url": "https://avatars.example.com"}])
async def test_a_server_for_others_answers_to_any_name(house: House) -> None:
    async with (
        aiohttp.ClientSession(house.url, headers={"Host": "lan-name:8000"}) as http,
        http.get("/v1/health") as response,
    ):
        assert response.status == 200
