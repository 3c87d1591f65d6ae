"""What the session trades: one decision per tick, and what the venue does to it by its quantity."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import attrs


class Fate(IntEnum):
    """What becomes of an order at the venue; the quantity of an order says which."""

    FILL = 100
    """Filled at once."""
    PARTS = 101
    """Filled in two parts."""
    REJECT = 102
    """Refused."""
    REST = 103
    """Works until it is cancelled."""
    LOSE_ACK = 104
    """Taken and filled; the line goes down before the answer."""
    FILL_FIRST = 105
    """The fill arrives before the acknowledgement."""
    PART_RESTS = 106
    """Filled in part; the rest works until it is cancelled."""
    TWICE = 107
    """Filled, and the fill reported twice."""
    AMEND = 108
    """Works until it is amended, and is filled then."""
    AWAY = 109
    """Acknowledged; the line goes down and the fill comes meanwhile."""


AMENDED = 208.0
"""The quantity that an order to be amended is amended to."""

MAX_OPEN_ORDERS = 2
MAX_POSITION_SHARES = 1_400.0
"""The limits that the session runs under, tight enough to refuse some of its orders."""

SYMBOLS = ("AAA", "BBB", "CCC")
ROUNDS = 5
TICKS = ROUNDS * len(Fate)
"""After these comes the last one, again and again until nothing works at the venue any more."""


@attrs.define
class Scripted:
    """The strategy. What it does follows from the number of the tick alone, so a restart decides the same."""

    tick: int = 0
    """The last tick that it has decided on."""

    def on_data(self, timestamp: Any, data: Any, context: Any, broker: Any) -> None:
        """Send the order of this tick; cancel and amend those of two ticks ago."""
        ((symbol, news),) = data.items()
        tick = round(news["size"])
        self._decide(tick, symbol, broker)
        self.tick = tick

    def _decide(self, tick: int, symbol: str, broker: Any) -> None:
        if tick > TICKS:
            for order in broker.pending_orders:
                broker.cancel_order(order.order_id)
            return
        self._tend(tick, broker)
        side = "sell" if tick % 3 == 2 else "buy"
        price = {"order_type": "limit", "limit_price": 100.0} if tick % 2 else {}
        broker.submit_order(symbol, float(fate_of(tick)), side, reason=f"tick {tick}", **price)

    def _tend(self, tick: int, broker: Any) -> None:
        for order in broker.pending_orders:
            if order.cause != f"tick {tick - 2}":
                continue
            if order.quantity in {Fate.REST, Fate.PART_RESTS}:
                broker.cancel_order(order.order_id)
            elif order.quantity == Fate.AMEND:
                broker.replace_order(order.order_id, quantity=AMENDED)


def fate_of(tick: int) -> Fate:
    """Return what is asked of the venue at a tick."""
    return list(Fate)[(tick - 1) % len(Fate)]
