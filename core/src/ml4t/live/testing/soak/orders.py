"""The orders of a soak beside its data: decided on while everything fails, settled, and compared with the venue's books."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ml4t.live.engine.live import LiveEngine
from ml4t.live.testing.conformance.broker.session import Session, check_journal
from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.waiting import clock
from ml4t.live.testing.soak.plan import WholeRig
from ml4t.live.testing.soak.trader import Trader

CENT = 0.01

Ends = Callable[[str, Callable[[], object]], Awaitable[None]]
"""Waits until something holds that has to, and takes note when it does not."""


class Orders:
    """What a rig with a venue adds to a soak."""

    def __init__(self, rig: WholeRig, engine: LiveEngine, seed: int) -> None:
        self._rig = rig
        self._session = Session(rig, engine)
        self._core = self._session.core
        self._trader = Trader(rig, self._core, engine.parts.run_id, seed)
        self.decide = self._trader.decide
        self.taken_since = self._trader.taken_since

    @property
    def decided(self) -> int:
        """How many have been decided on."""
        return len(self._trader.decided)

    async def settle(self, ends: Ends) -> None:
        """Wait until nothing is in doubt."""
        await ends("the connection stands", lambda: self._core.connection.ready)
        with self._withdrawing():
            await ends("every order is done", lambda: not self._core.desk.orders.open_orders)
        await ends("holdings are the venue's", lambda: not self._session.differences())

    def problems(self, journal: Path) -> Iterator[str]:
        """Compare the books of the run that has ended, and its journal, with the venue's books."""
        cash, there = self._core.desk.portfolio.cash, self._rig.venue.cash()
        if abs(cash - there) > CENT:
            yield f"cash is {cash:.2f} here, and {there:.2f} at the venue"
        try:
            check_journal(journal, self._rig)
        except NotConformant as error:
            yield str(error)

    @contextmanager
    def _withdrawing(self) -> Iterator[None]:
        """Cancel what rests, again and again: an order that was in doubt may turn out to rest as well."""

        async def withdraw() -> None:
            while True:
                self._trader.withdraw()
                await clock.sleep(1.0)

        withdrawing = asyncio.get_running_loop().create_task(withdraw(), name="withdraw")
        try:
            yield
        finally:
            withdrawing.cancel()
