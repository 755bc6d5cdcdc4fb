"""Relay: its compiler accepts the printed schema, and the schema keeps Relay's rules."""

import json
import shutil
from pathlib import Path

import pytest
from graphql import GraphQLField, GraphQLInterfaceType, GraphQLObjectType, build_schema

from schema.root import FINDERS
from tests.clients.conftest import NODE_PARTS, node

PRINTED = Path(__file__).parents[2] / "schema" / "schema.graphql"
SCHEMA = build_schema(PRINTED.read_text())
OBJECTS = {name: found for name, found in SCHEMA.type_map.items() if isinstance(found, GraphQLObjectType)}


def field(type_name: str, name: str) -> GraphQLField:
    found: GraphQLField = OBJECTS[type_name].fields[name]
    return found


@pytest.mark.parametrize("spoilt", [False, True])
async def test_relays_compiler_accepts_the_schema(tmp_path: Path, spoilt: bool) -> None:
    shutil.copytree(NODE_PARTS / "relay", tmp_path / "src")
    schema = PRINTED.read_text()
    schema = schema.replace("  pageInfo: PageInfo!\n", "") if spoilt else schema
    (tmp_path / "schema.graphql").write_text(schema)
    paths = {"src": str(tmp_path / "src"), "schema": str(tmp_path / "schema.graphql")}
    config = tmp_path / "relay.config.json"
    config.write_text(json.dumps({**paths, "language": "javascript"}))
    async with node("node_modules/relay-compiler/cli.js", "--noWatchman", str(config)) as process:
        out, err = await process.communicate()
    assert (process.returncode != 0) is spoilt, (out + err).decode()
    assert ("pageInfo" in out.decode() + err.decode()) is spoilt
    compiled = {path.name.partition(".")[0] for path in (tmp_path / "src").glob("__generated__/*")}
    assert ("operationsAvatarsPageQuery" in compiled) is not spoilt


def test_node_gives_whatever_has_an_id_of_its_own() -> None:
    node_type = SCHEMA.type_map["Node"]
    assert isinstance(node_type, GraphQLInterfaceType)
    assert {name: str(each.type) for name, each in node_type.fields.items()} == {"id": "ID!"}
    root = field("Query", "node")
    assert str(root.type) == "Node"
    assert {name: str(each.type) for name, each in root.args.items()} == {"id": "ID!"}
    assert {name for name, each in OBJECTS.items() if node_type in each.interfaces} == set(FINDERS)


def test_page_info_is_relays() -> None:
    assert {name: str(each.type) for name, each in OBJECTS["PageInfo"].fields.items()} == {
        "hasNextPage": "Boolean!",
        "hasPreviousPage": "Boolean!",
        "startCursor": "String",
        "endCursor": "String",
    }


@pytest.mark.parametrize("name", [name for name in OBJECTS if name.endswith("Connection")])
def test_every_connection_is_relays(name: str) -> None:
    edge = name.replace("Connection", "Edge")
    assert str(field(name, "pageInfo").type) == "PageInfo!"
    assert str(field(name, "edges").type) == f"[{edge}!]!"
    assert str(field(edge, "cursor").type) == "String!"
    assert field(edge, "node")


def test_every_field_that_gives_a_connection_takes_a_page() -> None:
    for each in OBJECTS.values():
        for name, found in each.fields.items():
            if str(found.type).rstrip("!").endswith("Connection"):
                assert {"first": "Int", "after": "String"}.items() <= {
                    key: str(argument.type) for key, argument in found.args.items()
                }.items(), name
