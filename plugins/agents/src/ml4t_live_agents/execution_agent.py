"""An agent that trades what the other models expect."""

from __future__ import annotations

from collections.abc import Mapping
from math import copysign, floor
from typing import Any

from attrs import asdict, frozen

from ml4t.live.contracts import ForecastRequest, OrderIntent, SymbolView
from ml4t.live.ledger import centre_of
from ml4t.live.model import Forecast
from ml4t_live_agents.config import ExecutionAgentConfig


@frozen
class Asked:
    """What was ordered last of a symbol: when (nanoseconds UTC), and the position of then."""

    time: int
    quantity: float


class ExecutionAgent:
    """Follows the weighted mean of what others expect of a symbol, as long as it is more than a round trip costs.

    The symbols that it is given are its own: a position that somebody else has opened there is taken for one of its. It
    decides on the loop, one request after the other, so that two firings at one moment do not order twice; while an order of
    a symbol is open, or was sent and has changed nothing yet, it leaves the symbol alone.
    """

    def __init__(self, config: ExecutionAgentConfig) -> None:
        self.config = config
        self._asked: dict[str, Asked] = {}

    async def forecast(self, request: ForecastRequest) -> list[OrderIntent]:
        """Return the orders that lead to the positions it wants."""
        busy = {order.symbol for order in request.orders}
        orders = (self._order(symbol, request) for symbol in request.symbols if symbol not in busy)
        return [order for order in orders if order is not None]

    def state(self) -> dict[str, Any]:
        """Return what was ordered last."""
        return {symbol: asdict(asked) for symbol, asked in self._asked.items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take it back."""
        self._asked = {symbol: Asked(**asked) for symbol, asked in state.items()}

    def _order(self, symbol: str, request: ForecastRequest) -> OrderIntent | None:
        view, position = request.market.get(symbol), request.positions.get(symbol)
        held = position.quantity if position is not None else 0.0
        asked = self._asked.get(symbol)
        if asked is not None and asked.quantity == held and request.time < asked.time + self.config.rest:
            return None
        if view is None or view.price is None:
            return None
        wanted = self.target(held, view.price, self._cost(view), self.expected(symbol, view.price, request))
        if wanted == held:
            return None
        self._asked[symbol] = Asked(request.time, held)
        return OrderIntent(symbol, wanted - held)

    def expected(self, symbol: str, price: float, request: ForecastRequest) -> float | None:
        """Return the mean return from here on that is expected by those who have a weight; None when nobody says anything."""
        total = weights = 0.0
        for forecast in request.forecasts.get(symbol, ()):
            centre, weight = centre_of(forecast), request.weights.get(forecast.model, 0.0)
            if centre is None or not self._follows(forecast, weight, request.time):
                continue
            move = centre / price - 1.0
            if abs(move) <= self.config.largest_move:
                total += weight * move
                weights += weight
        return total / weights if weights else None

    def target(self, held: float, price: float, cost: float, expected: float | None) -> float:
        """Return the position to have, of `held` at `price`, when a round trip costs a fraction `cost`."""
        if expected is None or held * expected < 0.0:
            return 0.0  # out first: what is wanted on the other side is decided once that is done
        most = self._lots(self.config.max_value / price)
        gain = abs(expected) - cost
        if expected < 0.0 and not self.config.allow_short:
            gain = 0.0
        wanted = self._lots(most * min(1.0, gain / self.config.full_size_at)) if gain > 0.0 else 0.0
        if not held:
            return copysign(wanted, expected) if wanted else 0.0
        if not wanted or abs(wanted - abs(held)) < self.config.rebalance_at * most:
            wanted = abs(held)  # it goes the right way: getting out, or a little more, would cost and gain nothing
        return copysign(min(wanted, most), held)

    def _lots(self, quantity: float) -> float:
        return floor(quantity / self.config.lot) * self.config.lot

    def _follows(self, forecast: Forecast, weight: float, now: int) -> bool:
        if weight <= 0.0 or (self.config.models and forecast.model not in self.config.models):
            return False
        whole = forecast.due - forecast.issued_at
        return forecast.due > now and forecast.due - now >= self.config.min_left * whole

    def _cost(self, view: SymbolView) -> float:
        """Return what a round trip costs as a fraction: two trades, and the spread that is quoted."""
        if not (view.price and view.bid and view.ask and view.ask >= view.bid):
            return 2.0 * self.config.cost
        return 2.0 * self.config.cost + (view.ask - view.bid) / view.price
