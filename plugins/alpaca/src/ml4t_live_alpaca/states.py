"""Alpaca's order statuses in the framework's words."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ml4t.live.model import OrderState, OrderType, TimeInForce

STATES: Mapping[str, OrderState] = MappingProxyType(
    {
        "accepted": OrderState.WORKING,
        "accepted_for_bidding": OrderState.WORKING,
        "calculated": OrderState.WORKING,
        "canceled": OrderState.CANCELLED,
        "done_for_day": OrderState.WORKING,
        "expired": OrderState.EXPIRED,
        "filled": OrderState.FILLED,
        "held": OrderState.WORKING,
        "new": OrderState.WORKING,
        "partially_filled": OrderState.PARTIALLY_FILLED,
        "pending_cancel": OrderState.WORKING,
        "pending_new": OrderState.WORKING,
        "pending_replace": OrderState.WORKING,
        "pending_review": OrderState.WORKING,
        "rejected": OrderState.REJECTED,
        "replaced": OrderState.WORKING,
        "stopped": OrderState.WORKING,
        "suspended": OrderState.WORKING,
    }
)
"""A replaced order works on as the one that took its place; a status that is not here counts as working, and as exposure."""

FINAL = frozenset({"canceled", "expired", "filled", "rejected", "replaced"})
"""The statuses that an order of Alpaca's does not leave."""

_TYPES: Mapping[str, OrderType] = MappingProxyType(
    {
        "market": OrderType.MARKET,
        "limit": OrderType.LIMIT,
        "stop": OrderType.STOP,
        "stop_limit": OrderType.STOP_LIMIT,
        "trailing_stop": OrderType.TRAILING_STOP,
    }
)


def order_type(name: str, time_in_force: str) -> OrderType:
    """Return the type of an order; a market order for the closing auction is `market_on_close`."""
    return OrderType.MOC if (name, time_in_force) == ("market", "cls") else _TYPES[name]


def time_in_force(name: str) -> TimeInForce:
    """Return how long an order works; one for the closing auction works for the day."""
    return TimeInForce.DAY if name == "cls" else TimeInForce(name)
