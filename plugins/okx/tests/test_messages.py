"""Every kind of message that OKX sends to those who ask as this plugin does, in the shape that recorded ones have."""

from __future__ import annotations

import json

import msgspec
import pytest
from okx_kit import Ears

from ml4t.live.model import OrderSide, OrderState, OrderType, Terms
from ml4t_live_okx.algos import AlgoRow, algo_order, algo_rows, algo_update
from ml4t_live_okx.feed import Ear
from ml4t_live_okx.instruments import Listing
from ml4t_live_okx.updates import OrderRow, execution_of, fill_of, order_of, order_rows, update_of
from ml4t_live_okx.wire import Message

SWAP = Listing.of(
    {"instId": "BTC-USDT-SWAP", "instType": "SWAP", "uly": "BTC-USDT", "ctVal": "0.01", "ctMult": "1", "ctType": "linear"}
    | {"tickSz": "0.1", "lotSz": "0.01", "minSz": "0.01", "state": "live", "expTime": ""}
)
SPOT = Listing.of(
    {"instId": "BTC-USDT", "instType": "SPOT", "uly": "", "ctVal": "", "ctMult": "", "ctType": "", "state": "live"}
    | {"tickSz": "0.1", "lotSz": "0.00000001", "minSz": "0.00001", "expTime": ""}
)
MILLIS = 1_747_087_163_557
NANOS = MILLIS * 10**6


def heard(channel, listing, *data, candle="1m"):
    """Return what a feed pushes for a message as it is on the wire."""
    text = json.dumps({"arg": {"channel": channel, "instId": listing.symbol}, "data": data})
    message = msgspec.json.decode(text, type=Message)
    ears = Ears()
    Ear(ears, [listing], candle).hear(message.arg, message.data)
    return ears.events


@pytest.mark.parametrize(("listing", "size"), [(SPOT, 0.25), (SWAP, 0.0025)])
@pytest.mark.parametrize("more", [{"count": "3", "source": "0", "seqId": 1234}, {"source": "0"}], ids=["trades", "trades-all"])
def test_a_trade(listing, size, more):
    row = {"instId": listing.symbol, "tradeId": "130639474", "px": "42219.9", "sz": "0.25", "side": "buy", "ts": str(MILLIS)}
    (trade,) = heard("trades-all" if len(more) == 1 else "trades", listing, {**row, **more})
    assert (trade.price, trade.size, trade.trade_id, trade.event_time) == (42219.9, size, "130639474", NANOS + 639474)


@pytest.mark.parametrize(("listing", "volume"), [(SPOT, 45247.0), (SWAP, 452.47)])
@pytest.mark.parametrize(("candle", "seconds"), [("1m", 60), ("1H", 3600), ("1Dutc", 86400)])
def test_a_candle_is_told_when_it_is_confirmed(listing, volume, candle, seconds):
    row = [str(MILLIS), "8533.02", "8553.74", "8527.17", "8548.26", "45247", "452.47", "3867000"]
    assert heard(f"candle{candle}", listing, [*row, "0"], candle=candle) == []
    (bar,) = heard(f"candle{candle}", listing, [*row, "1"], candle=candle)
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (8533.02, 8553.74, 8527.17, 8548.26, volume)
    assert (bar.event_time, bar.interval, bar.complete) == (NANOS, seconds * 10**9, True)


@pytest.mark.parametrize(("listing", "sizes"), [(SPOT, (256.0, 415.0)), (SWAP, (2.56, 4.15))])
def test_a_quote(listing, sizes):
    row = {"asks": [["8476.98", "415", "0", "13"]], "bids": [["8476.97", "256", "0", "12"]], "ts": str(MILLIS), "seqId": 1}
    (quote,) = heard("bbo-tbt", listing, row)
    assert (quote.bid, quote.ask, quote.bid_size, quote.ask_size, quote.event_time) == (8476.97, 8476.98, *sizes, NANOS)
    assert heard("bbo-tbt", listing, {**row, "asks": []}) == []


