"""What a conformance run needs of an observer."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define

from ml4t.live.contracts.observer import Observer
from ml4t.live.testing.conformance.part import PartRig


@define(kw_only=True)
class ObserverRig(PartRig):
    """An observer: `observer` makes a new one, whose destination works.

    `unanswered` makes one whose destination takes what it is sent and never answers; None where there is no destination.
    Whatever happens, it has `patience` for one event.
    """

    observer: Callable[[], Observer]
    unanswered: Callable[[], Observer] | None = None
    patience: float = 5.0
