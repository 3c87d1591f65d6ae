"""The kinds of market data: how each is asked for, and what its messages become.

The callbacks of IB are taken before the SDK makes its own objects of them: those grow for as long as a subscription lasts, and
one of them drops the time of a trade.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol

from ib_async import IB, BarData, Contract, TickAttribLast
from ib_async.util import parseIBDatetime

from ml4t.live.model import Bar, MarketEvent, Quote, Trade
from ml4t.live.times import NANOS, to_nanoseconds
from ml4t_live_ib.config import IBFeedConfig
from ml4t_live_ib.session import Session

SOURCE = "ib"
FIVE_SECONDS = 5 * NANOS
BAR_SECONDS = {
    "5 secs": 5,
    "10 secs": 10,
    "15 secs": 15,
    "30 secs": 30,
    "1 min": 60,
    "2 mins": 120,
    "3 mins": 180,
    "5 mins": 300,
    "15 mins": 900,
    "30 mins": 1_800,
    "1 hour": 3_600,
}

Emit = Callable[[MarketEvent], None]


class Stream(Protocol):
    """One kind of data. `symbols` are those of the subscriptions, by the number under which IB sends their data."""

    symbols: dict[int, str]
    is_history: bool
    """Subscribing counts towards the limits on requests for history."""

    def wire(self, session: Session, ib: IB) -> None:
        """Take the callbacks of this kind of data."""
        ...

    def subscribe(self, client: Any, number: int, contract: Contract) -> None:
        """Ask for the data of an instrument, by the SDK's own client."""
        ...

    def cancel(self, client: Any, number: int) -> None:
        """Ask for no more of them."""
        ...


def make_stream(config: IBFeedConfig, emit: Emit) -> Stream:
    """Return the kind of data that the options ask for."""
    kinds: dict[str, Callable[[IBFeedConfig, Emit], Stream]] = {
        "bars": RealTimeBars,
        "updating_bars": UpdatingBars,
        "trades": Trades,
        "quotes": Quotes,
    }
    return kinds[config.data](config, emit)


def shown(contract: Contract, wanted: str) -> str:
    """Return what bars of an instrument can be made of: IB has no trades of currency pairs, and sums those of crypto."""
    if wanted != "TRADES":
        return wanted
    return {"CASH": "MIDPOINT", "CFD": "MIDPOINT", "CRYPTO": "AGGTRADES"}.get(contract.secType, wanted)


class RealTimeBars:
    """Bars of five seconds, each told once, when it is complete."""

    is_history = True

    def __init__(self, config: IBFeedConfig, emit: Emit) -> None:
        self._config = config
        self._emit = emit
        self.symbols: dict[int, str] = {}

    def wire(self, session: Session, ib: IB) -> None:
        """Take the callback of 5-second bars."""
        session.take(ib, "realtimeBar", self._on_bar)

    def subscribe(self, client: Any, number: int, contract: Contract) -> None:
        """Ask for the bars of an instrument."""
        client.reqRealTimeBars(number, contract, 5, shown(contract, self._config.what_to_show), self._config.use_rth, [])

    def cancel(self, client: Any, number: int) -> None:
        """Ask for no more of them."""
        client.cancelRealTimeBars(number)

    def _on_bar(
        self, number: int, start: int, open_: float, high: float, low: float, close: float, volume: float, *_: object
    ) -> None:
        symbol = self.symbols.get(number)
        if symbol is not None:
            # Bars of quotes have no volume, which IB says as -1.
            self._emit(
                Bar(
                    symbol,
                    start * NANOS,
                    open_,
                    high,
                    low,
                    close,
                    volume if volume > 0 else 0.0,
                    FIVE_SECONDS,
                    True,
                    False,
                    None,
                    SOURCE,
                )
            )


class UpdatingBars:
    """Bars of any length, told as they grow, and once more when they are complete: when the next one begins."""

    is_history = True

    def __init__(self, config: IBFeedConfig, emit: Emit) -> None:
        self._config = config
        self._emit = emit
        self._seconds = BAR_SECONDS[config.bar_size]
        self._growing: dict[int, BarData] = {}
        self.symbols: dict[int, str] = {}

    def wire(self, session: Session, ib: IB) -> None:
        """Take the callback of updates."""
        session.take(ib, "historicalDataUpdate", self._on_update)

    def subscribe(self, client: Any, number: int, contract: Contract) -> None:
        """Ask for the bars of an instrument."""
        config = self._config
        what, duration = shown(contract, config.what_to_show), f"{max(60, 2 * self._seconds)} S"
        client.reqHistoricalData(number, contract, "", duration, config.bar_size, what, config.use_rth, 2, True, [])

    def cancel(self, client: Any, number: int) -> None:
        """Ask for no more of them."""
        client.cancelHistoricalData(number)

    def _on_update(self, number: int, bar: BarData) -> None:
        symbol = self.symbols.get(number)
        if symbol is None:
            return
        bar.date = parseIBDatetime(str(bar.date))
        before = self._growing.get(number)
        if before is not None and before.date > bar.date:
            return
        if before is not None and before.date < bar.date:
            self._emit(self._bar(symbol, before, complete=True))
        self._growing[number] = bar
        self._emit(self._bar(symbol, bar, complete=False))

    def _bar(self, symbol: str, bar: BarData, *, complete: bool) -> Bar:
        return bar_of(symbol, bar, self._seconds * NANOS, complete=complete)


