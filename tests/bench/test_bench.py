"""The benchmark itself: every part runs, and its tables say what was measured."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from bench.__main__ import PARTS
from bench.report import PAGE, ROOT, Of, Row, Table, Target, at_least, at_most, load, publish, save

ROWS = [
    Row("fast", 1500, "replies/s", floor=3000, peer=10, target=at_least(15, Of.PEER)),
    Row("slow", 4.25, "ms", floor=1, target=at_most(3), note="on a busy machine"),
    Row("plain", 0.5, "s"),
]
TABLE = Table("streaming", "2026-01-02", "2 cores", ROWS)
MARKDOWN = """\
2026-01-02, 2 cores

| what | measured | unit | floor | peer | ratio | target |  |
| --- | --- | --- | --- | --- | --- | --- | --- |
| fast | 1,500 | replies/s | 3,000 | 10 | 150 × peer | at least 15 × peer | met |
| slow | 4.25 | ms | 1 |  | 4.25 × floor | at most 3 | **missed**: 4.25 |
| plain | 0.5 | s |  |  |  |  |  |

- slow: on a busy machine
"""


def test_a_table_says_what_was_met_and_what_was_missed() -> None:
    assert TABLE.markdown() == MARKDOWN


@pytest.mark.parametrize(
    ("figure", "target", "verdict"),
    [
        (3, at_most(3), "met"),
        (3.01, at_most(3), "**missed**: 3.01"),
        (30, at_least(15, Of.PEER), "met"),
        (29, at_least(15, Of.PEER), "**missed**: 14.5"),
        (8, at_most(2, Of.FLOOR), "met"),
        (9, at_most(2, Of.FLOOR), "**missed**: 2.25"),
    ],
)
def test_a_bound_is_of_the_figure_or_of_a_ratio(figure: float, target: Target, verdict: str) -> None:
    assert Row("row", figure, "", floor=4, peer=2, target=target).verdict() == verdict


def test_a_ratio_without_a_peer_is_neither_met_nor_missed() -> None:
    assert Row("row", 1, "", target=at_least(15, Of.PEER)).verdict() == ""


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    save(TABLE, tmp_path)
    assert load("streaming", tmp_path) == TABLE


def test_publishing_replaces_one_table_only(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- bench:streaming -->\nold\n<!-- end -->\nb\n<!-- bench:soak -->\nkept\n<!-- end -->\n")
    publish(TABLE, page)
    publish(TABLE, page)
    expected = f"a\n<!-- bench:streaming -->\n\n{MARKDOWN}\n<!-- end -->\nb\n<!-- bench:soak -->\nkept\n<!-- end -->\n"
    assert page.read_text() == expected


@pytest.mark.parametrize("part", PARTS)
def test_the_page_has_a_place_for_every_part(part: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE.read_text())
    publish(Table(part, "2026-01-02", "2 cores", ROWS), page)
    assert "1,500" in page.read_text()


@pytest.mark.parametrize("part", PARTS)
async def test_a_quick_run_measures(part: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench", "--quick", part, cwd=ROOT, stdout=PIPE, stderr=PIPE
    )
    printed, said = await process.communicate()
    assert process.returncode == 0, said.decode()
    assert "| what | measured |" in printed.decode()


async def test_an_unknown_part_is_refused_by_name() -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench", "nothing", cwd=ROOT, stderr=PIPE)
    _, said = await process.communicate()
    assert process.returncode == 2
    assert "there is no part nothing; take some of streaming" in said.decode()
