"""The shadow venue behind a real desk: what rests, what fills and when, what is refused, and books that agree."""

from __future__ import annotations

import pytest
from exchange_kit import Exchange
from hypothesis import given, settings
from hypothesis import strategies as st

from ml4t.live.model import OrderState, Position, Quote
from ml4t.live.shadow.commission import PercentageCommission, PerShareCommission, TieredCommission
from ml4t.live.shadow.costs import Costs
from ml4t.live.shadow.slippage import PercentageSlippage, SpreadSlippage, VolumeSlippage

S = OrderState


def test_an_order_rests_and_never_trades_with_what_it_was_decided_on(exchange):
    order = exchange.broker.submit_order("A", 5)
    assert (order.state, order.filled_quantity) == (S.WORKING, 0.0)
    assert exchange.broker.positions == {}
    exchange.trade(101.0, 1)
    filled = exchange.state(order)
    assert (filled.state, filled.average_price) == (S.FILLED, 101.0)
    assert filled.updated_at == exchange.at(1)
    exchange.agree()


def test_orders_of_another_symbol_rest_on(exchange):
    order = exchange.broker.submit_order("B", 5)
    exchange.trade(101.0, 1)
    assert exchange.state(order).is_open
    exchange.trade(50.0, 2, symbol="B")
    assert exchange.state(order).average_price == 50.0


def test_oldest_first_and_what_a_fill_leads_to_waits_for_the_next_event(exchange):
    first, second = exchange.broker.submit_order("A", 1), exchange.broker.submit_order("A", 2)
    fills, on_fill = [], exchange.desk.desk.fill

    class Reacting:
        order = exchange.desk.desk.order

        @staticmethod
        def fill(fill):
            on_fill(fill)
            fills.append(fill)
            if len(fills) == 1:
                exchange.broker.submit_order("A", 4)

    exchange.venue._sink = Reacting
    exchange.trade(101.0, 1)
    assert [fill.order_id for fill in fills] == [first.order_id, second.order_id]
    exchange.trade(102.0, 2)
    assert (fills[-1].quantity, fills[-1].price) == (4.0, 102.0)
    exchange.agree()


def test_an_order_cancelled_by_a_fill_of_the_same_event_does_not_trade(exchange):
    """One of a pair fills and the other is cancelled at once: the event that filled the first crosses the second too."""
    exchange.broker.submit_order("A", 1, order_type="limit", limit_price=99.0)
    other = exchange.broker.submit_order("A", 2, order_type="limit", limit_price=98.0)
    on_fill = exchange.desk.desk.fill

    class Cancelling:
        order = exchange.desk.desk.order

        @staticmethod
        def fill(fill):
            on_fill(fill)
            exchange.broker.cancel_order(other.order_id)

    exchange.venue._sink = Cancelling
    exchange.trade(90.0, 1)
    assert exchange.state(other).state is S.CANCELLED
    assert exchange.broker.get_position("A").quantity == 1.0
    exchange.agree()


def test_limits_and_stops_rest_until_the_market_comes(exchange):
    buy = exchange.broker.submit_order("A", 5, order_type="limit", limit_price=98.0)
    stop = exchange.broker.submit_order("A", 5, order_type="stop", stop_price=103.0)
    exchange.trade(99.0, 1)
    assert [o.order_id for o in exchange.broker.pending_orders] == [buy.order_id, stop.order_id]
    exchange.trade(97.0, 2)
    assert exchange.state(buy).average_price == 98.0
    exchange.bar(105.0, 106.0, 104.0, 105.0, 60)
    assert exchange.state(stop).average_price == 105.0
    exchange.agree()


def test_a_limit_order_that_crosses_is_not_filled_at_its_limit(exchange):
    order = exchange.broker.submit_order("A", 5, order_type="limit", limit_price=120.0)
    exchange.trade(100.5, 1)
    assert exchange.state(order).average_price == 100.5


