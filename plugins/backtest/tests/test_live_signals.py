"""Signals, forecasts and quotes of a strategy that runs live: what the backtest would have had, or nothing."""

from __future__ import annotations

import asyncio

import features_kit as kit
import pytest
from live_kit import Notes, errors, shadow
from ml4t.backtest import BacktestConfig, DataFeed, Engine

from ml4t.live import LiveEngine
from ml4t.live.config.settings import EngineSettings, MarketSettings
from ml4t.live.engine.forecasting import ForecasterSpec
from ml4t.live.engine.triggers import TriggerSpec
from ml4t.live.model import Bar, Direction, Distribution, Firing, Forecast, Quote, Trade
from ml4t.live.risk.config import LiveRiskConfig
from ml4t.live.testing import ListFeed, SimulatedFeed, run_virtual
from ml4t.live.times import to_datetime, to_nanoseconds
from ml4t_live_backtest.config import HostConfig
from ml4t_live_backtest.extras import forecast_signals
from ml4t_live_backtest.features import load_functions
from ml4t_live_backtest.host import BacktestHost
from ml4t_live_backtest.signals import signals_frame

DAY = 86_400 * 10**9
MINUTE = 60 * 10**9
FUNCTIONS = {
    "mean": "features_kit:mean_5",
    "momentum": "features_kit:momentum",
    "weekday": "features_kit:weekday",
    "band": "features_kit:band",
    "slow": "features_kit:slow",
}
HOST = HostConfig(signals=FUNCTIONS, history=20)


def follows(data, broker):
    """Buy above the mean and sell below."""
    for asset, bar in data.items():
        mean, held = bar["signals"]["mean"], broker.get_position(asset) is not None
        if mean is not None and bar["close"] > mean and not held:
            broker.submit_order(asset, 10)
        elif mean is not None and bar["close"] < mean and held:
            broker.close_position(asset)


def backtest(bars, history=20):
    """Return what a backtest gives a strategy that follows signals, and its fills."""
    strategy = Notes(follows)
    signals = signals_frame(bars, load_functions(FUNCTIONS), history=history)
    engine = Engine(DataFeed(prices_df=bars, signals_df=signals, entity_col="asset"), strategy, BacktestConfig())
    engine.run()
    return strategy, engine.broker.fills


@pytest.mark.parametrize("zone", ["UTC", "naive", "naive America/New_York", "Europe/Berlin"])
def test_live_every_bar_has_the_signals_that_it_has_in_the_backtest_and_the_fills_are_the_same(tmp_path, zone):
    bars = kit.table(bars=60)
    stamped = bars.with_columns(bars["timestamp"].dt.convert_time_zone(zone.removeprefix("naive").strip() or "UTC"))
    if zone.startswith("naive"):
        stamped = stamped.with_columns(stamped["timestamp"].dt.replace_time_zone(None))
    strategy = Notes(follows)

    engine = shadow(tmp_path, strategy, bars, HostConfig(signals=FUNCTIONS, history=20, timestamps=zone))

    there, fills = backtest(stamped)
    assert strategy.seen == there.seen
    assert {name for signals in strategy.signals().values() for name in signals} == {
        *("mean", "momentum", "weekday", "band_upper", "band_lower", "slow")
    }
    mine = engine.parts.strategy.session.broker.fills
    assert len(mine) > 10
    assert [(f.timestamp, f.asset, f.side, f.quantity, f.price) for f in mine] == [
        (f.timestamp, f.asset, f.side, f.quantity, f.price) for f in fills
    ]


def test_an_asset_without_a_bar_keeps_its_history_apart(tmp_path):
    bars = kit.table(bars=40)
    gappy = bars.filter(~((bars["asset"] == "B") & (bars["timestamp"].dt.day() % 3 == 0)))
    strategy = Notes()
    shadow(tmp_path, strategy, gappy, HOST)
    assert strategy.seen == backtest(gappy)[0].seen


# ------------------------------------------------------------------ functions that fail


class Sometimes:
    """A feature function that fails from its fifth bar to its eighth, and at its eleventh."""

    def __init__(self):
        self.calls = 0

    def __call__(self, bars):
        self.calls += 1
        if 5 <= self.calls <= 8 or self.calls == 11:
            raise ArithmeticError(f"call {self.calls}")
        return self.calls