def test_a_funding_rate():
    row = {"fundingRate": "0.0000515", "fundingTime": str(MILLIS + 1000), "instId": SWAP.symbol, "instType": "SWAP"}
    more = {"method": "current_period", "minFundingRate": "-0.0037", "nextFundingRate": "", "nextFundingTime": "1"}
    (funding,) = heard("funding-rate", SWAP, {**row, **more, "premium": "0", "settState": "settled", "ts": str(MILLIS)})
    assert (funding.rate, funding.event_time, funding.next_time) == (0.0000515, NANOS, NANOS + 10**9)


def order_said(**fields):
    """Return an update of an order with all that OKX says, as it is on the wire."""
    said = {
        "accFillSz": "0.03", "algoClOrdId": "", "algoId": "", "amendResult": "", "amendSource": "", "attachAlgoOrds": [],
        "avgPx": "103698.9", "cTime": str(MILLIS), "cancelSource": "", "cancelSourceReason": "", "category": "normal",
        "ccy": "", "clOrdId": "001BTCUSDT20250106001", "code": "0", "execType": "T", "fee": "-0.01", "feeCcy": "USDT",
        "fillFee": "-0.01", "fillFeeCcy": "USDT", "fillNotionalUsd": "31", "fillPnl": "0", "fillPx": "103698.9",
        "fillSz": "0.03", "fillTime": str(MILLIS), "instId": "BTC-USDT-SWAP", "instType": "SWAP", "isTpLimit": "false",
        "lastPx": "103699", "lever": "3", "linkedAlgoOrd": {"algoId": ""}, "msg": "", "notionalUsd": "31",
        "ordId": "2497956918703120384", "ordType": "market", "pnl": "0", "posSide": "long", "px": "", "pxType": "",
        "pxUsd": "", "pxVol": "", "quickMgnType": "", "rebate": "0", "rebateCcy": "USDT", "reduceOnly": "false",
        "reqId": "", "side": "buy", "slOrdPx": "", "slTriggerPx": "", "slTriggerPxType": "", "source": "",
        "state": "filled", "stpId": "", "stpMode": "cancel_maker", "sz": "0.03", "tag": "", "tdMode": "isolated",
        "tgtCcy": "", "tpOrdPx": "", "tpTriggerPx": "", "tpTriggerPxType": "", "tradeId": "1518905529", "uTime": str(MILLIS),
    }  # fmt: skip
    (row,) = order_rows.decode(json.dumps([said | fields]))
    return row


@pytest.mark.parametrize(
    ("fields", "state", "filled", "terms", "traded"),
    [
        ({}, OrderState.FILLED, 0.0003, Terms(0.0003), True),
        ({"ordType": "fok", "px": "50000", "sz": "5", "accFillSz": "5"}, OrderState.FILLED, 0.05, Terms(0.05, 50000.0), True),
        (
            {"ordType": "ioc", "px": "50100", "sz": "5", "accFillSz": "2", "state": "partially_filled"},
            OrderState.PARTIALLY_FILLED,
            0.02,
            Terms(0.05, 50100.0),
            True,
        ),
        ({"ordType": "optimal_limit_ioc"}, OrderState.FILLED, 0.0003, Terms(0.0003), True),
        ({"category": "full_liquidation", "clOrdId": ""}, OrderState.FILLED, 0.0003, Terms(0.0003), True),
        ({"category": "adl", "clOrdId": "", "side": "sell"}, OrderState.FILLED, 0.0003, Terms(0.0003), True),
        (
            {
                "state": "live",
                "accFillSz": "0",
                "fillSz": "0",
                "tradeId": "",
                "fillPx": "",
                "fillTime": "",
                "px": "9",
                "ordType": "limit",
            },
            OrderState.WORKING,
            0.0,
            Terms(0.0003, 9.0),
            False,
        ),
        (
            {"state": "mmp_canceled", "accFillSz": "0", "fillSz": "0", "tradeId": "0"},
            OrderState.CANCELLED,
            0.0,
            Terms(0.0003),
            False,
        ),
    ],
    ids=["market", "fok", "ioc", "optimal_limit_ioc", "liquidation", "adl", "live", "mmp_canceled"],
)
def test_an_update_of_an_order(fields, state, filled, terms, traded):
    row = order_said(**fields)
    update = update_of(row, SWAP, terms=True)
    assert (update.state, update.filled_quantity, update.terms, update.time) == (state, filled, terms, NANOS)
    assert update.order_id == (row.clOrdId or row.ordId)
    fill = execution_of(row, SWAP, "account")
    assert (fill is not None) == traded
    if fill is not None:
        assert (fill.execution_id, fill.order_id) == ("2497956918703120384-1518905529", update.order_id)
        assert (fill.quantity, fill.price, fill.commission) == (0.0003, 103698.9, 0.01)
        assert fill.side is (OrderSide.SELL if fields.get("side") == "sell" else OrderSide.BUY)


