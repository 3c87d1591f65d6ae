"""The simulator's REST API and its exchange, asked by Alpaca's own SDK: what it cannot parse, Alpaca would not have said."""

from __future__ import annotations

import itertools
import json
import time
from datetime import date

import pytest

from ml4t_live_alpaca.rig import WRONG, still
from ml4t_live_alpaca.sdk import APIError, TradingClient
from ml4t_live_alpaca.simulator import AlpacaSimulator, AlpacaSimulatorConfig

# ruff: isort: split
from alpaca.data.historical import CryptoHistoricalDataClient, StockHistoricalDataClient
from alpaca.data.requests import CryptoBarsRequest, StockBarsRequest, StockTradesRequest
from alpaca.data.timeframe import TimeFrame
from alpaca.trading.enums import OrderClass, OrderSide, OrderStatus, OrderType, QueryOrderStatus, TimeInForce
from alpaca.trading.requests import (
    GetCalendarRequest,
    GetOrdersRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    ReplaceOrderRequest,
    StopLimitOrderRequest,
    StopLossRequest,
    StopOrderRequest,
    TakeProfitRequest,
    TrailingStopOrderRequest,
)

DAY, GTC, BUY, SELL = TimeInForce.DAY, TimeInForce.GTC, OrderSide.BUY, OrderSide.SELL
MINUTE = 60 * 10**9


@pytest.fixture
def alpaca(venue):
    """The SDK's client."""
    return client_of(venue)


def client_of(venue, secret=None):
    key, right = venue.keys
    client = TradingClient(key, secret or right, paper=True, url_override=venue.url)
    client._retry = 0
    return client


def refusal(call, *arguments):
    """Return the status and the answer of a request that is refused."""
    with pytest.raises(APIError) as refused:
        call(*arguments)
    return refused.value.status_code, json.loads(str(refused.value))


def market(quantity=10, side=BUY, symbol="AAPL", **more):
    return MarketOrderRequest(**{"symbol": symbol, "qty": quantity, "side": side, "time_in_force": DAY, **more})


def limit(quantity=10, price=90.0, side=BUY, symbol="AAPL", **more):
    given = {"symbol": symbol, "qty": quantity, "side": side, "time_in_force": DAY, "limit_price": price, **more}
    return LimitOrderRequest(**given)


def test_the_account_the_clock_the_calendar_and_the_assets(alpaca):
    account = alpaca.get_account()
    assert (float(account.cash), float(account.buying_power), account.currency) == (100_000, 400_000, "USD")
    assert account.account_number.startswith("PA")
    assert abs(alpaca.get_clock().timestamp.timestamp() - time.time()) < 5
    days = alpaca.get_calendar(GetCalendarRequest(start=date(2026, 1, 5), end=date(2026, 1, 11)))
    assert [day.date.weekday() for day in days] == [0, 1, 2, 3, 4]
    assert alpaca.get_asset("AAPL").fractionable
    assert alpaca.get_asset("BTC/USD").min_trade_increment == 0.0001
    assert refusal(alpaca.get_asset, "NOSUCH")[0] == 404


def test_a_market_order_trades_at_the_market_in_parts_as_large_as_may_be(alpaca, venue):
    venue.price("AAPL", 101.0)
    order = alpaca.submit_order(market(client_order_id="mine"))
    assert order.status is OrderStatus.PENDING_NEW  # the answer is from before it met the market
    done = alpaca.get_order_by_client_id("mine")
    assert (done.status, float(done.filled_qty), float(done.filled_avg_price)) == (OrderStatus.FILLED, 10, 101)
    (held,) = alpaca.get_all_positions()
    assert (held.symbol, float(held.qty), float(held.avg_entry_price)) == ("AAPL", 10, 101)
    assert float(alpaca.get_account().cash) == 100_000 - 1010
    alpaca.submit_order(market(25, SELL))
    assert [position.side.value for position in alpaca.get_all_positions()] == ["short"]
    with still(largest_fill=4.0) as slow:
        client_of(slow).submit_order(market())
        assert [fill.quantity for fill in slow.fills()] == [4, 4, 2]


