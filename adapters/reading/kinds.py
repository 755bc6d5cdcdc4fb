"""What a document is: by its bytes first, then by its media type, then by its name."""

import io
import re
import zipfile
from enum import Enum, auto
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from domain.knowledge.reading import FailureCode, Raw, Unreadable

UNZIPPED_MAX_BYTES = 64 * 1024 * 1024
HEAD_BYTES = 2048
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
LOCKED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
HTML_START = re.compile(
    # Each part is taken once and never given back, so that no row of comments is cut in all possible ways.
    rb"^(\xef\xbb\xbf)?\s*+(<\?xml[^>]*+>\s*+)?+(<!--(?:(?!-->).)*+-->\s*+)*+<(!doctype html|html|head|body)\b",
    re.I | re.S,
)


class Kind(Enum):
    PDF = auto()
    DOCX = auto()
    HTML = auto()
    MARKDOWN = auto()
    CSV = auto()
    TEXT = auto()


MEDIA_TYPES = {
    "application/pdf": Kind.PDF,
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": Kind.DOCX,
    "text/html": Kind.HTML,
    "application/xhtml+xml": Kind.HTML,
    "text/markdown": Kind.MARKDOWN,
    "text/csv": Kind.CSV,
    "text/tab-separated-values": Kind.CSV,
}
SUFFIXES = {
    ".pdf": Kind.PDF,
    ".docx": Kind.DOCX,
    ".html": Kind.HTML,
    ".htm": Kind.HTML,
    ".xhtml": Kind.HTML,
    ".md": Kind.MARKDOWN,
    ".markdown": Kind.MARKDOWN,
    ".csv": Kind.CSV,
    ".tsv": Kind.CSV,
    ".txt": Kind.TEXT,
}


def kind_of(raw: Raw) -> Kind:
    """Raises `Unreadable` for what is not read, and for a package that would unpack to too much."""
    if not raw.body.strip():
        raise Unreadable(FailureCode.EMPTY)
    said = _said(raw)
    if b"%PDF-" in raw.body[:1024]:
        return Kind.PDF
    if raw.body.startswith(b"PK\x03\x04"):
        return _zipped(raw.body, said)
    if raw.body.startswith(OLE):
        raise Unreadable(FailureCode.ENCRYPTED if LOCKED_PACKAGE in raw.body else FailureCode.UNSUPPORTED_TYPE)
    if said in (Kind.PDF, Kind.DOCX):
        raise Unreadable(FailureCode.BROKEN)
    head = raw.body[:HEAD_BYTES]
    if head.startswith(b"{\\rtf") or (_is_binary(head) and not _is_wide_text(raw.body)):
        raise Unreadable(FailureCode.UNSUPPORTED_TYPE)
    return said or (Kind.HTML if HTML_START.match(head) else Kind.TEXT)


def _said(raw: Raw) -> Kind | None:
    media_type = raw.media_type.partition(";")[0].strip().lower()
    name = raw.name or urlsplit(raw.url or "").path
    return MEDIA_TYPES.get(media_type) or SUFFIXES.get(PurePosixPath(name).suffix.lower())


def _is_binary(head: bytes) -> bool:
    return any(byte < 9 or 14 <= byte < 27 for byte in head)


def _is_wide_text(body: bytes) -> bool:
    """Whether it is UTF-16: by its mark, or because every other byte of plain Latin text is zero."""
    even, odd = body[0:HEAD_BYTES:2].count(0), body[1:HEAD_BYTES:2].count(0)
    most, least = max(even, odd), min(even, odd)
    return body.startswith(WIDE_MARKS) or (least == 0 and most > min(len(body), HEAD_BYTES) // 4)


def _zipped(body: bytes, said: Kind | None) -> Kind:
    try:
        members = zipfile.ZipFile(io.BytesIO(body)).infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, IndexError):
        raise Unreadable(FailureCode.BROKEN if said is Kind.DOCX else FailureCode.UNSUPPORTED_TYPE) from None
    if not any(member.filename == "word/document.xml" for member in members):
        raise Unreadable(FailureCode.UNSUPPORTED_TYPE)
    if sum(member.file_size for member in members) > UNZIPPED_MAX_BYTES:
        raise Unreadable(FailureCode.TOO_LARGE)
    return Kind.DOCX
