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

    def burst(self, symbol: str, count: int) -> None:
        """Let that many trades happen at once, at the last price."""
        self._call(lambda: self._burst(symbol, count))

    def _burst(self, symbol: str, count: int) -> None:
        contract = self._contract(symbol)
        price = self._tws.market.tape(contract).last
        for _ in range(count):
            self._tws.market.emit(contract, price, 1.0)
