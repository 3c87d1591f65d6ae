"""Carries orders to a real broker: each request is bounded in time, and what nobody can prove is UNKNOWN."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import structlog

from ml4t.live.clock import Clock
from ml4t.live.contracts.broker import Broker, BrokerCapabilities, OrderUpdate, SubmitsBrackets, SubmitsOco
from ml4t.live.errors import BrokerConnectionError, BrokerRefused, OutcomeUnknown
from ml4t.live.model import Order, OrderState
from ml4t.live.orders.desk import Desk

_log = structlog.get_logger("ml4t.live.outbox")


class Outbox:
    """The desk's executor for a broker plugin. One task per request; the loop never waits for a venue."""

    outside = True

    def __init__(self, broker: Broker, desk: Desk, clock: Clock, *, timeout_seconds: float = 10.0) -> None:
        self.capabilities: BrokerCapabilities = broker.capabilities
        self._broker = broker
        self._desk = desk
        self._clock = clock
        self.timeout_seconds = timeout_seconds
        self.on_unknown: Callable[[], None] | None = None
        """Called when an order has become UNKNOWN, so that it is asked about soon."""
        self._tasks: set[asyncio.Task[None]] = set()

    def submit(self, order: Order) -> None:
        """Send an order."""
        self.submit_linked([order])

    def submit_linked(self, orders: Sequence[Order]) -> None:
        """Send orders that belong together, in one request."""
        self._start(self._submit(orders), f"submit {orders[0].order_id}")

    def cancel(self, order: Order) -> None:
        """Ask for a cancel."""
        self._start(self._cancel(order), f"cancel {order.order_id}")

    def replace(self, order: Order) -> None:
        """Ask for the terms of the order's amendment."""
        self._start(self._replace(order), f"replace {order.order_id}")

    async def close(self) -> None:
        """Let the requests that are under way finish within their time-outs."""
        if self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, request: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(request, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _submit(self, orders: Sequence[Order]) -> None:
        try:
            async with self._clock.timeout(self.timeout_seconds):
                venue_order_ids = await self._ask(orders)
        except BrokerRefused as error:
            self._say(orders, OrderState.REJECTED, code=error.code or "venue_rejected", reason=str(error))
        except asyncio.CancelledError:
            self._say(orders, OrderState.UNKNOWN, reason="the request was cancelled before anybody knew what became of it")
            raise
        except (OutcomeUnknown, BrokerConnectionError, TimeoutError) as error:
            self._say(orders, OrderState.UNKNOWN, reason=str(error) or f"no answer within {self.timeout_seconds:g} s")
        except Exception as error:  # noqa: BLE001 - an adapter's fault leaves the outcome unproved, like a lost line
            _log.exception("submit failed", order_id=orders[0].order_id)
            self._say(orders, OrderState.UNKNOWN, reason=f"the adapter raised {error!r}")
        else:
            for order, venue_order_id in zip(orders, venue_order_ids, strict=True):
                self._say([order], OrderState.WORKING, venue_order_id=venue_order_id)

    async def _ask(self, orders: Sequence[Order]) -> Sequence[str]:
        """Send the orders and return the venue's ids, as many as there are orders."""
        broker = self._broker
        if len(orders) == 1:
            return [await broker.submit(orders[0])]
        if orders[-1].parent_id and isinstance(broker, SubmitsBrackets):
            ids = await broker.submit_bracket(*orders)
        elif not orders[-1].parent_id and isinstance(broker, SubmitsOco):
            ids = await broker.submit_oco(*orders)
        else:
            raise BrokerRefused("the adapter declares linked orders and has no method to send them", code="unsupported_links")
        if len(ids) != len(orders):
            raise OutcomeUnknown(f"the adapter returned {len(ids)} ids for {len(orders)} orders")
        return ids

    async def _cancel(self, order: Order) -> None:
        try:
            async with self._clock.timeout(self.timeout_seconds):
                await self._broker.cancel(self._desk.orders.get(order.order_id) or order)
        except Exception as error:  # noqa: BLE001 - a cancel that failed leaves the order working, which is what is known
            _log.warning("cancel failed", order_id=order.order_id, error=repr(error))

    async def _replace(self, order: Order) -> None:
        terms = order.amendment
        if terms is None:
            return
        try:
            async with self._clock.timeout(self.timeout_seconds):
                await self._broker.replace(
                    order, quantity=terms.quantity, limit_price=terms.limit_price, stop_price=terms.stop_price
                )
        except BrokerRefused as error:
            self._desk.settle(order.order_id, order.terms, str(error))
        except Exception as error:  # noqa: BLE001 - whatever it was, the outcome is unproved, and is asked about
            _log.warning("amend failed", order_id=order.order_id, error=repr(error))
        finally:  # also when it was cancelled
            if self.on_unknown is not None:
                self.on_unknown()

    def _say(
        self, orders: Sequence[Order], state: OrderState, *, venue_order_id: str = "", code: str = "", reason: str = ""
    ) -> None:
        for order in orders:
            self._desk.order(OrderUpdate(order.order_id, state, self._clock.now(), venue_order_id, code=code, reason=reason))
        if state is OrderState.UNKNOWN and self.on_unknown is not None:
            self.on_unknown()
