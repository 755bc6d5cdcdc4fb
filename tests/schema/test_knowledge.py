"""Knowledge over GraphQL: every operation, files, and progress over a socket."""

import asyncio
import base64
import io
import json
from typing import Any

import aiohttp
import pytest
from graphql import GraphQLObjectType, GraphQLScalarType, get_named_type

from domain.knowledge.reading import BODY_MAX_BYTES
from domain.plans import KNOWLEDGE, SELF_HOSTED
from schema.root import schema
from tests.schema.conftest import Client, Payload, over_socket, socket
from tests.schema.test_avatars import created

ADD = """mutation ($input: AddKnowledgeInput!) { addKnowledge(input: $input) { knowledge {
  id avatarId type title status failure reason passageCount size url fileName question createdAt
} } }"""
REPLACE = "mutation ($input: ReplaceKnowledgeInput!) { replaceKnowledge(input: $input) { knowledge { status title } } }"
RENAME = "mutation ($input: RenameKnowledgeInput!) { renameKnowledge(input: $input) { knowledge { title } } }"
REINDEX = "mutation ($input: ReindexKnowledgeInput!) { reindexKnowledge(input: $input) { knowledge { id } } }"
DELETE = "mutation ($input: DeleteKnowledgeInput!) { deleteKnowledge(input: $input) { deletedId } }"
ITEM = """query ($id: ID!, $after: String) { node(id: $id) { ... on Knowledge { title status passageCount
  passages(first: 1, after: $after) { edges { cursor node { id text position knowledgeId } }
  pageInfo { hasNextPage } } } } }"""
PASSAGE = "query ($id: ID!) { node(id: $id) { ... on Passage { text } } }"
OF_AVATAR = """query ($id: ID!) { avatar(id: $id) { knowledge(first: 1) { edges { node { title } } }
  knowledgeStatus { items unfinished failed passages bytes embeddingModel reindexing } } }"""
TRY = """query ($id: ID!, $question: String!) { tryQuestion(avatarId: $id, question: $question) {
  relevance text passage { title url } } }"""
FOLLOW = """subscription ($id: ID!) { knowledge(avatarId: $id) { __typename
  ... on KnowledgeChanged { knowledge { id status } } ... on KnowledgeDeleted { deletedId } } }"""
TEXT = "We open at nine.\n\nParking is free."


@pytest.fixture
async def avatar(owner: Client) -> Payload:
    return await created(owner)


async def add(owner: Client, avatar: Payload, **fields: object) -> Payload:
    given = {"avatarId": avatar["id"], "type": "text", "content": TEXT, **fields}
    item: Payload = (await owner.data(ADD, input=given))["addKnowledge"]["knowledge"]
    return item


async def ready(owner: Client, item_id: str) -> Payload:
    """The item once it is at rest."""
    while True:
        item: Payload = (await owner.data(ITEM, id=item_id))["node"]
        if item["status"] in ("ready", "failed"):
            return item
        await asyncio.sleep(0.02)


async def test_an_item_is_added_indexed_and_found(owner: Client, avatar: Payload) -> None:
    item = await add(owner, avatar, title="Hours")
    assert (item["status"], item["title"], item["avatarId"]) == ("queued", "Hours", avatar["id"])
    indexed = await ready(owner, item["id"])
    assert (indexed["status"], indexed["passageCount"]) == ("ready", 2)
    [edge] = indexed["passages"]["edges"]
    assert (edge["node"]["text"], edge["node"]["knowledgeId"]) == ("We open at nine.", item["id"])
    assert indexed["passages"]["pageInfo"]["hasNextPage"]
    rest = (await owner.data(ITEM, id=item["id"], after=edge["cursor"]))["node"]["passages"]
    assert (rest["edges"][0]["node"]["position"], rest["pageInfo"]["hasNextPage"]) == (1, False)
    assert (await owner.data(PASSAGE, id=edge["node"]["id"]))["node"] == {"text": "We open at nine."}
    [found, *_] = (await owner.data(TRY, id=avatar["id"], question="Is parking free?"))["tryQuestion"]
    assert found["passage"]["title"] == "Hours"
    told = (await owner.data(OF_AVATAR, id=avatar["id"]))["avatar"]
    assert told["knowledge"]["edges"] == [{"node": {"title": "Hours"}}]
    assert told["knowledgeStatus"] == {
        "items": 1, "unfinished": 0, "failed": 0, "passages": 2, "bytes": len(TEXT),
        "embeddingModel": "bag-of-words", "reindexing": False,
    }  # fmt: skip


@pytest.mark.parametrize("position", ["9" * 10, "9" * 30, "9" * 5000, "-1", ""])
async def test_a_cursor_that_was_made_up_is_refused(owner: Client, avatar: Payload, position: str) -> None:
    item = await add(owner, avatar)
    cursor = base64.b64encode(f"Position:{position}".encode()).decode()
    assert await owner.code(ITEM, id=item["id"], after=cursor) == "BAD_REQUEST"


