"""What goes into the journal beside a body, and what comes out of it."""

from __future__ import annotations

from typing import Any, NamedTuple

from attrs import frozen

from ml4t.live.model import Forecast, ForecastState, Resolution


class StatePut(NamedTuple):
    """One latest value: `value` replaces what `key` held in `bucket`; None removes it."""

    bucket: str
    key: str
    value: object


class Also(NamedTuple):
    """A record that is committed together with the one it is given with: a crash forgets both or neither."""

    kind: str
    subject: str
    body: object


@frozen
class Record:
    """One line of the journal: `seq` counts from 1 without holes, `time` is nanoseconds UTC, `body` is decoded JSON."""

    seq: int
    time: int
    kind: str
    subject: str
    body: Any


@frozen
class TrackedForecast:
    """A forecast with what became of it; `resolution` is None while it is open."""

    forecast: Forecast
    state: ForecastState
    resolution: Resolution | None
