"""What a broker has to declare before a scenario is about it."""

from __future__ import annotations

from collections.abc import Callable

from ml4t.live.contracts.broker import FindsOrders
from ml4t.live.model import OrderType
from ml4t.live.testing.rig import BrokerRig


def takes(order_type: OrderType) -> Callable[[BrokerRig], str]:
    """Return what tells whether orders of this type are declared."""

    def needs(rig: BrokerRig) -> str:
        return "" if order_type in rig.broker().capabilities.order_types else f"it takes no {order_type.value} orders"

    return needs


def fractional(rig: BrokerRig) -> str:
    """Tell whether fractions of a unit can be traded by market orders."""
    capabilities = rig.broker().capabilities
    return "" if capabilities.fractional and OrderType.MARKET in capabilities.order_types else "it trades no fractions"


def shorts(rig: BrokerRig) -> str:
    """Tell whether what is not held can be sold."""
    return "" if rig.broker().capabilities.shorts else "it sells nothing short"


def replaces(rig: BrokerRig) -> str:
    """Tell whether orders can be replaced."""
    return "" if rig.broker().capabilities.replace else "it replaces no orders"


def brackets(rig: BrokerRig) -> str:
    """Tell whether brackets are taken."""
    return "" if rig.broker().capabilities.brackets else "it takes no brackets"


def pairs(rig: BrokerRig) -> str:
    """Tell whether pairs are taken of which one order cancels the other."""
    return "" if rig.broker().capabilities.oco else "it takes no pairs of which one cancels the other"


def finds(rig: BrokerRig) -> str:
    """Tell whether one order can be looked up."""
    return "" if isinstance(rig.broker(), FindsOrders) else "it has no `find`"
