"""Finding the one contract that a request is about."""

from __future__ import annotations

from ml4t_live_ib.simulator.protocol.fields import Values
from ml4t_live_ib.simulator.venue.contract import Contract
from ml4t_live_ib.simulator.venue.order import Refused
from ml4t_live_ib.simulator.venue.universe import Universe


def one_contract(universe: Universe, query: Values) -> Contract:
    """Return the one contract that a query means. Raises `Refused` with 200 when there is none or several."""
    found = universe.find(query)
    if not found:
        raise Refused(200, "No security definition has been found for the request")
    if len(found) > 1:
        raise Refused(200, f"The contract description specified for {query['symbol']} is ambiguous.")
    return found[0]
