"""The summary against journals that are written here, record by record."""

from __future__ import annotations

import tracemalloc

import pytest

from ml4t.live.clock import DataClock
from ml4t.live.journal import Journal, RecordKind, StatePut
from ml4t.live.ledger.formulas import wilson
from ml4t.live.model import Direction, Fill, Firing, Forecast, Gap, Order, OrderSide, OrderState, Position, Verdict
from ml4t.live.report import ReportReader, summarise
from ml4t.live.report.around import symbol_story
from ml4t.live.report.equity import POINTS, EquityCurve, sparkline
from ml4t.live.report.limits import limit_use
from ml4t.live.report.skill import skills
from ml4t.live.report.story import order_story
from ml4t.live.report.trades import add_up, totals
from ml4t.live.report.words import duration, moment, money, percent, price, quantity

DAY = 86_400 * 10**9


def fill(number, symbol, side, size, at, commission=0.0):
    return Fill(f"e{number}", f"o{number}", symbol, OrderSide(side), size, at, number * DAY, commission, "shadow", "a")


# ------------------------------------------------------------------ trades


def test_trades_are_added_up_by_symbol():
    sums = add_up(
        [
            fill(1, "A", "buy", 10, 100.0, 1.0),
            fill(2, "A", "sell", 4, 110.0, 1.0),
            fill(3, "B", "sell", 5, 50.0),
            fill(4, "A", "sell", 6, 90.0, 1.0),
            fill(5, "B", "buy", 2, 40.0),
        ]
    )
    a, b = sums["A"], sums["B"]
    assert (a.fills, a.bought, a.sold, a.commission, a.position) == (3, 10, 10, 3.0, 0)
    assert a.turnover == 1_000 + 440 + 540
    assert a.realised_pnl == pytest.approx(4 * 10 - 6 * 10)
    assert a.average_price is None
    assert (b.position, b.average_price, b.realised_pnl) == (-3, 50.0, 20.0)
    assert totals(sums.values()) == {"fills": 5, "turnover": 2_310.0, "commission": 3.0, "realised_pnl": 0.0}


# ------------------------------------------------------------------ equity


def test_the_deepest_fall_is_measured_from_the_high_before_it():
    curve = EquityCurve()
    for at, equity in enumerate([100.0, 120.0, 90.0, 110.0, 130.0, 104.0, 131.0]):
        curve.add(at, equity)
    assert curve.max_drawdown == pytest.approx(0.25)
    assert (curve.peak_at, curve.trough_at) == (1, 2)
    assert curve.total_return == pytest.approx(0.31)
    assert (curve.first, curve.last, curve.highest) == (100.0, 131.0, 131.0)


def test_a_curve_without_values_says_nothing():
    curve = EquityCurve()
    assert (curve.last, curve.total_return, curve.max_drawdown, curve.sparkline()) == (None, None, 0.0, "")


def test_a_long_curve_is_drawn_as_wide_as_a_short_one_and_keeps_few_points():
    curve = EquityCurve()
    for at in range(100_000):
        curve.add(at, 100.0 + at)
    line = curve.sparkline()
    assert len(line) == POINTS
    assert (line[0], line[-1]) == ("▁", "█")
    assert list(line) == sorted(line)


def test_a_long_curve_is_drawn_evenly():
    curve = EquityCurve()
    for at in range(50_000):
        curve.add(at, 100.0 if at < 25_000 else 200.0)
    assert curve.sparkline().count("█") == pytest.approx(POINTS / 2, abs=2)


def test_blocks():
    assert sparkline([]) == sparkline([1.0]) == ""
    assert sparkline([5.0, 5.0, 5.0]) == "▁▁▁"
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"


# ------------------------------------------------------------------ forecasts


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [(5, 10, 0.2366, 0.7634), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (1, 1, 0.2065, 1.0), (519, 1000, 0.4880, 0.5498)],
)
def test_wilson_intervals_are_those_of_the_books(hits, trials, low, high):
    assert wilson(hits, trials) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


def test_there_is_no_interval_without_trials():
    assert wilson(0, 0) == (None, None)


