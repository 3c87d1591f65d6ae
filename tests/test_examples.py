"""The files in examples/."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ml4t.live import ConfigError
from ml4t.live.config import load
from ml4t.live.demo import CONFIG
from ml4t.live.plugins import KNOWN, Catalogue

ROOT = Path(__file__).parents[1]


def test_the_demo_of_the_examples_is_the_demo() -> None:
    ours = (ROOT / "examples" / "demo.toml").read_text().splitlines()
    shipped = CONFIG.read_text().splitlines()

    different = [(a, b) for a, b in zip(ours, shipped, strict=True) if a != b]

    assert different == [('path = "../core/src/ml4t/live/demo/stocks.csv.gz"', 'path = "stocks.csv.gz"')]


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.toml")), ids=lambda path: path.stem)
def test_every_example_loads_or_says_what_to_install(example: Path) -> None:
    catalogue = Catalogue.discover()
    variables = re.findall(r'env = "(\w+)"', example.read_text())
    try:
        settings = load(example, catalogue=catalogue, environ=dict.fromkeys(variables, "x"), deep=True)
    except ConfigError as error:
        installed = {entry.name for entry in catalogue.plugins()}
        absent = [known.distribution for name, known in KNOWN.items() if name not in installed]
        for problem in error.problems:
            assert any(f"pip install {each}" in problem for each in absent), problem
    else:
        assert settings.feeds
