"""Whom the shadow venue tells."""

from __future__ import annotations

from typing import Protocol

from ml4t.live.contracts.broker import OrderUpdate
from ml4t.live.model import Fill


class VenueSink(Protocol):
    """Where the venue says what happened."""

    def order(self, update: OrderUpdate) -> None:
        """Take a change of an order."""
        ...

    def fill(self, fill: Fill) -> None:
        """Take an execution."""
        ...
