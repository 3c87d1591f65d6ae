"""What the simulated venue checks of an order before it takes it, in Alpaca's own codes and words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from ml4t_live_alpaca.simulator.orders import VenueOrder
from ml4t_live_alpaca.symbols import is_crypto

TYPES = frozenset({"market", "limit", "stop", "stop_limit", "trailing_stop"})
STOCK_TIMES = frozenset({"day", "gtc", "opg", "cls", "ioc", "fok"})
CRYPTO_TIMES = frozenset({"gtc", "ioc"})
CLASSES = frozenset({"", "simple", "bracket", "oco", "oto"})
CENTS = Decimal("0.01")
SUB_PENNY = Decimal("0.0001")
FINEST = Decimal("1e-9")


class Refusal(Exception):
    """A request that the venue turns away."""

    def __init__(self, status: int, code: int, message: str, more: Mapping[str, str] | None = None) -> None:
        self.status = status
        self.answer: dict[str, Any] = {"code": code, "message": message, **(more or {})}
        super().__init__(message)


def checked_order(
    body: Mapping[str, Any], prices: Mapping[str, Decimal], new_id: Callable[[], str], now: int
) -> list[VenueOrder]:
    """Return the order that a request describes, followed by its legs. Raises Refusal."""
    symbol = _known(str(body.get("symbol", "")), prices)
    if body.get("order_class") == "oco":
        body = {**body, "limit_price": (body.get("take_profit") or {}).get("limit_price")}
    order = VenueOrder(
        id=new_id(),
        client_order_id=body.get("client_order_id") or new_id(),
        symbol=symbol,
        side=_one_of(body, "side", frozenset({"buy", "sell"})),
        type=_one_of(body, "type", TYPES),
        time_in_force=_one_of(body, "time_in_force", CRYPTO_TIMES if is_crypto(symbol) else STOCK_TIMES),
        created_at=now,
        qty=_amount(body, "qty"),
        notional=_amount(body, "notional"),
        limit_price=_amount(body, "limit_price"),
        stop_price=_amount(body, "stop_price"),
        trail_price=_amount(body, "trail_price"),
        trail_percent=_amount(body, "trail_percent"),
        extended_hours=bool(body.get("extended_hours")),
        order_class=_one_of({"order_class": "", **body}, "order_class", CLASSES).replace("simple", ""),
    )
    _check_prices(order)
    _check_size(order)
    if order.extended_hours and (order.type != "limit" or order.time_in_force not in {"day", "gtc"}):
        raise Refusal(422, 42210000, "extended hours order must be DAY or GTC limit orders")
    return [order, *_legs(order, body, new_id)]


def reservable(orders: Iterable[VenueOrder], prices: Mapping[str, Decimal]) -> Decimal:
    """Return what the working buys may still cost."""
    buys = (order for order in orders if order.sign > 0 and order.is_working and order.parent is None)
    return sum((order.remaining * (order.limit_price or prices[order.symbol]) for order in buys), Decimal(0))


def _known(symbol: str, prices: Mapping[str, Decimal]) -> str:
    if symbol in prices:
        return symbol
    for known in prices:
        if known.replace("/", "") == symbol:
            return known
    raise Refusal(422, 42210000, f'asset "{symbol}" not found')


def _one_of(body: Mapping[str, Any], name: str, allowed: frozenset[str]) -> str:
    value = body.get(name)
    if value not in allowed:
        raise Refusal(422, 40010001, f"invalid {name}: {value}")
    return str(value)


def _amount(body: Mapping[str, Any], name: str) -> Decimal | None:
    value = body.get(name)
    if value is None:
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        raise Refusal(422, 40010001, f"invalid {name}: {value}") from None
    if not amount.is_finite() or amount <= 0:
        raise Refusal(422, 40010001, f"{name} must be > 0")
    return amount


def _check_prices(order: VenueOrder) -> None:
    needed = {
        "limit_price": order.type in {"limit", "stop_limit"},
        "stop_price": order.type in {"stop", "stop_limit"},
    }
    for name, is_needed in needed.items():
        price: Decimal | None = getattr(order, name)
        if is_needed and price is None:
            raise Refusal(422, 40010001, f"{order.type} orders require a {name.replace('_', ' ')}")
        if price is not None and not is_crypto(order.symbol) and price % (CENTS if price >= 1 else SUB_PENNY):
            raise Refusal(
                422, 42210000, f"invalid {name} {price}. sub-penny increment does not fulfill minimum pricing criteria"
            )
    if order.type == "trailing_stop" and (order.trail_price is None) == (order.trail_percent is None):
        raise Refusal(422, 40010001, "trailing stop orders must specify one of trail_price or trail_percent")


def _check_size(order: VenueOrder) -> None:
    if (order.qty is None) == (order.notional is None):
        raise Refusal(422, 40010001, "one of qty or notional is required")
    if order.qty is not None and order.qty % FINEST:
        raise Refusal(422, 40010001, "qty must have at most 9 decimals")
    fraction = order.notional is not None or (order.qty or Decimal(0)) % 1
    if fraction and not is_crypto(order.symbol) and order.time_in_force != "day":
        raise Refusal(422, 42210000, "fractional orders must be DAY orders")
    if fraction and order.order_class:
        raise Refusal(422, 42210000, "fractional orders cannot be complex orders")


def _legs(order: VenueOrder, body: Mapping[str, Any], new_id: Callable[[], str]) -> list[VenueOrder]:
    wanted = {"bracket": {"take_profit", "stop_loss"}, "oco": {"take_profit", "stop_loss"}}.get(order.order_class, set())
    missing = {name for name in wanted if not body.get(name)}
    if missing or (order.order_class == "oto" and not (body.get("take_profit") or body.get("stop_loss"))):
        raise Refusal(422, 40010001, f"{order.order_class} orders require {' and '.join(sorted(missing or wanted))}")
    if order.order_class == "oco":
        order.legs = [_leg(order, body["stop_loss"], new_id)]
        for leg in order.legs:
            leg.side = order.side
    elif order.order_class:
        order.legs = [_leg(order, body[name], new_id) for name in ("take_profit", "stop_loss") if body.get(name)]
    return order.legs


def _leg(order: VenueOrder, terms: Mapping[str, Any], new_id: Callable[[], str]) -> VenueOrder:
    limit, stop = _amount(terms, "limit_price"), _amount(terms, "stop_price")
    return VenueOrder(
        id=new_id(),
        client_order_id=new_id(),
        symbol=order.symbol,
        side="sell" if order.side == "buy" else "buy",
        type="limit" if stop is None else "stop_limit" if limit is not None else "stop",
        time_in_force=order.time_in_force,
        created_at=order.created_at,
        qty=order.qty,
        limit_price=limit,
        stop_price=stop,
        order_class=order.order_class,
        parent=order,
        status="held",
    )
