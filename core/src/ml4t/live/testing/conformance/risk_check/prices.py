"""Prices that are none: a check that looks at a price and cannot use it refuses."""

from __future__ import annotations

from ml4t.live.model import OrderSide, OrderType
from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.risk_check.answers import ask, show
from ml4t.live.testing.conformance.risk_check.rig import BAD_PRICES, RiskCheckRig
from ml4t.live.testing.conformance.scenario import scenario

KINDS = (OrderType.MARKET, OrderType.LIMIT)


def prices(rig: RiskCheckRig) -> str:
    """Tell whether it looks at the price of the symbol that is traded."""
    return "" if rig.symbols[0] in _read(rig) else "it looks at no price of the symbol that is traded"


def other_prices(rig: RiskCheckRig) -> str:
    """Tell whether it looks at the prices of what is held besides."""
    return "" if _read(rig) - {rig.symbols[0]} else "it looks at no price of what is held besides"


@scenario(prices)
async def an_order_without_a_price_is_refused(rig: RiskCheckRig) -> None:
    """An order in a symbol that has no price yet is refused: its value is not zero but unknown."""
    _refuses(rig, rig.symbols[0], "no")


@scenario(prices)
async def a_price_that_is_no_number_is_refused(rig: RiskCheckRig) -> None:
    """An order is refused when the price is NaN: every comparison with it is false, also that with a limit."""
    _refuses(rig, rig.symbols[0], "a NaN")


@scenario(prices)
async def a_price_of_zero_is_refused(rig: RiskCheckRig) -> None:
    """An order is refused when the price is zero: at zero any quantity would be within any limit on value."""
    _refuses(rig, rig.symbols[0], "a zero")


@scenario(prices)
async def a_negative_price_is_refused(rig: RiskCheckRig) -> None:
    """An order is refused when the price is negative: it would make room under a limit on value."""
    _refuses(rig, rig.symbols[0], "a negative")


@scenario(other_prices)
async def a_holding_whose_price_is_no_number_is_refused(rig: RiskCheckRig) -> None:
    """An order is refused when the price of another position that counts is NaN: a sum with it is none."""
    for symbol in sorted(_read(rig) - {rig.symbols[0]}):
        _refuses(rig, symbol, "a NaN")


def _refuses(rig: RiskCheckRig, symbol: str, what: str) -> None:
    check = rig.check()
    for side in OrderSide:
        for kind in KINDS:
            order, books = rig.order(rig.symbols[0], side, 1.0, kind), rig.books()
            books.stage.staged[symbol] = BAD_PRICES[what]
            verdict = ask(check, order, books)
            if verdict.allowed and symbol in books.stage.read:
                raise NotConformant(f"{show(order)} is allowed although {symbol} has {what} price")


def _read(rig: RiskCheckRig) -> set[str]:
    """Return the symbols whose prices are looked at for a plain order."""
    books = rig.books()
    ask(rig.check(), rig.order(rig.symbols[0], OrderSide.BUY, 1.0), books)
    return set(books.stage.read)
