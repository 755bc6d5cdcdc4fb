"""What strangers are told of the schema on a public server, and on one's own machine."""

import pytest

from tests.schema.conftest import Client, over_socket

PUBLIC: dict[str, object] = {"host": "0.0.0.0", "public_url": "https://avatars.example.com"}
INTROSPECTION = [
    "{ __schema { types { name } } }",
    '{ __type(name: "Avatar") { name } }',
    "{ ...F } fragment F on Query { __schema { types { name } } }",
]
MISTAKES = [
    "{ mee { id } }",
    "{ me { emial } }",
    "{ avatar(idd: 1) { id } }",
    "{ me }",
    "query ($v: Voicegender) { me { id } }",
]
HTML = {"Accept": "text/html"}


@pytest.fixture
def server_settings(request: pytest.FixtureRequest) -> dict[str, object]:
    return getattr(request, "param", PUBLIC)


AT_HOME = pytest.mark.parametrize("server_settings", [{}, {**PUBLIC, "development": True}], indirect=True)


async def messages(client: Client, query: str, **variables: object) -> str:
    errors = (await client.post(query, **variables))["errors"]
    assert {error["extensions"]["code"] for error in errors} == {"BAD_REQUEST"}
    return "\n".join(error["message"] for error in errors)


@pytest.mark.parametrize("query", INTROSPECTION)
async def test_strangers_cannot_introspect_a_public_server(stranger: Client, query: str) -> None:
    for _ in range(2):
        assert (await messages(stranger, query)).startswith("Introspection is off for strangers here.")
    kind, errors = await over_socket(stranger, query)
    assert (kind, errors[0]["extensions"]["code"]) == ("error", "BAD_REQUEST")


@pytest.mark.parametrize("query", INTROSPECTION)
async def test_callers_who_signed_in_can(owner: Client, stranger: Client, query: str) -> None:
    await messages(stranger, query)
    assert await owner.data(query)
    await messages(stranger, query)


async def test_callers_with_an_api_key_can(owner: Client, stranger: Client) -> None:
    made = await owner.data('mutation { createApiKey(input: {name: "CI"}) { secret } }')
    stranger.token = made["createApiKey"]["secret"]
    assert await stranger.data(INTROSPECTION[0])


async def test_a_token_that_is_not_good_is_a_strangers(owner: Client) -> None:
    owner.token = "forged"
    assert (await messages(owner, INTROSPECTION[0])).startswith("Introspection is off")
    owner.house.sign_in.down = True
    assert (await messages(owner, INTROSPECTION[0])).startswith("Introspection is off")


@pytest.mark.parametrize("query", MISTAKES)
async def test_suggestions_are_for_callers_who_signed_in(owner: Client, stranger: Client, query: str) -> None:
    assert "Did you mean" not in await messages(stranger, query)
    assert "Did you mean" in await messages(owner, query)
    assert "Did you mean" not in await messages(stranger, query)


async def test_no_suggestions_about_variables(stranger: Client) -> None:
    start = "mutation ($input: StartSessionInput!) { startSession(input: $input) { session { id } } }"
    told = await messages(stranger, start, input={"shortId": "DemoAvatar1", "passwort": "x"})
    assert "passwort" in told
    assert "Did you mean" not in told


async def test_each_caller_gets_their_own_request_id(stranger: Client) -> None:
    first, second = [(await stranger.post("{ wrong }"))["errors"][0]["extensions"] for _ in range(2)]
    assert first["requestId"] != second["requestId"]


async def test_a_public_server_has_no_graphiql(stranger: Client) -> None:
    async with stranger.http.get(f"{stranger.house.url}/graphql", headers=HTML) as response:
        assert response.status == 404


@AT_HOME
async def test_at_home_everybody_is_told(stranger: Client) -> None:
    assert await stranger.data(INTROSPECTION[0])
    assert "Did you mean" in await messages(stranger, MISTAKES[0])
    async with stranger.http.get(f"{stranger.house.url}/graphql", headers=HTML) as response:
        assert response.status == 200
