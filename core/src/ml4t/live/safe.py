"""A broker behind its limits: handed to an engine, or used by itself from a program."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ml4t.live.clock import Clock
from ml4t.live.contracts.broker import Broker
from ml4t.live.contracts.observer import RuntimeEvent
from ml4t.live.errors import RiskLimitExceeded
from ml4t.live.feeds.snapshots import SnapshotFeed
from ml4t.live.model import Order, OrderSide, OrderState, OrderType, Position, Trade
from ml4t.live.orders.facade import DeskBroker
from ml4t.live.orders.request import INVALID
from ml4t.live.risk.config import LiveRiskConfig

if TYPE_CHECKING:
    from ml4t.live.engine.live import LiveEngine

ANSWER_SECONDS = 15.0
"""How long an order's outcome is waited for, unless the caller says otherwise."""

_ON_ITS_WAY = frozenset({OrderState.INTENT, OrderState.SENT, OrderState.UNKNOWN})


class SafeBroker:
    """A broker and the limits that every order to it must pass.

    Hand it to `LiveEngine`, which then enforces them; or use it by itself: `await connect()`, `await
    submit_order_async("AAPL", 10)`, `await disconnect()`, or `async with`. By itself it is an engine without a feed and a
    strategy: same gate, journal, reconciliation and kill switch. It knows the prices that `record_market_snapshot` is
    given; a check that needs one refuses without.

    In shadow mode, the default, the broker is never connected: orders are filled by the prices recorded after them. Paper
    and live mode need a `state_dir`. Times are nanoseconds UTC.
    """

    def __init__(
        self,
        broker: Broker | None,
        config: LiveRiskConfig | None = None,
        *,
        state_dir: str | Path | None = None,
        name: str = "safe-broker",
        clock: Clock | None = None,
    ) -> None:
        self.broker = broker
        self.config = config or LiveRiskConfig()
        self._state_dir = state_dir
        self._name = name
        self._clock = clock
        self._prices = SnapshotFeed()
        self._news = _OrderNews()
        self._engine: LiveEngine | None = None
        self._running: asyncio.Task[None] | None = None
        self._face: DeskBroker | None = None

    # ------------------------------------------------------------------ life

    async def connect(self) -> None:
        """Take the state directory, and in paper and live mode connect and reconcile.

        Raises BrokerConnectionError, BrokerRefused, StateLocked, and ValueError when the mode needs what was not given.
        """
        from ml4t.live.engine.live import LiveEngine  # noqa: PLC0415 - it imports this module, and only this use needs it

        self.refuse_if_in_use()
        observers = [("order outcomes", self._news)]
        engine = LiveEngine(
            None,
            self,
            self._prices,
            state_dir=self._state_dir,
            name=self._name,
            clock=self._clock,
            observers=observers,
        )
        await engine.connect()
        self._engine = engine
        self._face = DeskBroker(self._core.desk, engine.parts.run_id, self._name)
        self._running = asyncio.get_running_loop().create_task(engine.serve(), name=self._name)
        started = asyncio.get_running_loop().create_task(self._prices.running.wait())
        await asyncio.wait({started, self._running}, return_when=asyncio.FIRST_COMPLETED)
        started.cancel()
        if self._running.done():
            await self.disconnect()  # and raise why

    async def disconnect(self) -> None:
        """Let requests under way finish, and leave everything on disk. Calling it again changes nothing.

        Raises what ended the connection when that was no `disconnect`.
        """
        engine, running = self._engine, self._running
        self._engine = self._running = self._face = None
        if engine is not None and running is not None:
            await engine.stop()
            await running

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.disconnect()

    @property
    def is_connected(self) -> bool:
        """True while orders can be sent."""
        return self._engine is not None and self._core.connection.ready

    def refuse_if_in_use(self) -> None:
        """Raise RuntimeError while it is connected by itself: one account has one gate and one set of books."""
        if self._engine is not None:
            raise RuntimeError("this SafeBroker is connected already and in use by itself; await disconnect() first")

    # ------------------------------------------------------------------ orders

    async def submit_order_async(
        self,
        asset: str,
        quantity: float | None = None,
        side: OrderSide | str | None = None,
        order_type: OrderType | str = OrderType.MARKET,
        limit_price: float | None = None,
        stop_price: float | None = None,
        *,
        idempotency_key: str = "",
        timeout: float = ANSWER_SECONDS,  # noqa: ASYNC109 - it bounds the wait for the answer and cancels nothing
        **options: Any,
    ) -> Order:
        """Submit an order, and return it once the venue has answered, or as it stands after `timeout` seconds.

        Whatever the wait comes to, the order is in the journal, counts as exposure, and its outcome is found out. The same
        `idempotency_key` again is the same order: nothing is sent twice, not after a restart either. Further options are
        `notional`, `trail_amount`, `time_in_force` and `reason`.

        Raises RiskLimitExceeded when a check refuses it, ValueError when it makes no sense; an order that the venue refuses is
        returned REJECTED.
        """
        face = self._open_face
        await self._open_engine.caught_up()  # a price that was recorded just now counts
        face.decide(self._core.clock.now())
        order = face.submit_order(
            asset, quantity, side, order_type, limit_price, stop_price, idempotency_key=idempotency_key, **options
        )
        if order.code == INVALID:
            raise ValueError(order.reason)
        return await self._answered(order, timeout)

    async def cancel_order_async(self, order_id: str) -> bool:
        """Ask for a cancel; False when there is no such open order."""
        return self._open_face.cancel_order(order_id)

    async def replace_order_async(
        self,
        order_id: str,
        *,
        quantity: float | None = None,
        limit_price: float | None = None,
        stop_price: float | None = None,
        timeout: float = ANSWER_SECONDS,  # noqa: ASYNC109 - as for `submit_order_async`
    ) -> Order:
        """Ask for other terms of a working order; return it once the venue has answered, or as it stands after `timeout` s.

        Raises RiskLimitExceeded when that is refused, KeyError when there is no such order.
        """
        face = self._open_face
        changes = {"quantity": quantity, "limit_price": limit_price, "stop_price": stop_price}
        verdict = self._core.desk.amend(order_id, **changes)
        order = face.get_order(order_id)
        if order is None:
            raise KeyError(order_id)
        if not verdict.allowed:
            raise RiskLimitExceeded(order, f"{verdict.check}: {verdict.reason} ({verdict.code})")
        return await self._answered(order, timeout)

    async def close_position_async(self, asset: str, *, reason: str = "") -> Order | None:
        """Submit the market order that brings a position to zero; None when nothing is left to close.

        Raises RiskLimitExceeded.
        """
        quantity = self._core.desk.closing_quantity(asset)
        return await self.submit_order_async(asset, quantity, reason=reason) if quantity else None

    async def reduce_position_async(
        self, asset: str, quantity: float, *, reason: str = "", idempotency_key: str = ""
    ) -> Order | None:
        """Close so much of a position, all of it at most; None when nothing is left to close. Raises RiskLimitExceeded."""
        left = self._core.desk.closing_quantity(asset)
        if not left:
            return None
        amount = min(abs(quantity), abs(left))
        signed = amount if left > 0 else -amount
        return await self.submit_order_async(asset, signed, reason=reason, idempotency_key=idempotency_key)

    def close_all_positions(self, reason: str = "close_all_positions was called", *, by: str = "code") -> None:
        """Cancel every order and close every position, again until the venue confirms it."""
        self._open_engine.flatten(reason, by=by)

    # ------------------------------------------------------------------ books

    @property
    def positions(self) -> Mapping[str, Position]:
        """Every holding that is not zero."""
        return self._open_face.positions

    @property
    def pending_orders(self) -> Sequence[Order]:
        """The orders that may still trade, oldest first."""
        return self._open_face.pending_orders

    def get_order(self, order_id: str) -> Order | None:
        """Return an order as it stands."""
        return self._open_face.get_order(order_id)

    def get_position(self, asset: str) -> Position | None:
        """Return a holding, None when flat."""
        return self._open_face.get_position(asset)

    async def get_positions_async(self) -> Mapping[str, Position]:
        """Return every holding that is not zero."""
        return self.positions

    async def get_pending_orders_async(self, asset: str | None = None) -> Sequence[Order]:
        """Return the orders that may still trade, of one symbol or of all."""
        return self._open_face.get_pending_orders(asset)

    async def get_position_async(self, asset: str) -> Position | None:
        """Return a holding, None when flat."""
        return self.get_position(asset)

    async def get_cash_async(self) -> float:
        """Return the cash, in the account's currency."""
        return self._open_face.get_cash()

    async def get_account_value_async(self) -> float:
        """Return cash plus positions at their marks, in the account's currency."""
        return self._open_face.get_account_value()

    def record_market_snapshot(self, asset: str, price: float, ts: int | None = None) -> None:
        """Note what an asset trades at, at `ts` (nanoseconds UTC; None: now). Call it on the loop's thread."""
        now = self._core.clock.now() if ts is None else ts
        self._prices.record(Trade(asset, now, float(price), 0.0))

    # ------------------------------------------------------------------ the kill switch

    def enable_kill_switch(self, reason: str, *, by: str = "code", flatten: bool = False) -> None:
        """Send nothing more and withdraw what works; with `flatten` close every position too. It holds over restarts."""
        self._open_engine.kill(reason, by=by, flatten=flatten)

    def disable_kill_switch(self, reason: str, *, by: str) -> None:
        """Allow orders again. Raises ValueError without the name of who decides it."""
        self._open_engine.resume(reason, by=by)

    # ------------------------------------------------------------------ inside

    @property
    def _open_engine(self) -> LiveEngine:
        if self._engine is None:
            raise RuntimeError("this broker is not connected; await connect() first")
        return self._engine

    @property
    def _open_face(self) -> DeskBroker:
        if self._face is None:
            raise RuntimeError("this broker is not connected; await connect() first")
        return self._face

    @property
    def _core(self) -> Any:
        core = self._open_engine.core
        if core is None:
            raise RuntimeError("the engine has not been built")
        return core

    async def _answered(self, order: Order, seconds: float) -> Order:
        if order.verdict is not None:
            raise RiskLimitExceeded(order, f"{order.verdict.check}: {order.reason} ({order.code})")
        try:
            async with self._core.clock.timeout(seconds):
                while _is_unanswered(order):
                    heard = self._news.of(order.order_id)
                    order = self._open_face.get_order(order.order_id) or order
                    if _is_unanswered(order):
                        await heard.wait()
        except TimeoutError:
            pass
        return self._open_face.get_order(order.order_id) or order


def _is_unanswered(order: Order) -> bool:
    return order.state in _ON_ITS_WAY or order.amendment is not None


class _OrderNews:
    """Wakes whoever waits for an order when something about it was recorded."""

    kinds = ("order",)

    def __init__(self) -> None:
        self._waiting: dict[str, asyncio.Event] = {}

    def of(self, order_id: str) -> asyncio.Event:
        """Return what is set with the next record of an order."""
        return self._waiting.setdefault(order_id, asyncio.Event())

    async def on_event(self, event: RuntimeEvent) -> None:
        """Wake those who wait."""
        heard = self._waiting.pop(event.subject, None)
        if heard is not None:
            heard.set()
