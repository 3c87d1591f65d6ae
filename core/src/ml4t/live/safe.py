"""A broker behind its limits, as one thing to hand over."""

from __future__ import annotations

from attrs import frozen

from ml4t.live.contracts.broker import Broker
from ml4t.live.risk.config import LiveRiskConfig


@frozen
class SafeBroker:
    """A broker and the limits that every order to it must pass; the engine enforces them."""

    broker: Broker
    config: LiveRiskConfig
