"""The contract of a strategy, and of the broker it is handed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from ml4t.live.model import Order, OrderSide, OrderType, Position


class StrategyBroker(Protocol):
    """What a strategy may do. Every call answers at once from the engine's own books and never raises for a refusal."""

    def submit_order(
        self,
        asset: str,
        quantity: float | None = None,
        side: OrderSide | str | None = None,
        order_type: OrderType | str = OrderType.MARKET,
        limit_price: float | None = None,
        stop_price: float | None = None,
        **options: Any,
    ) -> Order:
        """Submit an order; without `side`, the sign of `quantity` is the direction; `notional` sizes it in money instead.

        Returns the order, PENDING or REJECTED with `code` and `reason`.
        """
        ...

    def cancel_order(self, order_id: str) -> bool:
        """Ask for a cancel; False when there is no such open order."""
        ...

    def update_order(
        self,
        order_id: str,
        quantity: float | None = None,
        limit_price: float | None = None,
        stop_price: float | None = None,
        trail_amount: float | None = None,
    ) -> bool:
        """Ask for other terms of a working order; False when that was refused, and the order goes on as it is."""
        ...

    def close_position(self, asset: str, *, reason: str = "") -> Order | None:
        """Submit the market order that brings the position to zero; None when there is nothing left to close."""
        ...

    def get_order(self, order_id: str) -> Order | None:
        """Return the order as it stands now."""
        ...

    def get_position(self, asset: str) -> Position | None:
        """Return the holding, None when flat."""
        ...

    @property
    def positions(self) -> Mapping[str, Position]:
        """Every holding that is not zero."""
        ...

    @property
    def pending_orders(self) -> Sequence[Order]:
        """The orders that may still trade, oldest first."""
        ...

    def get_cash(self) -> float:
        """Return the cash."""
        ...

    def get_account_value(self) -> float:
        """Return cash plus positions at their marks."""
        ...


class Strategy(ABC):
    """A trading strategy. Any object with these methods will do; an `ml4t.backtest.Strategy` is one."""

    @abstractmethod
    def on_data(
        self, timestamp: datetime, data: Mapping[str, Mapping[str, Any]], context: Mapping[str, Any], broker: StrategyBroker
    ) -> None:
        """Look at new data and trade.

        `timestamp` is the event time (aware, UTC); `data` maps each symbol that has news to its values: `price` always,
        and open/high/low/close/volume for a bar, size for a trade, bid/ask and their sizes for a quote.
        `context["market"]` is the read-only market state. `context["forecasts"]` maps a symbol to its valid forecasts
        (`ml4t.live.Forecast`): of each model and horizon the newest one issued by now that speaks of a moment still to come.
        Do not block here: the engine waits.
        """

    def on_start(self, broker: StrategyBroker) -> None:  # noqa: B027 - an optional hook, empty on purpose
        """Called once before the first data."""

    def on_end(self, broker: StrategyBroker) -> None:  # noqa: B027 - an optional hook, empty on purpose
        """Called once after the last data."""
