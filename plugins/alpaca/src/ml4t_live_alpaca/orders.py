"""Our orders in Alpaca's words: what is sent to submit, link and replace them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ml4t.live.errors import BrokerRefused
from ml4t.live.model import Instrument, Order, OrderSide, OrderType, TimeInForce
from ml4t_live_alpaca.ids import ClientId
from ml4t_live_alpaca.symbols import is_crypto

CENT = Decimal("0.01")
SUB_PENNY = Decimal("0.0001")
"""Stocks below a dollar are priced to four decimals, all others to two (SEC rule 612)."""
FINEST_QUANTITY = Decimal("0.000000001")

_TYPES = {
    OrderType.MARKET: "market",
    OrderType.LIMIT: "limit",
    OrderType.STOP: "stop",
    OrderType.STOP_LIMIT: "stop_limit",
    OrderType.TRAILING_STOP: "trailing_stop",
    OrderType.MOC: "market",
}
_CRYPTO_TIMES = frozenset({TimeInForce.GTC, TimeInForce.IOC})
_CRYPTO_TYPES = frozenset({OrderType.MARKET, OrderType.LIMIT, OrderType.STOP_LIMIT})


def stock(symbol: str) -> Instrument:
    """Return the trading rules of a stock, with the tick of one that is priced at a dollar or more."""
    return Instrument(symbol, price_tick=CENT, quantity_step=FINEST_QUANTITY)


def order_body(order: Order, instrument: Instrument, *, extended_hours: bool = False) -> dict[str, Any]:
    """Return the request that submits an order. Raises BrokerRefused for what Alpaca takes from nobody."""
    quantity = instrument.round_quantity(order.quantity)
    body: dict[str, Any] = {
        "symbol": order.symbol,
        "side": order.side.value,
        "type": _TYPES[order.order_type],
        "qty": _sent(quantity, order, instrument),
        "time_in_force": _time_in_force(order, fraction=bool(quantity % 1)),
        "client_order_id": str(ClientId((order.order_id,))),
        **_prices(order.limit_price, order.stop_price, order.trail_amount, instrument),
    }
    working_hours_only = order.order_type is not OrderType.LIMIT or body["time_in_force"] not in {"day", "gtc"}
    if extended_hours and not working_hours_only and not is_crypto(order.symbol):
        body["extended_hours"] = True
    return body


def bracket_body(entry: Order, take_profit: Order, stop_loss: Order, instrument: Instrument) -> dict[str, Any]:
    """Return the request that submits an entry with its two exits. Raises BrokerRefused."""
    return {
        **order_body(entry, instrument),
        "order_class": "bracket",
        "client_order_id": str(ClientId((entry.order_id, take_profit.order_id, stop_loss.order_id))),
        "take_profit": _prices(take_profit.limit_price, None, None, instrument),
        "stop_loss": _prices(stop_loss.limit_price, stop_loss.stop_price, None, instrument),
    }


def oco_body(first: Order, second: Order, instrument: Instrument) -> dict[str, Any]:
    """Return the request that submits a limit order and a stop of which one cancels the other. Raises BrokerRefused."""
    limit, stop = (first, second) if first.order_type is OrderType.LIMIT else (second, first)
    if limit.order_type is not OrderType.LIMIT or stop.stop_price is None:
        raise BrokerRefused("Alpaca links a limit order with a stop, and nothing else", code="unsupported_links")
    body = order_body(limit, instrument)
    del body["limit_price"]
    return {
        **body,
        "order_class": "oco",
        "client_order_id": str(ClientId((limit.order_id, stop.order_id))),
        "take_profit": _prices(limit.limit_price, None, None, instrument),
        "stop_loss": _prices(stop.limit_price, stop.stop_price, None, instrument),
    }


def replacement_body(
    client_id: ClientId,
    instrument: Instrument,
    *,
    quantity: Decimal | None,
    limit_price: float | None,
    stop_price: float | None,
    trail_amount: float | None,
) -> dict[str, Any]:
    """Return the request that replaces an order; None leaves the quantity or a price as it is."""
    prices = _prices(limit_price, stop_price, trail_amount, instrument)
    if "trail_price" in prices:
        prices["trail"] = prices.pop("trail_price")
    quantities = {} if quantity is None else {"qty": f"{quantity:f}"}
    return {**quantities, **prices, "client_order_id": str(client_id)}


def _sent(quantity: Decimal, order: Order, instrument: Instrument) -> str:
    if quantity <= 0:
        step = instrument.quantity_step
        raise BrokerRefused(f"{order.quantity:g} {order.symbol} is less than the smallest quantity, {step}", code="quantity")
    return f"{quantity.normalize():f}"


def _time_in_force(order: Order, *, fraction: bool) -> str:
    """Return the time in force that Alpaca needs to be told."""
    wanted = order.time_in_force
    if is_crypto(order.symbol):
        if wanted not in _CRYPTO_TIMES:
            raise BrokerRefused(f"Alpaca takes crypto orders as gtc or ioc, not as {wanted}", code="time_in_force")
        if order.order_type not in _CRYPTO_TYPES:
            raise BrokerRefused(f"Alpaca takes no {order.order_type} orders for crypto", code="order_type")
        return wanted.value
    if order.order_type is OrderType.MOC:
        return "cls"
    if fraction and wanted is not TimeInForce.DAY:
        if order.order_type is OrderType.MARKET and wanted is TimeInForce.GTC:
            return "day"  # it trades at once, so that how long it would work makes no difference
        raise BrokerRefused(f"Alpaca takes fractions of a share in day orders only, not as {wanted}", code="time_in_force")
    return wanted.value


def _prices(limit: float | None, stop: float | None, trail: float | None, instrument: Instrument) -> dict[str, str]:
    named = {"limit_price": limit, "stop_price": stop, "trail_price": trail}
    return {name: _price(price, instrument) for name, price in named.items() if price is not None}


def _price(price: float, instrument: Instrument) -> str:
    if instrument.price_tick == CENT and price < 1.0 and not is_crypto(instrument.symbol):
        instrument = Instrument(instrument.symbol, price_tick=SUB_PENNY)
    return f"{instrument.round_price(price):f}"


def side_of(text: str) -> OrderSide:
    """Return the side that Alpaca names; a short sale is a sale."""
    return OrderSide.BUY if text == "buy" else OrderSide.SELL
