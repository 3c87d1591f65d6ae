"""A trigger that went off."""

from __future__ import annotations

from attrs import field, frozen


@frozen
class Firing:
    """One moment at which a trigger's condition was met, with the numbers that met it.

    A trigger fills in `symbol` (empty when it concerns none), `reason` and `values`; the engine stamps `trigger`, `time`
    (nanoseconds UTC) and `firing_id`, which is derived from both so that the same firing is never counted twice.
    """

    reason: str
    symbol: str = ""
    values: dict[str, float] = field(factory=dict)
    trigger: str = ""
    time: int = 0
    firing_id: str = ""
