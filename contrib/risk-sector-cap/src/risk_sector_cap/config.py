"""The options of the sector cap."""

from __future__ import annotations

from typing import Any, Literal

from attrs import field, frozen
from attrs.validators import and_, gt, in_, le


def _named(_instance: object, _attribute: Any, value: dict[str, str]) -> None:
    if not value:
        raise ValueError('is empty; name the sector of each symbol, as in sectors = { AAPL = "technology" }')
    for symbol, sector in value.items():
        if not symbol or not sector:
            raise ValueError(f"{symbol!r} = {sector!r} has an empty name; fill it in")


@frozen(kw_only=True)
class SectorCapConfig:
    """Which symbol is in which sector, and how much of the equity one sector may take."""

    sectors: dict[str, str] = field(validator=_named)
    """The sector of each symbol."""

    max_weight: float = field(validator=and_(gt(0), le(1)))
    """The largest exposure of one sector, longs and shorts added, as a fraction of equity: 0.25 is 25 %."""

    unknown: Literal["refuse", "ignore"] = field(default="refuse", validator=in_(("refuse", "ignore")))
    """What becomes of an order in a symbol that `sectors` does not name."""
