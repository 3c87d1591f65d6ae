"""An account as a venue reports it."""

from __future__ import annotations

from attrs import frozen


@frozen
class Account:
    """The money of one account at one venue.

    `kind` is `shadow`, `paper` or `live`; `time` is nanoseconds UTC; `buying_power` is None when the venue does not say.
    """

    account: str
    kind: str
    currency: str
    cash: float
    equity: float
    time: int
    buying_power: float | None = None
