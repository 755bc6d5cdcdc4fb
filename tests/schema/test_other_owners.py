"""Another owner's ids, tried on every field of the schema and on every route: nothing readable, nothing writable."""

import asyncio
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLNonNull,
    GraphQLObjectType,
    build_schema,
    get_named_type,
    parse,
    validate,
)

import compatibility
from schema.engine.ids import global_id
from schema.print_schema import text
from tests.schema.conftest import Client

SCHEMA = build_schema(text())
REFUSALS = {"NOT_FOUND", "UNAUTHORIZED", "FORBIDDEN"}
CREATE = """mutation ($input: CreateAvatarInput!) { createAvatar(input: $input) { avatar { id shortId } } }"""
KEY = 'mutation { createApiKey(input: {name: "CI"}) { apiKey { id } } }'
KNOWLEDGE = """mutation ($input: AddKnowledgeInput!) { addKnowledge(input: $input) { knowledge { id } } }"""
ME = "{ me { id } }"
AVATAR = {"slug": "secret-plans", "name": "Secret Plans", "avatarModelUrl": "https://models.example.com/a.glb",
          "isPublic": False}  # fmt: skip


def fields_that_take_an_id() -> list[tuple[str, str, GraphQLField]]:
    roots = [("query", SCHEMA.query_type), ("mutation", SCHEMA.mutation_type)]
    return [
        (operation, name, field)
        for operation, root in roots
        if isinstance(root, GraphQLObjectType)
        for name, field in root.fields.items()
        if any(takes_id(argument) for argument in field.args.values())
    ]


def takes_id(argument: GraphQLArgument) -> bool:
    named = get_named_type(argument.type)
    if isinstance(named, GraphQLInputObjectType):
        return any(get_named_type(field.type).name == "ID" for field in named.fields.values())
    return named.name == "ID"


def value_for(kind: Any, key: str) -> object:
    """The id wherever one is asked for, and anything that fits elsewhere."""
    named = get_named_type(kind)
    if isinstance(named, GraphQLInputObjectType):
        needed = {
            name: field
            for name, field in named.fields.items()
            if isinstance(field.type, GraphQLNonNull) or get_named_type(field.type).name == "ID"
        }
        return {name: value_for(field.type, key) for name, field in needed.items()}
    if isinstance(named, GraphQLEnumType):
        return next(iter(named.values))
    return key if named.name == "ID" else "anything"


def selection(field: GraphQLField) -> str:
    """Every leaf within reach of two levels, so that nothing readable is overlooked."""
    named = get_named_type(field.type)
    if not isinstance(named, GraphQLObjectType):
        return "{ __typename }"
    inner = [
        name if not isinstance(get_named_type(child.type), GraphQLObjectType) else f"{name} {{ __typename }}"
        for name, child in named.fields.items()
        if not any(isinstance(argument.type, GraphQLNonNull) for argument in child.args.values())
    ]
    return f"{{ {' '.join(inner)} }}"


def stored(client: Client) -> list[tuple[Any, ...]]:
    return [row for table in ("avatars", "api_keys", "accounts", "knowledge") for row in rows(client, table)]


def rows(client: Client, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(client.house.file)) as connection:
        return connection.execute(f"SELECT {columns} FROM {table} ORDER BY id").fetchall()


@pytest.fixture
async def keys(owner: Client, other: Client) -> list[str]:
    """Every id that belongs to the owner. The other one has an account, too."""
    avatar = (await owner.data(CREATE, input=AVATAR))["createAvatar"]["avatar"]
    api_key = (await owner.data(KEY))["createApiKey"]["apiKey"]
    await other.data(KEY)
    given = {"avatarId": avatar["id"], "type": "qa", "question": "Why?", "answer": "Secret Plans"}
    item = (await owner.data(KNOWLEDGE, input=given))["addKnowledge"]["knowledge"]
    while rows(owner, "jobs"):  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    [(passage,)] = rows(owner, "passages", "id")
    ids = [item["id"], global_id("Passage", passage)]
    return [avatar["id"], avatar["shortId"], *ids, api_key["id"], (await owner.data(ME))["me"]["id"]]


@pytest.mark.parametrize(("operation", "name", "field"), fields_that_take_an_id(), ids=lambda value: str(value))
async def test_no_field_gives_or_changes_anything(
    other: Client, stranger: Client, keys: list[str], operation: str, name: str, field: GraphQLField
) -> None:
    arguments = ", ".join(f"${argument}: {kind.type}" for argument, kind in field.args.items())
    passed = ", ".join(f"{argument}: ${argument}" for argument in field.args)
    query = f"{operation} ({arguments}) {{ {name}({passed}) {selection(field)} }}"
    assert validate(SCHEMA, parse(query)) == []
    before = stored(other)
    for caller in (other, stranger):
        for key in keys:
            variables = {argument: value_for(kind.type, key) for argument, kind in field.args.items()}
            answer = await caller.post(query, **variables)
            if "errors" in answer:
                assert {error["extensions"]["code"] for error in answer["errors"]} <= REFUSALS, answer
            assert not (answer["data"] or {}).get(name), answer
            assert "Secret Plans" not in str(answer)
    assert stored(other) == before


async def test_the_owner_does_reach_it(owner: Client, keys: list[str]) -> None:
    answer = await owner.data("query ($id: ID!) { avatar(id: $id) { name } node(id: $id) { id } }", id=keys[0])
    assert answer == {"avatar": {"name": "Secret Plans"}, "node": {"id": keys[0]}}


def routes_that_take_an_id() -> list[tuple[str, str]]:
    paths = compatibility.openapi()["paths"]
    verbs = ("get", "post", "put", "patch", "delete")
    return [(verb, path) for path, of_path in paths.items() for verb in of_path if "{" in path and verb in verbs]


@pytest.mark.parametrize(("verb", "path"), routes_that_take_an_id())
async def test_no_route_gives_or_changes_anything(
    other: Client, stranger: Client, keys: list[str], verb: str, path: str
) -> None:
    before = stored(other)
    for caller in (other, stranger):
        headers = {"Authorization": f"Bearer {caller.token}"} if caller.token else {}
        for key in keys:
            address = (
                path.replace("{id}", key)
                .replace("{shortId}", key)
                .replace("{sessionId}", key)
                .replace("{knowledgeId}", key)
            )
            address = address if address.startswith("/v1") else f"/v1{address}"
            body = {"name": "Mine", "sessionId": key, "message": "Hi", "password": "guess"}
            async with caller.http.request(
                verb, f"{caller.house.url}{address}", json=body, headers=headers
            ) as response:
                answer = await response.json()
            assert answer["error"]["code"] in REFUSALS | {"RATE_LIMIT_EXCEEDED", "BAD_REQUEST"}, answer
            assert "Secret Plans" not in str(answer)
    assert stored(other) == before