def test_scores_of_all_forecasts_and_of_groups_are_kept_apart(journal, reading):
    a = {"counts": [10, 8, 0, 1], "directions": [8, 6], "points": [8, 0.4, 0.8, 0.1, 0.2, 0.0]}
    noted = {"drift|1||": a, "drift|2||": a, "drift|1|symbol|A|B": a, "drift|1|symbol|C": {"counts": [3, 0, 0, 0]}}
    state = [StatePut("ledger", f"score|{name}", value) for name, value in noted.items()]
    state += [StatePut("ledger", "through", 1), StatePut("suspect", "drift|2", "it knows")]
    journal.append("forecast-ish", "f", {}, state=state)
    one, two, silent = skills(reading(), {"drift": 3, "agent": 2})
    assert (one.model, one.horizon, one.group, one.declined) == ("drift", 1, "", 3)
    assert (one.issued, one.resolved, one.unresolvable, one.open) == (10, 8, 1, 1)
    assert (one.hit_rate, one.mean_absolute_error, one.naive_error) == (0.75, 0.05, 0.1)
    assert one.skill == pytest.approx(0.5)
    assert (two.horizon, two.issued, two.verdict) == (2, 10, "suspect: it may know the outcome")
    assert (silent.model, silent.issued, silent.declined, silent.skill) == ("agent", 0, 2, None)
    by_symbol = skills(reading(), {"drift": 3, "agent": 2}, by="symbol")
    assert [(line.group, line.issued, line.declined) for line in by_symbol] == [("A|B", 10, 0), ("C", 3, 0)]
    assert skills(reading(), {"drift": 3}, models=["agent"]) == []


# ------------------------------------------------------------------ limits


def test_limits_that_are_off_are_left_out_and_losses_are_measured():
    limits = {"max_positions": 4, "max_daily_loss": 100.0, "max_drawdown_pct": 0.5, "max_total_exposure": None}
    losses = {"day_start": 1_000.0, "high_water_mark": 1_200.0}
    used = {line["limit"]: line for line in limit_use(limits, losses, [], 0, 0, 960.0)}
    assert used.keys() == {"max_positions", "max_daily_loss", "max_drawdown_pct"}
    assert used["max_daily_loss"] == {"limit": "max_daily_loss", "value": 40.0, "at_most": 100.0, "used": 0.4}
    assert used["max_drawdown_pct"]["value"] == pytest.approx(0.2)
    assert used["max_positions"]["used"] == 0


def test_the_day_and_the_sides_are_measured():
    limits = {"max_daily_turnover": 1_000, "max_losing_streak": 4, "max_order_to_fill_ratio": 8, "max_leverage": 2}
    limits |= {"max_long_value": 400, "max_short_value": 200, "max_net_exposure": 100}
    tallies = {"value_sent": 250.0, "losing_streak": 1, "messages_today": 6, "fills_today": 3}
    positions = [Position("A", 2, 100.0, 100.0), Position("B", -1, 150.0, 150.0)]
    used = {line["limit"]: line["value"] for line in limit_use(limits, {}, positions, 0, 0, 700.0, tallies)}
    assert used == {
        "max_long_value": 200,
        "max_short_value": 150,
        "max_net_exposure": 50,
        "max_leverage": 0.5,
        "max_daily_turnover": 250,
        "max_order_to_fill_ratio": 2,
        "max_losing_streak": 1,
    }


# ------------------------------------------------------------------ a whole journal


def refused(journal, number, check, code, reason):
    order = Order(
        f"m{number}", "A", OrderSide.BUY, 5, state=OrderState.REJECTED, code=code, reason=reason, created_at=number * DAY
    )
    journal.append(RecordKind.VERDICT, order.order_id, Verdict(False, code, reason, 10.0, 12.5, check))
    journal.append(RecordKind.ORDER, order.order_id, order)


def test_the_summary_of_an_empty_journal_is_empty(reading):
    summary = summarise(reading())
    assert summary.run.name == ""
    assert summary.run.start == summary.run.end == 0
    assert summary.traded == summary.models == summary.refusals == ()
    assert summary.as_dict()["run"]["start"] is None