async def test_it_is_renamed_replaced_reindexed_and_deleted(owner: Client, avatar: Payload) -> None:
    item = await add(owner, avatar)
    await ready(owner, item["id"])
    assert (await owner.data(RENAME, input={"id": item["id"], "title": "Hours"}))["renameKnowledge"]
    replaced = await owner.data(REPLACE, input={"id": item["id"], "content": "At ten."})
    assert replaced["replaceKnowledge"]["knowledge"] == {"status": "queued", "title": "Hours"}
    assert (await ready(owner, item["id"]))["passageCount"] == 1
    assert (await owner.data(REINDEX, input={"id": item["id"]}))["reindexKnowledge"]["knowledge"]["id"] == item["id"]
    await ready(owner, item["id"])
    assert (await owner.data(DELETE, input={"id": item["id"]}))["deleteKnowledge"]["deletedId"] == item["id"]
    assert (await owner.data(ITEM, id=item["id"]))["node"] is None


async def test_progress_comes_over_a_socket(owner: Client, avatar: Payload) -> None:
    async with socket(owner, Authorization=f"Bearer {owner.token}") as opened:
        payload = {"query": FOLLOW, "variables": {"id": avatar["id"]}}
        await opened.send_json({"id": "1", "type": "subscribe", "payload": payload})
        await opened.send_json({"id": "2", "type": "subscribe", "payload": {"query": "{ me { id } }"}})
        while (await opened.receive_json())["id"] != "2":
            pass
        item = await add(owner, avatar)
        seen: list[Any] = []
        while "ready" not in seen:
            message = await opened.receive_json()
            if message["id"] == "1":
                assert message["type"] == "next", message
                seen.append(message["payload"]["data"]["knowledge"]["knowledge"]["status"])
        assert seen == sorted(seen, key=["queued", "fetching", "indexing", "ready"].index)
        await owner.data(DELETE, input={"id": item["id"]})
        message = await opened.receive_json()
        while message["id"] != "1":
            message = await opened.receive_json()
        assert message["payload"]["data"]["knowledge"] == {"__typename": "KnowledgeDeleted", "deletedId": item["id"]}


async def test_nobody_else_may_watch(other: Client, avatar: Payload) -> None:
    kind, payload = await over_socket(other, FOLLOW, id=avatar["id"])
    assert kind in ("next", "error")
    errors = payload["errors"] if isinstance(payload, dict) else payload
    assert errors[0]["extensions"]["code"] == "UNAUTHORIZED"


async def upload(
    owner: Client, avatar: Payload, *files: tuple[str, str, bytes], token: bool = True
) -> tuple[int, Payload]:
    """Sends an operation by the multipart request specification."""
    given = {"avatarId": avatar["id"], "type": "file", "file": None}
    form = aiohttp.FormData(quote_fields=False, default_to_multipart=True)
    form.add_field("operations", json.dumps({"query": ADD, "variables": {"input": given}}))
    form.add_field("map", json.dumps({name: ["variables.input.file"] for name, _, _ in files}))
    for name, file_name, body in files:
        form.add_field(name, io.BytesIO(body), filename=file_name, content_type="text/plain")
    headers = {"Authorization": f"Bearer {owner.token}"} if token else {}
    async with owner.http.post(f"{owner.house.url}/graphql", data=form, headers=headers) as response:
        return response.status, await response.json()


def code_of(answer: tuple[int, Payload]) -> str:
    return str(answer[1]["errors"][0]["extensions"]["code"])


async def test_a_file_is_uploaded(owner: Client, avatar: Payload) -> None:
    status, answer = await upload(owner, avatar, ("0", "../hours.txt", TEXT.encode()))
    assert status == 200, answer
    item = answer["data"]["addKnowledge"]["knowledge"]
    assert (item["fileName"], item["title"], item["size"]) == ("hours.txt", "hours.txt", len(TEXT))
    assert (await ready(owner, item["id"]))["status"] == "ready"


async def test_ten_megabytes_are_taken_and_no_byte_more(owner: Client, avatar: Payload) -> None:
    exact = await upload(owner, avatar, ("0", "a.txt", b"x" * BODY_MAX_BYTES))
    assert exact[0] == 200
    assert "errors" not in exact[1]
    assert code_of(await upload(owner, avatar, ("0", "a.txt", b"x" * (BODY_MAX_BYTES + 1)))) == "PAYLOAD_TOO_LARGE"
    assert code_of(await upload(owner, avatar, ("0", "a.txt", b"x" * (BODY_MAX_BYTES + 2**21)))) == "PAYLOAD_TOO_LARGE"


async def test_wrong_forms_are_refused(owner: Client, avatar: Payload) -> None:
    for files in ((), (("0", "a.txt", b"x"), ("1", "b.txt", b"x")), (("0", "", b"x"),), (("0", "a.txt", b""),)):
        assert code_of(await upload(owner, avatar, *files)) == "BAD_REQUEST", files


async def test_a_form_needs_a_header_that_no_other_site_can_send_unasked(owner: Client, avatar: Payload) -> None:
    status, answer = await upload(owner, avatar, ("0", "a.txt", b"x"), token=False)
    assert (status, code_of((status, answer))) == (400, "BAD_REQUEST")


async def test_a_text_in_the_place_of_a_file_is_refused(owner: Client, avatar: Payload) -> None:
    given = {"avatarId": avatar["id"], "type": "file", "file": "/etc/passwd"}
    assert await owner.code(ADD, input=given) == "BAD_REQUEST"


def test_all_the_bytes_of_a_plan_can_be_told() -> None:
    summary = schema._schema.type_map["KnowledgeSummary"]
    assert isinstance(summary, GraphQLObjectType)
    scalar = get_named_type(summary.fields["bytes"].type)
    most = KNOWLEDGE[SELF_HOSTED].bytes
    assert isinstance(scalar, GraphQLScalarType)
    assert scalar.serialize(most) == most
