"""Operations that are too large or cost too much are refused at both doors; those at the limit are not."""

from typing import Any

import pytest
import strawberry
from strawberry import relay
from strawberry.types import ExecutionResult

from schema.engine.cost import COST_MAX, LONG_TEXTS, CostLimiter
from schema.engine.shared import LENGTH_MAX, kept
from schema.root import schema
from tests.doors.doors import REPLY, SEND, START
from tests.schema.conftest import Client, over_socket

PLAIN = '{ publicAvatar(shortId: "DemoAvatar1") { name } }'


def nested(depth: int) -> str:
    return "{ a " * depth + "{ b }" + " }" * depth


def aliased(count: int) -> str:
    return "{ " + " ".join(f"a{number}: __typename" for number in range(count)) + " }"


def aliased_by_fragments(count: int) -> str:
    """`count` aliases in all: two of them, and the others by spreading one fragment for each."""
    return f"{{ a: me {{ ...F }} b: me {{ ...F }} }} fragment F on Account {{ {aliased((count - 2) // 2)[2:]}"


def directed(count: int) -> str:
    return "{ " + "__typename @include(if: true) " * count + "}"


def repeated(count: int) -> str:
    return "{ " + 'publicAvatar(shortId: "x") { name } ' * ((count - 2) // 2) + "} fragment F on Query { me { id } }"


def tokens(count: int) -> str:
    return "{ node(id: [" + "1 " * (count - 9) + "]) }"


LIMITS = {
    "fields": (repeated, 200, "its fields may be at most 200"),
    "depth": (nested, 10, "its depth may be at most 10"),
    "aliases": (aliased, 15, "its aliases may be at most 15"),
    "aliases in fragments": (aliased_by_fragments, 14, "its aliases may be at most 15"),
    "directives": (directed, 50, "its directives may be at most 50"),
    "tokens": (tokens, 2_000, "more than 2000 tokens"),
}


async def over_http(client: Client, query: str) -> list[Any]:
    return list((await client.post(query)).get("errors", ()))


async def over_websocket(client: Client, query: str) -> list[Any]:
    kind, payload = await over_socket(client, query)
    return list(payload) if kind == "error" else []


@pytest.mark.parametrize("ask", [over_http, over_websocket])
@pytest.mark.parametrize("limit", LIMITS)
async def test_an_operation_may_be_as_large_as_the_limit(stranger: Client, limit: str, ask: Any) -> None:
    make, most, complaint = LIMITS[limit]
    step = 2 if make in (aliased_by_fragments, repeated) else 1
    assert not any(complaint in error["message"] for error in await ask(stranger, make(most)))
    [refused] = await ask(stranger, make(most + step))
    assert complaint in refused["message"]
    assert refused["extensions"]["code"] == "BAD_REQUEST"
    assert refused["extensions"]["requestId"]


async def test_fragments_that_spread_each_other_many_times_are_soon_measured(stranger: Client) -> None:
    chain = " ".join(f"fragment F{each} on Query {{ ...F{each + 1} ...F{each + 1} }}" for each in range(100))
    query = f"{{ ...F0 }} {chain} fragment F100 on Query {{ a: __typename }}"
    [refused] = await over_http(stranger, query)
    assert "aliases" in refused["message"]


async def test_a_query_tells_its_cost(owner: Client) -> None:
    query = "query ($first: Int) { me { id } avatars(first: $first) { edges { cursor node { id } } } }"
    payload = await owner.post(query, first=7)
    assert payload["extensions"]["cost"] == {"requested": 8, "limit": COST_MAX}
    kind, payload = await over_socket(owner, query, first=None)
    assert (kind, payload["extensions"]["cost"]["requested"]) == ("next", 21)


async def test_a_mutation_tells_its_cost_and_an_event_does_not(stranger: Client) -> None:
    started = await stranger.post(START, input={"shortId": "DemoAvatar1"})
    assert started["extensions"]["cost"]["requested"] == 2
    stranger.house.models.script(stranger.house.first, "Hello!")
    sent = {"sessionId": started["data"]["startSession"]["session"]["id"], "content": "Hi"}
    reply = (await stranger.data(SEND, input=sent))["sendMessage"]["reply"]["id"]
    kind, payload = await over_socket(stranger, REPLY, id=reply)
    assert (kind, set(payload)) == ("next", {"data"})


@strawberry.type
class Item(relay.Node):
    id: relay.NodeID[str]

    @strawberry.field
    def items(self, first: int | None = 10) -> relay.Connection["Item"]:
        return empty_page()


@strawberry.type
class Query:
    @strawberry.field
    def items(self, first: int | None = 10) -> relay.Connection[Item]:
        return empty_page()


def empty_page() -> relay.Connection[Item]:
    page_info = relay.PageInfo(has_next_page=False, has_previous_page=False, start_cursor=None, end_cursor=None)
    return relay.Connection(page_info=page_info, edges=[])


SHELF = strawberry.Schema(Query, extensions=[lambda: CostLimiter()])
PAGES = """query ($outer: Int = 49, $inner: Int) { items(first: $outer) {
  pageInfo { hasNextPage } edges { cursor node { ...Inner } } } }
  fragment Inner on Item { id items(first: $inner) { edges { node { id } } } }"""


async def both_ways(**variables: object) -> tuple[ExecutionResult, ExecutionResult]:
    """Executed as an HTTP request is, and streamed as an operation on a WebSocket is."""
    executed = await SHELF.execute(PAGES, variable_values=variables)
    stream = await SHELF.stream(PAGES, variable_values=variables)
    streamed: Any = [result async for result in stream]
    return executed, streamed[0]


@pytest.mark.parametrize(
    ("variables", "cost"),
    [
        ({}, 49 * 11),
        ({"outer": 50, "inner": 99}, 5_000),
        ({"outer": 2, "inner": 1_000_000}, 2 * 101),
        ({"outer": 0, "inner": -5}, 2),
    ],
)
async def test_pages_in_pages_multiply(variables: dict[str, object], cost: int) -> None:
    for result in await both_ways(**variables):
        assert result.errors is None
        assert result.extensions == {"cost": {"requested": cost, "limit": COST_MAX}}


async def test_what_costs_too_much_is_refused() -> None:
    for result in await both_ways(outer=50, inner=100):
        assert result.errors
        assert result.errors[0].message == "The operation costs 5050: at most 5000 is allowed. Ask for smaller pages."
        assert result.data is None


def conversation(aliases: int) -> str:
    """One session as often as it has aliases, each with a page of messages that may be long."""
    page = "node(id: $id) { ... on Session { messages(first: 100) { edges { node { content } } } } }"
    return f"query ($id: ID!) {{ {' '.join(f'a{number}: {page}' for number in range(aliases))} }}"


async def test_long_texts_cost_what_they_weigh(stranger: Client) -> None:
    started = await stranger.data(START, input={"shortId": "DemoAvatar1"})
    session = started["startSession"]["session"]["id"]
    payload = await stranger.post(conversation(8), id=session)
    assert payload["extensions"]["cost"]["requested"] == 8 * (1 + 100 * (1 + 5))
    [refused] = (await stranger.post(conversation(9), id=session))["errors"]
    assert refused["message"].startswith("The operation costs 5409: at most 5000 is allowed.")


async def test_every_long_text_is_a_field_of_the_schema() -> None:
    types = schema._schema.type_map
    assert [name for name in LONG_TEXTS if name.partition(".")[2] not in types[name.partition(".")[0]].fields] == []  # type: ignore[attr-defined]


async def test_a_text_is_parsed_and_validated_once(stranger: Client) -> None:
    query = f"query Shared {PLAIN}"
    before = kept.cache_info()
    for _ in range(3):
        await stranger.data(query)
    after = kept.cache_info()
    assert after.misses - before.misses == 1


async def test_a_long_text_is_not_kept(stranger: Client) -> None:
    before = kept.cache_info()
    assert await stranger.data(PLAIN + "#" * LENGTH_MAX)
    assert kept.cache_info().misses == before.misses
    [refused] = await over_http(stranger, tokens(2_001) + "#" * LENGTH_MAX)
    assert "more than 2000 tokens" in refused["message"]
    [refused] = await over_http(stranger, aliased(16) + "#" * LENGTH_MAX)
    assert "its aliases may be at most 15" in refused["message"]
