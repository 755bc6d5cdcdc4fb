"""The labelled set: documents in Markdown, and questions with the passages that answer them."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from adapters.reading.pieces import pieces_of
from adapters.reading.plain import read_text
from domain.ai.prompts import Utterance
from domain.avatars import Avatar
from domain.knowledge.items import Passage
from domain.knowledge.reading import Raw
from domain.sessions import Role
from domain.tables import Tx
from tests.builders import a_passage, an_account, an_avatar, an_item
from tests.fakes.lexicon import add_passages

FOLDER = Path(__file__).parent / "retrieval_set"
HEADING = re.compile(r"^## +(.+)$", re.MULTILINE)
FLOWING_LENGTH = 700
PARAGRAPH_SECTIONS = 8


@dataclass(frozen=True, slots=True)
class Label:
    """A passage that answers: any of the document's that has the quote, however the document was split."""

    document: str
    quote: str

    def fits(self, passage: Passage) -> bool:
        return passage.id.startswith(f"{self.document}-") and self.quote in passage.text


@dataclass(frozen=True, slots=True)
class Labelled:
    """A question that nothing answers has no labels. `earlier` are the utterances before it."""

    kind: str
    ask: str
    earlier: tuple[Utterance, ...]
    labels: tuple[Label, ...]

    def answered_by(self, passage: Passage) -> bool:
        return any(label.fits(passage) for label in self.labels)


def questions() -> list[Labelled]:
    return [labelled(row) for name in ("questions", "unanswerable") for row in rows(FOLDER / f"{name}.toml")]


def rows(file: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads(file.read_text())["questions"]
    return found


def labelled(row: dict[str, Any]) -> Labelled:
    said = enumerate(row.get("earlier", ()))
    earlier = tuple(Utterance(Role.ASSISTANT if place % 2 else Role.USER, words) for place, words in said)
    labels = tuple(Label(*answer.split(": ", 1)) for answer in row.get("answers", ()))
    return Labelled(row["kind"], row["ask"], earlier, labels)


@dataclass(frozen=True, slots=True)
class Section:
    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class LabelledDocument:
    """`language` is an ISO 639-1 code."""

    name: str
    language: str
    title: str
    sections: tuple[Section, ...]


def documents() -> list[LabelledDocument]:
    return [document(file) for file in sorted(FOLDER.glob("*.md"))]


def document(file: Path) -> LabelledDocument:
    name, language = file.stem.split(".")
    title, *parts = HEADING.split(file.read_text())
    sections = tuple(Section(heading, text.strip()) for heading, text in zip(parts[::2], parts[1::2], strict=True))
    return LabelledDocument(name, language, title.removeprefix("# ").strip(), sections)


def flowing(whole: LabelledDocument) -> LabelledDocument:
    """The same words as a page without headings: fewer passages, each of several sections."""
    texts = [""]
    for section in whole.sections:
        text = f"{section.heading}\n{section.text}"
        if texts[-1] and len(texts[-1]) + len(text) > FLOWING_LENGTH:
            texts.append("")
        texts[-1] += f"\n\n{text}" if texts[-1] else text
    return replace(whole, sections=tuple(Section("", text) for text in texts))


def unstructured(whole: LabelledDocument) -> LabelledDocument:
    """The same words as a text file of long paragraphs without headings, cut into passages as a user's would be."""
    texts = [f"{section.heading}\n{section.text}" for section in whole.sections]
    paragraphs = [
        "\n".join(texts[start : start + PARAGRAPH_SECTIONS]) for start in range(0, len(texts), PARAGRAPH_SECTIONS)
    ]
    extract = read_text(Raw("\n\n".join(paragraphs).encode(), "text/plain"))
    return replace(whole, sections=tuple(Section("", piece.text) for piece in pieces_of(extract, None)))


def add_avatar(tx: Tx, known: Sequence[LabelledDocument]) -> tuple[Avatar, list[Passage]]:
    """An avatar that knows the documents, with a live passage for each section."""
    account = an_account()
    avatar = an_avatar(account)
    tx.accounts.add(account)
    tx.avatars.add(avatar)
    made = [passage for each in known for passage in add_document(tx, avatar, each)]
    return avatar, made


def add_document(tx: Tx, avatar: Avatar, whole: LabelledDocument) -> list[Passage]:
    item = an_item(avatar, title=whole.title, passage_count=len(whole.sections), languages=(whole.language,))
    made = [
        a_passage(
            item, section.text, place, id=f"{whole.name}-{place}-{item.id[:8]}",
            heading=section.heading, language=whole.language,
        )
        for place, section in enumerate(whole.sections)
    ]  # fmt: skip
    tx.knowledge.add(item, None)
    add_passages(tx, made)
    return made