@pytest.mark.parametrize(
    ("request_of", "path", "price"),
    [
        (lambda: limit(price=95.0), (96.0, 95.0), 95.0),
        (lambda: limit(price=105.0, side=SELL), (104.0, 106.0), 106.0),
        (lambda: StopOrderRequest(symbol="AAPL", qty=10, side=BUY, time_in_force=DAY, stop_price=105.0), (104.0, 106.0), 106.0),
        (lambda: StopOrderRequest(symbol="AAPL", qty=10, side=SELL, time_in_force=DAY, stop_price=95.0), (96.0, 94.0), 94.0),
        (
            lambda: StopLimitOrderRequest(
                symbol="AAPL", qty=10, side=BUY, time_in_force=DAY, stop_price=105.0, limit_price=106.0
            ),
            (104.0, 107.0, 105.5),
            105.5,
        ),
        (
            lambda: TrailingStopOrderRequest(symbol="AAPL", qty=10, side=SELL, time_in_force=DAY, trail_price=5.0),
            (103.0, 110.0, 106.0, 104.5),
            104.5,
        ),
        (
            lambda: TrailingStopOrderRequest(symbol="AAPL", qty=10, side=SELL, time_in_force=DAY, trail_percent=10.0),
            (110.0, 100.0, 99.0),
            99.0,
        ),
    ],
    ids=["limit buy", "limit sell", "stop buy", "stop sell", "stop limit", "trailing price", "trailing percent"],
)
def test_a_resting_order_trades_when_the_market_touches_it_and_not_before(alpaca, venue, request_of, path, price):
    order = alpaca.submit_order(request_of())
    for step in path[:-1]:
        venue.price("AAPL", step)
        assert alpaca.get_order_by_id(order.id).status is OrderStatus.NEW, step
    venue.price("AAPL", path[-1])
    done = alpaca.get_order_by_id(order.id)
    assert (done.status, float(done.filled_avg_price)) == (OrderStatus.FILLED, price)


def bracket():
    return limit(
        price=100.0,
        order_class=OrderClass.BRACKET,
        take_profit=TakeProfitRequest(limit_price=110.0),
        stop_loss=StopLossRequest(stop_price=90.0),
    )


@pytest.mark.parametrize(("exit_at", "done"), [(110.0, OrderType.LIMIT), (90.0, OrderType.STOP)])
def test_a_bracket_ends_by_one_of_its_exits(alpaca, venue, exit_at, done):
    venue.price("AAPL", 101.0)
    entry = alpaca.submit_order(bracket())
    assert {leg.status for leg in entry.legs} == {OrderStatus.HELD}
    venue.price("AAPL", 100.0)
    assert {alpaca.get_order_by_id(leg.id).status for leg in entry.legs} == {OrderStatus.NEW}
    venue.price("AAPL", exit_at)
    states = {leg.order_type: alpaca.get_order_by_id(leg.id).status for leg in entry.legs}
    other = ({OrderType.LIMIT, OrderType.STOP} - {done}).pop()
    assert states == {done: OrderStatus.FILLED, other: OrderStatus.CANCELED}
    assert not alpaca.get_all_positions()


def test_a_cancel_of_an_entry_takes_its_exits_along(alpaca, venue):
    venue.price("AAPL", 101.0)
    entry = alpaca.submit_order(bracket())
    alpaca.cancel_order_by_id(entry.id)
    assert {alpaca.get_order_by_id(each.id).status for each in (entry, *entry.legs)} == {OrderStatus.CANCELED}


def test_of_an_oco_pair_one_cancels_the_other(alpaca, venue):
    alpaca.submit_order(market())
    pair = alpaca.submit_order(
        limit(
            price=110.0,
            side=SELL,
            order_class=OrderClass.OCO,
            take_profit=TakeProfitRequest(limit_price=110.0),
            stop_loss=StopLossRequest(stop_price=90.0),
        )
    )
    venue.price("AAPL", 89.0)
    assert alpaca.get_order_by_id(pair.id).status is OrderStatus.CANCELED
    assert alpaca.get_order_by_id(pair.legs[0].id).status is OrderStatus.FILLED
    assert not alpaca.get_all_positions()


def test_a_replacement_is_a_new_order_and_a_chain_of_them_is_kept(alpaca, venue):
    first = alpaca.submit_order(limit(client_order_id="a"))
    second = alpaca.replace_order_by_id(first.id, ReplaceOrderRequest(limit_price=91.0, client_order_id="a-r1"))
    third = alpaca.replace_order_by_id(second.id, ReplaceOrderRequest(qty=5, client_order_id="a-r2"))
    chain = [alpaca.get_order_by_id(each.id) for each in (first, second, third)]
    assert [each.status for each in chain] == [OrderStatus.REPLACED, OrderStatus.REPLACED, OrderStatus.NEW]
    assert [each.replaced_by for each in chain] == [second.id, third.id, None]
    assert [each.replaces for each in chain] == [None, first.id, second.id]
    assert (float(chain[2].qty), float(chain[2].limit_price)) == (5, 91)
    status, _ = refusal(alpaca.replace_order_by_id, first.id, ReplaceOrderRequest(limit_price=92.0))
    assert status == 422
    venue.price("AAPL", 91.0)
    assert alpaca.get_order_by_id(third.id).status is OrderStatus.FILLED
    assert refusal(alpaca.cancel_order_by_id, third.id)[0] == 422
    (order,) = venue.orders()
    assert (order.order_id, order.quantity, order.filled_quantity) == ("a", 5, 5)


