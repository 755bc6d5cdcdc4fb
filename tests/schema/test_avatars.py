"""Avatars over GraphQL."""

import pytest

from tests.schema.conftest import Client, Payload

CREATE = """mutation ($input: CreateAvatarInput!) { createAvatar(input: $input) { avatar {
  id shortId slug name tagline personality traits tone systemPrompt aiProvider aiModel aiKeyLast4 hasPassword
  status isPublic quizMode quizDifficulty url embedUrl createdAt
} } }"""
UPDATE = """mutation ($input: UpdateAvatarInput!) { updateAvatar(input: $input) { avatar {
  id name tagline traits systemPrompt aiKeyLast4 status quizMode quizDifficulty
} } }"""
DELETE = "mutation ($input: DeleteAvatarInput!) { deleteAvatar(input: $input) { deletedId } }"
GET = "query ($id: ID!) { avatar(id: $id) { id shortId name } node(id: $id) { id } }"
PAGE = """query ($first: Int, $after: String) { avatars(first: $first, after: $after) {
  edges { cursor node { name } } pageInfo { hasNextPage hasPreviousPage endCursor }
} }"""
NEW = {"slug": "sales", "name": "Sales Assistant", "avatarModelUrl": "https://models.example.com/a.glb"}


async def created(owner: Client, **fields: object) -> Payload:
    avatar: Payload = (await owner.data(CREATE, input={**NEW, **fields}))["createAvatar"]["avatar"]
    return avatar


async def test_an_avatar_is_created_with_its_fields(owner: Client) -> None:
    avatar = await created(owner, traits=["warm"], tone="calm", aiApiKey="sk-secret-1234", aiProvider="openai")
    assert avatar["traits"] == ["warm"]
    assert avatar["aiKeyLast4"] == "1234"
    assert "warm" in avatar["systemPrompt"]
    assert len(avatar["shortId"]) == 11
    assert avatar["url"].endswith(f"/a/{avatar['shortId']}")
    assert avatar["embedUrl"] == f"{avatar['url']}/embed"
    assert (await owner.data("{ me { email } }"))["me"] == {"email": "owner@example.com"}


async def test_only_the_sent_fields_change(owner: Client) -> None:
    avatar = await created(owner, tagline="Helps", traits=["warm"])
    updated = (await owner.data(UPDATE, input={"id": avatar["id"], "traits": ["expert"], "quizMode": True}))[
        "updateAvatar"
    ]["avatar"]
    assert (updated["tagline"], updated["traits"], updated["quizMode"]) == ("Helps", ["expert"], True)
    assert "expert" in updated["systemPrompt"]
    assert "warm" not in updated["systemPrompt"]


async def test_null_clears_a_field_and_absence_does_not(owner: Client) -> None:
    avatar = await created(owner, tagline="Helps", aiApiKey="sk-secret-1234")
    updated = (await owner.data(UPDATE, input={"id": avatar["id"], "tagline": None, "aiApiKey": None}))["updateAvatar"]
    assert updated["avatar"]["tagline"] is None
    assert updated["avatar"]["aiKeyLast4"] is None


async def test_pages_follow_one_another(owner: Client) -> None:
    for number in range(3):
        await created(owner, slug=f"avatar-{number}", name=f"Avatar {number}")
    first = (await owner.data(PAGE, first=2))["avatars"]
    assert first["pageInfo"]["hasNextPage"]
    rest = (await owner.data(PAGE, first=2, after=first["pageInfo"]["endCursor"]))["avatars"]
    names = [edge["node"]["name"] for edge in first["edges"] + rest["edges"]]
    assert sorted(names) == ["Avatar 0", "Avatar 1", "Avatar 2"]
    assert not rest["pageInfo"]["hasNextPage"]
    assert await owner.code(PAGE, first=0) == "BAD_REQUEST"
    assert await owner.code(PAGE, first=101) == "BAD_REQUEST"


async def test_a_relay_id_a_bare_id_and_a_short_id_find_it(owner: Client) -> None:
    avatar = await created(owner)
    found = await owner.data(GET, id=avatar["id"])
    assert found["avatar"]["name"] == NEW["name"]
    assert found["node"] == {"id": avatar["id"]}
    assert (await owner.data(GET, id=avatar["shortId"]))["avatar"]["id"] == avatar["id"]


async def test_another_owners_avatar_does_not_exist(owner: Client, other: Client, stranger: Client) -> None:
    avatar = await created(owner)
    await created(other, slug="others")
    assert await other.data(GET, id=avatar["id"]) == {"avatar": None, "node": None}
    assert await other.code(UPDATE, input={"id": avatar["id"], "name": "Mine"}) == "NOT_FOUND"
    assert await other.code(DELETE, input={"id": avatar["id"]}) == "NOT_FOUND"
    assert await stranger.code(DELETE, input={"id": avatar["id"]}) == "UNAUTHORIZED"
    assert (await owner.data(GET, id=avatar["id"]))["avatar"]["name"] == NEW["name"]


async def test_deleted_is_gone(owner: Client) -> None:
    avatar = await created(owner)
    assert (await owner.data(DELETE, input={"id": avatar["id"]}))["deleteAvatar"]["deletedId"] == avatar["id"]
    assert (await owner.data(GET, id=avatar["id"])) == {"avatar": None, "node": None}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"slug": "No Spaces"}, "BAD_REQUEST"),
        ({"slug": "demo"}, "SLUG_TAKEN"),
        ({"name": ""}, "BAD_REQUEST"),
        ({"avatarModelUrl": "file:///etc/passwd"}, "BAD_REQUEST"),
        ({"backgroundColor": "red"}, "BAD_REQUEST"),
        ({"aiProvider": "nobody"}, "BAD_REQUEST"),
        ({"aiProvider": "custom"}, "BAD_REQUEST"),
        ({"isPublic": None}, "BAD_REQUEST"),
    ],
)
async def test_wrong_fields_are_refused(owner: Client, fields: Payload, code: str) -> None:
    assert await owner.code(CREATE, input={**NEW, **fields}) == code


async def test_three_avatars_in_five_minutes_and_not_four(owner: Client) -> None:
    for number in range(3):
        await created(owner, slug=f"avatar-{number}")
    assert await owner.code(CREATE, input={**NEW, "slug": "avatar-4"}) == "RATE_LIMIT_EXCEEDED"
    owner.house.clock.advance(301)
    await created(owner, slug="avatar-4")


@pytest.mark.parametrize("hidden", [{"isPublic": False}, {"status": "paused"}])
async def test_strangers_see_open_avatars_only(owner: Client, stranger: Client, hidden: Payload) -> None:
    avatar = await created(owner)
    public = "query ($shortId: String!) { publicAvatar(shortId: $shortId) { name hasPassword } }"
    assert (await stranger.data(public, shortId=avatar["shortId"]))["publicAvatar"]["name"] == NEW["name"]
    await owner.data(UPDATE, input={"id": avatar["id"], **hidden})
    assert (await stranger.data(public, shortId=avatar["shortId"]))["publicAvatar"] is None
    assert (await owner.data(public, shortId=avatar["shortId"]))["publicAvatar"]["name"] == NEW["name"]