class Trades:
    """Trades, tick by tick. IB tells their time to the second."""

    is_history = False

    def __init__(self, _config: IBFeedConfig, emit: Emit) -> None:
        self._emit = emit
        self.symbols: dict[int, str] = {}

    def wire(self, session: Session, ib: IB) -> None:
        """Take the callback of trades."""
        session.take(ib, "tickByTickAllLast", self._on_trade)

    def subscribe(self, client: Any, number: int, contract: Contract) -> None:
        """Ask for the trades of an instrument."""
        client.reqTickByTickData(number, contract, "Last", 0, False)

    def cancel(self, client: Any, number: int) -> None:
        """Ask for no more of them."""
        client.cancelTickByTickData(number)

    def _on_trade(
        self, number: int, _kind: int, moment: int, price: float, size: float, attributes: TickAttribLast, *_: object
    ) -> None:
        symbol = self.symbols.get(number)
        if symbol is not None and not attributes.unreported:
            self._emit(Trade(symbol, moment * NANOS, price, size, None, SOURCE))


class _Side:
    __slots__ = ("price", "size")

    def __init__(self) -> None:
        self.price = self.size = 0.0


class Quotes:
    """The best bid and ask, as IB samples them. They come without a time, so that theirs is when they arrived."""

    is_history = False

    _BIDS = frozenset({1, 66})
    _ASKS = frozenset({2, 67})
    _BID_SIZES = frozenset({0, 69})
    _ASK_SIZES = frozenset({3, 70})

    def __init__(self, _config: IBFeedConfig, emit: Emit) -> None:
        self._emit = emit
        self._sides: dict[int, tuple[_Side, _Side]] = {}
        self.symbols: dict[int, str] = {}

    def wire(self, session: Session, ib: IB) -> None:
        """Take the callbacks of quotes, and leave out the rest that comes with them."""
        session.take(ib, "priceSizeTick", self._on_price)
        session.take(ib, "tickSize", self._on_size)
        for unwanted in ("tickGeneric", "tickString", "tickReqParams", "tickOptionComputation"):
            session.take(ib, unwanted, _ignore)

    def subscribe(self, client: Any, number: int, contract: Contract) -> None:
        """Ask for the quotes of an instrument."""
        client.reqMktData(number, contract, "", False, False, [])

    def cancel(self, client: Any, number: int) -> None:
        """Ask for no more of them."""
        client.cancelMktData(number)

    def _on_price(self, number: int, kind: int, price: float, size: float) -> None:
        if kind in self._BIDS or kind in self._ASKS:
            side = self._side(number, kind in self._ASKS)
            # IB says that a side is empty by a price of -1, or a size of 0.
            side.price, side.size = (price, size) if price > 0 and size > 0 else (0.0, 0.0)
            self._tell(number)

    def _on_size(self, number: int, kind: int, size: float) -> None:
        if kind in self._BID_SIZES or kind in self._ASK_SIZES:
            side = self._side(number, kind in self._ASK_SIZES)
            if side.size != size:
                side.size = size
                self._tell(number)

    def _side(self, number: int, ask: bool) -> _Side:
        return self._sides.setdefault(number, (_Side(), _Side()))[ask]

    def _tell(self, number: int) -> None:
        symbol, (bid, ask) = self.symbols.get(number), self._sides[number]
        if symbol is not None and bid.price and ask.price and bid.size and ask.size:
            self._emit(Quote(symbol, time.time_ns(), bid.price, ask.price, bid.size, ask.size, None, SOURCE))


def bar_of(symbol: str, bar: BarData, interval: int, *, complete: bool = True, backfilled: bool = False) -> Bar:
    """Return a bar of IB's history."""
    start = bar.date if isinstance(bar.date, datetime) else datetime(bar.date.year, bar.date.month, bar.date.day, tzinfo=UTC)
    return Bar(
        symbol,
        to_nanoseconds(start),
        bar.open,
        bar.high,
        bar.low,
        bar.close,
        max(bar.volume, 0.0),
        interval,
        complete,
        backfilled,
        None,
        SOURCE,
    )


def _ignore(*_: object) -> None:
    """Leave out a message that nobody asked for."""
