"""The link to a real venue: connected, reconciled, and only then open for orders."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from ml4t.live.clock import Clock
from ml4t.live.contracts.broker import Broker, BrokerSnapshot, OrderUpdate
from ml4t.live.engine.inquiry import Inquiry
from ml4t.live.engine.outbox import Outbox
from ml4t.live.engine.supervisor import Beacon
from ml4t.live.errors import BrokerConnectionError, BrokerRefused
from ml4t.live.journal import RecordKind
from ml4t.live.model import OrderState
from ml4t.live.orders.desk import Desk, Recorder
from ml4t.live.risk.switch import Connection

CONNECT_SECONDS = 30.0
OVERLAP = 300 * 1_000_000_000
"""Nanoseconds before the loss for which fills are asked for again: a fill twice is harmless, a fill lost is not."""


class VenueLink:
    """Runs one broker for as long as the supervisor wants it.

    After every connect the venue's books replace ours, and every difference is journalled. The account must be of the kind
    that the mode names.
    """

    def __init__(
        self,
        broker: Broker,
        mode: str,
        *,
        desk: Desk,
        outbox: Outbox,
        connection: Connection,
        clock: Clock,
        record: Recorder,
        since: int,
    ) -> None:
        self._broker = broker
        self._mode = mode
        self._desk = desk
        self._outbox = outbox
        self._connection = connection
        self._clock = clock
        self._record = record
        self._since = since
        self._inquiry = Inquiry(broker, desk, clock, timeout_seconds=outbox.timeout_seconds)
        outbox.on_unknown = self._inquiry.wake

    async def run(self, beacon: Beacon) -> None:
        """Connect, reconcile, and deliver what the venue says until cancelled or cut off."""
        self._connection.down("the venue is being connected")
        try:
            async with self._clock.timeout(CONNECT_SECONDS):
                snapshot = await self._broker.connect()
                if self._since:
                    snapshot = await self._broker.snapshot(max(0, self._since - OVERLAP))
            self._check_kind(snapshot)
            self._adopt(snapshot)
            self._connection.up()
            self._say("connected", "")
            beacon.ready()
            asking = asyncio.get_running_loop().create_task(self._inquiry.run(), name="inquiry")
            try:
                await self._broker.run(self._desk)
            finally:
                asking.cancel()
            raise BrokerConnectionError("the venue ended the stream of updates")
        except TimeoutError as error:
            raise BrokerConnectionError(f"the venue did not answer within {CONNECT_SECONDS:g} s") from error
        finally:
            self._since = self._clock.now()
            self._connection.down("the connection to the venue is lost")
            self._say("disconnected", "")
            await self._outbox.close()
            await self._broker.close()

    def _check_kind(self, snapshot: BrokerSnapshot) -> None:
        kind = snapshot.account.kind
        if kind != self._mode:
            raise BrokerRefused(
                f"the mode is {self._mode}, and account {snapshot.account.account} is a {kind} account; "
                f"set mode = {kind!r} or use other credentials",
                code="wrong_account_kind",
            )

    def _adopt(self, snapshot: BrokerSnapshot) -> None:
        desk = self._desk
        with desk.lock:
            for fill in snapshot.fills:
                desk.fill(fill)
            differences = list(self._differences(snapshot))
            self._settle_orders(snapshot)
            desk.portfolio.restore(
                snapshot.account.cash,
                {position.symbol: position for position in snapshot.positions},
                desk.portfolio.commission,
            )
            desk.account(snapshot.account)
        body = {"clean": not differences, "differences": differences, "account": snapshot.account.account}
        self._record(RecordKind.RECONCILIATION, snapshot.account.account, body)

    def _differences(self, snapshot: BrokerSnapshot) -> Iterator[dict[str, object]]:
        theirs = {position.symbol: position.quantity for position in snapshot.positions}
        ours = {symbol: position.quantity for symbol, position in self._desk.portfolio.positions.items()}
        for symbol in sorted(theirs.keys() | ours.keys()):
            if theirs.get(symbol, 0.0) != ours.get(symbol, 0.0):
                yield {"what": "position", "symbol": symbol, "ours": ours.get(symbol, 0.0), "venue": theirs.get(symbol, 0.0)}
        for order in snapshot.orders:
            if not order.order_id or self._desk.orders.get(order.order_id) is None:
                yield {"what": "foreign order", "symbol": order.symbol, "venue_order_id": order.venue_order_id}

    def _settle_orders(self, snapshot: BrokerSnapshot) -> None:
        working = {order.order_id: order for order in snapshot.orders if order.order_id}
        now = self._clock.now()
        for order in list(self._desk.orders.open_orders):
            there = working.get(order.order_id)
            if there is not None:
                self._desk.order(OrderUpdate(order.order_id, OrderState.WORKING, now, there.venue_order_id))
            else:  # it may have ended, it may never have arrived, it may be on its way: one look proves nothing
                self._inquiry.doubt(order.order_id)

    def _say(self, state: str, why: str) -> None:
        self._record(RecordKind.HEALTH, "venue", {"state": state, "why": why})