def test_the_period_begins_with_the_first_event_and_not_in_1970(tmp_path):
    clock = DataClock()
    journal = Journal(tmp_path / "journal.sqlite3", clock, durability="none").open(None)
    for at in (0, 5 * DAY, 7 * DAY):
        clock.advance(at)
        journal.append(RecordKind.HEALTH, "x", {})
    journal.close()
    with ReportReader(journal.path) as reader:
        assert reader.span() == (5 * DAY, 7 * DAY)


def test_refusals_are_counted_by_check_and_code_with_the_latest_reason(journal, reading):
    for number in range(3):
        refused(journal, number, "cap", "too_much", f"reason {number}")
    refused(journal, 9, "cap", "check_error", "it raised")
    refused(journal, 10, "stale", "no_data", "never seen")
    journal.append(RecordKind.VERDICT, "m11", Verdict(True, check="cap"))
    assert summarise(reading()).refusals == (
        {"check": "cap", "code": "too_much", "count": 3, "example": "reason 2"},
        {"check": "cap", "code": "check_error", "count": 1, "example": "it raised"},
        {"check": "stale", "code": "no_data", "count": 1, "example": "never seen"},
    )


def test_firings_errors_gaps_and_silence_are_counted(journal, reading):
    for number in range(3):
        firing = Firing(reason=f"move {number}", symbol="A", trigger="moves", time=number, firing_id=f"moves:A:{number}")
        journal.append(RecordKind.FIRING, firing.firing_id, firing)
    journal.append(RecordKind.SUPPRESSED, "x", {"trigger": "moves", "suppressed_by": "cooldown"})
    journal.append(RecordKind.SUPPRESSED, "y", {"trigger": "quiet", "suppressed_by": "warmup"})
    for text in ("one", "two"):
        journal.append(RecordKind.ERROR, "forecaster drift", {"type": "ValueError", "message": text})
    journal.append(RecordKind.GAP, "A", Gap("A", 0, 90 * 10**9, "disconnect", "main", 12))
    journal.append(RecordKind.GAP, "A", Gap("A", 100 * 10**9, 110 * 10**9, "disconnect", "main", 3))
    journal.append(RecordKind.DECLINED, "agent", {"why": "no forecast given"})
    summary = summarise(reading())
    assert [(line["trigger"], line["count"], line["suppressed"]) for line in summary.firings] == [
        ("moves", 3, 1),
        ("quiet", 0, 1),
    ]
    assert summary.firings[0]["example"] == "move 2"
    assert summary.errors == ({"component": "forecaster drift", "count": 2, "example": "ValueError: two"},)
    assert summary.gaps == ({"symbol": "A", "reason": "disconnect", "count": 2, "seconds": 100.0, "recovered": 15},)
    assert [(line.model, line.declined) for line in summary.models] == [("agent", 1)]


def test_equity_and_scores_and_runs_are_read(journal, reading):
    journal.append(RecordKind.RUN, "x", {"name": "x", "mode": "shadow", "limits": {}, "strategy": "a:B", "recorded_data": True})
    for day, equity in enumerate([100.0, 110.0, 99.0]):
        journal.append(RecordKind.EQUITY, "shadow", {"at": day * DAY, "cash": 50.0, "equity": equity})
    forecast = Forecast("A", 5, 101.0, model="drift", forecast_id="f1", reference_price=100.0)
    journal.append(RecordKind.FORECAST, "f1", forecast)
    journal.append(RecordKind.RUN, "x", {"ended": True, "why": "the data ended"})
    summary = summarise(reading())
    assert (summary.run.name, summary.run.strategy, summary.run.ended, summary.run.runs) == ("x", "a:B", "the data ended", 1)
    assert summary.equity.max_drawdown == pytest.approx(0.1)
    assert summary.as_dict()["equity"]["trough_at"] == "1970-01-03T00:00:00Z"
    assert summary.models[0].issued == 1


