"""What a document is told by its bytes, its media type and its name."""

import io
import zipfile

import pytest

from adapters.reading.kinds import Kind, kind_of
from domain.knowledge.reading import FailureCode, Raw, Unreadable
from tests.parts import documents

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as package:
        package.writestr("xl/workbook.xml", "<workbook/>")
    return file.getvalue()


@pytest.mark.parametrize(
    ("body", "media_type", "name", "kind"),
    [
        (documents.pdf("Open"), "text/plain", "a.txt", Kind.PDF),
        (b"\n\n" + documents.pdf("Open"), "", None, Kind.PDF),
        (documents.docx(), "application/octet-stream", "a.bin", Kind.DOCX),
        (documents.PAGE.encode(), "text/plain", None, Kind.HTML),
        (b"\xef\xbb\xbf <!-- x --> <HTML>", "", None, Kind.HTML),
        (b"<!doctype html>", "", "how-html-works.txt", Kind.TEXT),
        (b"Open", "text/html; charset=utf-8", "a.md", Kind.HTML),
        (b"# Open", "text/plain", "README.MD", Kind.MARKDOWN),
        (b"a,b", "text/csv", None, Kind.CSV),
        (b"a\tb", "", "a.tsv", Kind.CSV),
        (b"Open", "application/octet-stream", None, Kind.TEXT),
        ("Open".encode("utf-16-le"), "", None, Kind.TEXT),
    ],
)
def test_kinds(body: bytes, media_type: str, name: str | None, kind: Kind) -> None:
    assert kind_of(Raw(body, media_type, name)) is kind


def test_an_address_is_a_name_too() -> None:
    assert kind_of(Raw(b"a,b", "text/plain", url="https://a.example/data.csv?x=1.md")) is Kind.CSV


@pytest.mark.parametrize(
    ("body", "name", "code"),
    [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "a.txt", FailureCode.UNSUPPORTED_TYPE),
        (b"{\\rtf1 Open}", "a.rtf", FailureCode.UNSUPPORTED_TYPE),
        (OLE, "a.doc", FailureCode.UNSUPPORTED_TYPE),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "a.docx", FailureCode.ENCRYPTED),
        (archive(), "a.xlsx", FailureCode.UNSUPPORTED_TYPE),
        (documents.docx()[:900], "a.docx", FailureCode.BROKEN),
        (documents.docx()[:900], "a.zip", FailureCode.UNSUPPORTED_TYPE),
        (b"Open", "a.pdf", FailureCode.BROKEN),
        (b"Open", "a.docx", FailureCode.BROKEN),
        (b" \r\n", "a.txt", FailureCode.EMPTY),
        (documents.docx_bomb(), "a.docx", FailureCode.TOO_LARGE),
    ],
)
def test_what_is_not_read(body: bytes, name: str, code: FailureCode) -> None:
    with pytest.raises(Unreadable) as failed:
        kind_of(Raw(body, "", name))
    assert failed.value.code is code
