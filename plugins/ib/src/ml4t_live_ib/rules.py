"""The tick and size rules of an instrument, and rounding towards less risk."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from attrs import frozen
from ib_async import ContractDetails, PriceIncrement

from ml4t.live.errors import BrokerRefused
from ml4t.live.model import OrderSide


@frozen
class Rules:
    """What prices and sizes an instrument takes.

    `increments` are pairs of a price and the tick that holds from there up, lowest first; `size_step` and `least_size` are 0
    when IB does not say.
    """

    increments: tuple[tuple[float, float], ...] = ()
    size_step: float = 0.0
    least_size: float = 0.0

    @classmethod
    def of(cls, details: ContractDetails, market_rule: Sequence[PriceIncrement] | None) -> Rules:
        """Return the rules of contract details, and of the market rule where the instrument has one."""
        increments = tuple(sorted((each.lowEdge, each.increment) for each in market_rule or () if each.increment > 0))
        if not increments and details.minTick > 0:
            increments = ((0.0, details.minTick),)
        return cls(increments, max(details.sizeIncrement, 0.0), max(details.minSize, 0.0))

    def tick(self, price: float) -> float:
        """Return the tick at a price, 0 when any price is allowed."""
        return next((tick for edge, tick in reversed(self.increments) if abs(price) >= edge), 0.0)

    def quantity(self, quantity: float) -> float:
        """Return a quantity on the step, rounded down. Raises BrokerRefused when nothing is left of it."""
        rounded = _on_grid(quantity, self.size_step, ROUND_FLOOR)
        if rounded <= 0 or rounded < self.least_size:
            least = max(self.size_step, self.least_size)
            raise BrokerRefused(f"{quantity:g} is less than the least size, {least:g}", code="least_size")
        return rounded

    def limit(self, price: float, side: OrderSide) -> float:
        """Return a limit on the tick, never worse than it was: a buy is rounded down, a sell up."""
        return _on_grid(price, self.tick(price), ROUND_FLOOR if side is OrderSide.BUY else ROUND_CEILING)

    def stop(self, price: float, side: OrderSide) -> float:
        """Return a stop on the tick, never later than it was: a buy is rounded down, a sell up."""
        return self.limit(price, side)

    def trail(self, amount: float, price: float | None) -> float:
        """Return a trailing distance on the tick at `price`, never wider than it was, and a tick at least."""
        tick = self.tick(amount if price is None else price)
        return max(_on_grid(amount, tick, ROUND_FLOOR), tick)


def _on_grid(value: float, step: float, rounding: str) -> float:
    # repr() is the shortest text that names a float, so that 0.1 is a tenth and not its binary expansion.
    if step <= 0:
        return value
    grid = Decimal(repr(step))
    return float((Decimal(repr(value)) / grid).to_integral_value(rounding=rounding) * grid)
