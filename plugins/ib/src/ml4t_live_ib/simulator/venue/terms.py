"""The terms of an order that nobody has sent: one entered in the window of TWS."""

from __future__ import annotations

from typing import Any

from ml4t_live_ib.simulator.protocol.fields import Values
from ml4t_live_ib.simulator.protocol.order_tables import PLACE_ORDER
from ml4t_live_ib.simulator.venue.contract import Contract


def manual_terms(contract: Contract, **chosen: Any) -> Values:
    """Return the terms of an order on a contract, everything else as TWS presets it."""
    empty = PLACE_ORDER.read([str(PLACE_ORDER.number), *[""] * 150], version=178)
    return empty | contract.values | {"tif": "DAY", "transmit": True, "orderId": 0} | chosen
