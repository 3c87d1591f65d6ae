"""The rule, against a small book written by hand."""

from __future__ import annotations

from math import inf, nan

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from ml4t.live.contracts import RiskCheck
from ml4t.live.model import ALLOW, Order, OrderSide, Position
from risk_sector_cap.check import SectorCap
from risk_sector_cap.config import SectorCapConfig

SECTORS = {"AAPL": "technology", "MSFT": "technology", "NVDA": "technology", "XOM": "energy"}


class Prices(dict):
    def price(self, symbol):
        return self.get(symbol)


class Book:
    """Holdings, open orders and prices; equity is given."""

    now = 0
    cash = 0.0

    def __init__(self, held=None, orders=(), prices=None, equity=100_000.0, multiplier=1.0):
        self.positions = {s: Position(s, q, 1.0, multiplier=multiplier) for s, q in (held or {}).items()}
        self.open_orders = list(orders)
        self.market = Prices({"AAPL": 100.0, "MSFT": 200.0, "XOM": 50.0} if prices is None else prices)
        self.equity = equity

    def position(self, symbol):
        return self.positions[symbol].quantity if symbol in self.positions else 0.0

    def projected(self, symbol):
        moves = [order.signed_remaining for order in self.open_orders if order.symbol == symbol]
        return (
            self.position(symbol) + sum(move for move in moves if move < 0),
            self.position(symbol) + sum(move for move in moves if move > 0),
        )


def order(symbol: str, quantity: float) -> Order:
    side = OrderSide.BUY if quantity > 0 else OrderSide.SELL
    return Order("o", symbol, side, abs(quantity))


def asked(quantity, symbol="AAPL", *, max_weight=0.25, unknown="refuse", **book):
    check = SectorCap(SectorCapConfig(sectors=SECTORS, max_weight=max_weight, unknown=unknown))
    return check.check(order(symbol, quantity), Book(**book))


def test_up_to_the_cap_is_allowed_and_beyond_is_refused():
    assert asked(250) is ALLOW
    verdict = asked(251)
    assert not verdict.allowed
    assert verdict.code == "sector_cap"
    assert verdict.reason == "technology could reach 25.1 % of equity, over the cap of 25 %"
    assert verdict.limit == 0.25
    assert verdict.value == pytest.approx(0.251)


def test_shorts_count_like_longs():
    assert asked(-250) is ALLOW
    assert asked(-251).code == "sector_cap"
    assert asked(151, held={"MSFT": -50}).code == "sector_cap"


def test_the_whole_sector_counts_and_only_that():
    assert asked(150, held={"MSFT": 50}) is ALLOW
    assert asked(151, held={"MSFT": 50}).code == "sector_cap"
    assert asked(250, held={"XOM": 5_000}) is ALLOW


def test_open_orders_count_as_filled():
    assert asked(150, orders=[order("MSFT", 50)]) is ALLOW
    assert asked(151, orders=[order("MSFT", 50)]).code == "sector_cap"
    assert asked(51, orders=[order("AAPL", 200)]).code == "sector_cap"


def test_an_open_order_that_would_make_room_does_not():
    assert asked(60, held={"AAPL": 200}, orders=[order("AAPL", -200)]).code == "sector_cap"


def test_the_worse_side_of_open_orders_counts():
    assert asked(1, orders=[order("AAPL", -260)]).code == "sector_cap"


def test_a_partly_filled_order_counts_with_what_remains():
    check = SectorCap(SectorCapConfig(sectors=SECTORS, max_weight=0.25))
    assert check.check(evolve(order("AAPL", 300), filled_quantity=50.0), Book()) is ALLOW


def test_the_multiplier_of_a_holding_counts():
    assert asked(0.5, held={"AAPL": 2}, multiplier=100.0) is ALLOW
    assert asked(0.6, held={"AAPL": 2}, multiplier=100.0).code == "sector_cap"


def test_a_symbol_without_a_sector():
    assert asked(1, "TSLA").code == "sector_unknown"
    assert "TSLA has no sector" in asked(1, "TSLA").reason
    assert asked(1_000_000, "TSLA", unknown="ignore") is ALLOW


@pytest.mark.parametrize("price", [None, 0.0, -1.0, nan, inf])
def test_without_a_price_it_fails_closed(price):
    assert asked(1, prices={"AAPL": price}).code == "sector_no_price"
    assert asked(1, prices={"AAPL": 100.0, "NVDA": price}, held={"NVDA": 1}).code == "sector_no_price"
    assert asked(1, prices={"AAPL": 100.0, "NVDA": price}, orders=[order("NVDA", 1)]).code == "sector_no_price"
    assert asked(1, prices={"AAPL": 100.0, "NVDA": price}) is ALLOW, "a symbol without exposure needs no price"


@pytest.mark.parametrize("equity", [0.0, -5.0, nan, inf])
def test_without_equity_it_fails_closed(equity):
    assert asked(1, equity=equity).code == "sector_no_equity"


quantities = st.floats(-500, 500).filter(lambda quantity: abs(quantity) > 0.01)


@given(
    held=st.dictionaries(st.sampled_from(["AAPL", "MSFT", "XOM"]), quantities),
    resting=st.lists(st.tuples(st.sampled_from(["AAPL", "MSFT", "XOM"]), quantities), max_size=4),
    quantity=quantities,
)
def test_what_is_allowed_stays_below_the_cap_whichever_orders_fill(held, resting, quantity):
    orders = [order(symbol, amount) for symbol, amount in resting]
    if not asked(quantity, held=held, orders=orders).allowed:
        return
    moves = [*resting, ("AAPL", quantity)]
    prices = Book().market
    for chosen in range(2 ** len(moves)):
        after = dict(held)
        for number, (symbol, amount) in enumerate(moves):
            if chosen >> number & 1:
                after[symbol] = after.get(symbol, 0.0) + amount
        gross = sum(abs(after.get(symbol, 0.0)) * prices[symbol] for symbol in ("AAPL", "MSFT"))
        assert gross <= 25_000 * (1 + 1e-6)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sectors": {}, "max_weight": 0.25}, "name the sector of each symbol"),
        ({"sectors": {"AAPL": ""}, "max_weight": 0.25}, "has an empty name"),
        ({"sectors": SECTORS, "max_weight": 0.0}, "'max_weight' must be > 0"),
        ({"sectors": SECTORS, "max_weight": 25}, "'max_weight' must be <= 1"),
        ({"sectors": SECTORS, "max_weight": 0.25, "unknown": "allow"}, "'unknown' must be in"),
    ],
)
def test_a_refusal_of_options_says_what_is_wrong(options, words):
    with pytest.raises(ValueError, match=words):
        SectorCapConfig(**options)


def test_it_is_a_risk_check_that_exempts_reducing_orders():
    check = SectorCap(SectorCapConfig(sectors=SECTORS, max_weight=0.25))
    assert isinstance(check, RiskCheck)
    assert check.exempts_reducing
