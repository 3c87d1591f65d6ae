"""How much worse than the market an order trades that takes what is there: small classes with one method each."""

from __future__ import annotations

from typing import Protocol

from attrs import field, frozen
from attrs.validators import ge, lt


@frozen
class Touch:
    """What is known of the market where an order trades.

    `price` is the price before slippage. `spread` is the last quoted one in units of price, None without quotes; `quoted`
    says that `price` is a side of that quote, so that half the spread has been paid. `volume` is that of the event, in
    units, and 0 when it did not say.
    """

    price: float
    spread: float | None = None
    quoted: bool = False
    volume: float = 0.0


class Slippage(Protocol):
    """How far the price moves against an order."""

    def against(self, quantity: float, touch: Touch) -> float:
        """Return what the order pays on top of `touch.price`, per unit, never negative; `quantity` is positive."""
        ...


@frozen
class NoSlippage:
    """Nothing."""

    def against(self, quantity: float, touch: Touch) -> float:
        """Return 0."""
        del quantity, touch
        return 0.0


@frozen
class PercentageSlippage:
    """`bps` basis points of the price."""

    bps: float = field(default=0.0, validator=ge(0))

    def against(self, quantity: float, touch: Touch) -> float:
        """Return price times bps / 10,000."""
        del quantity
        return touch.price * (self.bps / 10_000.0)


@frozen
class FixedSlippage:
    """`per_unit` of money on every unit."""

    per_unit: float = field(default=0.0, validator=ge(0))

    def against(self, quantity: float, touch: Touch) -> float:
        """Return the amount."""
        del quantity, touch
        return self.per_unit


@frozen
class SpreadSlippage:
    """A `share` of the quoted spread away from the mid: 0.5 is the far side, 1 is half a spread beyond.

    A trade or a bar counts as the mid. With a quote the far side is where orders trade anyway, so that only what `share`
    says beyond a half comes on top. Nothing where no quote was seen.
    """

    share: float = field(default=0.5, validator=ge(0))

    def against(self, quantity: float, touch: Touch) -> float:
        """Return spread times share, less the half that was paid."""
        del quantity
        share = max(self.share - 0.5, 0.0) if touch.quoted else self.share
        return (touch.spread or 0.0) * share


@frozen
class VolumeSlippage:
    """`impact` of the price for an order as large as the event's volume, in proportion for a smaller one.

    Linear in the share of volume; an order larger than the volume, or with an event that does not say its volume, pays
    `impact` in full.
    """

    impact: float = field(default=0.0, validator=[ge(0), lt(1)])

    def against(self, quantity: float, touch: Touch) -> float:
        """Return price times impact times quantity / volume, the last at most 1."""
        share = min(quantity / touch.volume, 1.0) if touch.volume > 0 else 1.0
        return touch.price * self.impact * share