def test_a_working_order_of_the_api_with_exits_that_are_attached_one_by_one():
    exits = [{"attachAlgoClOrdId": f"O{name}", "attachAlgoId": "3", "slTriggerPx": "15", "slOrdPx": "-1"} for name in "ab"]
    row = order_said(state="live", accFillSz="0", fillPx="0", fillSz="0", fillTime="0", tradeId="0", attachAlgoOrds=exits)
    order = order_of(row, SWAP)
    assert (order.state, order.order_type, order.quantity) == (OrderState.WORKING, OrderType.MARKET, 0.0003)
    assert execution_of(row, SWAP, "account") is None


@pytest.mark.parametrize(("fee", "commission"), [("-0.25", 0.25), ("0.1", -0.1), ("", 0.0)])
def test_a_line_of_the_list_of_fills(fee, commission):
    said = {"side": "buy", "fillSz": "0.03", "fillPx": "1.25", "fillPxVol": "", "fillFwdPx": "", "fee": fee, "ordId": "6802"}
    said |= {"feeCcy": "USDT" if fee else "", "instType": "SPOT", "instId": "BTC-USDT", "clOrdId": "", "posSide": "net"}
    said |= {
        "billId": "680",
        "fillMarkVol": "",
        "tag": "",
        "fillTime": str(MILLIS),
        "execType": "T",
        "tradeId": "744",
        "ts": "1",
    }
    fill = fill_of(said, SPOT, "account", "ours")
    assert (fill.order_id, fill.execution_id, fill.quantity, fill.time) == ("ours", "6802-744", 0.03, NANOS)
    assert fill.commission == commission


def algo_said(**fields):
    """Return an update of an algo order with all that OKX says, as it is on the wire."""
    said = {
        "actualPx": "", "actualSide": "", "actualSz": "0", "algoClOrdId": "STOP001BTCUSDT20250120", "algoId": "706620792",
        "amendResult": "", "cTime": str(MILLIS), "callbackRatio": "", "callbackSpread": "", "ccy": "", "clOrdId": "",
        "failCode": "", "instId": "BTC-USDT-SWAP", "instType": "SWAP", "last": "", "lever": "2.0", "linkedOrd": {"ordId": ""},
        "notionalUsd": "950", "ordId": "", "ordIdList": [], "ordPx": "", "ordType": "conditional", "posSide": "long",
        "reduceOnly": "true", "reqId": "", "side": "sell", "slOrdPx": "", "slTriggerPx": "", "slTriggerPxType": "",
        "state": "live", "sz": "0.01", "tag": "", "tdMode": "isolated", "tgtCcy": "", "tpOrdPx": "", "tpTriggerPx": "",
        "tpTriggerPxType": "", "triggerPx": "", "triggerPxType": "", "triggerTime": "", "uTime": str(MILLIS),
    }  # fmt: skip
    (row,) = algo_rows.decode(json.dumps([said | fields]))
    return row