def test_the_memory_of_a_summary_does_not_grow_with_the_run(journal, reading):
    for number in range(20_000):
        journal.append(RecordKind.FILL, f"e{number}", fill(number, "A", "buy" if number % 2 else "sell", 1, 10.0))
        journal.append(RecordKind.EQUITY, "shadow", {"at": number, "cash": 1.0, "equity": 100.0 + number % 7})
    reader = reading()
    tracemalloc.start()
    summary = summarise(reader)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert summary.fills["fills"] == 20_000
    assert peak < 3_000_000  # a page of 1,000 records; all of them would be thirty times as much


# ------------------------------------------------------------------ stories


@pytest.fixture
def caused(journal):
    """An order that a forecast led to, which a firing had asked for."""
    firing = Firing(reason="moved 3 %", symbol="A", trigger="moves", time=DAY, firing_id="moves:A:1")
    journal.append(RecordKind.FIRING, firing.firing_id, firing)
    forecast = Forecast(
        "A", 2 * DAY, 101.0, Direction.UP, model="drift", forecast_id="f1", issued_at=DAY, reference_price=100.0
    )
    import attrs

    journal.append(RecordKind.FORECAST, "f1", attrs.evolve(forecast, cause=firing.firing_id))
    order = Order("mabcdef", "A", OrderSide.BUY, 5, created_at=DAY, strategy="Agent", cause="f1", state=OrderState.INTENT)
    journal.append(RecordKind.INTENT, order.order_id, order)
    execution = attrs.evolve(fill(3, "A", "buy", 5, 100.5), order_id=order.order_id)
    journal.append(RecordKind.FILL, execution.execution_id, execution)
    filled = attrs.evolve(order, state=OrderState.FILLED, filled_quantity=5.0, average_price=100.5)
    journal.append(RecordKind.ORDER, order.order_id, filled)
    return filled


def test_the_story_of_an_order_begins_with_the_firing_behind_the_forecast(caused, reading):
    steps = order_story(reading(), caused)
    assert [step.what for step in steps][:5] == ["firing", "forecast", "decision", "checks", "intent"]
    assert steps[0].text == "moves fired for A: moved 3 %"
    assert steps[1].text == "drift sees A at 101.00 (up) in 2d, from 100.00"
    assert {step.what for step in steps[5:]} == {"fill", "state"}


def test_the_story_of_a_symbol_has_gaps_and_the_firings_of_all_symbols(journal, caused, reading):
    everybody = Firing(reason="scheduled", trigger="hourly", time=DAY, firing_id="hourly::1")
    somebody = Firing(reason="moved", symbol="B", trigger="moves", time=DAY, firing_id="moves:B:1")
    for firing in (everybody, somebody):
        journal.append(RecordKind.FIRING, firing.firing_id, firing)
    journal.append(RecordKind.GAP, "A", Gap("A", DAY, DAY + 90 * 10**9, "silence"))
    texts = [step.text for step in symbol_story(reading(), "A")]
    assert "hourly fired: scheduled" in texts
    assert "no data for 1m 30s (silence)" in texts
    assert not [text for text in texts if "for B" in text]
    assert any("buy 5 A market, filled at 100.50" in text for text in texts)


# ------------------------------------------------------------------ words


def test_numbers_and_times_are_written_as_people_read_them():
    assert [quantity(x) for x in (1_234.5, 3.0, 0.00012345, None)] == ["1,234.5", "3", "0.00012345", "–"]
    assert [price(x) for x in (1_234.567, 1.23456, 0.000123456)] == ["1,234.57", "1.23456", "0.000123456"]
    assert [money(x) for x in (-1_234.567, None)] == ["-1,234.57", "–"]
    assert percent(0.12345) == "12.3%"
    assert [moment(x) for x in (0, DAY, DAY + 10**9)] == ["–", "1970-01-02", "1970-01-02 00:00:01"]
    assert [duration(x) for x in (0.25, 12.4, 245.0, 90_000.0, 3_600.0)] == ["0.2s", "12s", "4m 5s", "1d 1h", "1h"]
