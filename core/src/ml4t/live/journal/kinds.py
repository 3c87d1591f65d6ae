"""The kinds of record."""

from __future__ import annotations

from enum import StrEnum

from ml4t.live.model import Fill, Forecast, Order, Resolution


class RecordKind(StrEnum):
    """What a record tells. A kind that is not listed here is allowed, and is kept as a plain record."""

    RUN = "run"
    INTENT = "intent"
    """An order that is about to be sent; the body is the Order."""
    ORDER = "order"
    """Any later change of an order; the body is the Order as it is now."""
    FILL = "fill"
    VERDICT = "verdict"
    FIRING = "firing"
    SUPPRESSED = "suppressed"
    """A firing during warm-up or cooldown."""
    MISSED = "missed"
    """Firings whose moment passed while nobody ran or the machine slept: how many, when, and how many were caught up."""
    BY_HAND = "by_hand"
    """A trigger that somebody fired: who, why, and what became of it."""
    FORECAST = "forecast"
    RESOLUTION = "resolution"
    DECLINED = "declined"
    """A forecaster that was asked and gave nothing, and why: an abstention counts too."""
    WEIGHT = "weight"
    """What a critic says of a model: how much it counts from now on, and why."""
    SPLIT = "split"
    """A split of a share: what forecasts from before it are judged by."""
    ACCOUNT = "account"
    EQUITY = "equity"
    """Cash and equity, once a day on which something happened."""
    GAP = "gap"
    HEALTH = "health"
    CONDITION = "condition"
    """A part of the run has become ok, degraded or down; `health` tells what happened, this what it amounts to."""
    KILL_SWITCH = "kill_switch"
    ERROR = "error"
    STATE = "state"
    RECONCILIATION = "reconciliation"
    REPAIR = "repair"
    """A repair of the journal itself: what was lost, and where the damaged original is."""
    ROTATION = "rotation"
    """Old records were moved: which, and into which archive."""


BODIES: dict[str, tuple[type, str]] = {
    RecordKind.INTENT: (Order, "order_id"),
    RecordKind.ORDER: (Order, "order_id"),
    RecordKind.FILL: (Fill, "execution_id"),
    RecordKind.FORECAST: (Forecast, "forecast_id"),
    RecordKind.RESOLUTION: (Resolution, "forecast_id"),
}
"""The kinds that keep a table of their own: the type of their body, and the attribute that names it there."""