def test_a_limit_order_that_crossed_and_did_not_trade_waits_like_any_other(exchange):
    order = exchange.broker.submit_order("A", 5, order_type="limit", limit_price=101.0)
    exchange.trade(102.0, 1)
    exchange.trade(99.0, 2)
    assert exchange.state(order).average_price == 101.0


def test_quotes_are_traded_at_the_far_side(exchange):
    buy, sell = exchange.broker.submit_order("A", 1), exchange.broker.submit_order("A", -2)
    exchange.event(Quote("A", exchange.at(1), 99.0, 101.0, 1.0, 1.0))
    assert (exchange.state(buy).average_price, exchange.state(sell).average_price) == (101.0, 99.0)


def test_the_rest_of_a_bar_that_runs_does_not_give_its_open(exchange):
    """Decided half-way through a bar: the whole bar, when it comes, began before the decision."""
    exchange.bar(100.0, 103.0, 100.0, 103.0, 60, complete=False)
    order = exchange.broker.submit_order("A", 1)
    exchange.bar(100.0, 106.0, 99.0, 105.0, 60)
    assert exchange.state(order).average_price == 105.0


def test_a_bar_of_prints_that_were_seen_does_not_give_its_open(exchange):
    exchange.trade(104.0, 30)
    order = exchange.broker.submit_order("A", 1)
    exchange.bar(100.0, 106.0, 99.0, 105.0, 0)
    assert exchange.state(order).average_price == 105.0


def test_decided_on_a_whole_bar_the_next_one_is_entered_at_its_open(room):
    exchange = Exchange(room)
    exchange.bar(100.0, 101.0, 99.0, 100.0, 0)
    order = exchange.broker.submit_order("A", 1)
    exchange.bar(102.0, 104.0, 101.0, 103.0, 60)
    filled = exchange.state(order)
    assert (filled.average_price, filled.updated_at) == (102.0, exchange.at(60))


@pytest.mark.parametrize(
    ("quantity", "options", "price"),
    [
        (10, {}, 100.1),
        (-10, {}, 99.9),
        (10, {"order_type": "stop", "stop_price": 100.0}, 100.1),
        (10, {"order_type": "limit", "limit_price": 100.0}, 100.0),
    ],
)
def test_takers_pay_slippage_and_everybody_commission(make, quantity, options, price):
    exchange = make(costs=Costs(PercentageCommission(0.001), PercentageSlippage(10)))
    order = exchange.broker.submit_order("A", quantity, **options)
    exchange.trade(100.0, 1)
    filled = exchange.state(order)
    assert filled.average_price == pytest.approx(price)
    assert filled.commission == pytest.approx(abs(quantity) * price * 0.001)
    assert exchange.broker.get_cash() == pytest.approx(100_000 - quantity * price - filled.commission)
    exchange.agree()


@pytest.mark.parametrize(("quantity", "fine"), [(1_000, True), (-1_000, True), (1_001, False), (-1_001, False)])
def test_there_is_no_leverage(make, quantity, fine):
    exchange = make()
    order = exchange.broker.submit_order("A", quantity)
    exchange.trade(100.0, 1)
    after = exchange.state(order)
    assert after.state is (S.FILLED if fine else S.REJECTED)
    assert after.code == ("" if fine else "insufficient_buying_power")
    exchange.agree()


def test_the_commission_must_be_paid_too(make):
    exchange = make(costs=Costs(PercentageCommission(0.01)))
    order = exchange.broker.submit_order("A", 1_000)
    exchange.trade(100.0, 1)
    assert exchange.state(order).code == "insufficient_buying_power"
    order = exchange.broker.submit_order("A", 990)
    exchange.trade(100.0, 2)
    assert exchange.state(order).state is S.FILLED
    assert exchange.broker.get_cash() >= 0


def test_gross_exposure_counts_shorts_and_the_market_as_it_is(make):
    exchange = make()
    for symbol, quantity in (("A", 500), ("B", -400)):
        exchange.broker.submit_order(symbol, quantity)
        exchange.trade(100.0, 1, symbol)
    exchange.trade(120.0, 2, "A")
    fits = exchange.broker.submit_order("B", -99)
    too_much = exchange.broker.submit_order("B", -200)
    exchange.trade(100.0, 3, "B")
    assert exchange.state(fits).state is S.FILLED
    assert exchange.state(too_much).code == "insufficient_buying_power"