def test_a_signal_that_fails_is_absent_and_told_once_until_it_works_again(tmp_path, monkeypatch):
    function = Sometimes()
    monkeypatch.setattr(kit, "sometimes", function, raising=False)
    settings = HostConfig(signals={"now": "features_kit:sometimes", "mean": "features_kit:mean_5"})
    strategy = Notes()

    engine = shadow(tmp_path, strategy, kit.table(("A",), 12), settings, engine={"on_error": "continue"})

    found = list(strategy.signals().values())
    assert [signals.get("now") for signals in found] == [1, 2, 3, 4, None, None, None, None, 9, 10, None, 12]
    assert ["now" in signals for signals in found] == [True] * 4 + [False] * 4 + [True, True, False, True]
    assert all("mean" in signals for signals in found), "the others are there"
    assert errors(engine) == [
        ("strategy Notes", "the signal now of A is absent: ArithmeticError: call 5"),
        ("strategy Notes", "the signal now of A is absent: ArithmeticError: call 11"),
    ]


@pytest.mark.parametrize(
    ("function", "why"),
    [
        ("fails", "ZeroDivisionError: division by zero"),
        ("text", "UnusableSignal: returned 'buy'; a signal is a number, or a column of them"),
        ("infinite", "UnusableSignal: is infinite: it divides by zero somewhere"),
    ],
)
def test_a_signal_that_never_works_is_told_once_for_all_assets_and_the_strategy_goes_on(tmp_path, function, why):
    strategy = Notes()
    settings = HostConfig(signals={"bad": f"features_kit:{function}"})

    engine = shadow(
        tmp_path, strategy, kit.table(("A", "B", "C"), 30), settings, engine={"on_error": "continue", "error_budget": 1}
    )

    assert len(strategy.seen) == 30
    assert set(map(str, strategy.signals().values())) == {"{}"}
    assert errors(engine) == [("strategy Notes", f"the signal bad of A and of 2 more is absent: {why}")]


def test_a_fault_ends_a_run_that_is_to_halt(tmp_path):
    with pytest.raises(Exception, match="the signal bad of A is absent: ZeroDivisionError"):
        shadow(tmp_path, Notes(), kit.table(("A",), 30), HostConfig(signals={"bad": "features_kit:fails"}))


def test_both_a_signal_and_the_strategy_may_fail_at_one_bar_and_both_are_told(tmp_path):
    def act(data, broker):
        raise KeyError("mine")

    settings = HostConfig(signals={"bad": "features_kit:fails"})
    engine = shadow(tmp_path, Notes(act), kit.table(("A",), 2), settings, engine={"on_error": "continue"})
    assert [text for _, text in errors(engine)] == [
        "the signal bad of A is absent: ZeroDivisionError: division by zero; 'mine' (2 sub-exceptions)",
        "'mine'",
    ]


# ------------------------------------------------------------------ restarts


def minutes(folders, strategies, *, stop_at=None, pause=0.0):
    """Run strategies one after the other on minute bars of one simulated market, each for what is left of 40 minutes."""
    settings = HostConfig(signals={"mean": "features_kit:mean_5", "slow": "features_kit:slow"}, history=8)

    async def main(clock):
        feed = SimulatedFeed(["A", "B"], clock, seed=3, duration_seconds=2_400.0, every_seconds=5.0)
        for symbol in feed.symbols:  # its prices follow from each other: asked for once, they are the same in whatever order
            await feed.backfill(symbol, clock.now() - 30 * MINUTE, clock.now() + 60 * MINUTE)
        for number, strategy in enumerate(strategies):
            engine = LiveEngine(
                BacktestHost(settings, backtest=BacktestConfig()).host(strategy),
                None,
                feed,
                bars="1m",
                risk=LiveRiskConfig.without_limits("shadow"),
                settings=EngineSettings(on_error="halt"),
                market=MarketSettings(warmup=20 * MINUTE),
                state_dir=folders[number],
                clock=clock,
                seed=1,
            )
            running = asyncio.create_task(engine.run())
            if number < len(strategies) - 1:
                await clock.sleep(stop_at)
                await engine.stop()
                await running
                await clock.sleep(pause)
            else:
                await running

    run_virtual(main, start=1_700_000_040 * 10**9)


