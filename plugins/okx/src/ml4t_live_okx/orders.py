"""Our orders in OKX's words: what is sent to submit and to amend them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ml4t.live.errors import BrokerRefused
from ml4t.live.model import Order, OrderSide, OrderType, Terms, TimeInForce
from ml4t_live_okx.algos import AT_MARKET
from ml4t_live_okx.instruments import Listing
from ml4t_live_okx.pairs import pair_id

_KINDS = {TimeInForce.GTC: "limit", TimeInForce.IOC: "ioc", TimeInForce.FOK: "fok"}

Body = dict[str, Any]


def order_body(order: Order, listing: Listing, *, mode: str, position_side: str) -> Body:
    """Return the request that submits an order. Raises BrokerRefused for one that OKX does not have.

    `mode` is OKX's `tdMode`; `position_side` is empty where there is one position a contract.
    """
    body = {**_common(order, listing, mode, position_side), "clOrdId": order.order_id}
    if order.order_type is OrderType.LIMIT:
        return {**body, "ordType": _KINDS[order.time_in_force], "px": _price(order.limit_price, "limit", listing)}
    return {**body, "ordType": "market", **_market(order, listing, mode)}


def algo_body(order: Order, listing: Listing, *, mode: str, position_side: str) -> Body:
    """Return the request that submits a stop, a stop-limit or a trailing stop. Raises as `order_body`.

    A stop is sent as `conditional`, which OKX refuses when the price is beyond it already; a `trigger` would wait for the price
    to come back.
    """
    if order.time_in_force is not TimeInForce.GTC:
        raise BrokerRefused(f"OKX takes a {order.order_type} order as gtc, not as {order.time_in_force}", code="unsupported")
    body = {**_common(order, listing, mode, position_side), "algoClOrdId": order.order_id, **_in_coins(order, listing, mode)}
    if order.order_type is OrderType.TRAILING_STOP:
        return {**body, "ordType": "move_order_stop", "callbackSpread": _price(order.trail_amount, "trail", listing)}
    return {**body, "ordType": "conditional", **_stop(order, listing)}


def oco_body(limit: Order, stop: Order, listing: Listing, *, mode: str, position_side: str) -> Body:
    """Return the request that submits a limit order and a stop of which one cancels the other. Raises as `order_body`."""
    body = {**_common(stop, listing, mode, position_side), **_in_coins(stop, listing, mode)}
    return {**body, "ordType": "oco", "algoClOrdId": pair_id(limit.order_id, stop.order_id), **_exits(limit, stop, listing)}


def bracket_body(entry: Order, limit: Order, stop: Order, listing: Listing, *, mode: str, position_side: str) -> Body:
    """Return the request that submits an entry with its two exits. Raises as `order_body`.

    OKX makes the exits when the entry has traded, or has ended with a part of it traded: for what has traded.
    """
    if entry.order_type not in {OrderType.MARKET, OrderType.LIMIT}:
        raise BrokerRefused(
            f"OKX attaches exits to market and limit orders, not to a {entry.order_type} order", code="unsupported"
        )
    if listing.kind == "SPOT" and (entry.side is OrderSide.SELL or entry.order_type is OrderType.MARKET):
        raise BrokerRefused(
            f"on {listing.symbol} OKX attaches exits to a limit order to buy only; use one, with time in force ioc where it "
            "is to trade at once",
            code="unsupported",
        )
    exits = {"attachAlgoClOrdId": pair_id(limit.order_id, stop.order_id), **_exits(limit, stop, listing)}
    return {**order_body(entry, listing, mode=mode, position_side=position_side), "attachAlgoOrds": [exits]}


def amend_body(order: Order, listing: Listing, terms: Terms, ids: Mapping[str, str], request: str) -> Body:
    """Return the request that changes an order to other terms, the quantity being the whole of it. Raises BrokerRefused."""
    if terms.quantity <= order.filled_quantity:
        said = f"{order.filled_quantity:g} have traded already, and an order cannot be changed to {terms.quantity:g}"
        raise BrokerRefused(said, code="too_small")
    price = {} if terms.limit_price is None else {"newPx": price_of(terms.limit_price, listing)}
    return {"instId": order.symbol, **ids, "reqId": request, "newSz": size_of(terms.quantity, listing), **price}


def algo_amend_body(order: Order, listing: Listing, terms: Terms, algo_id: str) -> Body:
    """Return the request that changes a stop that waits to other terms. Raises BrokerRefused."""
    return {
        "instId": order.symbol,
        "algoId": algo_id,
        "newSz": size_of(terms.quantity, listing),
        "newSlOrdPx": AT_MARKET if terms.limit_price is None else price_of(terms.limit_price, listing),
        **({} if terms.stop_price is None else {"newSlTriggerPx": price_of(terms.stop_price, listing)}),
    }


def check_tradeable(listing: Listing) -> None:
    """Raise BrokerRefused for what cannot be traded here."""
    if listing.why_dead:
        raise BrokerRefused(listing.why_dead, code="not_tradeable")
    if listing.inverse:
        base = listing.base
        raise BrokerRefused(
            f"{listing.symbol} is an inverse contract, whose profit is in {base}; trade the linear one, {base}-USDT-SWAP",
            code="not_tradeable",
        )


def size_of(quantity: float, listing: Listing) -> str:
    """Return a quantity of coins as OKX counts, rounded towards zero. Raises BrokerRefused when too little is left."""
    units = listing.instrument.round_quantity(quantity)
    smallest = listing.instrument.min_quantity or Decimal(0)
    if units <= 0 or units < smallest:
        raise BrokerRefused(
            f"{quantity:g} {listing.base} of {listing.symbol} is less than OKX trades, which is {smallest:f}", code="too_small"
        )
    return _plain(listing.size(units))


def price_of(price: float, listing: Listing) -> str:
    """Return a price on OKX's grid."""
    return _plain(listing.instrument.round_price(price))


