"""The check and the trigger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from acme_gate.config import EveryConfig, GateConfig
from ml4t.live.contracts import MarketView, RiskView
from ml4t.live.model import ALLOW, Firing, MarketEvent, Order, Verdict, refuse


class Gate:
    """Refuses what is worth too much."""

    exempts_reducing = True

    def __init__(self, config: GateConfig) -> None:
        self.most = config.most

    def check(self, order: Order, view: RiskView) -> Verdict:
        price = view.price(order)
        if price is None:
            return refuse("acme_no_price", f"{order.symbol} has no price")
        value = order.quantity * price
        if value <= self.most:
            return ALLOW
        return refuse("acme_gate", f"the order is worth {value:,.2f}", limit=self.most, value=value)


class Every:
    """Fires at every so many events of a symbol."""

    def __init__(self, config: EveryConfig) -> None:
        self.events = config.events
        self.seen: dict[str, int] = {}

    def on_event(self, event: MarketEvent, market: MarketView) -> Firing | None:
        self.seen[event.symbol] = self.seen.get(event.symbol, 0) + 1
        if self.seen[event.symbol] % self.events:
            return None
        return Firing(f"{self.seen[event.symbol]} events", event.symbol, {"price": market.price(event.symbol) or 0.0})

    def state(self, symbol: str) -> Mapping[str, Any] | None:
        return {"seen": self.seen.get(symbol, 0)}

    def restore(self, symbol: str, state: Mapping[str, Any]) -> None:
        self.seen[symbol] = state["seen"]


def look() -> str:
    """Say that all is well."""
    return "the gate is there"
