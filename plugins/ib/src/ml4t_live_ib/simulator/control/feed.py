"""What a conformance run tells a source of market data."""

from __future__ import annotations

from ml4t.live.times import NANOS
from ml4t_live_ib.simulator.control.venue import VenueControls


class FeedControls(VenueControls):
    """The source of `ml4t.live.testing.rig.FeedControl`, on the market of the same simulator."""

    @property
    def subscriptions(self) -> frozenset[str]:
        """The symbols that somebody listens to now."""
        return self._call(lambda: frozenset(each.contract.name for each in self._tws.data.subscriptions))

    def emit(self, symbol: str, price: float, size: float = 1.0) -> int:
        """Let a trade happen; return the start of its five-second bar, nanoseconds UTC.

        With `interval = 0` it is a bar of its own: five seconds after the last one of its symbol, not before the last one
        of any other, and the first one ten minutes before the simulator began, so that they do not lie in the future.
        """
        return self._call(lambda: self._tws.market.emit(self._contract(symbol), price, size)) * NANOS