def test_a_replacement_does_not_take_off_what_has_traded(alpaca, venue):
    """That is Alpaca's way (github.com/alpacahq/Alpaca-API, issue 165); the adapter has to know."""
    venue.hold(True)
    first = alpaca.submit_order(limit(client_order_id="a"))
    venue.execute("a", 4, 90.0)
    second = alpaca.replace_order_by_id(first.id, ReplaceOrderRequest(limit_price=91.0))
    assert (float(second.qty), float(second.filled_qty)) == (10, 0)


@pytest.mark.parametrize(
    ("request_", "status", "words"),
    [
        (lambda: limit(10_000, 100.0), 403, "insufficient buying power"),
        (lambda: limit(price=90.001), 422, "sub-penny increment does not fulfill minimum pricing criteria"),
        (lambda: market(symbol="NOSUCH"), 422, 'asset "NOSUCH" not found'),
        (lambda: market(1.5, time_in_force=GTC), 422, "fractional orders must be DAY orders"),
        (lambda: market(symbol="BTC/USD"), 422, "invalid time_in_force: day"),
        (lambda: market(1, SELL, symbol="BTC/USD", time_in_force=GTC), 403, "insufficient balance for BTC/USD"),
        (lambda: limit(extended_hours=True, time_in_force=TimeInForce.IOC), 422, "extended hours order must be DAY or GTC"),
    ],
)
def test_what_alpaca_refuses_is_refused_in_its_words(alpaca, request_, status, words):
    code, answer = refusal(alpaca.submit_order, request_())
    assert code == status
    assert words in answer["message"]
    assert not alpaca.get_orders(GetOrdersRequest(status=QueryOrderStatus.ALL))


def test_a_client_order_id_is_taken_once(alpaca):
    alpaca.submit_order(market(client_order_id="once"))
    assert refusal(alpaca.submit_order, market(client_order_id="once")) == (
        422,
        {"code": 40010001, "message": "client_order_id must be unique"},
    )
    assert len(alpaca.get_orders(GetOrdersRequest(status=QueryOrderStatus.ALL))) == 1


def test_money_buys_a_fraction_and_crypto_trades_at_night(alpaca, venue):
    alpaca.submit_order(MarketOrderRequest(symbol="AAPL", notional=250.0, side=BUY, time_in_force=DAY))
    assert venue.positions() == {"AAPL": 2.5}
    venue.regular_hours(False)
    shut = alpaca.submit_order(market())
    late = alpaca.submit_order(limit(price=101.0, extended_hours=True))
    alpaca.submit_order(market(0.5, symbol="BTC/USD", time_in_force=GTC))
    assert alpaca.get_order_by_id(shut.id).status is OrderStatus.NEW
    assert alpaca.get_order_by_id(late.id).status is OrderStatus.FILLED
    assert {held.symbol for held in alpaca.get_all_positions()} == {"AAPL", "BTCUSD"}
    venue.regular_hours(True)
    assert alpaca.get_order_by_id(shut.id).status is OrderStatus.FILLED


def test_days_end_and_auctions_are_held(alpaca, venue):
    today, closing, for_ever = (
        alpaca.submit_order(limit()),
        alpaca.submit_order(market(time_in_force=TimeInForce.CLS)),
        alpaca.submit_order(limit(time_in_force=GTC)),
    )
    assert alpaca.get_order_by_id(closing.id).status is OrderStatus.NEW
    venue.auction("cls")
    venue.end_day()
    assert [alpaca.get_order_by_id(each.id).status for each in (today, closing, for_ever)] == [
        OrderStatus.EXPIRED,
        OrderStatus.FILLED,
        OrderStatus.NEW,
    ]
    assert alpaca.submit_order(limit(time_in_force=TimeInForce.IOC)).status is OrderStatus.PENDING_NEW
    assert [order.id for order in alpaca.get_orders()] == [for_ever.id]