def _common(order: Order, listing: Listing, mode: str, position_side: str) -> Body:
    check_tradeable(listing)
    return {
        "instId": order.symbol,
        "tdMode": mode,
        "side": order.side.value,
        "sz": size_of(order.quantity, listing),
        **({"posSide": position_side} if position_side else {}),
    }


def _stop(order: Order, listing: Listing) -> Body:
    at_market = order.order_type is OrderType.STOP
    return {
        "slTriggerPx": _price(order.stop_price, "stop", listing),
        "slTriggerPxType": "last",
        "slOrdPx": AT_MARKET if at_market else _price(order.limit_price, "limit", listing),
    }


def _exits(limit: Order, stop: Order, listing: Listing) -> Body:
    """Return the prices of a pair: a limit order that rests, and a stop that stays until that has traded.

    Were both to wait for a price, the stop would go when the limit order is placed, and not when it has traded.
    """
    if limit.order_type is not OrderType.LIMIT or stop.order_type is not OrderType.STOP:
        raise BrokerRefused("OKX links a limit order with a stop, and nothing else", code="unsupported_links")
    return {"tpOrdKind": "limit", "tpOrdPx": _price(limit.limit_price, "limit", listing), **_stop(stop, listing)}


def _price(price: float | None, kind: str, listing: Listing) -> str:
    if price is None:
        raise BrokerRefused(f"the order names no {kind} price", code="no_price")
    return price_of(price, listing)


def _in_coins(order: Order, listing: Listing, mode: str) -> Body:
    """Say that the size of what will trade at the market is in coins, where it would be an amount of money."""
    if order.order_type is OrderType.STOP_LIMIT or listing.kind != "SPOT" or order.side is OrderSide.SELL:
        return {}
    return _market(order, listing, mode)


def _market(order: Order, listing: Listing, mode: str) -> Body:
    if order.time_in_force is TimeInForce.FOK:
        raise BrokerRefused("a market order cannot be fill-or-kill at OKX; use a limit order", code="unsupported")
    if listing.kind != "SPOT":
        return {}
    if mode == "cash":
        return {"tgtCcy": "base_ccy"}  # or a purchase would be for an amount of money
    if order.side is OrderSide.BUY:
        raise BrokerRefused(
            "what buys at the market on margin is for an amount of money at OKX; use a limit order with time in force ioc, or "
            "a stop-limit",
            code="unsupported",
        )
    return {}


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"
