"""The OpenAPI 3.1 document, made from the same declarations as the routes."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from compatibility.routing import Endpoint
from compatibility.shapes import BareShape, Nothing
from domain.avatars import public_name
from domain.errors import (
    AvatariumError,
    BadRequest,
    Internal,
    InvalidApiKey,
    PayloadTooLarge,
    RateLimited,
    TokenExpired,
    TokenInvalid,
    Unauthorized,
    Unavailable,
)

Json = dict[str, Any]
Sections = Mapping[str, tuple[Endpoint[Any], ...]]

META = {"$ref": "#/components/schemas/Meta"}
ENVELOPE: Json = {
    "Meta": {
        "type": "object",
        "required": ["requestId"],
        "properties": {"requestId": {"type": "string", "description": "Also sent as the header X-Request-Id."}},
    },
    "Error": {
        "type": "object",
        "required": ["error", "meta"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message"],
                "properties": {
                    "code": {"type": "string"},
                    "message": {"type": "string", "description": "What was wrong, and what to do about it."},
                    "details": {"type": "object", "description": "For a wrong field: its path and the reason."},
                },
            },
            "meta": META,
        },
    },
}
RATE_LIMIT: Json = {
    "X-RateLimit-Limit": {"schema": {"type": "integer"}, "description": "Attempts within the window."},
    "X-RateLimit-Remaining": {"schema": {"type": "integer"}, "description": "Attempts that are left of them."},
    "X-RateLimit-Reset": {"schema": {"type": "integer"}, "description": "Unix time when the window is over."},
}
RETRY_AFTER: Json = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}}
BEARER: Json = {
    "type": "http",
    "scheme": "bearer",
    "description": "A Firebase ID token, a local sign-in token, or an API key (`av_live_…`, `av_test_…`).",
}


FORM: Json = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {
            "type": "string",
            "format": "binary",
            "description": "PDF, DOCX, TXT, MD, HTML or CSV; 10 MB.",
        },
        "title": {"type": "string"},
        "type": {"type": "string", "enum": ["file", "document"]},
    },
}


class Untitled(GenerateJsonSchema):
    """Leaves out the titles that only repeat a field's name."""

    def field_title_should_be_set(self, _schema: Any) -> bool:
        return False


def document(sections: Sections) -> Json:
    endpoints = [endpoint for section in sections.values() for endpoint in section]
    paths: Json = {}
    for tag, section in sections.items():
        for endpoint in section:
            for method in endpoint.methods:
                paths.setdefault(endpoint.path, {})[method.lower()] = operation(endpoint, method, tag)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Avatarium", "version": "1.0.0", "description": "REST and WebSocket API of Avatarium."},
        "servers": [{"url": "/v1"}],
        "tags": [{"name": tag} for tag in sections],
        "paths": paths,
        "components": {"schemas": schemas(endpoints), "securitySchemes": {"bearer": BEARER}},
    }


def schemas(endpoints: Iterable[Endpoint[Any]]) -> Json:
    wanted: dict[tuple[type[Any], JsonSchemaMode], None] = {}
    for endpoint in endpoints:
        if endpoint.body is not Nothing:
            wanted[endpoint.body, "validation"] = None
        if endpoint.answer:
            wanted[endpoint.answer, "serialization"] = None
    _, made = models_json_schema(list(wanted), ref_template="#/components/schemas/{model}", schema_generator=Untitled)
    named: Json = made["$defs"] | ENVELOPE
    for answer in {endpoint.answer for endpoint in endpoints if endpoint.answer}:
        if issubclass(answer, BareShape):
            add_meta(named[answer.__name__])
    return dict(sorted(named.items()))


def add_meta(schema: Json) -> None:
    schema["properties"]["meta"] = META
    schema["required"] = [*schema.get("required", ()), "meta"]


def operation(endpoint: Endpoint[Any], method: str, tag: str) -> Json:
    name = public_name(endpoint.handler.__name__)
    made: Json = {
        "tags": [tag],
        "operationId": name if method == endpoint.methods[0] else f"{name}By{method.capitalize()}",
        "summary": endpoint.summary,
        "description": endpoint.description,
        "parameters": [parameter(name) for name in re.findall(r"{(\w+)}", endpoint.path)],
        "requestBody": request_body(endpoint),
        "responses": {**success(endpoint), **failures(endpoint)},
        "security": [{"bearer": []}] if endpoint.bearer else None,
    }
    return {key: value for key, value in made.items() if value}


def parameter(name: str) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def request_body(endpoint: Endpoint[Any]) -> Json | None:
    if endpoint.body is Nothing:
        return None
    content = json_content(reference(endpoint.body))
    if endpoint.takes_file:
        content["multipart/form-data"] = {"schema": FORM}
    return {"required": not endpoint.body_optional, "content": content}


def success(endpoint: Endpoint[Any]) -> Json:
    if endpoint.answer is None:
        return {"101": {"description": "The socket is open."}}
    schema = reference(endpoint.answer)
    if not issubclass(endpoint.answer, BareShape):
        schema = {"type": "object", "required": ["data", "meta"], "properties": {"data": schema, "meta": META}}
    limited = {"headers": RATE_LIMIT} if RateLimited in endpoint.errors else {}
    return {"200": {"description": "OK", **limited, "content": json_content(schema)}}


def failures(endpoint: Endpoint[Any]) -> Json:
    """The errors by status. Each response is described by the codes that it may carry."""
    codes: dict[int, list[str]] = {}
    for error in (*endpoint.errors, *implied(endpoint)):
        codes.setdefault(error.status, []).append(error.code)
    return {str(status): failure(codes[status]) for status in sorted(codes)}


def failure(codes: Sequence[str]) -> Json:
    limited = {"headers": RATE_LIMIT | RETRY_AFTER} if RateLimited.code in codes else {}
    return {"description": ", ".join(codes), **limited, "content": json_content(reference_to("Error"))}


def implied(endpoint: Endpoint[Any]) -> Iterable[type[AvatariumError]]:
    if endpoint.bearer:
        yield from (Unauthorized, TokenExpired, TokenInvalid, InvalidApiKey)
    if endpoint.body is not Nothing:
        yield from (BadRequest, PayloadTooLarge)
    yield from (Internal, Unavailable)


def json_content(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


def reference(shape: type[Any]) -> Json:
    return reference_to(shape.__name__)


def reference_to(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}