def test_too_many_requests_and_a_wrong_key():
    with still(requests_per_minute=5) as venue:
        alpaca = client_of(venue)
        for _ in range(5):
            alpaca.get_clock()
        assert refusal(alpaca.get_clock) == (429, {"code": 42910000, "message": "rate limit exceeded"})
        assert refusal(client_of(venue, WRONG).get_clock) == (403, {"code": 40310000, "message": "forbidden."})


def test_answers_can_be_late_and_can_be_scripted(alpaca, venue):
    venue.delay(0.2)
    began = time.monotonic()
    alpaca.get_clock()
    assert time.monotonic() - began >= 0.2
    venue.delay(0.0)
    venue.answer_next(503, {"code": 50310000, "message": "unavailable"}, path="/v2/positions")
    assert alpaca.get_clock()
    assert refusal(alpaca.get_all_positions)[0] == 503
    assert alpaca.get_all_positions() == []


def test_the_books_survive_a_restart(alpaca, venue):
    alpaca.submit_order(market())
    resting = alpaca.submit_order(limit())
    venue.restart()
    assert [order.id for order in alpaca.get_orders()] == [resting.id]
    assert venue.positions() == {"AAPL": 10}
    assert len(alpaca.get("/account/activities/FILL")) == 1


def test_activities_come_page_by_page(alpaca):
    for _ in range(7):
        alpaca.submit_order(market(1))
    query = {"direction": "asc", "page_size": "3"}
    pages = [alpaca.get("/account/activities/FILL", query)]
    while len(pages[-1]) == 3:
        pages.append(alpaca.get("/account/activities/FILL", {**query, "page_token": pages[-1][-1]["id"]}))
    assert [len(page) for page in pages] == [3, 3, 1]
    assert len({each["id"] for page in pages for each in page}) == 7


def test_the_history_of_the_market_is_what_happened(venue):
    key, secret = venue.keys
    stocks = StockHistoricalDataClient(key, secret, url_override=venue.url)
    crypto = CryptoHistoricalDataClient(key, secret, url_override=venue.url)
    times = [venue.emit("AAPL", 100.0 + number) for number in range(5)]
    venue.emit("BTC/USD", 9_000.0)
    venue.page_history(2)
    bars = stocks.get_stock_bars(StockBarsRequest(symbol_or_symbols="AAPL", timeframe=TimeFrame.Minute))["AAPL"]
    assert [bar.timestamp.timestamp() * 10**9 for bar in bars] == times
    assert [bar.close for bar in bars] == [100.0, 101.0, 102.0, 103.0, 104.0]
    assert {right - left for left, right in itertools.pairwise(times)} == {MINUTE}
    assert crypto.get_crypto_bars(CryptoBarsRequest(symbol_or_symbols="BTC/USD", timeframe=TimeFrame.Minute))["BTC/USD"]
    venue.price("AAPL", 99.0)
    (trade,) = stocks.get_stock_trades(StockTradesRequest(symbol_or_symbols="AAPL"))["AAPL"]
    assert (trade.price, trade.size) == (99.0, 1.0)


def test_the_same_seed_is_the_same_simulation(tmp_path):
    def story(seed):
        with AlpacaSimulator(AlpacaSimulatorConfig(still=True, seed=seed)) as venue:
            alpaca = client_of(venue)
            return venue.keys, str(alpaca.submit_order(market()).id), alpaca.get_account().account_number

    assert story(1) == story(1)
    assert story(1) != story(2)


def test_prices_walk_or_are_replayed_and_make_bars(tmp_path):
    file = tmp_path / "prices.csv"
    file.write_text("symbol,price,size\nAAPL,101.5,3\nAAPL,102.5,4\n")
    with AlpacaSimulator(AlpacaSimulatorConfig(tick=1_000_000, bar=20_000_000, replay=str(file))) as venue:
        trades = wait_for(lambda: history(venue, "trades"), 2)
        assert [(trade["p"], trade["s"]) for trade in trades] == [(101.5, 3.0), (102.5, 4.0)]
    with AlpacaSimulator(AlpacaSimulatorConfig(tick=1_000_000, bar=20_000_000)) as venue:
        # How many trades fall into a bar is up to the machine: what counts is that one of several comes.
        bar = wait_for(lambda: [bar for bar in history(venue, "bars") if bar["n"] > 1], 1)[0]
        assert bar["l"] <= bar["o"] <= bar["h"]


def history(venue, kind):
    client = client_of(venue)
    page = client.get(f"/stocks/{kind}", {"symbols": "AAPL"}, base_url=venue.url, api_version="v2")
    return page[kind].get("AAPL", [])


def wait_for(ask, count):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = ask()
        if len(found) >= count:
            return found
        time.sleep(0.01)
    raise TimeoutError
