"""The simulator with everything that it can be told."""

from __future__ import annotations

from ml4t_live_ib.simulator.control.faults import FaultControls
from ml4t_live_ib.simulator.control.feed import FeedControls


class TwsSimulator(FeedControls, FaultControls):
    """TWS on 127.0.0.1: a `Simulator`, and the `VenueControl` and `FeedControl` of a conformance run.

    Every method may be called from any thread but its own, and returns when it is done and what there was to send has been
    handed to the network. Books and market outlive connections; a new object has new ones.
    """
