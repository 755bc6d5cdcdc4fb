"""What an owner gives an avatar to know, checked and made into an item's content."""

import re
from dataclasses import dataclass, field, replace

from domain.errors import BadRequest, PayloadTooLarge
from domain.knowledge.items import (
    ANSWER_MAX,
    QUESTION_MAX,
    TITLE_MAX,
    Crawl,
    KnowledgeItem,
    KnowledgeType,
    check_crawl,
    check_text,
    check_title,
    check_url,
    one_line,
)
from domain.knowledge.reading import BODY_MAX_BYTES

UPLOAD_MAX_BYTES = BODY_MAX_BYTES + 1024 * 1024
"""Of a whole request with a file in it."""

FILE_NAME_MAX = 255
WORDS_IN_TITLE = 8
MARKDOWN = "text/markdown"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was sent. `name` may be a whole path; `media_type` is the sender's claim."""

    name: str
    media_type: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Addition:
    """What an owner sent. Each type takes fields of its own and leaves the others alone."""

    title: str | None = None
    content: str | None = field(default=None, repr=False)
    url: str | None = None
    file: Upload | None = None
    question: str | None = field(default=None, repr=False)
    answer: str | None = field(default=None, repr=False)
    crawl: Crawl | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """What an item is made of. `body` is None for what will be fetched."""

    title: str
    body: bytes | None = field(default=None, repr=False)
    media_type: str | None = None
    file_name: str | None = None
    url: str | None = None
    question: str | None = field(default=None, repr=False)
    crawl: Crawl | None = None

    def put_into(self, item: KnowledgeItem) -> KnowledgeItem:
        return replace(
            item,
            title=self.title,
            size=len(self.body or b""),
            media_type=self.media_type,
            file_name=self.file_name,
            url=self.url,
            question=self.question,
            crawl=self.crawl,
        )


def type_of(name: str | None) -> KnowledgeType:
    try:
        return KnowledgeType(name or "")
    except ValueError:
        raise BadRequest.field("type", f"takes one of {', '.join(KnowledgeType)}") from None


def content_of(kind: KnowledgeType, given: Addition) -> Content:
    """Raises `BadRequest` for a field that is missing or wrong, and `PayloadTooLarge`."""
    match kind:
        case KnowledgeType.TEXT:
            text = check_text(given.content or "", "content", BODY_MAX_BYTES)
            return Content(check_title(given.title, beginning(text)), text.encode(), MARKDOWN)
        case KnowledgeType.QA:
            return pair(given)
        case KnowledgeType.FILE:
            return uploaded(given)
        case KnowledgeType.URL:
            url = check_url(given.url)
            return Content(check_title(given.title, url), url=url)
        case KnowledgeType.SITE:
            url = check_url(given.url)
            return Content(check_title(given.title, url), url=url, crawl=check_crawl(given.crawl or Crawl()))


def pair(given: Addition) -> Content:
    question = " ".join(check_text(given.question or "", "question", QUESTION_MAX).split())
    answer = check_text(given.answer or "", "answer", ANSWER_MAX)
    return Content(check_title(given.title, question), answer.encode(), MARKDOWN, question=question)


def uploaded(given: Addition) -> Content:
    if given.file is None:
        raise BadRequest.field("file", "is missing: send it as multipart/form-data")
    name = base_name(given.file.name)
    if not given.file.body:
        raise BadRequest.field("file", "is empty")
    if len(given.file.body) > BODY_MAX_BYTES:
        raise PayloadTooLarge("The file is larger than 10 MB. Split it into smaller files.", {"field": "file"})
    media_type = one_line(given.file.media_type)[:FILE_NAME_MAX]
    return Content(check_title(given.title, name), given.file.body, media_type, file_name=name)


def base_name(name: str) -> str:
    """The last part of a path, whichever system it is of."""
    name = one_line(re.split(r"[/\\]", name)[-1])
    if name in ("", ".", "..") or len(name) > FILE_NAME_MAX:
        raise BadRequest.field("file", f"needs a name of at most {FILE_NAME_MAX} characters")
    return name


def beginning(text: str) -> str:
    """The first words of a text, to call it by: of its heading where it begins with one."""
    line = next(line for line in text.splitlines() if line.strip())
    return " ".join(one_line(line.lstrip("# ")).split()[:WORDS_IN_TITLE])[:TITLE_MAX] or "Text"
