"""What TWS checks before it takes an order."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal

from ml4t_live_ib.simulator.protocol.fields import Values
from ml4t_live_ib.simulator.venue.account import Account
from ml4t_live_ib.simulator.venue.contract import Contract
from ml4t_live_ib.simulator.venue.order import Refused

_PRICES: Mapping[str, tuple[str, ...]] = {
    "MKT": (),
    "LMT": ("lmtPrice",),
    "STP": ("auxPrice",),
    "STP LMT": ("lmtPrice", "auxPrice"),
    "TRAIL": (),
    "MOC": (),
    "LOC": ("lmtPrice",),
    "MIT": ("auxPrice",),
}
"""The order types that are simulated, and the prices that each needs."""

_LIFETIMES = frozenset({"DAY", "GTC", "IOC", "FOK", "OPG"})
_BUYING_POWER = 4
_NOT_SIMULATED = ("algoStrategy", "conditions", "hedgeType", "goodAfterTime", "goodTillDate", "adjustedOrderType")


def check(terms: Values, contract: Contract, account: Account, *, price: float, fractional: bool) -> None:
    """Raise `Refused` with the vendor's code unless an order with these terms can be taken at this price."""
    _check_words(terms, contract)
    _check_size(terms["totalQuantity"], contract, fractional)
    _check_prices(terms, contract)
    _check_funds(terms, contract, account, price)


def _check_words(terms: Values, contract: Contract) -> None:
    if terms["action"] not in {"BUY", "SELL"}:
        raise Refused(321, f"Error validating request.-'bN' : cause - Action {terms['action']!r} is not BUY or SELL")
    if contract.kind == "IND":
        raise Refused(201, "Order rejected - reason:An index cannot be traded")
    if terms["orderType"] not in _PRICES:
        raise Refused(387, "Unsupported order type for this exchange and security type.")
    if terms["tif"] not in _LIFETIMES:
        raise Refused(10052, f"Invalid time in force:{terms['tif']}")
    for name in _NOT_SIMULATED:
        if terms.get(name) not in {None, "", "None"} if not isinstance(terms.get(name), list) else terms[name]:
            raise Refused(201, f"Order rejected - reason:{name} is not simulated")


def _check_size(quantity: float | None, contract: Contract, fractional: bool) -> None:
    if not quantity or not math.isfinite(quantity) or quantity < 0:
        raise Refused(434, "The order size cannot be zero.")
    exact = Decimal(repr(quantity))
    if contract.kind == "STK" and exact % 1 and not fractional:
        raise Refused(10243, "Fractional-sized order cannot be placed via API. Please use desktop version to place this order.")
    if exact % Decimal(contract.size_step) or exact < Decimal(contract.min_size):
        raise Refused(10318, f"The order size {quantity:g} does not conform to the size increment of {contract.size_step}.")


def _check_prices(terms: Values, contract: Contract) -> None:
    for name in _PRICES[terms["orderType"]]:
        if terms[name] is None:
            raise Refused(321, f"Error validating request.-'bN' : cause - {terms['orderType']} needs {name}")
    if terms["orderType"] == "TRAIL" and not (terms["auxPrice"] or terms["trailingPercent"]):
        raise Refused(321, "Error validating request.-'bN' : cause - TRAIL needs auxPrice or trailingPercent")
    for name in ("lmtPrice", "auxPrice", "trailStopPrice"):
        if terms[name] is not None and not contract.is_on_tick(terms[name]):
            raise Refused(110, "The price does not conform to the minimum price variation for this contract.")


def _check_funds(terms: Values, contract: Contract, account: Account, price: float) -> None:
    signed = terms["totalQuantity"] * (1 if terms["action"] == "BUY" else -1)
    holding = account.holdings.get(contract.con_id)
    held = holding.quantity if holding else 0.0
    if contract.kind == "CRYPTO" and held + signed < 0:
        raise Refused(201, "Order rejected - reason:SHORT POSITIONS NOT ALLOWED")
    if abs(held + signed) <= abs(held) or contract.is_settled_daily or contract.kind == "CASH":
        return
    if abs(held + signed) * price * contract.point_value > _BUYING_POWER * account.equity:
        raise Refused(
            201,
            "Order rejected - reason:We are unable to accept your order. Your Available Funds are insufficient; "
            f"net liquidation is {account.equity:.2f} USD.",
        )