def test_an_exit_is_never_too_dear(make):
    exchange = make()
    exchange.broker.submit_order("A", -900)
    exchange.trade(100.0, 1)
    exchange.trade(190.0, 2)
    exchange.broker.close_position("A")
    exchange.trade(200.0, 3)
    assert exchange.broker.positions == {}
    assert exchange.broker.get_account_value() == 100_000 - 90_000
    exchange.agree()


def test_shorts_are_refused_where_they_are_not_allowed_and_covering_one_is_not_shorting(make):
    exchange = make(allow_shorts=False)
    short = exchange.broker.submit_order("A", -1)
    exchange.trade(100.0, 1)
    assert exchange.state(short).code == "shorts_not_allowed"
    exchange.broker.submit_order("A", 10)
    exchange.trade(100.0, 2)
    through = exchange.broker.submit_order("A", -11)
    part = exchange.broker.submit_order("A", -4)
    exchange.trade(100.0, 3)
    assert exchange.state(through).code == "shorts_not_allowed"
    assert exchange.state(part).state is S.FILLED

    left_over = make(allow_shorts=False)
    for books in (left_over.venue, left_over.desk.portfolio):
        books.restore(100_000.0, {"A": Position("A", -10.0, 100.0)}, *([[]] if books is left_over.venue else []))
    cover = left_over.broker.submit_order("A", 4)
    left_over.trade(100.0, 1)
    assert left_over.state(cover).state is S.FILLED


def test_a_cancelled_order_is_gone(exchange):
    order = exchange.broker.submit_order("A", 5, order_type="limit", limit_price=90.0)
    assert exchange.broker.cancel_order(order.order_id)
    assert exchange.state(order).state is S.CANCELLED
    assert exchange.venue.resting == {}
    exchange.venue.cancel(order)
    exchange.trade(80.0, 1)
    assert exchange.broker.positions == {}


def test_after_a_restart_orders_rest_where_they_rested(make):
    before = make()
    before.broker.submit_order("A", 10)
    before.trade(100.0, 1)
    limit = before.broker.submit_order("A", -10, order_type="limit", limit_price=110.0)
    caught = limit.changed(order_id="caught", state=S.INTENT, venue_order_id="")

    after = make()
    positions, cash = before.desk.portfolio.positions, before.desk.portfolio.cash
    after.desk.portfolio.restore(cash, positions)
    after.desk.desk.restore([limit, caught], [], [])
    after.venue.restore(cash, positions, after.orders.open_orders)
    after.agree()
    assert after.state(caught).state is S.WORKING
    assert [body.order_id for body in after.desk.tape.bodies("order")] == ["caught"]
    assert after.broker.cancel_order("caught")
    after.trade(111.0, 2)
    assert after.state(limit).average_price == 110.0
    assert after.broker.positions == {}
    after.agree()


def test_a_strategy_that_buys_when_flat_buys_once(exchange):
    for second in range(1, 50):
        if exchange.broker.get_position("A") is None and not exchange.broker.pending_orders:
            exchange.broker.submit_order("A", 5)
        exchange.trade(100.0 + second % 3, second)
    assert exchange.broker.get_position("A").quantity == 5.0
    assert len(exchange.desk.tape.bodies("fill")) == 1


symbols, prices, sizes = st.sampled_from("AB"), st.floats(80, 120), st.floats(0, 1_000)
quantities = st.floats(-400, 400).filter(bool)

steps = st.one_of(
    st.tuples(st.sampled_from(["market", "market_on_close", "ioc", "fok", "day"]), symbols, quantities),
    st.tuples(st.sampled_from(["limit", "stop"]), symbols, quantities, prices),
    st.tuples(st.just("stop_limit"), symbols, quantities, prices, prices),
    st.tuples(st.just("trailing_stop"), symbols, quantities, st.floats(0.5, 10)),
    st.tuples(st.just("close"), symbols),
    st.tuples(st.just("cancel"), st.integers(0, 30)),
    st.tuples(st.just("trade"), symbols, prices, sizes),
    st.tuples(st.just("quote"), symbols, prices, st.floats(0, 2), st.tuples(sizes, sizes)),
    st.tuples(st.just("bar"), symbols, st.tuples(*[prices] * 4), st.booleans(), sizes),
)


