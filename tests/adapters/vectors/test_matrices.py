"""Many vectors are looked at coarsely first, and found as if they had been compared exactly."""

from pathlib import Path

import numpy as np
import pytest

from adapters.vectors.coarse import Rows, coarse
from adapters.vectors.matrices import MANY, Matrix, MatrixFiles, matrix

DIMENSION = 384
RANDOM = np.random.default_rng(7)


def some_rows(count: int, topics: int = 12) -> Rows:
    """Vectors of length one, gathered around a few topics as a shop's passages are."""
    middles = RANDOM.standard_normal((topics, DIMENSION))
    rows = middles[RANDOM.integers(topics, size=count)] + RANDOM.standard_normal((count, DIMENSION))
    made: Rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return made


def a_matrix(rows: Rows) -> Matrix:
    return matrix([f"passage-{place}" for place in range(len(rows))], ["item"] * len(rows), rows)


def compared_exactly(found: Matrix, vector: Rows, limit: int) -> list[str]:
    scores = found.rows @ vector
    return [found.ids[place].decode() for place in np.argsort(-scores)[:limit]]


@pytest.mark.parametrize("outlying", [0.0, 5.0])
def test_a_coarse_product_is_nearly_the_exact_one(outlying: float) -> None:
    rows = some_rows(500)
    rows[:, 3] += outlying
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    assert np.abs(coarse(rows).products(rows[0]) - rows @ rows[0]).max() < 0.01


def test_a_vector_of_zeros_is_like_nothing() -> None:
    rows = np.zeros((2, DIMENSION), np.float32)
    assert coarse(rows).products(some_rows(1)[0]).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("count", [MANY - 1, 3 * MANY])
def test_the_nearest_are_those_that_an_exact_comparison_finds(count: int) -> None:
    rows = some_rows(count)
    searched = a_matrix(rows)
    assert bool(searched.coarse) == (count >= MANY)
    for vector in (*rows[:5], *some_rows(5)):
        found = searched.nearest(vector.tolist(), 100)
        assert [each.passage_id for each in found][:50] == compared_exactly(searched, vector, 50)
        assert len({each.passage_id for each in found} & set(compared_exactly(searched, vector, 100))) >= 99
        assert found[0].score == pytest.approx(float((rows @ vector).max()), abs=1e-5)


def test_what_is_added_and_removed_is_found_and_not_found_any_more() -> None:
    rows = some_rows(MANY + 100)
    searched = a_matrix(rows[:MANY]).having(
        matrix([f"passage-{place}" for place in range(MANY, MANY + 100)], ["newer"] * 100, rows[MANY:])
    )
    assert searched.coarse
    assert len(searched.coarse) == len(searched) == MANY + 100
    assert [searched.nearest(row.tolist(), 1)[0].passage_id for row in rows[[0, MANY + 7]]] == [
        "passage-0",
        f"passage-{MANY + 7}",
    ]
    kept = searched.keeping("newer", [f"passage-{MANY + 8}"])
    assert len(kept) == MANY + 1
    assert kept.coarse
    assert kept.nearest(rows[MANY + 7].tolist(), 1)[0].passage_id != f"passage-{MANY + 7}"
    assert kept.nearest(rows[MANY + 8].tolist(), 1)[0].passage_id == f"passage-{MANY + 8}"
    assert searched.keeping("another", []) is searched


def test_a_few_that_become_many_are_looked_at_coarsely() -> None:
    rows = some_rows(MANY)
    few = a_matrix(rows[: MANY - 1])
    assert few.coarse is None
    last = matrix([f"passage-{MANY - 1}"], ["item"], rows[MANY - 1 :])
    together = few.having(last)
    assert together.coarse
    assert together.nearest(rows[-1].tolist(), 1)[0].passage_id == f"passage-{MANY - 1}"


def test_a_file_is_read_with_what_a_first_look_needs(tmp_path: Path) -> None:
    files = MatrixFiles(tmp_path)
    content = a_matrix(some_rows(MANY))
    files.write("avatar", "model", content)
    read = files.read("avatar", "model")
    assert read
    assert read.coarse
    assert content.coarse
    assert np.array_equal(read.coarse.rows, content.coarse.rows)
    assert read.size == content.size
