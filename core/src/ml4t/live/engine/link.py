"""The link to a real venue: connected, reconciled, and only then open for orders."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog

from ml4t.live.clock import Clock
from ml4t.live.contracts.broker import Broker, BrokerSnapshot
from ml4t.live.engine.inquiry import OVERLAP, Inquiry
from ml4t.live.engine.outbox import Outbox
from ml4t.live.engine.reconciliation import HARMLESS, SETTLE_SECONDS, Difference, Reconciler
from ml4t.live.engine.supervisor import Beacon
from ml4t.live.errors import WRONG_ACCOUNT_KIND, BrokerConnectionError, BrokerRefused
from ml4t.live.journal import RecordKind
from ml4t.live.model import Order
from ml4t.live.orders.desk import Desk
from ml4t.live.orders.ports import Recorder
from ml4t.live.risk.switch import Connection
from ml4t.live.waiting import first_of

CONNECT_SECONDS = 30.0
LOOKS = 3
"""How often the books are compared before orders may leave; what then still differs is left to the timer."""

OnDifference = Callable[[Sequence[Difference], Sequence[Order]], None]
"""Gets the new differences that are not harmless, and every order at the venue that is not ours."""

_log = structlog.get_logger("ml4t.live.link")


class VenueLink:
    """Runs one broker for as long as the supervisor wants it, and is the sink that the broker reports to.

    After every connect, and then every `reconcile_seconds`, the venue's books are compared with ours. `since` is when they
    were compared last, 0 when they never were: the account is then taken over as it is. The account must be of the kind that
    the mode names. While the broker says that the venue is not available nothing is sent, asked or compared.
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
        reconcile_seconds: float = 60.0,
        on_difference: OnDifference | None = None,
        on_reconciled: Callable[[int], None] | None = None,
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
        self._reconciler = Reconciler(desk, clock, record, doubt=self._inquiry.doubt)
        self._every = reconcile_seconds
        self._on_difference = on_difference
        self._on_reconciled = on_reconciled
        self._unavailable = ""
        self._beside: asyncio.Task[None] | None = None
        self._broken: asyncio.Future[None] | None = None
        outbox.on_unknown = self._inquiry.wake
        self.order, self.fill, self.account = desk.order, desk.fill, desk.account

    async def run(self, beacon: Beacon) -> None:
        """Connect, reconcile, and deliver what the venue says until cancelled or cut off."""
        self._connection.down("the venue is being connected")
        try:
            async with self._clock.timeout(CONNECT_SECONDS):
                asked = self._clock.monotonic(), self._clock.now()
                snapshot = await self._broker.connect()
                if self._since:
                    asked = self._clock.monotonic(), self._clock.now()
                    snapshot = await self._broker.snapshot(max(0, self._since - OVERLAP))
            self._check_kind(snapshot)
            await self._reconcile(snapshot, asked, "connect")
            self._connection.up()
            self._say("connected", "")
            beacon.ready()
            self._unavailable = ""
            self._broken = asyncio.get_running_loop().create_future()
            self._attend()
            await first_of(self._listen(), self._until(self._broken))
            raise BrokerConnectionError("the venue ended the stream of updates")
        except TimeoutError as error:
            raise BrokerConnectionError(f"the venue did not answer within {CONNECT_SECONDS:g} s") from error
        finally:
            self._connection.down("the connection to the venue is lost")
            self._say("disconnected", "")
            await self._outbox.close()
            await self._broker.close()

    def available(self, why: str) -> None:
        """Send nothing because of `why`; when it is empty, compare the books and send again."""
        if why == self._unavailable:
            return
        self._unavailable = why
        self._let_be()
        if why:
            self._connection.down(f"the venue is not available: {why}")
            self._say("unavailable", why)
        else:
            self._attend(reopening=True)

    def _attend(self, *, reopening: bool = False) -> None:
        self._beside = asyncio.get_running_loop().create_task(self._stay(reopening), name="reconciliation")
        self._beside.add_done_callback(self._note_end)

    def _let_be(self) -> None:
        beside, self._beside = self._beside, None
        if beside is not None:
            beside.cancel()

    def _note_end(self, task: asyncio.Task[None]) -> None:
        """Cut the line when nobody compares the books any more: with the next connection somebody does again."""
        error = None if task.cancelled() else task.exception()
        if task is self._beside and self._broken is not None and not self._broken.done():
            self._broken.set_exception(BrokerConnectionError(f"the books are not compared any more: {error!r}"))

    async def _listen(self) -> None:
        try:
            await self._broker.run(self)
        finally:
            self._let_be()

    @staticmethod
    async def _until(broken: asyncio.Future[None]) -> None:
        await broken

    async def _stay(self, reopening: bool) -> None:
        """Ask about what is in doubt and compare the books until cancelled; first let orders out again when `reopening`."""
        if reopening:
            await self._reopen()
        await first_of(self._inquiry.run(), self._watch())  # neither ends by itself: when one does, both are begun anew

    async def _reopen(self) -> None:
        """Compare the books, again until that is possible, and let orders out."""
        self._inquiry.renew()
        while True:
            try:
                await self._reconcile(*await self._read(), "available")
                break
            except Exception as error:  # noqa: BLE001 - whatever it is, nothing is sent before the books are known
                self._not_compared(error)
                await self._clock.sleep(SETTLE_SECONDS)
        self._connection.up()
        self._say("available", "")

    def _check_kind(self, snapshot: BrokerSnapshot) -> None:
        kind = snapshot.account.kind
        if kind != self._mode:
            raise BrokerRefused(
                f"the mode is {self._mode}, and account {snapshot.account.account} is a {kind} account; "
                f"set mode = {kind!r} or use other credentials",
                code=WRONG_ACCOUNT_KIND,
            )

    async def _reconcile(self, snapshot: BrokerSnapshot, asked: tuple[int, int], when: str) -> None:
        """Compare the books before orders may leave; what differs is looked at again before it is believed."""
        self._desk.account(snapshot.account)
        if not self._since:
            self._reconciler.open(snapshot)
            self._done(asked)
            return
        for look in range(1, LOOKS + 1):
            self._look(snapshot, asked, when)
            if look == LOOKS or not self._reconciler.waiting:
                return
            await self._clock.sleep(SETTLE_SECONDS)
            snapshot, asked = await self._read()

    async def _watch(self) -> None:
        """Compare the books again and again, sooner when something seems to differ."""
        while True:
            waiting = self._reconciler.waiting
            await self._clock.sleep(min(SETTLE_SECONDS, self._every) if waiting else self._every)
            try:
                self._look(*await self._read(), "timer")
            except Exception as error:  # noqa: BLE001 - whatever it is, the next look comes, and the journal says this one failed
                self._not_compared(error)

    async def _read(self) -> tuple[BrokerSnapshot, tuple[int, int]]:
        asked = self._clock.monotonic(), self._clock.now()
        async with self._clock.timeout(CONNECT_SECONDS):
            return await self._broker.snapshot(max(0, self._since - OVERLAP)), asked

    def _look(self, snapshot: BrokerSnapshot, asked: tuple[int, int], when: str) -> None:
        fresh = self._reconciler.look(snapshot, asked[0], when=when)
        self._done(asked)
        if self._on_difference is not None:
            mine = self._desk.orders
            foreign = [order for order in snapshot.orders if not order.order_id or mine.get(order.order_id) is None]
            self._on_difference([each for each in fresh if each.what not in HARMLESS], foreign)

    def _done(self, asked: tuple[int, int]) -> None:
        self._since = asked[1]
        if self._on_reconciled is not None:
            self._on_reconciled(asked[1])

    def _not_compared(self, error: Exception) -> None:
        _log.warning("the books could not be compared", error=repr(error))
        self._say("not reconciled", repr(error))

    def _say(self, state: str, why: str) -> None:
        self._record(RecordKind.HEALTH, "venue", {"state": state, "why": why})
