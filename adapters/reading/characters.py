"""Bytes to text, and text to text that can be stored."""

import codecs
import re
import unicodedata
from email.message import Message

from charset_normalizer import from_bytes

SAMPLE_BYTES = 64 * 1024
MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"))
WIDE_MARKS = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
UNWANTED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff\ufffe\uffff]"
)
REPLACED = str.maketrans({"\x0c": "\n", "\u2028": "\n", "\u2029": "\n", "\u00ad": None})


def decoded(body: bytes, media_type: str, declared: str | None = None) -> str:
    """The text, by its byte order mark, the charset of its media type, its own declaration, UTF-8, or a guess."""
    marked = next((name for mark, name in MARKS + WIDE_MARKS if body.startswith(mark)), None)
    for charset in (marked, _charset(media_type), declared, "utf-8"):
        text = _strictly(body, charset)
        if text is not None:
            return text
    guess = from_bytes(body[:SAMPLE_BYTES]).best()
    return body.decode(guess.encoding if guess else "cp1252", errors="replace")


def cleaned(text: str) -> str:
    """Composed characters, plain line ends, and nothing that a database refuses or nobody sees."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").translate(REPLACED)
    return unicodedata.normalize("NFC", UNWANTED.sub("", text))


def one_line(text: str, most: int) -> str:
    return " ".join(cleaned(text).split())[:most]


def _charset(media_type: str) -> str | None:
    header = Message()
    header["Content-Type"] = media_type
    return header.get_content_charset()


def _strictly(body: bytes, charset: str | None) -> str | None:
    if not charset:
        return None
    try:
        return body.decode(charset)
    except (LookupError, ValueError):
        return None
