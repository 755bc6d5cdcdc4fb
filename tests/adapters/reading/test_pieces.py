"""How text becomes passages."""

import textwrap

import pytest

from adapters.reading.extract import Block, Extract, Shape
from adapters.reading.language import language_of
from adapters.reading.pieces import LONGEST, pieces_of
from domain.knowledge.reading import PIECES_MAX, FailureCode, Piece, Unreadable


def texts(*blocks: Block) -> list[str]:
    return [piece.text for piece in pieces_of(Extract(list(blocks)), None)]


def test_short_neighbours_share_a_passage_until_it_is_full() -> None:
    found = texts(*[Block(f"Paragraph {number}. " + "word " * 40) for number in range(20)])
    assert all(800 < len(text) <= LONGEST for text in found[:-1])
    assert [text for passage in found for text in passage.split("\n\n")][13].startswith("Paragraph 13.")


def test_headings_and_pages_part_passages() -> None:
    assert texts(Block("a", heading="x"), Block("b", heading="y"), Block("c", page=1), Block("d", page=2)) == [*"abcd"]


@pytest.mark.parametrize("unit", ["One sentence follows another. ", "word ", "x", "字", "句子很短。", "🙂", "a\n"])
def test_long_prose_is_cut_and_nothing_is_lost(unit: str) -> None:
    text = unit * (60_000 // len(unit))
    found = texts(Block(text))
    assert max(map(len, found)) <= LONGEST
    assert sum(map(len, found)) / len(found) > LONGEST / 2
    assert "".join("".join(found).split()) == "".join(text.split())


def test_the_words_of_long_prose_stay_whole() -> None:
    words = [f"word{number}" for number in range(5000)]
    assert " ".join(texts(Block(" ".join(words)))).split() == words


def test_lines_that_were_broken_to_fit_a_column_are_not_cut_there() -> None:
    sentence = "The {} visitor of the day is given a cup of tea and shown around the whole of the garden."
    prose = " ".join(sentence.format(number) for number in range(400))
    found = texts(Block("\n".join(textwrap.wrap(prose, 76))))
    assert len(found) > 30
    assert all(text.startswith("The") and text.endswith("garden.") and "\n" in text for text in found)


def test_long_lists_are_cut_between_their_items() -> None:
    items = [
        f"- Item {number} of the list has a line of its own, and it is not a short line at all" for number in range(99)
    ]
    found = texts(Block("\n".join(items)))
    assert len(found) > 5
    assert [line for text in found for line in text.split("\n")] == items


def test_long_prose_may_have_a_gap() -> None:
    assert texts(Block("before" + " " * 20_000 + "after")) == ["before\n\nafter"]


def test_each_part_of_a_long_table_has_its_head() -> None:
    rows = [f"| item {number} | {number} EUR |" for number in range(200)]
    found = texts(Block("\n".join(["| Item | Price |", "|---|---|", *rows]), Shape.TABLE))
    assert len(found) > 3
    assert all(text.startswith("| Item | Price |\n|---|---|\n| item") and len(text) <= LONGEST for text in found)
    assert [line for text in found for line in text.split("\n")[2:]] == rows


def test_tables_and_code_with_endless_lines_are_cut_too() -> None:
    for shape in (Shape.TABLE, Shape.LINES):
        for lines in (["| a |", "|---|", "x" * 5000], ["x" * 5000, "y" * 5000, "z"]):
            found = texts(Block("\n".join(lines), shape))
            assert max(map(len, found)) <= LONGEST
            assert sum(text.count("x") for text in found) == 5000


def test_there_is_an_end_to_passages() -> None:
    with pytest.raises(Unreadable) as failed:
        texts(*[Block("a", page=number) for number in range(PIECES_MAX + 1)])
    assert failed.value.code is FailureCode.TOO_LARGE


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("We are open on weekdays from nine to five.", "en"),
        ("Wir haben werktags von neun bis fünf geöffnet.", "de"),
        ("Nous sommes ouverts de neuf heures à dix-sept heures.", "fr"),
        ("営業時間は平日の九時から五時までです。", "ja"),
        ("我们的营业时间是周一至周五上午九点到下午五点。", "zh"),
        ("영업시간은 평일 아홉 시부터 다섯 시까지입니다", "ko"),
        ("ساعات العمل من التاسعة صباحا حتى الخامسة مساء", "ar"),
        ("Мы открыты по будням с девяти до пяти.", "ru"),
        ("12345 999", ""),
        ("Widget A", ""),
    ],
)
def test_languages(text: str, language: str) -> None:
    assert language_of([Piece(text)]) == language
