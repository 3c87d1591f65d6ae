"""What a venue charges for an order: small classes with one method each."""

from __future__ import annotations

from typing import Protocol

from attrs import field, frozen
from attrs.validators import ge

from ml4t.live.config.shadow import Tier, tier_problem


class Commission(Protocol):
    """The commission on an order as far as it has traded, so that minima and fees are paid once, however many fills."""

    def due(self, quantity: float, notional: float) -> float:
        """Return what has traded costs in all: `quantity` in units, `notional` and the result in money.

        Never less for more: what a fill is charged is the difference that it makes.
        """
        ...


@frozen
class NoCommission:
    """Nothing."""

    def due(self, quantity: float, notional: float) -> float:
        """Return 0."""
        del quantity, notional
        return 0.0


@frozen
class PercentageCommission:
    """`rate` of the value: 0.001 is ten basis points."""

    rate: float = field(default=0.0, validator=ge(0))

    def due(self, quantity: float, notional: float) -> float:
        """Return notional times rate."""
        del quantity
        return notional * self.rate


@frozen
class PerShareCommission:
    """`per_share` (money per unit), but at least `minimum` (money) for an order that trades at all."""

    per_share: float = field(default=0.0, validator=ge(0))
    minimum: float = field(default=0.0, validator=ge(0))

    def due(self, quantity: float, notional: float) -> float:
        """Return the higher of quantity times per_share and the minimum."""
        del notional
        return max(quantity * self.per_share, self.minimum) if quantity > 0 else 0.0


@frozen
class FixedCommission:
    """`amount` (money) for an order that trades at all."""

    amount: float = field(default=0.0, validator=ge(0))

    def due(self, quantity: float, notional: float) -> float:
        """Return the amount."""
        del notional
        return self.amount if quantity > 0 else 0.0


def _ascending(_: object, __: object, tiers: tuple[Tier, ...]) -> None:
    problem = tier_problem(tiers)
    if problem:
        raise ValueError(f"tiers {problem}")


@frozen
class TieredCommission:
    """Rates by band of an order's value: each of `tiers` is (value from which, rate), the first from 0.

    Marginal, as income tax: the part of the order within a band pays the band's rate, so that a larger order never costs
    less than a smaller one.
    """

    tiers: tuple[Tier, ...] = field(default=((0.0, 0.0),), validator=_ascending)

    def due(self, quantity: float, notional: float) -> float:
        """Return the sum over the bands of the value within the band times its rate."""
        del quantity
        tops = [start for start, _ in self.tiers[1:]] + [notional]
        return sum(max(min(notional, top) - start, 0.0) * rate for (start, rate), top in zip(self.tiers, tops, strict=True))
