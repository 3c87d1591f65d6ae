"""What is believed of the market, and what is refused without a trace."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml4t.live.market import MarketState
from ml4t.live.market.state import AHEAD
from ml4t.live.market.symbol import VOLATILITY_SPAN
from ml4t.live.model import Bar, Funding, Quote, Trade

NOW = 1_000_000
MINUTE = 60_000_000_000

NOT_PRICES = [math.nan, 0.0, -1.0, math.inf, -math.inf]


def trade(price, time=1, size=1.0, symbol="A"):
    return Trade(symbol, time, price, size)


def quote(bid, ask, time=1):
    return Quote("A", time, bid, ask, 1.0, 1.0)


def bar(close, start=0, *, low=None, high=None, opens=None, volume=5.0, interval=60, complete=True):
    return Bar(
        "A",
        start,
        close if opens is None else opens,
        close if high is None else high,
        close if low is None else low,
        close,
        volume,
        interval,
        complete,
    )


def fingerprint(market):
    return {
        symbol: (s.price, s.event_time, s.bid, s.ask, s.variance, list(s.prices), list(s.volumes), s.funding_rate, s.seen_at)
        for symbol, s in market.symbols.items()
    }


@pytest.fixture
def market():
    market = MarketState()
    market.apply(trade(100.0, 10), NOW)
    market.apply(trade(101.0, 20), NOW)
    market.apply(quote(100.0, 102.0, 20), NOW)
    return market


REFUSED = (
    [(trade(price, 30), "price") for price in NOT_PRICES]
    + [(trade(100.0, 30, size), "price") for size in (math.nan, -1.0, math.inf)]
    + [(quote(bad, 102.0, 30), "quote") for bad in NOT_PRICES]
    + [(quote(100.0, bad, 30), "quote") for bad in NOT_PRICES]
    + [(quote(102.0, 100.0, 30), "quote")]
    + [(bar(100.0, 30, **{field: math.nan}), "price") for field in ("low", "high", "opens", "volume")]
    + [(bar(bad, 30), "price") for bad in NOT_PRICES]
    + [(bar(100.0, 30, low=101.0), "price"), (bar(100.0, 30, high=99.0), "price"), (bar(100.0, 30, opens=99.0), "price")]
    + [(Funding("A", 30, bad), "funding") for bad in (math.nan, math.inf)]
    + [(trade(1_020.0, 30), "jump"), (trade(10.0, 30), "jump"), (quote(1_100.0, 1_101.0, 30), "jump"), (bar(9.0, 30), "jump")]
    + [(trade(100.0, 19), "late"), (quote(100.0, 101.0, 19), "late")]
    + [(event(NOW + AHEAD + 2), "future") for event in (lambda t: trade(100.0, t), lambda t: quote(100.0, 101.0, t))]
    + [(bar(100.0, NOW + AHEAD + 2), "future"), (Funding("A", NOW + AHEAD + 2, 0.1), "future")]
)


@pytest.mark.parametrize(("event", "reason"), REFUSED, ids=repr)
def test_a_bad_print_touches_nothing_and_is_counted(market, event, reason):
    before = fingerprint(market)
    assert market.apply(event, NOW + 1) is None
    assert fingerprint(market) == before
    assert market.refused == {reason: 1}
    assert market.apply(trade(101.5, 40), NOW + 2).price == 101.5


def test_a_symbol_of_which_only_rubbish_was_seen_is_unknown():
    market = MarketState()
    assert market.apply(trade(math.nan), NOW) is None
    assert market.symbols == {}
    assert market.get("A") is None
    assert market.price("A") is None


def test_what_is_no_market_event_is_a_programming_error(market):
    with pytest.raises(TypeError, match="not a market event"):
        market.apply(type("Odd", (), {"symbol": "A"})(), NOW)


def test_a_jump_is_believed_when_the_next_print_agrees(market):
    assert market.apply(trade(2_000.0, 30), NOW) is None
    assert market.apply(trade(2_001.0, 31), NOW).price == 2_001.0
    assert market.refused == {"jump": 1}


def test_a_jump_is_confirmed_by_the_next_print_and_not_by_one_much_later(market):
    assert market.apply(trade(2_000.0, 30), NOW) is None
    assert market.apply(trade(101.0, 31), NOW) is not None
    assert market.apply(trade(2_000.0, 32), NOW) is None
    assert market.price("A") == 101.0
    assert market.refused == {"jump": 2}


def test_two_bad_prints_that_disagree_confirm_nothing(market):
    assert market.apply(trade(2_000.0, 30), NOW) is None
    assert market.apply(trade(5.0, 31), NOW) is None
    assert market.price("A") == 101.0


def test_a_believed_jump_is_no_return(market):
    variance = market.get("A").variance
    for price in (1_500.0, 1_500.0):
        market.apply(trade(price, 30), NOW)
    assert market.get("A").variance == variance
    market.apply(trade(1_515.0, 31), NOW)
    assert market.get("A").variance == pytest.approx(variance + 2 / (VOLATILITY_SPAN + 1) * (0.01**2 - variance))


def reference_volatility(prices):
    """The textbook: v = c1^2, then v = (1 - a) v + a c^2."""
    if len(prices) < 2:
        return None
    alpha = 2 / (VOLATILITY_SPAN + 1)
    changes = [b / a - 1 for a, b in pairwise(prices)]
    variance = changes[0] ** 2
    for change in changes[1:]:
        variance = (1 - alpha) * variance + alpha * change**2
    return math.sqrt(variance)


@given(st.lists(st.floats(50.0, 400.0), max_size=100))
def test_volatility_is_that_of_the_textbook(prices):
    market = MarketState(history=7)
    for time, price in enumerate(prices):
        state = market.apply(trade(price, time, size=float(time)), NOW)
        expected = reference_volatility(prices[: time + 1])
        assert (state.volatility is None) is (expected is None)
        assert (state.volatility or 0.0) == pytest.approx(expected or 0.0, rel=1e-9, abs=1e-15)
    if prices:
        assert list(state.prices) == prices[-7:]
        assert list(state.volumes) == [float(n) for n in range(len(prices))][-7:]
        assert (state.price, state.event_time, state.seen_at) == (prices[-1], len(prices) - 1, NOW)


events = st.one_of(
    st.builds(trade, st.floats(1.0, 1e4), st.integers(0, 50), st.floats(0, 10)),
    st.builds(
        lambda mid, spread, time: quote(mid, mid + spread, time), st.floats(1.0, 1e4), st.floats(0, 10), st.integers(0, 50)
    ),
    st.builds(bar, st.floats(1.0, 1e4), st.integers(0, 50), complete=st.booleans(), interval=st.sampled_from([0, 5])),
    st.builds(trade, st.sampled_from(NOT_PRICES), st.integers(0, 50)),
)


@given(st.lists(events, max_size=60))
def test_nothing_odd_ever_comes_out(script):
    market = MarketState(history=5)
    accepted, latest = 0, 0
    for event in script:
        before = fingerprint(market)
        state = market.apply(event, 55)
        if state is None:
            assert fingerprint(market) == before
            continue
        accepted += 1
        assert 0 < state.price < math.inf
        assert state.volatility is None or 0 <= state.volatility < math.inf
        assert state.event_time >= latest
        assert len(state.prices) == len(state.volumes) <= 5
        assert state.bid is None or state.bid <= state.ask
        latest = state.event_time
    assert accepted + sum(market.refused.values()) == len(script)


def test_a_quote_older_than_the_last_trade_is_not_the_last_price(market):
    market.apply(trade(105.0, 50), NOW)
    state = market.apply(quote(90.0, 92.0, 40), NOW)
    assert (state.bid, state.ask) == (90.0, 92.0)
    assert (state.price, state.event_time) == (105.0, 50)
    assert market.apply(quote(90.0, 92.0, 50), NOW).price == 91.0
    assert market.apply(trade(93.0, 50), NOW).price == 93.0


def test_mids_are_history_only_where_nothing_trades():
    market = MarketState()
    market.apply(quote(99.0, 101.0, 1), NOW)
    market.apply(quote(100.0, 102.0, 2), NOW)
    assert list(market.get("A").prices) == [100.0, 101.0]
    market.apply(trade(101.0, 3), NOW)
    market.apply(quote(149.0, 151.0, 4), NOW)
    assert list(market.get("A").prices) == [100.0, 101.0, 101.0]
    assert market.price("A") == 150.0


def test_bars_are_history_only_where_no_prints_come():
    market = MarketState()
    market.apply(bar(10.0, 0), NOW)
    market.apply(bar(11.0, 60), NOW)
    assert list(market.get("A").prices) == [10.0, 11.0]
    assert list(market.get("A").volumes) == [5.0, 5.0]
    market.apply(trade(12.0, 130), NOW)
    market.apply(bar(13.0, 120), NOW)
    assert list(market.get("A").prices) == [10.0, 11.0, 12.0]
    assert (market.price("A"), market.get("A").event_time) == (13.0, 180)


def test_the_same_bar_again_corrects_the_price_and_is_no_new_observation():
    market = MarketState()
    market.apply(bar(10.0, 0), NOW)
    market.apply(bar(11.0, 60), NOW)
    variance = market.get("A").variance
    assert market.apply(bar(11.5, 60), NOW).price == 11.5
    assert market.get("A").variance == variance
    assert market.apply(bar(10.0, 0), NOW) is None
    assert market.refused == {"late": 1}


def test_a_running_bar_moves_the_price_and_no_statistic():
    market = MarketState()
    market.apply(bar(10.0, 0), NOW)
    state = market.apply(bar(10.5, 60, complete=False), NOW)
    assert (state.price, state.event_time, list(state.prices)) == (10.5, 60, [10.0])
    market.apply(bar(10.7, 60, complete=False), NOW)
    assert state.price == 10.7
    assert market.apply(bar(11.0, 60), NOW).event_time == 120
    assert list(state.prices) == [10.0, 11.0]


def test_a_bar_is_not_known_before_now_whatever_its_label_says():
    market = MarketState()
    day = 86_400 * 1_000_000_000
    state = market.apply(bar(10.0, day, interval=day), day + 16 * 60 * MINUTE)
    assert state.event_time == day + 16 * 60 * MINUTE
    assert market.apply(trade(11.0, day + 17 * 60 * MINUTE), day + 17 * 60 * MINUTE).price == 11.0


def test_funding_is_the_latest_and_no_price():
    market = MarketState()
    assert market.apply(Funding("A", 5, 0.0001), NOW).price is None
    assert market.apply(Funding("A", 6, -0.0002), NOW).funding_rate == -0.0002
    assert market.apply(Funding("A", 5, 0.1), NOW) is None
    assert market.get("A").funding_rate == -0.0002
    assert market.get("A").event_time == 0


def test_symbols_are_apart():
    market = MarketState()
    market.apply(trade(1.0, 5), NOW)
    market.apply(trade(5_000.0, 1, symbol="B"), NOW)
    assert {symbol: state.price for symbol, state in market.symbols.items()} == {"A": 1.0, "B": 5_000.0}
