"""Rolling statistics against their definitions, computed from the whole history with exact fractions."""

from __future__ import annotations

import json
import math
import statistics
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml4t.live.market import MarketState, RegimeKind
from ml4t.live.market.regime import STEPS
from ml4t.live.market.rolling import Moments
from ml4t.live.market.volume import KNOWN
from ml4t.live.model import Bar, Quote, Trade
from ml4t.live.times import NANOS

MINUTE = 60 * NANOS
DAY = 1_440 * MINUTE
SCALES = (1e-8, 1.0, 190.0, 1e8)


def near(expected, rel=1e-9, **tolerance):
    """Return what equals `expected` within 1e-9, or None when that is None."""
    return None if expected is None else pytest.approx(expected, rel=rel, **{"abs": 1e-30} | tolerance)


def market(history=50, candles=(MINUTE,)):
    return MarketState(history, candles)


def feed(state, events):
    for event in events:
        state.apply(event, 10**18)
    return state


def trades(prices, step=NANOS, symbol="A", start=0, sizes=None):
    return [Trade(symbol, start + n * step, price, sizes[n] if sizes else 1.0) for n, price in enumerate(prices)]


@st.composite
def walks(draw):
    """Prices at any scale: small steps, none, large ones, and now and then a change of unit (twice, so that it is believed)."""
    price = draw(st.sampled_from(SCALES))
    prices = [price]
    steps = st.sampled_from([0.0, 0.0, 1e-9, -1e-9, 1e-4, -1e-4, 0.01, -0.02, 0.5, 30.0])
    for step in draw(st.lists(steps)):
        price *= 1 + step
        prices += [price, price] if step > 1 else [price]
    return prices


def believed(prices):
    """Prices and returns as the state should see them: a jump counts when it is confirmed, and then there is no return."""
    kept, returns = [prices[0]], []
    suspect = None
    for price in prices[1:]:
        if 0.1 < price / kept[-1] < 10:
            suspect = None
            returns.append((price - kept[-1]) / kept[-1])
        elif suspect is None or not 0.1 < price / suspect < 10:
            suspect = price
            continue
        else:
            suspect = None
            returns.append(None)
        kept.append(price)
    return kept, returns


def deviation(values):
    values = [Fraction(value) for value in values if value is not None]
    if len(values) < 2:
        return None
    mean = sum(values) / len(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))


@given(prices=walks(), window=st.integers(1, 49), reads=st.sets(st.integers(0, 100)))
def test_returns_and_realised_volatility_are_those_of_the_last_prices_whenever_they_are_read(prices, window, reads):
    state = market()
    for number, event in enumerate(trades(prices)):
        state.apply(event, 10**18)
        if number in reads:
            state.get("A").realised_volatility(window)
    kept, returns = believed(prices)
    view = state.get("A")

    assert list(view.prices) == kept[-50:]
    assert list(view.returns) == [r for r in returns[-49:][-len(view.prices) + 1 :] if r is not None] if len(kept) > 1 else True
    assert view.realised_volatility(window) == near(deviation(returns[-window:]))


@given(
    values=st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6).filter(lambda v: v == 0 or abs(v) > 1e-12))),
    window=st.integers(1, 20),
)
def test_moments_are_exact(values, window):
    moments = Moments(window)
    for value in values:
        moments.add(value)
    held = [value for value in values[-window:] if value is not None]
    assert moments.count == len(held)
    assert moments.mean == near(statistics.fmean(held) if held else None, abs=1e-15)
    assert moments.deviation == near(deviation(held), rel=1e-9, abs=1e-15)


def test_a_bad_print_leaves_nothing_behind():
    moments = Moments(100)
    steps = [(-1) ** n * 1e-4 * (1 + n % 7) for n in range(100)]
    for value in [*steps, 1.9e9, *steps]:
        moments.add(value)
    assert moments.deviation == near(deviation(steps), rel=1e-12)


def test_constant_prices_have_no_volatility_at_all():
    for price in SCALES:
        view = feed(market(), trades([price] * 200)).get("A")
        assert (view.volatility, view.realised_volatility(40)) == (0.0, 0.0)
        assert (view.candles(MINUTE).volatility, view.candles(MINUTE).parkinson(2)) == (0.0, 0.0)