@pytest.mark.parametrize("pause", [0.0, 200.0])
@pytest.mark.parametrize("saved", [True, False], ids=["saved", "lost"])
def test_signals_are_the_same_after_a_restart_as_without_one(tmp_path, pause, saved):
    whole, first, second = Notes(), Notes(), Notes()
    minutes([tmp_path / "whole"], [whole])
    folders = [tmp_path / "first", tmp_path / ("first" if saved else "second")]

    minutes(folders, [first, second], stop_at=1_217.0, pause=pause)

    assert len(first.seen) == 19
    assert len(second.seen) >= 40 - 20 - 2 - pause / 60
    for part in (first, second):
        for asset in "AB":
            known = whole.signals(asset)
            assert part.signals(asset) == {at: known[at] for at in part.seen}
    assert next(iter(second.signals().values()))["mean"] is not None, "it did not begin anew"


def test_signals_are_the_same_when_recorded_data_go_on_after_a_stop(tmp_path):
    bars = kit.table(bars=40)
    whole, first, second = Notes(), Notes(), Notes()
    shadow(tmp_path / "whole", whole, bars, HOST)

    def feed(days):
        return ListFeed(
            Bar(row["asset"], to_nanoseconds(row["timestamp"]), *(row[key] for key in kit.VALUES), DAY)
            for row in bars.head(2 * days).iter_rows(named=True)
        )

    shadow(tmp_path / "parts", first, feed(25), HOST)
    shadow(tmp_path / "parts", second, feed(40), HOST)

    assert first.seen | second.seen == whole.seen
    assert len(second.seen) >= 15


def test_a_history_that_is_not_kept_over_a_restart_is_refused_at_the_start(tmp_path):
    with pytest.raises(ValueError, match=r"\[host\] history = 20 is more than \[market\] history = 10 keeps over a restart"):
        shadow(tmp_path, Notes(), kit.table(), HOST, market=MarketSettings(history=10))


def test_bars_that_do_not_begin_on_the_clock_are_remembered_as_they_were(tmp_path):
    """Daily bars that begin at five, as a feed labels them that knows when the day of an exchange begins in UTC."""
    start = kit.START.replace(hour=5)
    bars = kit.table(("A",), 12, start=start)
    events = [
        Bar("A", to_nanoseconds(row["timestamp"]), *(row[key] for key in kit.VALUES), DAY) for row in bars.iter_rows(named=True)
    ]
    seen = []

    class Asks(Notes):
        def on_data(self, timestamp, data, context, broker):
            seen.append(timestamp)

    settings = HostConfig(signals={"first": "features_kit:first_hour", "count": "features_kit:count"})
    first, second = Notes(), Notes()
    shadow(tmp_path, first, ListFeed(events[:8]), settings, bars="1d")
    shadow(tmp_path, second, ListFeed(events), settings, bars="1d")
    counted = [signals["count"] for signals in (first.signals() | second.signals()).values()]
    assert counted == [float(n) for n in range(1, 13)]
    assert {signals["first"] for signals in second.signals().values()} == {
        signals["first"] for signals in first.signals().values()
    }


# ------------------------------------------------------------------ forecasts


class Says:
    version = "1"

    def __init__(self, **said):
        self.said = said

    def forecast(self, request):
        return [Forecast(symbol, request.horizon, **self.said) for symbol in request.symbols if symbol == "A"]


class On:
    def __init__(self, day):
        self.day = day

    def on_event(self, event, market):
        return Firing(reason="now") if to_datetime(event.event_time).day == self.day else None


def test_the_last_valid_forecast_is_a_signal_and_an_expired_one_is_none(tmp_path):
    strategy = Notes()
    settings = HostConfig(forecasts=("model", "silent"), signals={"mean": "features_kit:mean_5"})

    shadow(
        tmp_path,
        strategy,
        kit.table(bars=10),
        settings,
        triggers=[TriggerSpec("on", On(4))],
        forecasters=[ForecasterSpec("model", Says(price=123.0), frozenset({"on"}), horizon=3 * DAY, symbols=("A",))],
    )

    told = {at.day: signals.get("model") for at, signals in strategy.signals().items()}
    assert told == {2: None, 3: None, 4: 123.0, 5: 123.0, 6: 123.0} | dict.fromkeys(range(7, 12))
    assert all(set(signals) == {"mean"} for signals in strategy.signals("B").values())