@pytest.mark.parametrize(
    ("fields", "kind", "terms"),
    [
        ({"ordType": "trigger", "triggerPx": "95000", "ordPx": "-1"}, OrderType.STOP, Terms(0.0001, None, 95000.0)),
        ({"ordType": "trigger", "triggerPx": "9", "ordPx": "8"}, OrderType.STOP_LIMIT, Terms(0.0001, 8.0, 9.0)),
        ({"slTriggerPx": "9", "slOrdPx": "-1"}, OrderType.STOP, Terms(0.0001, None, 9.0)),
        ({"slTriggerPx": "9", "slOrdPx": "8"}, OrderType.STOP_LIMIT, Terms(0.0001, 8.0, 9.0)),
        (
            {"ordType": "oco", "slTriggerPx": "9", "slOrdPx": "-1", "tpTriggerPx": "12", "tpOrdPx": "-1"},
            OrderType.STOP,
            Terms(0.0001, None, 9.0),
        ),
        (
            {"ordType": "move_order_stop", "callbackSpread": "5", "moveTriggerPx": "94"},
            OrderType.TRAILING_STOP,
            Terms(0.0001, None, None, 5.0),
        ),
        ({"slTriggerPx": "5", "slOrdPx": "-1", "sz": "", "closeFraction": "1"}, OrderType.STOP, Terms(0.0, None, 5.0)),
    ],
    ids=["trigger", "trigger-limit", "stop", "stop-limit", "oco", "trailing", "close fraction"],
)
def test_an_order_that_waits(fields, kind, terms):
    row = algo_said(**fields)
    order = algo_order(row, SWAP)
    assert (order.order_type, order.terms, order.side, order.state) == (kind, terms, OrderSide.SELL, OrderState.WORKING)
    assert algo_update(row, SWAP, terms=True).terms == terms


@pytest.mark.parametrize(
    ("fields", "state", "number"),
    [
        ({"state": "pause"}, OrderState.WORKING, "706620792"),
        ({"state": "order_placed", "ordId": "999", "actualSz": "0.01"}, OrderState.WORKING, "999"),
        ({"state": "effective", "ordId": "999", "linkedOrd": {"ordId": "998"}}, OrderState.WORKING, "999"),
        ({"state": "partially_effective"}, OrderState.WORKING, "706620792"),
        ({"state": "filled", "ordId": "999"}, OrderState.WORKING, "999"),
        ({"state": "canceled"}, OrderState.CANCELLED, "706620792"),
        ({"state": "order_failed", "failCode": "51008"}, OrderState.REJECTED, "706620792"),
        ({"state": "partially_failed"}, OrderState.REJECTED, "706620792"),
    ],
)
def test_what_becomes_of_an_order_that_waits(fields, state, number):
    update = algo_update(algo_said(**fields), SWAP)
    assert (update.state, update.venue_order_id) == (state, number)
    assert update.order_id == "STOP001BTCUSDT20250120"
    assert update.terms is None


def test_an_order_that_waits_as_the_api_says_it_with_less():
    said = {"algoId": "1", "algoClOrdId": "", "instId": "BTC-USDT-SWAP", "instType": "SWAP", "ordType": "trigger"}
    said |= {"state": "live", "side": "buy", "sz": "1", "cTime": str(MILLIS), "triggerPx": "4", "ordPx": "-1"}
    order = algo_order(msgspec.convert(said, AlgoRow), SWAP)
    assert (order.order_id, order.venue_order_id, order.updated_at) == ("", "1", NANOS)
    assert (
        msgspec.convert({**said, "ordId": "7", "clOrdId": "", "accFillSz": "", "px": "", "uTime": "1"}, OrderRow).ordId == "7"
    )
