"""Introspection costs what it makes, and is worked out once for all who ask the same."""

import pytest
from graphql import get_introspection_query

from schema.engine.cost import COST_MAX
from schema.engine.introspection import ANSWERS, answer
from schema.root import schema
from tests.schema.conftest import Client, over_socket

USUAL = get_introspection_query()


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    answer.cache_clear()


async def cost(client: Client, query: str) -> int:
    payload = await client.post(query)
    assert "errors" not in payload, payload["errors"]
    return int(payload["extensions"]["cost"]["requested"])


async def test_what_tools_ask_is_answered_from_memory(stranger: Client) -> None:
    first = await stranger.data(USUAL)
    assert {each["name"] for each in first["__schema"]["types"]} == set(schema._schema.type_map)
    for _ in range(5):
        assert await stranger.data(USUAL) == first
    kind, payload = await over_socket(stranger, USUAL)
    assert (kind, payload["data"]) == ("next", first)
    assert answer.cache_info().misses == 1


async def test_each_operation_and_document_has_its_own_answer(stranger: Client) -> None:
    for number in range(2 * ANSWERS):
        name = f"query Q{number} {{ n{number}: __typename __schema {{ queryType {{ name }} }} }}"
        assert await stranger.data(name) == {f"n{number}": "Query", "__schema": {"queryType": {"name": "Query"}}}
    assert answer.cache_info().misses == 2 * ANSWERS
    assert answer.cache_info().currsize == ANSWERS


@pytest.mark.parametrize(
    ("query", "variables", "expected"),
    [
        ('{ __type(name: "Nothing") { name } publicAvatar(shortId: "nobody") { name } }', {}, None),
        ("query ($name: String!) { __type(name: $name) { name } }", {"name": "Avatar"}, "Avatar"),
        ("query ($name: String!) { __type(name: $name) { name } }", {"name": "Account"}, "Account"),
    ],
)
async def test_what_depends_on_more_than_the_text_is_executed(
    stranger: Client, query: str, variables: dict[str, str], expected: str | None
) -> None:
    data = await stranger.data(query, **variables)
    assert data["__type"] == ({"name": expected} if expected else None)
    assert answer.cache_info().misses == 0


async def test_introspection_costs_what_it_makes(stranger: Client) -> None:
    types = len(schema._schema.type_map)
    assert await cost(stranger, "{ __schema { types { name } } }") == types
    assert types < await cost(stranger, USUAL) <= COST_MAX
    nested = "{ __schema { types { fields { type { fields { name } } } } } }"
    assert await cost(stranger, nested) > 2 * await cost(stranger, "{ __schema { types { fields { name } } } }")


@pytest.mark.parametrize("count", [6, 15])
async def test_much_of_it_at_once_is_refused(stranger: Client, count: int) -> None:
    """Whether repeated at the root or deep within it."""
    inner = "fields { type { fields { name } } }"
    at_the_root = " ".join(f"a{number}: __schema {{ types {{ {inner} }} }}" for number in range(count))
    deep = " ".join(f"a{number}: {inner}" for number in range(count))
    for query in (f"{{ {at_the_root} }}", f"{{ __schema {{ types {{ {deep} }} }} }}"):
        [error] = (await stranger.post(query))["errors"]
        assert f"at most {COST_MAX} is allowed" in error["message"]
