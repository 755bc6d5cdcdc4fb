"""The manual that the demo avatar answers from."""

import tomllib
from pathlib import Path

import pytest

from adapters.operating import manual as module
from adapters.operating.manual import IN_A_WHEEL, PAGES, manual

ROOT = Path(__file__).parents[3]


def test_every_page_begins_with_a_title_of_its_own() -> None:
    titles = [page.splitlines()[0] for page in manual()]
    assert all(title.startswith("# ") for title in titles)
    assert len(set(titles)) == len(PAGES)


def test_a_wheel_brings_its_pages_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    for source, target in wheel["force-include"].items():
        place = tmp_path / target
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(ROOT / source)
    assert (tmp_path / IN_A_WHEEL.relative_to(ROOT)).is_dir()
    monkeypatch.setattr(module, "IN_A_WHEEL", tmp_path / IN_A_WHEEL.relative_to(ROOT))
    monkeypatch.setattr(module, "IN_A_CHECKOUT", tmp_path / "nowhere")
    assert len(manual()) == len(PAGES)
