"""The strategy is found in the folder of the configuration, and what is wrong with it is said."""

from __future__ import annotations

import sys

import pytest

from ml4t.live.config import load_strategy
from ml4t.live.config.problem import Mistake

CODE = """
from abc import ABC, abstractmethod


class Good:
    def __init__(self, window, *, fast=False):
        self.window = window

    def on_data(self, timestamp, data, context, broker):
        pass

    class Inner:
        def on_data(self, timestamp, data, context, broker):
            pass


class Half(ABC):
    @abstractmethod
    def on_data(self, timestamp, data, context, broker): ...


def make(**options):
    return Good(**options)


NUMBER = 5
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "made_up_strategies.py").write_text(CODE)
    (tmp_path / "made_up_failing.py").write_text("import made_up_strategies\n\n1 / 0\n")
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("made_up"):
            del sys.modules[name]


@pytest.mark.parametrize(
    ("reference", "options"),
    [("Good", None), ("Good", {"window": 5}), ("Good", {"window": 5, "fast": True}), ("Good.Inner", {}), ("make", {"x": 1})],
)
def test_a_strategy_is_found(reference, options, folder):
    found = load_strategy(f"made_up_strategies:{reference}", folder, options)
    assert found.__qualname__ == reference
    assert sys.path.count(str(folder)) == 1
    load_strategy(f"made_up_strategies:{reference}", folder)
    assert sys.path.count(str(folder)) == 1


@pytest.mark.parametrize(
    ("reference", "options", "says"),
    [
        ("made_up_strategy:Good", None, r"no module made_up_strategy in .*; did you mean made_up_strategies\?"),
        ("made_up_strategies:God", None, r"has no God; did you mean Good\?"),
        ("made_up_strategies:Zzz", None, "has no Zzz; it has ABC, abstractmethod, Good, Half, make"),
        ("made_up_strategies:NUMBER", None, "is a int; name a class"),
        ("made_up_strategies:Half", None, "does not define on_data; add it"),
        ("made_up_strategies:Good", {}, "missing a required argument: 'window'; its arguments are: window, fast"),
        ("made_up_strategies:Good", {"windw": 1}, "its arguments are: window, fast"),
        ("made_up_strategies:Good.Inner", {"x": 1}, "its arguments are: none"),
        ("made_up_failing:Good", None, r"ZeroDivisionError: .* \(at /.*/made_up_failing.py:3 in <module>\); mend it"),
    ],
)
def test_a_strategy_that_cannot_be_used_is_explained(reference, options, says, folder):
    with pytest.raises(Mistake, match=says):
        load_strategy(reference, folder, options)


def test_a_strategy_of_another_framework_that_is_not_installed_is_told_what_runs_it(tmp_path, monkeypatch):
    (tmp_path / "of_a_backtest.py").write_text("from ml4t.backtest import Strategy\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(sys.modules, "ml4t.backtest", None)  # as if it were not there
    with pytest.raises(ValueError, match=r"importing of_a_backtest failed: .*; pip install ml4t-live-backtest"):
        load_strategy("of_a_backtest:Mine", tmp_path)
