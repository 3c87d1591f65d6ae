"""Our orders in ccxt's words: what is sent to submit and to change them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from attrs import frozen

from ml4t.live.contracts import BrokerCapabilities
from ml4t.live.errors import BrokerRefused
from ml4t.live.model import Order, OrderSide, OrderType, TimeInForce
from ml4t_live_crypto.config import CryptoBrokerConfig
from ml4t_live_crypto.habits import Habits, habits_of
from ml4t_live_crypto.markets import Listing

_STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})
_LIMITS = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
_WITHIN = {"IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK}


@frozen
class Ticket:
    """What `create_order` is called with."""

    symbol: str
    kind: str
    side: str
    amount: float
    price: float | None
    params: Mapping[str, Any]


def capabilities_of(exchange: Any, config: CryptoBrokerConfig) -> BrokerCapabilities:
    """Return what ccxt says that an exchange can do with all of the configured products."""
    features = [_features(exchange, product) for product in config.products]
    times = [(each.get("createOrder") or {}).get("timeInForce") or {} for each in features]
    kinds = {OrderType.MARKET, OrderType.LIMIT}
    if all(_stops_are_orders(each) for each in features):
        kinds |= _STOPS
    return BrokerCapabilities(
        order_types=frozenset(kinds),
        times_in_force=frozenset(
            {TimeInForce.GTC} | {time for name, time in _WITHIN.items() if all(each.get(name) for each in times)}
        ),
        replace=all(_market_kind(product) in habits_of(exchange.id).amends for product in config.products),
        fractional=True,
        shorts=config.products != ("spot",),
    )


def symbol_required(exchange: Any, product: str) -> bool:
    """Return True when an exchange tells of executions by symbol only."""
    return bool((_features(exchange, product).get("fetchMyTrades") or {}).get("symbolRequired"))


def _features(exchange: Any, product: str) -> Mapping[str, Any]:
    found = (exchange.features or {}).get(_market_kind(product)) or {}
    return found if product != "swap" else found.get("linear") or {}


def _creates(exchange: Any, product: str) -> Mapping[str, Any]:
    return _features(exchange, product).get("createOrder") or {}


def _market_kind(product: str) -> str:
    return "spot" if product == "margin" else product


def _stops_are_orders(features: Mapping[str, Any]) -> bool:
    """Return True when a stop order is in the same lists as others, and not at a place of its own."""
    create, works = features.get("createOrder") or {}, features.get("fetchOpenOrders") or {}
    return bool(create.get("triggerPrice")) and works.get("trigger") is False


def ticket_of(order: Order, listing: Listing, config: CryptoBrokerConfig, client_id: str, exchange: Any) -> Ticket:
    """Return the request that submits an order. Raises BrokerRefused for one that cannot be."""
    product = product_of(listing, config.products)
    params: dict[str, Any] = {"clientOrderId": client_id}
    if product == "margin" or (product == "swap" and _creates(exchange, product).get("marginMode")):
        params["marginMode"] = config.margin_mode
    if order.time_in_force is not TimeInForce.GTC:
        params["timeInForce"] = order.time_in_force.value.upper()
    if order.order_type in _STOPS:
        _check_stop(exchange, product)
        params["triggerPrice"] = _price(order.stop_price, listing, "stop")
    limited = order.order_type in _LIMITS
    price = _price(order.limit_price, listing, "limit") if limited else None
    if not limited:
        params.update(_market(order, product, exchange, habits_of(exchange.id)))
    kind = "limit" if limited else "market"
    return Ticket(order.symbol, kind, order.side.value, amount_of(order.quantity, listing), price, params)


def _check_stop(exchange: Any, product: str) -> None:
    if not _stops_are_orders(_features(exchange, product)):
        raise BrokerRefused(
            f"{exchange.id} keeps stops apart from other orders, where they could not be found again through ccxt; send the "
            "order when the price is there, or use the plugin of this exchange if it has one",
            code="unsupported",
        )


def product_of(listing: Listing, products: Sequence[str]) -> str:
    """Return as which product a market is traded. Raises BrokerRefused for one that is not configured or cannot be traded."""
    if listing.why_dead:
        raise BrokerRefused(listing.why_dead, code="not_tradeable")
    if listing.inverse:
        raise BrokerRefused(f"{listing.symbol} is an inverse contract; trade the linear one", code="not_tradeable")
    wanted = ("margin", "spot") if listing.kind == "spot" else (listing.kind,)
    product = next((each for each in wanted if each in products), None)
    if product is None:
        raise BrokerRefused(
            f"{listing.symbol} is {listing.kind}, which products does not name; add it there", code="not_configured"
        )
    return product


def amount_of(quantity: float, listing: Listing) -> float:
    """Return a quantity of coins as the exchange counts, rounded towards zero. Raises BrokerRefused when too little is left."""
    units = listing.instrument.round_quantity(quantity)
    smallest = listing.instrument.min_quantity or Decimal(0)
    if units <= 0 or units < smallest:
        raise BrokerRefused(
            f"{quantity:g} {listing.base} of {listing.symbol} is less than {listing.instrument.venue} trades, "
            f"which is {smallest:f}",
            code="too_small",
        )
    return float(listing.amount(units))


def _price(price: float | None, listing: Listing, what: str) -> float:
    if price is None:
        raise BrokerRefused(f"a {what} order names a {what} price", code="no_price")
    return float(listing.instrument.round_price(price))


def _market(order: Order, product: str, exchange: Any, habits: Habits) -> Mapping[str, Any]:
    """Return what a market order says so that its quantity is in coins, as it is with every other."""
    if order.side is not OrderSide.BUY or product == "swap":
        return {}
    needs_price = _creates(exchange, product).get("marketBuyRequiresPrice")
    if habits.market_buy is not None and (product == "spot" or not habits.market_buy):
        return habits.market_buy
    if needs_price is False and habits.market_buy is None:
        return {}
    raise BrokerRefused(
        f"a market order to buy is for an amount of money at {exchange.id}; use a limit order with time in force ioc",
        code="unsupported",
    )
