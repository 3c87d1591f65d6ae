"""Cash and holdings add up, whatever is filled and however the market moves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml4t.live.model import Fill, OrderSide, Position
from ml4t.live.portfolio import Portfolio, VirtualPortfolio

SYMBOLS = ["A", "B", "C"]

quantities = st.floats(1e-6, 1e6)
prices = st.floats(0.01, 1e5)
fills = st.tuples(
    st.just("fill"), st.sampled_from(SYMBOLS), st.sampled_from(list(OrderSide)), quantities, prices, st.floats(0, 50)
)
closes = st.tuples(st.just("close"), st.sampled_from(SYMBOLS), prices)
marks = st.tuples(st.just("mark"), st.sampled_from(SYMBOLS), prices)


def fill(symbol, side, quantity, price, commission=0.0, *, number=0):
    return Fill(f"x{number}", "o", symbol, OrderSide(side), quantity, price, number, commission)


def play(portfolio, script):
    """Apply the script; return the sum of everything that was moved, as the scale of the rounding."""
    scale = 1.0
    for number, (what, symbol, *rest) in enumerate(script):
        if what == "fill":
            side, quantity, price, commission = rest
            portfolio.apply(fill(symbol, side, quantity, price, commission, number=number))
            scale += quantity * price
        elif what == "close":
            held = portfolio.quantity(symbol)
            if held:
                portfolio.apply(fill(symbol, "sell" if held > 0 else "buy", abs(held), rest[0], number=number))
                assert portfolio.quantity(symbol) == 0
                scale += abs(held) * rest[0]
        else:
            portfolio.mark(symbol, rest[0])
            scale += abs(portfolio.quantity(symbol)) * rest[0]
    return scale


@given(st.lists(fills | closes | marks, max_size=40))
def test_nothing_is_created_or_lost(script):
    portfolio = Portfolio(100_000.0)
    tolerance = 1e-9 * play(portfolio, script)
    value = sum(line.quantity * line.mark for line in portfolio.holdings.values())
    realised = sum(line.realised_pnl for line in portfolio.holdings.values())
    unrealised = sum(position.unrealised_pnl for position in portfolio.positions.values())
    assert portfolio.equity == pytest.approx(portfolio.cash + value, abs=tolerance)
    assert portfolio.equity == pytest.approx(100_000.0 + realised + unrealised - portfolio.commission, abs=tolerance)


@given(st.lists(fills | closes | marks, max_size=40))
def test_positions_are_those_of_a_plain_sum(script):
    portfolio = Portfolio()
    held = dict.fromkeys(SYMBOLS, 0.0)
    for number, (what, symbol, *rest) in enumerate(script):
        play(portfolio, [(what, symbol, *rest)])
        if what == "fill":
            held[symbol] += rest[1] if rest[0] is OrderSide.BUY else -rest[1]
        elif what == "close":
            held[symbol] = 0.0
        assert portfolio.quantity(symbol) == pytest.approx(held[symbol], abs=1e-6), number
    assert set(portfolio.positions) == {symbol for symbol, line in portfolio.holdings.items() if line.quantity}


@given(st.sampled_from(list(OrderSide)), quantities, prices, quantities, prices)
def test_through_zero_the_rest_is_a_new_position(side, first, price, second, later):
    portfolio = Portfolio(0.0)
    portfolio.apply(fill("A", side, first, price))
    other = OrderSide.SELL if side is OrderSide.BUY else OrderSide.BUY
    after = portfolio.apply(fill("A", other, first + second, later, number=9))
    assert after.quantity == pytest.approx(-side.sign * second, rel=1e-6, abs=1e-9)
    assert after.average_price == later
    assert after.opened_at == 9
    assert after.realised_pnl == pytest.approx(side.sign * first * (later - price), rel=1e-9, abs=1e-9)
    assert portfolio.equity == pytest.approx(after.realised_pnl, rel=1e-6, abs=1e-6 * (first + second) * (price + later))


def test_a_short_of_ten_thousand_leaves_equity_alone_and_loses_when_the_price_rises():
    portfolio = VirtualPortfolio(100_000.0)
    portfolio.apply(fill("A", "sell", 100, 100.0))
    assert portfolio.cash == 110_000.0
    assert portfolio.equity == 100_000.0
    assert portfolio.position("A").market_value == -10_000.0
    assert portfolio.mark("A", 110.0)
    assert portfolio.equity == 99_000.0
    portfolio.mark("A", 90.0)
    assert portfolio.equity == 101_000.0
    portfolio.apply(fill("A", "buy", 100, 90.0))
    assert portfolio.equity == portfolio.cash == 101_000.0
    assert portfolio.initial_cash == 100_000.0


@given(st.floats(1e-3, 1e9), st.lists(st.floats(0.001, 1.0), min_size=1, max_size=60), st.booleans())
def test_closing_in_parts_leaves_no_dust(quantity, shares, short):
    portfolio = Portfolio(0.0)
    opening, closing = ("sell", "buy") if short else ("buy", "sell")
    portfolio.apply(fill("A", opening, quantity, 10.0))
    parts = [quantity * share / sum(shares) for share in shares]
    for part in parts:
        portfolio.apply(fill("A", closing, part, 10.0))
    assert portfolio.quantity("A") == 0.0
    assert portfolio.positions == {}
    assert portfolio.position("A") is None


@pytest.mark.parametrize("quantity", [1e-12, 1e-8, 0.5])
def test_a_small_position_is_no_dust(quantity):
    portfolio = Portfolio(0.0)
    portfolio.apply(fill("A", "buy", 1e6, 1.0))
    portfolio.apply(fill("A", "sell", 1e6, 1.0))
    portfolio.apply(fill("A", "buy", quantity, 1.0))
    assert portfolio.quantity("A") == quantity
    portfolio.apply(fill("B", "buy", 1e9, 1.0))
    portfolio.apply(fill("B", "sell", 1e9 - 0.5, 1.0))
    assert portfolio.quantity("B") == 0.5


@given(st.lists(marks, max_size=200))
def test_equity_kept_up_mark_by_mark_is_equity_recomputed(script):
    portfolio = Portfolio(5_000.0)
    for number, (symbol, side) in enumerate(zip(SYMBOLS, ["buy", "sell", "buy"], strict=True)):
        portfolio.apply(fill(symbol, side, 10.0 + number, 50.0))
    last = dict.fromkeys(SYMBOLS, 50.0)
    for _, symbol, price in script:
        assert portfolio.mark(symbol, price) is (price != last[symbol])
        last[symbol] = price
    value = sum(portfolio.quantity(symbol) * price for symbol, price in last.items())
    assert portfolio.equity == pytest.approx(portfolio.cash + value, rel=1e-9, abs=1e-3)


def test_opening_again_is_not_valued_at_a_mark_from_long_ago():
    portfolio = Portfolio(100_000.0)
    portfolio.apply(fill("A", "buy", 100, 100.0))
    portfolio.mark("A", 105.0)
    portfolio.apply(fill("A", "sell", 100, 105.0))
    assert not portfolio.mark("A", 50.0)
    portfolio.apply(fill("A", "buy", 1_000, 50.0, number=7))
    assert portfolio.equity == 100_500.0
    assert portfolio.position("A").opened_at == 7


def test_marking_what_is_not_held_changes_nothing():
    portfolio = Portfolio(10.0)
    assert not portfolio.mark("A", 5.0)
    assert portfolio.equity == 10.0
    assert portfolio.quantity("A") == 0.0


def test_adding_averages_the_price_and_a_part_closed_leaves_it():
    portfolio = Portfolio()
    portfolio.apply(fill("A", "buy", 10, 100.0, 1.0))
    assert portfolio.apply(fill("A", "buy", 30, 200.0, 2.0)).average_price == 175.0
    after = portfolio.apply(fill("A", "sell", 20, 180.0, 3.0))
    assert (after.quantity, after.average_price, after.realised_pnl) == (20, 175.0, 100.0)
    assert portfolio.commission == 6.0


@given(st.lists(fills | marks, max_size=20))
def test_books_restored_are_the_books(script):
    portfolio = Portfolio(1_000.0)
    tolerance = 1e-9 * play(portfolio, script)
    other = Portfolio(5.0)
    other.apply(fill("Z", "buy", 1, 1.0))
    other.restore(portfolio.cash, portfolio.positions, portfolio.commission)
    assert other.positions == portfolio.positions
    assert other.state() == portfolio.state() == {"cash": portfolio.cash, "commission": portfolio.commission}
    assert other.equity == pytest.approx(portfolio.equity, abs=tolerance)


def test_a_position_that_nobody_marked_is_worth_what_it_cost():
    portfolio = Portfolio()
    portfolio.restore(100.0, {"A": Position("A", -2.0, 30.0, multiplier=50.0)})
    assert portfolio.equity == 100.0 - 3_000.0
    portfolio.mark("A", 31.0)
    assert portfolio.equity == 100.0 - 3_100.0
    assert portfolio.position("A").unrealised_pnl == -100.0
