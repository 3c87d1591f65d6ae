"""Whether data and clocks make sense (rows 30, 31 and 37 of the table of controls)."""

from __future__ import annotations

from math import sqrt

from ml4t.live.clock import Clock
from ml4t.live.contracts.risk import RiskView
from ml4t.live.market.symbol import VOLATILITY_SPAN
from ml4t.live.model import ALLOW, Order, Verdict, refuse
from ml4t.live.risk.checks.bounds import at_most
from ml4t.live.times import NANOS

_ALPHA = 2.0 / (VOLATILITY_SPAN + 1)


class MaxSilence:
    """Refuses orders in a symbol of which nothing was received for the limit, in seconds (row 30 of the table of controls).

    The time of receipt: an event that is stamped now and was received long ago is old, too.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse when the symbol has been silent too long; never heard of counts as silent."""
        state = view.market.get(order.symbol)
        if state is None or not state.seen_at:
            return refuse("silent_data", f"no data has been seen for {order.symbol}", limit=self._seconds)
        silent = (view.now - state.seen_at) / NANOS
        return at_most("silent_data", "seconds since the last data are", silent, self._seconds)


class LockedBook:
    """Refuses orders while the bid is not below the ask, and without a quote (row 31 of the table of controls).

    Prices that are zero, negative, NaN or crossed never reach the market state.
    """

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse on a locked or crossed book."""
        state = view.market.get(order.symbol)
        if state is None or state.bid is None or state.ask is None:
            return refuse(
                "no_quote", f"no quote is known for {order.symbol}; use a feed with quotes or drop refuse_locked_book"
            )
        if state.bid < state.ask:
            return ALLOW
        return refuse(
            "locked_book", f"{order.symbol} is bid {state.bid:g} and offered {state.ask:g}", limit=state.ask, value=state.bid
        )


class MaxJump:
    """Refuses orders on a last move of too many standard deviations (row 31 of the table of controls).

    They are those of the moves before it: the variance is the market state's (exponentially weighted), with the last move
    taken out of it again. Fewer than two moves are no measure: it refuses.
    """

    def __init__(self, sigmas: float) -> None:
        self._sigmas = sigmas

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse until the next observation shows whether the move was real."""
        state = view.market.get(order.symbol)
        sigma = state.volatility if state is not None else None
        if state is None or sigma is None or len(state.prices) < 3:
            return refuse("no_volatility", f"{order.symbol} has not been observed long enough to know how far it moves")
        move = abs(state.prices[-1] / state.prices[-2] - 1.0)
        before = (sigma * sigma - _ALPHA * move * move) / (1.0 - _ALPHA)
        usual = sigma if before < 0.0 else sqrt(before)  # below zero: the move was left out of the variance as a new unit
        if move <= self._sigmas * usual:
            return ALLOW
        value = move / usual if usual else float("inf")
        return at_most("max_jump", "standard deviations of the last move are", value, self._sigmas)


class ClockSkew:
    """Refuses orders when clocks disagree by more than the limit, in seconds (row 37 of the table of controls).

    Data stamped ahead of our clock show that one of the two is wrong; our clock going another way than the machine's
    monotonic one shows that it was set. The second lasts until a restart, which asks the venue for its books.
    """

    def __init__(self, seconds: float, clock: Clock) -> None:
        self._seconds = seconds
        self._clock = clock
        self._offset = 0 if clock.simulated else clock.now() - clock.monotonic()

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse while the time is in doubt."""
        clock = self._clock
        if not clock.simulated:
            jumped = abs(clock.now() - clock.monotonic() - self._offset) / NANOS
            if not jumped <= self._seconds:
                return at_most("clock_jump", "seconds by which the clock was set are", jumped, self._seconds)
        state = view.market.get(order.symbol)
        if state is None or not state.event_time:
            return refuse("clock_skew", f"no data has been seen for {order.symbol}", limit=self._seconds)
        ahead = (state.event_time - view.now) / NANOS
        return at_most("clock_skew", "seconds by which data are ahead of the clock are", ahead, self._seconds)
