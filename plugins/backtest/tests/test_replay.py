"""A recorded session of a hosted strategy is replayed: same questions, same answers, same decisions, byte for byte."""

from __future__ import annotations

import asyncio

import pytest
from ml4t.backtest import BacktestConfig
from paper_kit import START, paper
from replayed_strategies import Follows, Gambles, Honest, Peeks
from test_restart import bars

from ml4t.live import LiveEngine
from ml4t.live.config.settings import EngineSettings
from ml4t.live.parity.session import replay_session
from ml4t.live.risk.config import LiveRiskConfig
from ml4t.live.testing import Faults, ListFeed
from ml4t_live_backtest.config import HostConfig
from ml4t_live_backtest.host import BacktestHost


def shadow(folder, strategy, *, limits=None, count=150, **options):
    config = BacktestConfig(slippage_rate=0.0005, commission_per_share=0.01, initial_cash=50_000.0)
    hosted = BacktestHost(HostConfig(timestamps="naive", **options), backtest=config).host(strategy)
    settings = EngineSettings(durability="none", on_error="halt", record=True)
    risk = limits or LiveRiskConfig.without_limits("shadow")
    engine = LiveEngine(hosted, None, ListFeed(bars(count)), risk=risk, settings=settings, state_dir=folder, name="replayed")
    asyncio.run(engine.run())
    return engine.state_folder


def check_same(state, runs=1, orders=20):
    found = replay_session(state)
    assert [run.replay.divergence for run in found.runs] == [None] * runs
    assert sum(run.replay.orders for run in found.runs) > orders
    return found


def test_a_shadow_session(tmp_path):
    check_same(shadow(tmp_path, Honest()))


def test_a_shadow_session_that_was_taken_up_again(tmp_path):
    shadow(tmp_path, Honest(), count=70)
    check_same(shadow(tmp_path, Honest()), runs=2)


def test_a_shadow_session_whose_limits_refused_orders(tmp_path):
    limits = LiveRiskConfig(max_order_value=14_000.0, dedup_window_seconds=None, max_daily_loss=None)
    check_same(shadow(tmp_path, Honest(), limits=limits))


@pytest.mark.parametrize("faults", [Faults(), Faults(partial_fill=0.5, reorder=0.3, reject=0.2)], ids=["calm", "rough"])
def test_a_paper_session(tmp_path, faults):
    _, engine, _ = paper(tmp_path, Honest(), seconds=3_000.0, faults=faults, record=True)
    check_same(engine.state_folder)


@pytest.mark.parametrize("mode", ["shadow", "paper"])
def test_what_is_not_on_the_tape_is_caught(tmp_path, mode):
    if mode == "shadow":
        state = shadow(tmp_path, Gambles())
    else:
        state = paper(tmp_path, Gambles(), seconds=6_000.0, record=True)[1].state_folder
    found = replay_session(state)
    assert found.runs[0].replay.divergence is not None


def test_a_look_ahead_is_caught(tmp_path, monkeypatch):
    """In the session the file ends with the newest price; in the replay it goes on, and with it what the strategy knows."""
    prices = tmp_path / "prices.txt"
    prices.write_text("100.0\n")
    monkeypatch.setenv("PEEKED_AT", str(prices))

    async def keep_a_file(engine, venue, clock):
        while clock.now() < START + 2_400 * 10**9:
            await clock.sleep(30.0)
            with prices.open("a") as file:
                file.write(f"{engine.core.market.price('A') or 100.0}\n")

    state = paper(tmp_path / "state", Peeks(), seconds=3_000.0, act=keep_a_file, record=True)[1].state_folder
    (run,) = replay_session(state).runs
    assert run.replay.divergence is not None


def test_signals_are_made_again_also_of_bars_from_before_a_restart(tmp_path):
    options = {"signals": {"mean": "features_kit:mean_5", "slow": "features_kit:slow"}, "history": 20}
    shadow(tmp_path, Follows(), count=70, **options)
    check_same(shadow(tmp_path, Follows(), **options), runs=2)