def test_a_window_longer_than_the_history_is_refused_with_the_remedy():
    view = feed(market(), trades([1.0, 1.1])).get("A")
    with pytest.raises(ValueError, match=r"\[market\] history"):
        view.realised_volatility(50)
    with pytest.raises(ValueError, match=r"\[market\] history"):
        view.candles(MINUTE).parkinson(50)
    with pytest.raises(LookupError, match=r'\[market\] candles = \["5m"\]'):
        view.candles(5 * MINUTE)


# --- candles ---


@st.composite
def ticks(draw, symbol="A"):
    time, price, made = 0, draw(st.sampled_from(SCALES)), []
    pauses, steps = st.sampled_from([0, 1, 7, 30, 60, 200]), st.sampled_from([0, 1e-4, -1e-4, 0.03, -0.05])
    for pause, step, size in draw(st.lists(st.tuples(pauses, steps, st.integers(0, 9)))):
        time += pause * NANOS
        price *= 1 + step
        made.append(Trade(symbol, time, price, float(size)))
    return made


def brute_candles(events):
    slots = {}
    for event in events:
        slots.setdefault(event.event_time // MINUTE, []).append(event)
    made = []
    for slot, inside in list(slots.items())[:-1]:  # the last one runs
        prices = [event.price for event in inside]
        volume = math.fsum(event.size for event in inside)
        made.append(Bar("A", slot * MINUTE, prices[0], max(prices), min(prices), prices[-1], volume, MINUTE))
    return made


@given(events=ticks(), window=st.integers(1, 20), reads=st.sets(st.integers(0, 50)))
def test_candles_and_what_follows_from_them(events, window, reads):
    state = market()
    for number, event in enumerate(events):
        state.apply(event, 10**18)
        if number in reads:
            state.get("A").candles(MINUTE).parkinson(window)
    if not events:
        return
    view = state.get("A").candles(MINUTE)
    made = brute_candles(events)
    steps = list(pairwise(made))[-window:]

    assert list(view.closed) == made[-50:]
    returns = [(after.close - before.close) / before.close for before, after in pairwise(made)]
    assert list(view.returns) == returns[-49:]
    assert view.realised_volatility(window) == near(deviation(returns[-window:]))
    squares = [math.log(after.high / after.low) ** 2 for _, after in steps]
    parkinson = math.sqrt(math.fsum(squares) / len(squares) / (4 * math.log(2))) if squares else None
    assert view.parkinson(window) == near(parkinson)
    ranges = [
        max(after.high - after.low, abs(after.high - before.close), abs(before.close - after.low)) for before, after in steps
    ]
    assert view.average_true_range(window) == near(math.fsum(ranges) / len(ranges) if ranges else None, rel=1e-9, abs=1e-24)
    volumes = [after.volume for _, after in steps]
    assert view.average_volume(window) == near(math.fsum(volumes) / len(volumes) if volumes else None, abs=1e-12)
    weight, ewma = 2 / 61, None
    for value in returns:
        ewma = value**2 if ewma is None else ewma + weight * (value**2 - ewma)
    assert view.volatility == near(None if ewma is None else math.sqrt(ewma))


def test_a_bar_closes_its_candle_at_once_and_smaller_ones_add_up():
    half = [Bar("A", n * MINUTE // 2, 10.0 + n, 12.0 + n, 9.0 + n, 11.0 + n, 5.0, MINUTE // 2) for n in range(4)]
    view = feed(market(), half[:1]).get("A").candles(MINUTE)
    assert view.count == 0
    view = feed(market(), half).get("A").candles(MINUTE)
    assert list(view.closed) == [
        Bar("A", 0, 10.0, 13.0, 9.0, 12.0, 10.0, MINUTE),
        Bar("A", MINUTE, 12.0, 15.0, 11.0, 14.0, 10.0, MINUTE),
    ]


def test_a_bar_longer_than_a_candle_is_one_candle():
    days = [Bar("A", n * DAY, 10.0, 12.0, 9.0, 11.0, 5.0, DAY) for n in range(3)]
    view = feed(market(), days).get("A").candles(MINUTE)
    assert [candle.event_time for candle in view.closed] == [0, DAY, 2 * DAY]


def test_quotes_make_candles_only_where_nothing_trades():
    quotes = [Quote("A", n * MINUTE, 9.0 + n, 11.0 + n, 1.0, 1.0) for n in range(3)]
    assert [candle.close for candle in feed(market(), quotes).get("A").candles(MINUTE).closed] == [10.0, 11.0]
    traded = [Trade("A", 1, 10.0, 1.0), *quotes]
    assert feed(market(), traded).get("A").candles(MINUTE).count == 0


def test_no_return_leads_over_a_split():
    prices = [100.0] * 70 + [25.0 / 4] * 200
    view = feed(market(history=400), trades(prices)).get("A")
    assert set(view.returns) == {0.0}
    assert set(view.candles(MINUTE).returns) == {0.0}
    assert view.candles(MINUTE).regime is None or view.candles(MINUTE).regime.ratio == 1.0


# --- correlation ---


def brute_correlation(left, right, window):
    first, second = ({candle.event_time: candle.close for candle in brute_candles(side)} for side in (left, right))
    both = [(first[time], second[time]) for time in sorted(first.keys() & second.keys())]
    pairs = [[Fraction((b - a) / a) for a, b in zip(x, y, strict=True)] for x, y in pairwise(both)][-window:]
    if len(pairs) < 3:
        return None
    mean = [sum(side) / len(pairs) for side in zip(*pairs, strict=True)]
    xy = sum((x - mean[0]) * (y - mean[1]) for x, y in pairs)
    xx, yy = (sum((pair[n] - mean[n]) ** 2 for pair in pairs) for n in (0, 1))
    return None if xx * yy == 0 else float(xy) / math.sqrt(float(xx)) / math.sqrt(float(yy))


@given(left=ticks("A"), right=ticks("B"), window=st.integers(3, 20), reads=st.sets(st.integers(0, 100)))
def test_correlation_is_that_of_the_returns_at_common_times_whenever_it_is_read(left, right, window, reads):
    state = market()
    for number, event in enumerate(sorted([*left, *right], key=lambda event: event.event_time)):
        state.apply(event, 10**18)
        if number in reads:
            state.correlation("A", "B", MINUTE, window)
    assert state.correlation("A", "B", MINUTE, window) == near(brute_correlation(left, right, window), rel=1e-9, abs=1e-9)


def test_walks_that_have_nothing_to_do_with_each_other_are_not_correlated():
    import random

    rng = random.Random(7)
    state = MarketState(1_000, (MINUTE,))
    prices = {"A": 100.0, "B": 100.0, "C": 100.0}
    for minute in range(1_000):
        moves = {"A": rng.gauss(0, 1e-3), "B": rng.gauss(0, 1e-3)}
        moves["C"] = moves["A"] + rng.gauss(0, 5e-4)
        for symbol, move in moves.items():
            prices[symbol] *= 1 + move
            state.apply(Trade(symbol, minute * MINUTE, prices[symbol], 1.0), 10**18)
    assert abs(state.correlation("A", "B", MINUTE, 900)) < 0.1
    assert state.correlation("A", "C", MINUTE, 900) > 0.85


# --- volume and regime ---


def day_of(shape, day, busy=1.0, spike=None):
    volumes = [100.0 * busy * (1 + 3 * abs(n - 30) / 30) if shape == "u" else 100.0 for n in range(60)]
    if spike is not None:
        volumes[spike] *= 5
    return [
        Trade("A", day * DAY + n * MINUTE + part * 10 * NANOS, 100.0, volume / 6)
        for n, volume in enumerate(volumes)
        for part in range(6)
    ]


def test_volume_is_set_against_the_same_time_of_day():
    state = market()
    for day in range(KNOWN):
        assert all(state.apply(event, 10**18).candles(MINUTE).relative_volume is None for event in day_of("u", day))
    ratios = [feed(state, [event]).get("A").candles(MINUTE).relative_volume for event in day_of("u", KNOWN, spike=40)]
    whole = ratios[5::6]
    assert all(ratio == pytest.approx(1.0, rel=0.2) for n, ratio in enumerate(whole) if n != 40)
    assert whole[40] == pytest.approx(5.0, rel=0.1)
    assert ratios[40 * 6 + 2] == pytest.approx(2.5, rel=0.1), "half of the minute, and it shows already"


def test_a_busy_day_becomes_usual_within_the_day_and_a_spike_does_not():
    state = market()
    for day in range(KNOWN + 5):
        feed(state, day_of("flat", day))
    feed(state, day_of("flat", KNOWN + 5, busy=2.0))
    assert state.get("A").candles(MINUTE).relative_volume < 1.5
    state = market()
    for day in range(KNOWN + 5):
        feed(state, day_of("flat", day, spike=30))
    calm = feed(state, day_of("flat", KNOWN + 5)).get("A").candles(MINUTE)
    assert calm.relative_volume == pytest.approx(1.0, rel=0.15)


def closes(*values):
    state = market(history=500)
    seen = []
    for n, close in enumerate(values):
        state.apply(Bar("A", n * MINUTE, close, close, close, close, 1.0, MINUTE), 10**18)
        seen.append(state.get("A").candles(MINUTE).regime)
    return seen


def zigzag(count, size=0.001, start=100.0):
    return [start * (1 + size * (n % 2)) for n in range(count)]


def test_the_regime_names_what_it_sees():
    assert all(regime is None for regime in closes(*zigzag(STEPS)))
    assert closes(*zigzag(200))[-1].kind is RegimeKind.RANGE
    rising = closes(*[100 * 1.001**n for n in range(200)])[-1]
    assert (rising.kind, rising.efficiency) == (RegimeKind.TREND, pytest.approx(1.0))
    assert closes(*[100 * 0.999**n for n in range(200)])[-1].efficiency == pytest.approx(-1.0)
    assert closes(*zigzag(200), *zigzag(15, 0.004))[-1].kind is RegimeKind.HIGH_VOLATILITY
    assert closes(*zigzag(200, 0.004), *zigzag(40, 0.0004))[-1].kind is RegimeKind.CALM


def test_a_regime_is_left_later_than_it_is_entered_and_says_since_when():
    seen = closes(*zigzag(200), *zigzag(15, 0.004), *zigzag(100))
    high = [n for n, regime in enumerate(seen) if regime and regime.kind is RegimeKind.HIGH_VOLATILITY]
    assert high == list(range(high[0], high[-1] + 1)), "once in and once out"
    assert seen[high[0]].ratio >= 1.5
    assert min(seen[n].ratio for n in high) >= 1.2
    assert {seen[n].since for n in high} == {(high[0] + 1) * MINUTE}


# --- restarts ---


@settings(max_examples=60)
@given(events=ticks(), cut=st.integers(0, 60), window=st.integers(2, 20))
def test_a_restart_at_any_point_changes_nothing(events, cut, window):
    def told(state):
        view = state.get("A")
        series = view.candles(MINUTE)
        return (
            [list(view.prices), list(view.volumes), list(view.returns), view.volatility, view.realised_volatility(window)],
            [list(series.closed), series.volatility, series.parkinson(window), series.regime, series.relative_volume],
            view.state(),
        )

    whole = feed(market(), events)
    first, second = feed(market(), events[:cut]), market()
    for symbol, state in first.symbols.items():
        second.remember(symbol, json.loads(json.dumps(state.state())))
    assert second.symbols == {}, "what was before is no price of now"
    feed(second, events[cut:])
    if events[cut:]:
        assert told(second) == told(whole)


def test_what_was_warmed_up_is_history_and_no_price_of_now():
    warm, state = feed(market(), trades([10.0, 11.0, 12.0])), market()
    state.inherit(warm)
    assert state.get("A") is None
    state.apply(Trade("A", 5, 12.5, 1.0), 10**18)  # its time is earlier than those of the history: that does not matter
    assert list(state.get("A").prices) == [10.0, 11.0, 12.0, 12.5]
    refused = market()
    refused.inherit(feed(market(), trades([10.0, 11.0])))
    assert refused.apply(Trade("A", 5, math.nan, 1.0), 10**18) is None
    refused.apply(Trade("A", 5, 11.5, 1.0), 10**18)
    assert list(refused.get("A").prices) == [10.0, 11.0, 11.5]
