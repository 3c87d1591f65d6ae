"""From what a strategy writes to an order, or to the reason why it is none."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal, localcontext
from enum import StrEnum
from math import isfinite, nan
from numbers import Real
from typing import Any, TypeVar

from ml4t.live.model import Order, OrderSide, OrderState, OrderType, TimeInForce

INVALID = "invalid_order"
"""The code of what a strategy asked for that makes no order: no size, a price that is none, a type without its price."""

_NEEDS_LIMIT = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
_NEEDS_STOP = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})

_PLACES = Decimal("1e-9")
"""What a quantity is rounded to that follows from money: no venue takes finer ones, and an adapter rounds to its own."""

_DIGITS = 700
"""Enough for the quotient of any two floats."""

E = TypeVar("E", bound=StrEnum)


def quantity_of(notional: float, price: float | None, *, fractional: bool) -> float:
    """Return how many units are worth `notional` at `price`, rounded towards zero; nan when that is no number."""
    worth, each = number(notional), number(price)
    if worth is None or not each:
        return nan
    with localcontext(prec=_DIGITS):
        units = Decimal(repr(worth)) / Decimal(repr(each))
        quantity = float(units.quantize(_PLACES if fractional else Decimal(1), ROUND_DOWN))
    return quantity if isfinite(quantity) else nan


def size_problem(symbol: str, quantity: float | None, notional: float | None, price: float | None) -> str:
    """Return what is wrong with how an order is sized, empty when nothing is."""
    if notional is None:
        return "" if quantity is not None else "neither quantity nor notional is given; give one of them"
    if quantity is not None:
        return "quantity and notional are both given; give one or the other"
    if number(notional) is None:
        return f"notional {notional!r} is not a finite number"
    return "" if price else f"there is no price of {symbol} yet, so nobody knows how many are worth {notional:g}"


def make_order(
    order_id: str,
    symbol: str,
    quantity: float,
    side: OrderSide | str | None,
    order_type: OrderType | str,
    *,
    limit_price: float | None,
    stop_price: float | None,
    trail_amount: float | None,
    time_in_force: TimeInForce | str,
    created_at: int,
    strategy: str,
    cause: str,
    problem: str = "",
) -> Order:
    """Return a NEW order, or a REJECTED one with code `invalid_order` and the reason when the request makes no sense.

    `problem` is what is already known to be wrong with it.
    """
    amount, limit, stop, trail = map(number, (quantity, limit_price, stop_price, trail_amount))
    direction, kind = _member(OrderSide, side), _member(OrderType, order_type)
    tif = _member(TimeInForce, time_in_force)
    problem = (
        problem
        or _symbol_problem(symbol)
        or _quantity_problem(quantity, amount, side, direction)
        or _word_problem("order type", order_type, OrderType, kind)
        or _word_problem("time in force", time_in_force, TimeInForce, tif)
        or _number_problem(limit_price=(limit_price, limit), stop_price=(stop_price, stop), trail_amount=(trail_amount, trail))
        or price_problem(kind or OrderType.MARKET, limit, stop, trail)
    )
    return Order(
        order_id=order_id,
        symbol=str(symbol),
        side=direction or (OrderSide.SELL if amount is not None and amount < 0 else OrderSide.BUY),
        quantity=0.0 if amount is None else abs(amount),
        order_type=kind or OrderType.MARKET,
        limit_price=limit,
        stop_price=stop,
        trail_amount=trail,
        time_in_force=tif or TimeInForce.GTC,
        created_at=created_at,
        strategy=strategy,
        cause=str(cause),
        state=OrderState.REJECTED if problem else OrderState.NEW,
        updated_at=created_at,
        code=INVALID if problem else "",
        reason=problem,
    )


def number(value: Any) -> float | None:
    """Return a finite number of any library as a float; None for everything else, True and False included."""
    if value.__class__ is not float:
        if isinstance(value, bool) or not isinstance(value, Real | Decimal):
            return None
        try:
            value = float(value)
        except (OverflowError, ValueError):
            return None
    return value if isfinite(value) else None


def _member(enum: type[E], value: Any) -> E | None:
    """Return the member that `value` means: itself, its text, or a member of another library's enum that is called so."""
    if value.__class__ is enum:
        return value
    for word in (getattr(value, "value", value), getattr(value, "name", None)):
        if isinstance(word, str):
            member = enum._value2member_map_.get(word.lower()) or enum.__members__.get(word.upper())
            if member is not None:
                return member  # type: ignore[return-value]
    return None


def _symbol_problem(symbol: Any) -> str:
    return "" if isinstance(symbol, str) and symbol else f"{symbol!r} is not a symbol"


def _quantity_problem(given: Any, quantity: float | None, side: Any, direction: OrderSide | None) -> str:
    if quantity is None:
        return f"quantity {given!r} is not a finite number"
    if quantity == 0:
        return "quantity is zero"
    if side is None:
        return ""
    if direction is None:
        return f"side {side!r} is neither 'buy' nor 'sell'"
    if quantity < 0:
        return f"quantity {quantity:g} is negative although the side is given; give one or the other"
    return ""


def _word_problem(what: str, given: Any, enum: type[StrEnum], member: StrEnum | None) -> str:
    return "" if member is not None else f"{what} {given!r} is none of {', '.join(enum)}"


def _number_problem(**prices: tuple[Any, float | None]) -> str:
    for name, (given, price) in prices.items():
        if given is not None and (price is None or price <= 0):
            return f"{name} {given!r} is not a positive number"
    return ""


def price_problem(kind: OrderType, limit: float | None, stop: float | None, trail: float | None) -> str:
    """Return what is wrong with the prices of an order of this type, empty when nothing is."""
    for name, price, needed in (
        ("limit_price", limit, kind in _NEEDS_LIMIT),
        ("stop_price", stop, kind in _NEEDS_STOP),
        ("trail_amount", trail, kind is OrderType.TRAILING_STOP),
    ):
        if (price is not None) != needed:
            return f"a {kind} order {'needs' if needed else 'takes no'} {name}"
    return ""
