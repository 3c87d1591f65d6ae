"""A synchronous face over a `SafeBroker`, for programs and strategies that live in threads of their own."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from ml4t.live.errors import OutcomeUnknown
from ml4t.live.model import Order, OrderSide, OrderType, Position
from ml4t.live.safe import ANSWER_SECONDS, SafeBroker

T = TypeVar("T")

HURRY_SECONDS = 5.0
"""How long a question about the books may take: they are in memory, so longer means that the loop is blocked."""


class ThreadSafeBrokerWrapper:
    """Hands every call over to the event loop of a connected `SafeBroker`, and waits for the answer.

    From any thread but the loop's own, which would wait for itself: there RuntimeError is raised. Exceptions are those of
    the broker: a refused order raises RiskLimitExceeded. A call that the loop does not take up in time is withdrawn before
    it did anything, and raises TimeoutError; an order that was taken up and is not answered in time raises OutcomeUnknown:
    it is in the journal, counts as exposure, and its outcome is found out; it must not be submitted again.
    """

    def __init__(self, broker: SafeBroker, loop: asyncio.AbstractEventLoop) -> None:
        self._broker = broker
        self._loop = loop

    def submit_order(
        self,
        asset: str,
        quantity: float | None = None,
        side: OrderSide | str | None = None,
        order_type: OrderType | str = OrderType.MARKET,
        limit_price: float | None = None,
        stop_price: float | None = None,
        *,
        timeout: float = ANSWER_SECONDS,
        **options: Any,
    ) -> Order:
        """Submit an order and return it once the venue has answered, or as it stands after `timeout` seconds."""
        submitted = self._broker.submit_order_async(
            asset, quantity, side, order_type, limit_price, stop_price, timeout=timeout, **options
        )
        return self._wait(submitted, timeout + HURRY_SECONDS)

    def cancel_order(self, order_id: str) -> bool:
        """Ask for a cancel; False when there is no such open order."""
        return self._wait(self._broker.cancel_order_async(order_id))

    def replace_order(
        self,
        order_id: str,
        *,
        quantity: float | None = None,
        limit_price: float | None = None,
        stop_price: float | None = None,
    ) -> Order:
        """Ask for other terms of a working order, and return it as it stands."""
        replaced = self._broker.replace_order_async(order_id, quantity=quantity, limit_price=limit_price, stop_price=stop_price)
        return self._wait(replaced, ANSWER_SECONDS + HURRY_SECONDS)

    def close_position(self, asset: str, *, reason: str = "") -> Order | None:
        """Submit the market order that brings a position to zero; None when nothing is left to close."""
        return self._wait(self._broker.close_position_async(asset, reason=reason), ANSWER_SECONDS + HURRY_SECONDS)

    @property
    def positions(self) -> Mapping[str, Position]:
        """Every holding that is not zero."""
        return self._wait(self._broker.get_positions_async())

    @property
    def pending_orders(self) -> Sequence[Order]:
        """The orders that may still trade, oldest first."""
        return self.get_pending_orders()

    @property
    def is_connected(self) -> bool:
        """True while orders can be sent."""
        return self._broker.is_connected

    def get_positions(self) -> Mapping[str, Position]:
        """Return every holding that is not zero, as `positions`."""
        return self.positions

    def get_position(self, asset: str) -> Position | None:
        """Return a holding, None when flat."""
        return self._wait(self._broker.get_position_async(asset))

    def get_pending_orders(self, asset: str | None = None) -> Sequence[Order]:
        """Return the orders that may still trade, of one symbol or of all."""
        return self._wait(self._broker.get_pending_orders_async(asset))

    def get_cash(self) -> float:
        """Return the cash, in the account's currency."""
        return self._wait(self._broker.get_cash_async())

    def get_account_value(self) -> float:
        """Return cash plus positions at their marks, in the account's currency."""
        return self._wait(self._broker.get_account_value_async())

    def _wait(self, call: Coroutine[Any, Any, T], seconds: float = HURRY_SECONDS) -> T:
        turn = _Turn()
        try:
            self._refuse_own_thread()
            answer = asyncio.run_coroutine_threadsafe(_in_turn(call, turn), self._loop)
        except BaseException:
            call.close()  # it never began
            raise
        try:
            return answer.result(seconds)
        except concurrent.futures.TimeoutError:
            if answer.done():  # what the broker itself raised
                raise
        if turn.withdraw():
            raise TimeoutError(f"the event loop did not take the call up within {seconds:g} s; nothing was done")
        answer.cancel()
        raise OutcomeUnknown(f"no answer within {seconds:g} s; what was submitted is journalled and asked about")

    def _refuse_own_thread(self) -> None:
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        if running is self._loop:
            raise RuntimeError(
                "called on the loop's own thread, where it would wait for itself; await the *_async methods there"
            )
        if not self._loop.is_running():
            raise RuntimeError("the event loop of the broker does not run")


class _Turn:
    """Decides, once and for both threads, whether a call was taken up or withdrawn."""

    def __init__(self) -> None:
        self._once = threading.Lock()

    def begin(self) -> bool:
        """Take the call up; False when it has been withdrawn."""
        return self._once.acquire(blocking=False)

    def withdraw(self) -> bool:
        """Withdraw the call; False when it has been taken up."""
        return self._once.acquire(blocking=False)


async def _in_turn(call: Coroutine[Any, Any, T], turn: _Turn) -> T:
    if not turn.begin():
        call.close()
        raise asyncio.CancelledError
    return await call
