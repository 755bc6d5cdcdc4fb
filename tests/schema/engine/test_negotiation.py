"""The media type of a response, and what it says of errors."""

import pytest

from schema.engine.negotiation import GRAPHQL_RESPONSE, JSON, response_type
from tests.schema.conftest import Client

FIELD_ERROR = 'mutation { endSession(input: {sessionId: "x"}) { questionCount } }'


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("text/html", JSON),
        (JSON, JSON),
        (GRAPHQL_RESPONSE, GRAPHQL_RESPONSE),
        ("Application/GraphQL-Response+JSON; charset=utf-8", GRAPHQL_RESPONSE),
        (f"{GRAPHQL_RESPONSE}, {JSON}", GRAPHQL_RESPONSE),
        (f"{JSON}, {GRAPHQL_RESPONSE}", JSON),
        (f"{JSON};q=0.9, {GRAPHQL_RESPONSE}", GRAPHQL_RESPONSE),
        (f"{GRAPHQL_RESPONSE};q=0.5, */*;q=0.8", JSON),
        (f"{GRAPHQL_RESPONSE};q=0, {JSON}", JSON),
        (f"{GRAPHQL_RESPONSE};q=much", JSON),
    ],
)
def test_the_best_media_type_is_taken(accept: str, expected: str) -> None:
    assert response_type(accept) == expected


async def ask(client: Client, accept: str, **body: object) -> tuple[int, str, dict[str, object]]:
    headers = {"Accept": accept}
    async with client.http.post(f"{client.house.url}/graphql", json=body, headers=headers) as response:
        return response.status, response.headers["Content-Type"], await response.json()


@pytest.mark.parametrize("query", ["{ nobody }", "{ me {", "query ($id: ID!) { node(id: $id) { id } }"])
@pytest.mark.parametrize(("accept", "expected"), [(GRAPHQL_RESPONSE, 400), (JSON, 200)])
async def test_a_request_error_has_no_data(stranger: Client, query: str, accept: str, expected: int) -> None:
    status, content_type, body = await ask(stranger, accept, query=query)
    assert (status, content_type) == (expected, f"{accept}; charset=utf-8")
    assert "data" not in body


@pytest.mark.parametrize("accept", [GRAPHQL_RESPONSE, JSON])
async def test_an_error_of_a_field_is_a_success_with_null(stranger: Client, accept: str) -> None:
    status, _, body = await ask(stranger, accept, query=FIELD_ERROR)
    assert status == 200
    assert body["data"] is None


async def test_what_is_no_operation_is_refused_in_the_same_media_type(stranger: Client) -> None:
    status, content_type, body = await ask(stranger, GRAPHQL_RESPONSE, query=7)
    assert (status, content_type) == (400, f"{GRAPHQL_RESPONSE}; charset=utf-8")
    assert set(body) == {"errors"}
