"""What a part of the benchmark measured, and its tables in docs/performance.md."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "bench" / "results"
PAGE = ROOT / "docs" / "performance.md"
HEAD = ("what", "measured", "unit", "floor", "peer", "ratio", "target", "")


class Of(StrEnum):
    """What a target bounds: the figure itself, or the figure divided by the peer's or the floor's."""

    FIGURE = "figure"
    PEER = "peer"
    FLOOR = "floor"


@dataclass(frozen=True, slots=True)
class Target:
    """`most`: whether `bound` is an upper bound, a lower one otherwise."""

    bound: float
    most: bool
    of: Of = Of.FIGURE

    def text(self) -> str:
        word = "at most" if self.most else "at least"
        return f"{word} {number(self.bound)}" + ("" if self.of is Of.FIGURE else f" × {self.of}")


def at_most(bound: float, of: Of = Of.FIGURE) -> Target:
    return Target(bound, most=True, of=of)


def at_least(bound: float, of: Of = Of.FIGURE) -> Target:
    return Target(bound, most=False, of=of)


@dataclass(frozen=True, slots=True)
class Row:
    """One measured figure. `floor` and `peer` are in the same unit and from the same run.

    `note` is printed below the table: a condition that makes the figure worth less than it looks.
    """

    name: str
    figure: float
    unit: str
    floor: float | None = None
    peer: float | None = None
    target: Target | None = None
    note: str = ""

    def bounded(self) -> float | None:
        """What the target is held against; None when the run had no peer or floor to divide by."""
        if self.target is None or self.target.of is Of.FIGURE:
            return self.figure
        return divided(self.figure, self.peer if self.target.of is Of.PEER else self.floor)

    def ratio(self) -> str:
        """The figure as a multiple of the peer's, or else of the floor's; empty without both."""
        of_floor = self.peer is None or (self.target is not None and self.target.of is Of.FLOOR)
        times = divided(self.figure, self.floor if of_floor else self.peer)
        return "" if times is None else f"{number(times)} × {Of.FLOOR if of_floor else Of.PEER}"

    def verdict(self) -> str:
        """`met`, or `missed` and by how much; empty without a target."""
        bounded = self.bounded()
        if self.target is None or bounded is None:
            return ""
        if bounded <= self.target.bound if self.target.most else bounded >= self.target.bound:
            return "met"
        return f"**missed**: {number(bounded)}"

    def cells(self) -> tuple[str, ...]:
        target = self.target.text() if self.target else ""
        measured = (number(self.figure), self.unit, number(self.floor), number(self.peer))
        return (self.name, *measured, self.ratio(), target, self.verdict())


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of one part, with the day (ISO) and the machine they were measured on."""

    part: str
    day: str
    machine: str
    rows: Sequence[Row]

    def markdown(self) -> str:
        lines = [HEAD, ("---",) * len(HEAD), *(row.cells() for row in self.rows)]
        table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
        notes = "".join(f"\n- {row.name}: {row.note}" for row in self.rows if row.note)
        return f"{self.day}, {self.machine}\n\n{table}\n{notes}".rstrip() + "\n"


def divided(figure: float, by: float | None) -> float | None:
    return figure / by if by else None


def number(value: float | None) -> str:
    """Three significant digits, and nothing for None."""
    if value is None:
        return ""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def save(table: Table, folder: Path = RESULTS) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{table.part}.json").write_text(json.dumps(asdict(table), indent=2) + "\n")


def load(part: str, folder: Path = RESULTS) -> Table:
    """Raises `FileNotFoundError` for a part that was never measured."""
    saved = json.loads((folder / f"{part}.json").read_text())
    rows = [row | {"target": row["target"] and target(**row["target"])} for row in saved.pop("rows")]
    return Table(**saved, rows=[Row(**row) for row in rows])


def target(bound: float, most: bool, of: str) -> Target:
    return Target(bound, most, Of(of))


def publish(table: Table, page: Path = PAGE) -> None:
    """Puts the table between the page's markers `<!-- bench:part -->` and `<!-- end -->`.

    Raises `ValueError` when the page has no such markers.
    """
    between = re.compile(rf"(<!-- bench:{table.part} -->\n).*?(<!-- end -->)", re.DOTALL)
    text, count = between.subn(lambda found: f"{found[1]}\n{table.markdown()}\n{found[2]}", page.read_text())
    if count != 1:
        raise ValueError(f"{page} needs one <!-- bench:{table.part} --> and <!-- end --> after it")
    page.write_text(text)
