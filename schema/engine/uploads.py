"""Files over GraphQL, by the GraphQL multipart request specification."""

from typing import Any

import orjson
from cross_web import HTTPException
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException as Refused
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from strawberry.file_uploads.utils import replace_placeholders_with_files

from domain.errors import BadRequest
from domain.knowledge.additions import UPLOAD_MAX_BYTES, Upload

FIELDS = ("operations", "map")


async def operation_with_file(request: Request) -> dict[str, Any]:
    """The operation of a multipart request, its one file in place. The caller closes the request."""
    request.state.max_body_bytes = UPLOAD_MAX_BYTES
    try:
        form = await request.form(max_files=1, max_fields=len(FIELDS))
        operation, places = (orjson.loads(str(form.get(name, ""))) for name in FIELDS)
        files = {name: part for name, part in form.items() if isinstance(part, UploadFile)}
        placed: dict[str, Any] = replace_placeholders_with_files(operation, places, files)
        if placed.get("query") is None:
            raise KeyError("query")
    except (Refused, MultiPartException, orjson.JSONDecodeError, LookupError, AttributeError, TypeError, ValueError):
        raise HTTPException(
            400, "A multipart request needs the fields operations and map as JSON, and then one file"
        ) from None
    return placed


async def uploaded(part: object) -> Upload:
    """What an `Upload` variable holds. Raises `BadRequest` for anything but a file."""
    if not isinstance(part, UploadFile):
        raise BadRequest.field("file", "is missing: send it as multipart/form-data")
    return Upload(part.filename or "", part.content_type or "", await part.read())
