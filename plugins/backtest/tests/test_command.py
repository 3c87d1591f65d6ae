"""`ml4t-live parity STRATEGY --data FILE`, as somebody types it."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from datetime import date, timedelta

import pytest

STRATEGIES = '''
from ml4t.backtest import Strategy

calls = 0


class Swings(Strategy):
    """Holds while the close is above the one of three bars ago."""

    def __init__(self, size=0.3):
        self.size = size
        self.closes = {}

    def on_data(self, timestamp, data, context, broker):
        for asset, bar in data.items():
            closes = self.closes.setdefault(asset, [])
            closes.append(bar["close"])
            if len(closes) > 3:
                broker.order_target_percent(asset, self.size if closes[-1] > closes[-4] else 0.0)


class Remembers(Swings):
    """What it does depends on what ran before it in this process."""

    def on_data(self, timestamp, data, context, broker):
        global calls
        calls += 1
        if calls == 70:
            broker.submit_order("BBB", 7)
        super().on_data(timestamp, data, context, broker)


class NotOne:
    def on_data(self, timestamp, data, context, broker):
        pass
'''


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "my_strategies.py").write_text(STRATEGIES)
    rng, rows, last = random.Random(5), ["Date,Ticker,Open,High,Low,Close,Volume"], {"AAA": 20.0, "BBB": 300.0}
    for day in range(50):
        for ticker, before in last.items():
            close = last[ticker] = round(before * (1 + rng.gauss(0, 0.02)), 2)
            high, low = round(max(before, close) * 1.01, 2), round(min(before, close) * 0.99, 2)
            rows.append(
                f"{date(2024, 1, 1) + timedelta(day)},{ticker},{before},{high},{low},{close},{rng.randrange(1_000, 9_000)}"
            )
    (tmp_path / "bars.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "odd.csv").write_text("Ticker,Close\nAAA,1.0\n")
    return tmp_path


def parity(folder, *arguments):
    command = [sys.executable, "-W", "ignore", "-c", "from ml4t.live.cli.app import main; main()", "parity", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout, done.stderr


def test_a_strategy_that_does_the_same(folder):
    code, said, _ = parity(folder, "my_strategies.py:Swings", "--data", "bars.csv", "--preset", "realistic")
    assert code == 0
    assert said.splitlines()[-1] == "PASS: both engines did the same"
    code, said, _ = parity(folder, "my_strategies:Swings", "--data", "bars.csv", "--option", "size=0.1", "--json")
    told = json.loads(said)
    assert (code, told["passed"], told["callbacks"], told["divergence"]) == (0, True, 52, None)
    assert told["fills"] > 10


def test_hidden_state_is_shown_where_it_first_matters(folder):
    code, said, _ = parity(folder, "my_strategies.py:Remembers", "--data", "bars.csv")
    assert code == 1
    assert "First difference: order" in said
    assert "backtest: " in said
    assert "BBB" in said
    assert said.count("> 2024-01-") == 2, "the bar itself, of both assets, is marked"
    assert said.splitlines()[-1] == "FAIL: they did not do the same"


def test_the_limits_of_a_run(folder):
    (folder / "live.toml").write_text(
        '[live]\nstrategy = "my_strategies:Swings"\n[feeds.main]\nuse = "replay"\npath = "bars.csv"\n'
        "[risk]\nmax_order_value = 9_000\n"
    )
    code, said, _ = parity(folder, "my_strategies.py:Swings", "--data", "bars.csv", "--limits", "live.toml")
    assert code == 1
    assert "The limits of the run refused" in said
    assert "over the limit of 9,000.00" in said


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--data", "bars.csv"], "name the strategy to run"),
        (["my_strategies.py:Swings"], "name what to compare"),
        (["my_strategies.py", "--data", "bars.csv"], "write FILE.py:Class or module:Class"),
        (["my_strategies.py:Swing", "--data", "bars.csv"], "has no Swing; did you mean Swings?"),
        (["my_strategies.py:NotOne", "--data", "bars.csv"], "is not derived from ml4t.backtest.Strategy"),
        (["my_strategies.py:Swings", "--data", "nothing.csv"], "nothing.csv cannot be read"),
        (["my_strategies.py:Swings", "--data", "odd.csv"], "odd.csv has no column timestamp"),
        (["my_strategies.py:Swings", "--data", "bars.csv", "--preset", "dream"], "dream"),
        (["my_strategies.py:Swings", "--data", "bars.csv", "--option", "weight=3"], "does not fit --option"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_the_remedy(folder, arguments, sentence):
    code, _, said = parity(folder, *arguments)
    assert code == 2
    assert sentence in said


def test_bars_that_a_live_engine_does_not_believe(folder):
    lines = (folder / "bars.csv").read_text().splitlines()
    lines[10] = lines[10].replace(lines[10].split(",")[4], "-1.0")
    (folder / "bars.csv").write_text("\n".join(lines))
    code, _, said = parity(folder, "my_strategies.py:Swings", "--data", "bars.csv")
    assert code == 2
    assert "1 of 100 rows are no bars that a live engine believes" in said
    assert "BBB" in said
