"""Limits on the data an order rests on (rows 1, 2, 30 and 31 of the table of controls)."""

from __future__ import annotations

from ml4t.live.contracts.risk import RiskView
from ml4t.live.model import ALLOW, Order, OrderSide, Verdict, refuse
from ml4t.live.risk.checks.order import is_price, no_price
from ml4t.live.sessions import ALWAYS, Calendar
from ml4t.live.times import NANOS


class MaxDataStaleness:
    """Refuses orders in a symbol whose last event is older than the limit, in seconds; never seen counts as stale.

    So does an event that was fetched after a loss (`backfilled`), however young: it was missed, and nobody may trade on it.
    Time in which the market was closed does not age data.
    """

    def __init__(self, seconds: float, calendar: Calendar = ALWAYS) -> None:
        self._calendar = calendar
        self._seconds = seconds
        self._limit = round(seconds * NANOS)

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse when the last event is too old."""
        state = view.market.get(order.symbol)
        if state is None or not state.event_time:
            return refuse("stale_data", f"no data has been seen for {order.symbol}", limit=self._seconds)
        if state.backfilled:
            return refuse(
                "backfilled_data", f"the last data for {order.symbol} were fetched after a loss; wait for what comes next"
            )
        age = view.now - state.event_time
        if not age <= self._limit and not (age := self._calendar.open_time(state.event_time, view.now)) <= self._limit:
            return refuse(
                "stale_data",
                f"the last data for {order.symbol} is {age / NANOS:,.1f} s old, over the limit of {self._seconds:g} s",
                limit=self._seconds,
                value=age / NANOS,
            )
        return ALLOW


class MaxPriceDeviation:
    """Refuses a limit or stop price further than the fraction from the last trusted price, on the side that trades at once.

    A buy may be limited far below the market and a sell far above: that waits, it does not overpay. So does a stop on its
    own side, such as one that protects a position; one on the wrong side would be triggered as it arrives.
    """

    def __init__(self, fraction: float) -> None:
        self._fraction = fraction

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse a price that is too far away."""
        last = view.market.price(order.symbol)
        if not is_price(last):
            return no_price(order)
        worst = 0.0
        if order.limit_price is not None:
            worst = (order.limit_price - last) * order.side.sign
        if order.stop_price is not None:
            worst = max(worst, (last - order.stop_price) * order.side.sign)
        if not worst <= self._fraction * last:
            return refuse(
                "max_price_deviation",
                f"the price is {worst / last:.2%} away from the last price {last:g}, over the limit of {self._fraction:.2%}",
                limit=self._fraction,
                value=worst / last,
            )
        return ALLOW


class MaxSpread:
    """Refuses orders while the quoted spread is wider than the fraction of the mid; without a quote it refuses too."""

    exempts_reducing = True

    def __init__(self, fraction: float) -> None:
        self._fraction = fraction

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse when the spread is too wide to trust."""
        state = view.market.get(order.symbol)
        if state is None or not is_price(state.bid) or not is_price(state.ask):
            side = "ask" if order.side is OrderSide.BUY else "bid"
            return refuse("no_quote", f"no {side} is known for {order.symbol}; use a feed with quotes or drop max_spread_pct")
        spread = (state.ask - state.bid) / ((state.ask + state.bid) / 2)
        if not spread <= self._fraction:
            return refuse(
                "max_spread",
                f"the spread of {order.symbol} is {spread:.2%}, over the limit of {self._fraction:.2%}",
                limit=self._fraction,
                value=spread,
            )
        return ALLOW
