"""What an execution costs, after the vendor's published fixed rates, in USD."""

from __future__ import annotations

from ml4t_live_ib.simulator.venue.contract import Contract


def commission(contract: Contract, quantity: float, price: float) -> float:
    """Return the commission of one execution that is alone in its order."""
    value = quantity * price * contract.point_value
    match contract.kind:
        case "FUT":
            paid = 2.25 * quantity
        case "OPT":
            paid = max(1.0, 0.65 * quantity)
        case "CASH":
            paid = max(2.0, 0.00002 * value)
        case "CRYPTO":
            paid = max(min(1.75, 0.01 * value), 0.0018 * value)
        case _:
            paid = min(max(1.0, 0.005 * quantity), 0.01 * value)
    return round(paid, 4)
