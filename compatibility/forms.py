"""Forms of multipart/form-data, with one file at most."""

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request

from domain.errors import BadRequest
from domain.knowledge.additions import UPLOAD_MAX_BYTES, Upload

FIELDS_MAX = 20


def is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "multipart/form-data"


async def form_of(request: Request) -> tuple[dict[str, str], Upload | None]:
    """The fields of text, and the file called `file`. Raises `BadRequest` and `PayloadTooLarge`."""
    request.state.max_body_bytes = UPLOAD_MAX_BYTES
    try:
        async with request.form(max_files=1, max_fields=FIELDS_MAX) as form:
            texts = {name: value for name, value in form.items() if isinstance(value, str)}
            file = form.get("file")
            if not isinstance(file, UploadFile):
                return texts, None
            return texts, Upload(file.filename or "", file.content_type or "", await file.read())
    except (HTTPException, MultiPartException):
        raise BadRequest.field("body", "is no form of multipart/form-data with one file at most") from None
