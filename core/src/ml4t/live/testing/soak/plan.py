"""How much goes through, how often something fails, and with whom."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeGuard

from attrs import field, frozen
from attrs.validators import ge, gt

from ml4t.live.testing.rig import BrokerRig, FeedRig


class WholeRig(BrokerRig, FeedRig, Protocol):
    """A rig of a broker and a feed of the same vendor."""


SoakRig = WholeRig | FeedRig
"""What is soaked: a vendor's orders and data, or the data of one that takes no orders."""

SoakMaker = Callable[[], AbstractAsyncContextManager[SoakRig]]


def is_whole(rig: SoakRig) -> TypeGuard[WholeRig]:
    """True when a rig has a venue for orders."""
    return hasattr(rig, "venue")


@frozen(kw_only=True)
class SoakPlan:
    """What a soak does. The same `seed` decides on the same orders, prices and faults; when they meet is the machine's."""

    orders: int = field(default=10_000, validator=gt(0))
    """Orders that are decided on; none with a rig of data alone."""
    messages: int = field(default=200_000, validator=ge(0))
    """Trades or bars that happen at the source."""
    quiet_seconds: float = field(default=3.0, validator=gt(0))
    """The mean time between the end of one fault, when everything works again, and the next."""
    settle_seconds: float = field(default=120.0, validator=gt(0))
    """How long the last doubts may take to go, after everything is over."""
    memory: bool = True
    """Whether to trace what stays allocated, which makes the second half of the run slower. One soak of a process can."""
    seed: int = 1
    speed: float = field(default=1.0, validator=ge(1))
    """How much faster the engine's time passes: above 1 it waits less long for what will not come. For short soaks."""