def order_of(exchange, kind, symbol, quantity, *numbers):
    names = {
        "limit": ["limit_price"],
        "stop": ["stop_price"],
        "stop_limit": ["stop_price", "limit_price"],
        "trailing_stop": ["trail_amount"],
    }
    if kind in {"ioc", "fok", "day"}:
        return exchange.broker.submit_order(symbol, quantity, time_in_force=kind)
    options = dict(zip(names.get(kind, []), numbers, strict=True))
    return exchange.broker.submit_order(symbol, quantity, order_type=kind, **options)


def happen(exchange, made, second, step):
    match step:
        case ("close", symbol):
            exchange.broker.close_position(symbol)
        case ("cancel", number):
            if made:
                exchange.broker.cancel_order(made[number % len(made)].order_id)
        case ("trade", symbol, price, size):
            exchange.trade(price, second, symbol, size=size)
        case ("quote", symbol, bid, spread, sizes):
            exchange.quote(bid, bid + spread, second, symbol, sizes=sizes)
        case ("bar", symbol, (opens, a, b, close), complete, volume):
            high, low = max(opens, a, b, close), min(opens, a, b, close)
            exchange.bar(opens, high, low, close, second, interval=1, complete=complete, symbol=symbol, volume=volume)
        case _:
            made.append(order_of(exchange, *step))


COSTS = [
    Costs(),
    Costs(PercentageCommission(0.001), PercentageSlippage(5.0)),
    Costs(PerShareCommission(0.01, 1.0), SpreadSlippage(1.0)),
    Costs(TieredCommission(((0.0, 0.002), (5_000.0, 0.001))), VolumeSlippage(0.01)),
]


@settings(max_examples=150, deadline=None)
@given(st.lists(steps, max_size=60), st.booleans(), st.sampled_from(COSTS), st.sampled_from([None, 0.1, 1.0]))
def test_the_venues_books_and_the_desks_are_the_same(room, script, allow_shorts, costs, share):
    exchange = Exchange(room, allow_shorts=allow_shorts, costs=costs, max_volume_share=share)
    made = []
    for second, step in enumerate(script):
        happen(exchange, made, second, step)
        exchange.agree()
        if not allow_shorts:
            assert all(position.quantity >= 0 for position in exchange.broker.positions.values())
    noted = {order_id for order_id, note in exchange.venue.unsaved.items() if note is not None}
    assert noted <= {order_id for book in exchange.venue.resting.values() for order_id in book}
    fills = exchange.desk.tape.bodies("fill")
    assert len({fill.execution_id for fill in fills}) == len(fills)
    placed = {order.order_id: order for order in exchange.desk.tape.bodies("intent")}
    for fill in fills:
        order = placed[fill.order_id]
        assert fill.time >= order.created_at
        if order.limit_price is not None:
            assert (fill.price - order.limit_price) * order.side.sign <= 1e-9
    cash = exchange.venue.portfolio.initial_cash
    for order_id, order in placed.items():
        mine = [fill for fill in fills if fill.order_id == order_id]
        assert [fill.execution_id for fill in mine] == [f"{order_id}-{n}" for n in range(1, len(mine) + 1)]
        traded, value = sum(fill.quantity for fill in mine), sum(fill.quantity * fill.price for fill in mine)
        assert traded <= order.quantity * (1 + 1e-9)
        assert exchange.state(order).filled_quantity == pytest.approx(traded)
        assert exchange.state(order).commission == pytest.approx(costs.commission.due(traded, value))
        cash -= value * order.side.sign + sum(fill.commission for fill in mine)
    assert exchange.broker.get_cash() == pytest.approx(cash)
