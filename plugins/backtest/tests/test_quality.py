"""The executions of a session beside those of the backtest's model."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from ml4t.backtest import BacktestConfig, Strategy
from paper_kit import paper

from ml4t.live.cli.exits import Refused
from ml4t.live.testing import Faults
from ml4t_live_backtest.quality import quality_of


class Turns(Strategy):
    """Buys and sells in turn, every third bar."""

    def __init__(self):
        self.bars = []

    def on_data(self, timestamp, data, context, broker):
        self.bars.append((timestamp, data["A"]["open"]))
        if len(self.bars) % 3 == 1:
            broker.submit_order("A", 10 if len(self.bars) % 6 == 1 else -10)


def session(folder, **how):
    strategy = Turns()
    _, engine, venue = paper(folder, strategy, record=True, **how)
    return strategy, engine.state_folder, venue


def test_slippage_is_against_the_price_that_the_model_gives(tmp_path):
    strategy, state, venue = session(tmp_path)
    found = quality_of(state, BacktestConfig())
    assert len(found.executions) >= 6
    opens = [price for _, price in strategy.bars]
    for number, each in enumerate(found.executions[:-1]):
        live, model = venue.fills[number].price, opens[number * 3 + 1]
        assert (each.price, each.model_price) == (live, model), "a market order fills at the next open in the model"
        sign = 1 if each.order.side == "buy" else -1
        assert each.slippage_bps == pytest.approx(sign * (live / model - 1) * 10_000)
        assert each.cost == pytest.approx(sign * (live - model) * 10)
        assert 0 < each.delay_seconds < 60
    told = found.as_dict()
    assert told["executed_by_both"] >= len(found.executions) - 1
    assert told["missed"] == told["unexpected"] == 0 or told["orders"] > told["executed_by_both"]
    assert told["cost"] == pytest.approx(sum(each.cost for each in found.executions))


def test_the_costs_of_the_model_are_those_of_its_configuration(tmp_path):
    _, state, _ = session(tmp_path)
    plain = quality_of(state, BacktestConfig())
    costly = quality_of(state, BacktestConfig(slippage_rate=0.001, commission_rate=0.002))
    for one, other in zip(plain.executions[:-1], costly.executions[:-1], strict=True):
        sign = 1 if one.order.side == "buy" else -1
        assert other.model_price == pytest.approx(one.model_price * (1 + sign * 0.001))
        assert other.slippage_bps == pytest.approx(one.slippage_bps - 10, abs=0.1)
        assert other.model_commission == pytest.approx(10 * other.model_price * 0.002)


def test_what_the_venue_did_not_fill_is_missed(tmp_path):
    _, state, venue = session(tmp_path, faults=Faults(rest_seconds=100_000.0))
    found = quality_of(state, BacktestConfig())
    assert not venue.fills
    first = found.executions[0]
    assert (first.quantity, first.price, first.slippage_bps, first.missed) == (0, None, None, 10)
    assert found.as_dict()["missed"] >= 6
    assert found.as_dict()["slippage_bps"]["mean"] is None


def test_a_session_without_a_tape_is_refused_with_the_remedy(tmp_path):
    _, engine, _ = paper(tmp_path, Turns())
    with pytest.raises(Refused, match="record = true"):
        quality_of(engine.state_folder, BacktestConfig())


def test_the_command(tmp_path):
    session(tmp_path)
    command = [sys.executable, "-W", "ignore", "-c", "from ml4t.live.cli.app import main; main()", "quality"]
    arguments = ["--session", str(tmp_path), "--mode", "paper"]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "bps on average" in done.stdout
    done = subprocess.run([*command, *arguments, "--json"], capture_output=True, text=True, timeout=120, check=False)
    told = json.loads(done.stdout)
    assert told["orders"] == len(told["executions"]) >= 6