@pytest.mark.parametrize(
    ("said", "signal"),
    [
        ({"price": 123.0, "direction": Direction.UP, "confidence": 0.9}, 123.0),
        ({"direction": Direction.UP, "confidence": 0.75}, 0.75),
        ({"direction": Direction.DOWN, "confidence": 0.75}, -0.75),
        ({"direction": Direction.SIDEWAYS, "confidence": 0.75}, 0.0),
        ({"direction": Direction.DOWN}, -1.0),
        ({"quantiles": {0.1: 90.0, 0.5: 100.0, 0.9: 110.0}}, 100.0),
        ({"distribution": Distribution(101.0, 2.0)}, 101.0),
    ],
)
def test_what_a_forecast_is_as_a_signal(said, signal):
    older = Forecast("A", DAY, price=1.0, model="model", issued_at=1)
    newer = Forecast("A", 2 * DAY, model="model", issued_at=2, **said)
    other = Forecast("A", DAY, price=7.0, model="other", issued_at=3)
    assert forecast_signals([newer, older, other], ["model", "absent"]) == {"model": signal}


# ------------------------------------------------------------------ quotes, and one asset


def test_the_quote_of_now_is_in_the_slice_and_an_old_one_is_not(tmp_path):
    start = to_nanoseconds(kit.START)
    events = [Bar("A", start, 100.0, 101.0, 99.0, 100.0, 5.0, MINUTE)]
    events += [Quote("A", start + MINUTE + 1, 99.9, 100.1, 3.0, 4.0)]
    events += [Bar("A", start + n * MINUTE, 100.0, 101.0, 99.0, 100.0, 5.0, MINUTE) for n in (1, 2)]
    events.sort(key=lambda event: getattr(event, "end_time", event.event_time))
    strategy = Notes()

    shadow(tmp_path, strategy, ListFeed(events), bars="1m")

    found = [{key: bar["A"].get(key) for key in ("bid", "ask", "mid")} for bar in strategy.seen.values()]
    none = {"bid": None, "ask": None, "mid": None}
    assert found == [none, {"bid": 99.9, "ask": 100.1, "mid": 100.0}, none]


def test_a_strategy_of_one_asset_may_be_written_as_the_classic_readme_writes_it(tmp_path):
    def act(data, broker):
        if data["close"] > data["mean"] and not broker.positions:
            broker.submit_order("A", 100)

    bars = kit.table(("A",), 30)
    strategy = Notes(act)

    engine = shadow(tmp_path, strategy, bars, HOST)

    close, mean = bars["close"].to_list(), bars["close"].rolling_mean(5).to_list()
    first = next(n for n in range(30) if mean[n] is not None and close[n] > mean[n])
    (fill,) = engine.parts.strategy.session.broker.fills
    assert fill.timestamp == bars["timestamp"][first + 1]


def test_with_more_assets_a_value_has_no_name_of_its_own(tmp_path):
    def act(data, broker):
        with pytest.raises(KeyError):
            data["close"]
        assert "close" not in data

    shadow(tmp_path, Notes(act), kit.table(("A", "B"), 3))


def test_signals_are_made_of_complete_bars_only(tmp_path):
    start = to_nanoseconds(kit.START)
    ticks = [Trade("A", start + n * 20 * 10**9, 100.0 + n, 1.0) for n in range(12)]
    strategy = Notes()
    settings = HostConfig(signals={"count": "features_kit:count", "close": "features_kit:close"})
    told = []

    def act(data, broker):
        told.append((data["A"]["close"], data["A"]["signals"]))

    strategy.act = act
    shadow(tmp_path, strategy, ListFeed(ticks), settings, bars="1m", evolving=True)

    whole = [(close, signals) for close, signals in told if signals.get("close") == close]
    assert [signals["count"] for _, signals in whole] == [1.0, 2.0, 3.0]
    running = [signals for close, signals in told if signals.get("close") != close]
    assert running[0] == {}, "nothing is known before the first bar is complete"
    assert {signals.get("close") for signals in running[3:]} <= {102.0, 105.0, 108.0}
