"""Which price answers a forecast: closed markets, halts, holes, splits, and what never comes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from ledger_kit import DAY, HOUR, START, Bench, forecast

from ml4t.live.ledger import Horizons
from ml4t.live.ledger.horizons import GIVE_UP
from ml4t.live.model import Direction, ForecastState, HorizonIn
from ml4t.live.sessions import ALWAYS
from ml4t.live.sessions.exchange import ExchangeSessions
from ml4t.live.times import to_nanoseconds

MINUTE = HOUR // 60


def at(text):
    return to_nanoseconds(datetime.fromisoformat(text).replace(tzinfo=UTC))


def sessions(*days):
    """A week of sessions from 14:30 to 21:00 UTC."""
    hours = [(at(f"2026-03-{day:02} 14:30"), at(f"2026-03-{day:02} 21:00")) for day in days]
    return ExchangeSessions("test", [end for _, end in hours], hours, [begin // DAY for begin, _ in hours])


WEEKS = sessions(2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 16, 17, 18, 19, 20)  # Mondays to Fridays of March 2026
FRIDAY = "2026-03-06"
MONDAY = "2026-03-09"


def bench_at(text, calendar=WEEKS, **options):
    bench = Bench(at(text), horizons=Horizons(calendar, **options))
    bench.price(100.0)
    return bench


def price_at(bench, text, price):
    bench.price(price, after=at(text) - bench.now)


def test_a_horizon_on_a_sunday_waits_for_monday_and_takes_neither_fridays_close_nor_what_is_quoted_meanwhile():
    bench = bench_at(f"{FRIDAY} 20:00")
    bench.issue(forecast(horizon=48 * HOUR))
    price_at(bench, f"{FRIDAY} 20:59:59", 101.0)
    price_at(bench, "2026-03-07 23:00", 150.0)  # somebody prints on Saturday night
    price_at(bench, "2026-03-08 21:00", 151.0)  # and on Sunday, after the horizon
    price_at(bench, f"{MONDAY} 13:00", 152.0)  # before the open
    assert bench.bodies("resolution") == []
    price_at(bench, f"{MONDAY} 14:30", 103.0)
    [resolution] = bench.bodies("resolution")
    assert (resolution.price, resolution.state) == (103.0, ForecastState.RESOLVED)
    assert resolution.price_time == at(f"{MONDAY} 14:30")


def test_looking_again_before_the_market_opens_costs_nothing():
    bench = bench_at(f"{FRIDAY} 20:00")
    bench.issue(forecast(horizon=48 * HOUR), forecast(horizon=96 * HOUR))
    price_at(bench, "2026-03-08 21:00", 151.0)
    assert bench.ledger.next_due == {"A": at(f"{MONDAY} 14:30")}
    bench.restart()
    price_at(bench, "2026-03-08 22:00", 151.0)
    assert bench.ledger.open_count == 2
    assert bench.ledger.next_due == {"A": at(f"{MONDAY} 14:30")}


@pytest.mark.parametrize("seconds", [0, 3])
def test_a_horizon_on_the_close_takes_the_closing_print(seconds):
    bench = bench_at(f"{FRIDAY} 20:00")
    bench.issue(forecast(horizon=HOUR))
    price_at(bench, f"{FRIDAY} 21:00:0{seconds}", 102.0)
    [resolution] = bench.bodies("resolution")
    assert (resolution.price, resolution.state) == (102.0, ForecastState.RESOLVED)


def test_a_daily_bar_that_ends_while_the_market_is_closed_answers():
    bench = bench_at("2026-03-05 00:00")
    bench.issue(forecast(horizon=24 * HOUR), forecast(horizon=36 * HOUR))
    price_at(bench, f"{FRIDAY} 00:00", 101.0)
    price_at(bench, "2026-03-07 00:00", 102.0)  # the bar of Friday, which has traded since the horizon
    assert [(r.price, r.state) for r in bench.bodies("resolution")] == [
        (101.0, ForecastState.RESOLVED),
        (102.0, ForecastState.LATE),
    ]


def test_trading_time_stands_still_while_the_market_is_closed():
    bench = bench_at(f"{FRIDAY} 20:00")
    [issued] = bench.issue(forecast(horizon=2 * HOUR), horizon_in=HorizonIn.TRADING_TIME)
    assert issued.due == at(f"{MONDAY} 15:30")
    assert (issued.horizon, issued.horizon_in) == (2 * HOUR, HorizonIn.TRADING_TIME)
    [issued] = bench.issue(forecast(horizon=HOUR), horizon_in=HorizonIn.TRADING_TIME)
    assert issued.due == at(f"{FRIDAY} 21:00")


@pytest.mark.parametrize(("days", "due"), [(1, f"{FRIDAY} 21:00"), (2, f"{MONDAY} 21:00"), (6, "2026-03-13 21:00")])
def test_a_horizon_in_sessions_is_a_close(days, due):
    bench = bench_at(f"{FRIDAY} 20:00")
    [issued] = bench.issue(forecast(horizon=days * DAY), horizon_in=HorizonIn.SESSIONS)
    assert issued.due == at(due)


@pytest.mark.parametrize("horizon", [HOUR, DAY + 1])
def test_half_a_session_is_no_horizon(horizon):
    bench = bench_at(f"{FRIDAY} 20:00")
    with pytest.raises(ValueError, match="m gave a horizon for A that cannot be reckoned: a horizon in sessions is a whole"):
        bench.issue(forecast(horizon=horizon), horizon_in=HorizonIn.SESSIONS)


def test_a_horizon_beyond_the_calendar_is_refused():
    bench = bench_at(f"{FRIDAY} 20:00")
    with pytest.raises(ValueError, match="not known so far ahead"):
        bench.issue(forecast(horizon=1_000 * HOUR), horizon_in=HorizonIn.TRADING_TIME)


def test_where_the_calendar_ends_a_forecast_waits_and_is_given_up():
    bench = bench_at("2026-03-20 20:00")  # an hour before the last close that is known
    bench.issue(forecast(horizon=2 * HOUR))
    for _ in range(3):
        bench.price(101.0, after=DAY)
    assert bench.ledger.open_count == 1, "nothing says when this market trades again"
    bench.ledger.expire(bench.now + 30 * DAY)
    [outcome] = bench.bodies("resolution")
    assert outcome.state is ForecastState.UNRESOLVABLE


@pytest.mark.parametrize(
    ("horizon", "seen", "state"),
    [
        (HOUR, "16:30", ForecastState.RESOLVED),  # an hour of trading after 15:30
        (HOUR, "16:31", ForecastState.LATE),
        (2 * HOUR, "17:30", ForecastState.RESOLVED),
        (2 * HOUR, "17:31", ForecastState.LATE),
    ],
)
def test_after_a_halt_the_price_is_late_and_enters_no_score(horizon, seen, state):
    bench = bench_at(f"{MONDAY} 14:30")
    bench.issue(forecast(horizon=horizon, direction=Direction.UP))
    price_at(bench, f"{MONDAY} {seen}", 104.0)
    [resolution] = bench.bodies("resolution")
    assert resolution.state is state
    total = bench.total(horizon=horizon)
    late = state is ForecastState.LATE
    assert (total.late, total.resolved, total.points.count, total.directions.count) == (late, not late, not late, not late)
    assert total.open == 0


def test_a_long_horizon_may_wait_for_a_tenth_of_itself_and_a_setting_decides_otherwise():
    assert not Horizons(WEEKS).is_late(at(f"{MONDAY} 14:30"), at(f"{MONDAY} 16:30"), 20 * HOUR)
    assert Horizons(WEEKS).is_late(at(f"{MONDAY} 14:30"), at(f"{MONDAY} 16:31"), 20 * HOUR)
    assert Horizons(WEEKS, late=MINUTE).is_late(at(f"{MONDAY} 14:30"), at(f"{MONDAY} 14:32"), 20 * HOUR)
    assert not Horizons(WEEKS, late=MINUTE).is_late(at(f"{FRIDAY} 21:00"), at(f"{MONDAY} 14:31"), HOUR)
    assert Horizons(ALWAYS, late=MINUTE).is_late(START, START + 2 * MINUTE, HOUR)


def test_what_never_comes_is_unresolvable_and_counted():
    bench = Bench()
    bench.price(100.0)
    bench.price(50.0, symbol="B")
    [one, _] = bench.issue(forecast(), forecast(55.0, symbol="B"))
    bench.ledger.expire(one.due + GIVE_UP)
    assert bench.bodies("resolution") == []
    bench.price(51.0, after=HOUR, symbol="B")
    bench.ledger.expire(one.due + GIVE_UP + 1)
    bench.ledger.expire(one.due + GIVE_UP + 2)
    [_, given_up] = bench.bodies("resolution")
    assert (given_up.forecast_id, given_up.state, given_up.price) == (one.forecast_id, ForecastState.UNRESOLVABLE, None)
    assert given_up.why
    total = bench.total()
    assert (total.issued, total.resolved, total.unresolvable, total.open) == (2, 1, 1, 0)
    bench.price(99.0, after=GIVE_UP)  # too late for anything
    assert len(bench.bodies("resolution")) == 2
    assert bench.ledger.next_due == {}


def test_a_split_is_no_miss():
    bench = Bench()
    bench.price(100.0)
    bench.issue(forecast(104.0, direction=Direction.UP))
    bench.now += HOUR // 2
    assert bench.ledger.split("A", 4, bench.now)
    assert not bench.ledger.split("A", 4, bench.now)
    bench.restart()
    bench.price(25.5, after=HOUR // 2)
    [resolution] = bench.bodies("resolution")
    assert (resolution.price, resolution.split) == (102.0, 4.0)
    assert (resolution.absolute_error, resolution.naive_error, resolution.direction_hit) == (2.0, 2.0, True)
    bench.issue(forecast(26.0))  # made in the new units
    bench.price(26.0, after=HOUR)
    assert (bench.bodies("resolution")[-1].price, bench.bodies("resolution")[-1].absolute_error) == (26.0, 0.0)
    assert len(bench.bodies("split")) == 1


def test_two_splits_multiply_and_another_symbols_does_not_matter():
    bench = Bench()
    bench.price(100.0)
    bench.issue(forecast())
    for n, ratio in enumerate([2, 0.1], start=1):
        bench.ledger.split("A", ratio, bench.now + n)
    bench.ledger.split("B", 7, bench.now + 1)
    bench.ledger.split("A", 3, bench.now + 2 * HOUR)
    bench.price(500.0, after=HOUR)
    assert bench.bodies("resolution")[0].split == pytest.approx(0.2)


@pytest.mark.parametrize("ratio", [0, -2, float("nan"), float("inf")])
def test_no_ratio_is_refused(ratio):
    with pytest.raises(ValueError, match="write 4 for four new shares"):
        Bench().ledger.split("A", ratio, START)


def test_the_same_inputs_give_the_same_digest_and_others_another():
    def issued(*prices):
        bench = Bench()
        for price in prices:
            bench.price(price, after=1)
        return bench.issue(forecast())[0].inputs

    assert issued(100.0, 101.0) == issued(100.0, 101.0)
    assert issued(100.0, 101.0) != issued(100.0, 100.5)
    assert len(issued(100.0)) == 16


def test_following_a_forecast_pays_the_spread_of_its_issue_and_the_costs():
    bench = Bench(cost=0.001)
    bench.quote(99.9, 100.1)
    bench.issue(forecast(None, direction=Direction.UP), model="up")
    bench.issue(forecast(None, direction=Direction.DOWN), model="down")
    bench.issue(forecast(None, direction=Direction.SIDEWAYS), model="flat")
    bench.issue(forecast(99.0), model="by price")
    bench.price(102.0, after=HOUR)
    gains = {f.model: r for f, r in zip(bench.bodies("forecast"), bench.bodies("resolution"), strict=False)}
    by_id = {r.forecast_id: r for r in bench.bodies("resolution")}
    gains = {f.model: by_id[f.forecast_id] for f in bench.bodies("forecast")}
    assert gains["up"].gain == pytest.approx(0.02 - 0.002 - 0.002)
    assert gains["down"].gain == pytest.approx(-0.02 - 0.004)
    assert (gains["flat"].gain, gains["flat"].cost) == (0.0, 0.0)
    assert gains["by price"].gain == pytest.approx(-0.024)
    score = bench.total("down")
    assert (score.gains.gain, score.gains.drawdown) == (pytest.approx(-0.024), pytest.approx(0.024))


def test_a_quote_that_the_market_has_left_behind_is_no_price_to_trade_at():
    bench = Bench(cost=0.0)
    bench.quote(99.9, 100.1)
    bench.price(105.0, after=1)
    [issued] = bench.issue(forecast())
    assert (issued.bid, issued.ask) == (None, None)
