"""Executions, from the stream of updates and from the list of account activities, each under the one id that both can tell."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ml4t.live.errors import BrokerConnectionError
from ml4t.live.model import Fill
from ml4t_live_alpaca.ids import execution_id
from ml4t_live_alpaca.orders import side_of
from ml4t_live_alpaca.symbols import from_venue
from ml4t_live_alpaca.times import from_text

VENUE = "alpaca"
KEPT = 50_000
"""Executions of the stream that are remembered."""
FILLS = frozenset({"fill", "partial_fill"})
CORRECTIONS = frozenset({"trade_correct", "trade_bust"})


class Executions:
    """Turns the executions of one connection's stream into fills.

    The id of a fill rests on the order in an update being as it was after that execution. Where two executions contradict
    that, nobody is told of the second: the connection counts as lost, and the list of activities says what traded.
    """

    def __init__(self, account: str) -> None:
        self._account = account
        self._names: dict[str, str] = {}
        """What Alpaca's own ids are called here."""
        self._spans: dict[str, dict[Decimal, tuple[Decimal, str]]] = {}
        """By order and cumulative quantity, how much was executed, and under which of Alpaca's ids."""

    def fill(self, update: Mapping[str, Any], order_id: str) -> Fill:
        """Return the fill that an update tells of. Raises BrokerConnectionError for one that contradicts another."""
        said = update["order"]
        quantity, cumulative = Decimal(update["qty"]), Decimal(said["filled_qty"])
        self._check(said["id"], cumulative, quantity, str(update["execution_id"]))
        name = execution_id(said["id"], cumulative)
        self._remember(str(update["execution_id"]), name)
        return self._fill(update, order_id, name)

    def correction(self, update: Mapping[str, Any], order_id: str) -> Fill | None:
        """Return the fill that takes the place of another; None when that one was not heard of on this connection."""
        before = self._names.get(str(update["previous_execution_id"]))
        if before is None:
            return None
        own = str(update["execution_id"])
        busted = update["event"] == "trade_bust"
        name = f"{before}+{own}"
        self._remember(own, name)
        return self._fill({**update, "qty": "0"} if busted else update, order_id, name, corrects=before)

    def _fill(self, update: Mapping[str, Any], order_id: str, name: str, *, corrects: str = "") -> Fill:
        said = update["order"]
        return Fill(
            execution_id=name,
            order_id=order_id,
            symbol=from_venue(said["symbol"], said["asset_class"]),
            side=side_of(said["side"]),
            quantity=float(update["qty"]),
            price=float(update["price"]),
            time=from_text(update["timestamp"]),
            venue=VENUE,
            account=self._account,
            venue_order_id=said["id"],
            corrects=corrects,
        )

    def _check(self, venue_order_id: str, cumulative: Decimal, quantity: Decimal, own: str) -> None:
        spans = self._spans.setdefault(venue_order_id, {})
        known = spans.get(cumulative)
        if known == (quantity, own):
            return
        overlaps = any(cumulative - quantity < end and end - size < cumulative for end, (size, _) in spans.items())
        if quantity > cumulative or overlaps:
            raise BrokerConnectionError(
                f"Alpaca's updates about order {venue_order_id} contradict each other; its account activities are read instead"
            )
        spans[cumulative] = (quantity, own)
        if len(self._spans) > KEPT:
            del self._spans[next(iter(self._spans))]

    def _remember(self, own: str, name: str) -> None:
        self._names[own] = name
        if len(self._names) > KEPT:
            del self._names[next(iter(self._names))]


def fill_of_activity(record: Mapping[str, Any], order: Mapping[str, Any], order_id: str, account: str) -> Fill:
    """Return the fill that an account activity is; `order` is the order of Alpaca's that it belongs to."""
    return Fill(
        execution_id=execution_id(record["order_id"], Decimal(record["cum_qty"])),
        order_id=order_id,
        symbol=from_venue(order["symbol"], order["asset_class"]),
        side=side_of(record["side"]),
        quantity=float(record["qty"]),
        price=float(record["price"]),
        time=from_text(record["transaction_time"]),
        venue=VENUE,
        account=account,
        venue_order_id=record["order_id"],
    )
