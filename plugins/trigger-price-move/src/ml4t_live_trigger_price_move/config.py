"""The options of the price-move trigger."""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen
from attrs.validators import and_, ge, gt, in_, le, lt, optional

from ml4t.live.config import Duration


@frozen(kw_only=True)
class PriceMoveConfig:
    """How far a price has to move, from where, and which way."""

    threshold: float = field(validator=and_(gt(0), lt(1)))
    """The move that fires, as a fraction of the reference price: 0.02 is 2 %."""

    direction: Literal["up", "down", "both"] = field(default="both", validator=in_(("up", "down", "both")))
    """Which moves fire."""

    reference: Literal["last_firing", "window"] = field(default="last_firing", validator=in_(("last_firing", "window")))
    """What a move is measured from: the price that moved far enough last (at first, the first price seen), or the price
    one `window` ago."""

    window: Duration | None = field(default=None, validator=optional(gt(0)))
    """With `reference = "window"`: how long ago (nanoseconds of event time)."""

    rearm: float = field(default=0.5, validator=and_(ge(0), le(1)))
    """With `reference = "window"`: after a firing, the move has to come back below this fraction of `threshold` before the
    same direction can fire again."""

    samples: int = field(default=240, validator=ge(1))
    """With `reference = "window"`: how many prices per symbol are kept of a window. The reference is older than `window` by
    at most one part in this many."""

    def __attrs_post_init__(self) -> None:
        """Refuse what does not go together."""
        if self.reference == "window" and self.window is None:
            raise ValueError('reference = "window" needs a window, for example window = "5m"')
        if self.reference == "last_firing" and self.window is not None:
            raise ValueError('window goes with reference = "window" only; add that line or leave window out')
