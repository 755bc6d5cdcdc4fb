"""The OpenAPI document: committed as printed, whole, and true."""

from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

import compatibility
from compatibility.consumer_avatars import CreateAvatar, UpdateAvatar
from compatibility.print_openapi import printed
from domain.avatars import AvatarSettings
from tests.compatibility.people import MODEL, Owner
from tests.fakes.models import ScriptedModels

COMMITTED = Path(compatibility.__file__).parent / "openapi.json"
SECRETS = {"ai_api_key", "password"}


@pytest.fixture
def document() -> dict[str, Any]:
    return compatibility.openapi()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            yield verb.upper(), path, operation


def references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_the_committed_document_is_the_printed_one() -> None:
    assert COMMITTED.read_bytes() == printed(), "python -m compatibility.print_openapi > compatibility/openapi.json"


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(references(document)) <= known
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_operations_have_names_of_their_own(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))


async def test_every_documented_operation_is_served(http: httpx.AsyncClient, document: dict[str, Any]) -> None:
    for verb, path, operation in operations(document):
        response = await http.request(verb, path)
        assert response.status_code != 405, (verb, path)
        assert response.json().get("error", {}).get("message") != "There is nothing at this address.", (verb, path)
        assert str(response.status_code) in operation["responses"], (verb, path)


def test_the_socket_is_described(document: dict[str, Any]) -> None:
    told = document["paths"]["/public/avatar/{shortId}/ws"]["get"]
    for word in ("message", "stop", "resume", "ping", "started", "chunk", "done", "error", "4404"):
        assert word in told["description"]
    assert "101" in told["responses"]


def test_what_an_owner_can_send_is_every_setting_with_its_own_default() -> None:
    for shape in (CreateAvatar, UpdateAvatar):
        assert set(shape.model_fields) == {field.name for field in fields(AvatarSettings)} | SECRETS
    for field in fields(AvatarSettings):
        if field.default is not MISSING:
            assert CreateAvatar.model_fields[field.name].default == field.default, field.name
        else:
            assert CreateAvatar.model_fields[field.name].is_required(), field.name


def test_an_update_promises_no_defaults(document: dict[str, Any]) -> None:
    schema = document["components"]["schemas"]["UpdateAvatar"]
    assert "required" not in schema
    assert not [name for name, described in schema["properties"].items() if "default" in described]


async def test_answers_are_as_documented(
    owner: Owner, short_id: str, models: ScriptedModels, document: dict[str, Any]
) -> None:
    models.script(MODEL, "Hello there.")
    public, documented_public = f"/public/avatar/{short_id}", "/public/avatar/{shortId}"
    mine, documented_mine = f"/consumer-avatars/{short_id}", "/consumer-avatars/{id}"
    session_id = (await owner.request("POST", f"{public}/session", {})).json()["data"]["sessionId"]
    said = {"sessionId": session_id, "message": "Hello"}
    for method, path, documented, body in (
        ("GET", "/health", "/health", None),
        ("GET", "/consumer-avatars", "/consumer-avatars", None),
        ("GET", mine, documented_mine, None),
        ("PATCH", mine, documented_mine, {"tone": None}),
        ("GET", public, documented_public, None),
        ("POST", f"{public}/session", f"{documented_public}/session", {}),
        ("POST", f"{public}/chat", f"{documented_public}/chat", said),
        ("POST", f"{public}/chat", f"{documented_public}/chat", {}),
        ("POST", f"{public}/verify-password", f"{documented_public}/verify-password", {"password": "x"}),
        ("POST", f"{public}/session/{session_id}/end", f"{documented_public}/session/{{sessionId}}/end", None),
        ("DELETE", mine, documented_mine, None),
        ("DELETE", mine, documented_mine, None),
    ):
        response = await owner.request(method, path, body)
        told = document["paths"][documented][method.lower()]["responses"][str(response.status_code)]
        schema = told["content"]["application/json"]["schema"] | {"components": document["components"]}
        Draft202012Validator(schema).validate(response.json())
