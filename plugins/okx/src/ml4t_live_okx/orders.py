"""Our orders in OKX's words: what is sent to submit and to amend them."""

from __future__ import annotations

from decimal import Decimal

from ml4t.live.errors import BrokerRefused
from ml4t.live.model import Order, OrderSide, OrderType, TimeInForce
from ml4t_live_okx.instruments import Listing

_KINDS = {TimeInForce.GTC: "limit", TimeInForce.IOC: "ioc", TimeInForce.FOK: "fok"}

Body = dict[str, str]


def order_body(order: Order, listing: Listing, *, mode: str, position_side: str) -> Body:
    """Return the request that submits an order. Raises BrokerRefused for one that OKX does not have.

    `mode` is OKX's `tdMode`; `position_side` is empty where there is one position a contract.
    """
    check_tradeable(listing)
    body = {
        "instId": order.symbol,
        "tdMode": mode,
        "side": order.side.value,
        "clOrdId": order.order_id,
        "sz": size_of(order.quantity, listing),
        **({"posSide": position_side} if position_side else {}),
    }
    if order.order_type is OrderType.LIMIT:
        if order.limit_price is None:
            raise BrokerRefused("a limit order names a limit price", code="no_price")
        return {**body, "ordType": _KINDS[order.time_in_force], "px": price_of(order.limit_price, listing)}
    return {**body, "ordType": "market", **_market(order, listing, mode)}


def amend_body(order: Order, listing: Listing, quantity: float, filled: float, limit_price: float | None, request: str) -> Body:
    """Return the request that changes an order to these terms; `quantity` is the whole of it. Raises BrokerRefused."""
    if quantity <= filled:
        raise BrokerRefused(f"{filled:g} have traded already, and an order cannot be changed to {quantity:g}", code="too_small")
    price = {} if limit_price is None else {"newPx": price_of(limit_price, listing)}
    ids = {"instId": order.symbol, "clOrdId": order.order_id, "reqId": request}
    return {**ids, "newSz": size_of(quantity, listing), **price}


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


def _market(order: Order, listing: Listing, mode: str) -> Body:
    if order.time_in_force is TimeInForce.FOK:
        raise BrokerRefused("a market order cannot be fill-or-kill at OKX; use a limit order", code="unsupported")
    if listing.kind != "SPOT":
        return {}
    if mode == "cash":
        return {"tgtCcy": "base_ccy"}  # or a purchase would be for an amount of money
    if order.side is OrderSide.BUY:
        raise BrokerRefused(
            "a market order to buy on margin is for an amount of money at OKX; use a limit order with time in force ioc",
            code="unsupported",
        )
    return {}


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"
