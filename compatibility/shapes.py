"""The base of every JSON shape on the wire, and the shapes that several files share."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from domain.ai.prompts import Utterance
from domain.avatars import public_name
from domain.errors import BadRequest
from domain.sessions import Citation, Role


class RequestShape(BaseModel):
    """What a caller sends: camelCase names only, exact JSON types, unknown fields ignored."""

    model_config = ConfigDict(alias_generator=public_name, strict=True, extra="ignore", frozen=True)


class ResponseShape(BaseModel):
    """What is told as `data`. It is made by our own names and printed in camelCase."""

    model_config = ConfigDict(
        alias_generator=public_name,
        validate_by_name=True,
        serialize_by_alias=True,
        strict=True,
        extra="ignore",
        frozen=True,
    )


class BareShape(ResponseShape):
    """An answer whose fields stand beside `meta` instead of within `data`."""


class Nothing(RequestShape):
    """The body of a request that takes none; what is sent is not read."""


class Deleted(BareShape):
    success: Literal[True] = True


class HistoryItem(RequestShape):
    role: Role
    content: str

    def utterance(self) -> Utterance:
        return Utterance(self.role, self.content)


class SourceShape(ResponseShape):
    """A passage of the avatar's knowledge that a reply rests on. `relevance` is from 0 to 1.

    The text cites it by `number`, as [1]. `url` is the page of the web that it stands on, `page` that of a PDF.
    """

    title: str
    relevance: float
    number: int
    url: str | None
    page: int | None

    @classmethod
    def of(cls, source: Citation) -> Self:
        return cls.model_validate(asdict(source))


class LatencyShape(ResponseShape):
    """Milliseconds. `total`: from send to the last word; `llm`: the provider's share of it."""

    total: int
    llm: int


S = TypeVar("S", bound=RequestShape)


def parsed(shape: type[S], raw: bytes | str | Mapping[str, str]) -> S:
    """JSON, or the fields of a form, as a shape.

    Raises `BadRequest` for the first fault, without quoting what was sent.
    """
    try:
        return shape.model_validate_json(raw) if isinstance(raw, bytes | str) else shape.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    field = ".".join(str(part) for part in first["loc"]) or "body"
    raise BadRequest.field(field, first["msg"])
