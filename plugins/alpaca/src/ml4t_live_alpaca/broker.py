"""The broker: the engine's orders to Alpaca, and what Alpaca says of them back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from attrs import define

from ml4t.live.adapters import check_skew, first_of
from ml4t.live.contracts import BrokerCapabilities, BrokerSink, BrokerSnapshot, OrderUpdate
from ml4t.live.errors import WRONG_ACCOUNT_KIND, BrokerConnectionError, BrokerRefused, OutcomeUnknown
from ml4t.live.model import Order, OrderType, Terms, TimeInForce
from ml4t.live.times import NANOS
from ml4t_live_alpaca.account import AccountReader, blocked, kind_of
from ml4t_live_alpaca.assets import Assets
from ml4t_live_alpaca.chains import Chain, Chains
from ml4t_live_alpaca.config import AlpacaBrokerConfig, from_environment
from ml4t_live_alpaca.executions import CORRECTIONS, FILLS, Executions
from ml4t_live_alpaca.ids import ClientId
from ml4t_live_alpaca.lookup import Lookup
from ml4t_live_alpaca.orders import bracket_body, oco_body, order_body
from ml4t_live_alpaca.replacements import Replacements
from ml4t_live_alpaca.rest import RequestRefused, Rest
from ml4t_live_alpaca.states import FINAL
from ml4t_live_alpaca.times import from_text
from ml4t_live_alpaca.updates import UpdatesStream

CANCEL_AGAIN_SECONDS = 0.25
"""How long an order that cannot be cancelled yet is left alone before the next try."""

RECENT = 60 * NANOS
"""How far back the executions go that a connect reads; the engine asks for what it has missed itself."""

_log = structlog.get_logger("ml4t.live.alpaca")


@define
class _Session:
    """What lives from one connect to the next close."""

    rest: Rest
    lookup: Lookup
    reader: AccountReader
    stream: UpdatesStream
    updates: asyncio.Queue[dict[str, Any]]
    executions: Executions
    blocked: str


class AlpacaBroker:
    """One account at Alpaca, paper or live, for stocks and crypto.

    Made from a configuration, or in code: `AlpacaBroker(api_key=..., secret_key=..., paper=True)`, with the options of
    `AlpacaBrokerConfig`; keys that are not given are those of ALPACA_API_KEY and ALPACA_SECRET_KEY. An order goes by our
    `order_id` as its client order id; what Alpaca makes of it when it is replaced, or sent as one with others, is one order
    of ours still (see `ids` and `chains`).
    """

    capabilities = BrokerCapabilities(
        order_types=frozenset(OrderType),
        times_in_force=frozenset(TimeInForce),
        replace=True,
        fractional=True,
        shorts=True,
        brackets=True,
        oco=True,
    )

    def __init__(self, config: AlpacaBrokerConfig | None = None, **options: Any) -> None:
        self._config = config or AlpacaBrokerConfig(**from_environment(options))
        self._assets = Assets()
        self._chains = Chains()
        self._open: _Session | None = None
        self._replacements = Replacements(self._chains, self._config.timeout_seconds)

    # ------------------------------------------------------------------ the connection

    async def connect(self) -> BrokerSnapshot:
        """Connect, and return the account as it stands.

        The keys are tried by a request before the stream is opened, because the stream's own refusal says less. Raises
        BrokerRefused for wrong keys and for an account of the other kind, BrokerConnectionError when Alpaca is not reached.
        """
        await self.close()
        rest = Rest(self._config)
        # No bound: none may be dropped, and `_deliver` waits for nothing but what they need to be told.
        updates: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        stream = UpdatesStream(self._config, updates.put_nowait)
        lookup = Lookup(rest, self._chains)
        reader = AccountReader(rest, lookup)
        try:
            said = await reader.said()
            self._check_kind(said)
            await _check_clock(rest)
            await stream.open()
            executions = Executions(str(said["account_number"]))
            self._open = _Session(rest, lookup, reader, stream, updates, executions, blocked(said))
            now = time.time_ns()
            return await reader.snapshot(now, now - RECENT)
        except BaseException:
            self._open = None
            rest.close()
            await stream.close()
            raise

    async def run(self, sink: BrokerSink) -> None:
        """Deliver order and fill updates until cancelled. Raises BrokerConnectionError when the stream is lost."""
        session = self._session
        if session.blocked:
            sink.available(session.blocked)
        await first_of(session.stream.listen(), self._deliver(session, sink))

    async def close(self) -> None:
        """Let go of the connection; calling it twice is harmless."""
        session, self._open = self._open, None
        await self._replacements.close()
        if session is not None:
            session.rest.close()
            await session.stream.close()

    async def snapshot(self, since: int) -> BrokerSnapshot:
        """Return the account as it stands, with the fills since `since` (nanoseconds UTC)."""
        return await self._session.reader.snapshot(time.time_ns(), since)

    @property
    def _session(self) -> _Session:
        if self._open is None:
            raise BrokerConnectionError("Alpaca is not connected")
        return self._open

    def _check_kind(self, said: Mapping[str, Any]) -> None:
        kind, wanted = kind_of(said), "paper" if self._config.paper else "live"
        if kind != wanted:
            raise BrokerRefused(
                f"account {said['account_number']} is a {kind} account and paper = {str(self._config.paper).lower()} says "
                f"{wanted}; set paper = {str(not self._config.paper).lower()}, or use the keys of the {wanted} account",
                code=WRONG_ACCOUNT_KIND,
            )

    # ------------------------------------------------------------------ requests

    async def submit(self, order: Order) -> str:
        """Send the order; return Alpaca's id of it. Raises BrokerRefused, OutcomeUnknown and BrokerConnectionError."""
        session = self._session
        instrument = await self._assets.instrument(order.symbol, session.rest)
        body = order_body(order, instrument, extended_hours=self._config.extended_hours)
        self._chains.send_alone(order.order_id)
        return (await self._send(session, body)).head.id

    async def submit_bracket(self, entry: Order, take_profit: Order, stop_loss: Order) -> Sequence[str]:
        """Send an entry with its two exits as one; return Alpaca's ids in this order. Raises as `submit`."""
        session = self._session
        instrument = await self._assets.instrument(entry.symbol, session.rest)
        await self._send(session, bracket_body(entry, take_profit, stop_loss, instrument))
        return self._venue_ids(entry, take_profit, stop_loss)

    async def submit_oco(self, first: Order, second: Order) -> Sequence[str]:
        """Send a limit order and a stop of which one cancels the other; return Alpaca's ids. Raises as `submit`."""
        session = self._session
        instrument = await self._assets.instrument(first.symbol, session.rest)
        await self._send(session, oco_body(first, second, instrument))
        return self._venue_ids(first, second)

    async def cancel(self, order: Order) -> None:
        """Ask for a cancel; the outcome arrives as an update. Raises as `submit`.

        Alpaca cancels nothing that it is still taking in or replacing: then it is asked again for a while.
        """
        session = self._session
        chain = await self._chain(session, order)
        give_up = time.monotonic() + self._config.timeout_seconds
        while True:
            try:
                await session.rest.cancel(f"/orders/{chain.head.id}")
            except RequestRefused as refused:
                await session.lookup.order(order)
                if refused.status != 422 or chain.head.status in FINAL or time.monotonic() > give_up:
                    raise
                await asyncio.sleep(CANCEL_AGAIN_SECONDS)
            else:
                return

    async def replace(self, order: Order, *, quantity: float, limit_price: float | None, stop_price: float | None) -> None:
        """Ask to change a working order to these terms; the outcome arrives as an update with `terms`. Raises as `submit`.

        The order that takes its place trades what is left of `quantity`. What trades while Alpaca replaces it is taken off
        again as soon as that is known.
        """
        session = self._session
        chain = await self._chain(session, order)
        instrument = await self._assets.instrument(order.symbol, session.rest)
        trail = None if order.amendment is None else order.amendment.trail_amount
        await self._replacements.replace(session.rest, chain, instrument, Terms(quantity, limit_price, stop_price, trail))

    async def find(self, order: Order) -> OrderUpdate | None:
        """Return how an order stands, None when Alpaca is sure that it never had it."""
        chain = await self._session.lookup.order(order)
        return None if chain is None else chain.update()

    # ------------------------------------------------------------------ inside

    async def _send(self, session: _Session, body: Mapping[str, Any]) -> Chain:
        try:
            said = await session.rest.submit("/orders", body)
        except RequestRefused as refused:
            if not refused.is_duplicate:
                raise
            said = await session.lookup.client_id(ClientId.parse(body["client_order_id"]))
            if said is None:
                raise OutcomeUnknown(f"Alpaca has {body['client_order_id']} already, and does not show it") from refused
        return self._chains.note(said)

    def _venue_ids(self, *orders: Order) -> Sequence[str]:
        chains = [self._chains.of_order(order.order_id) for order in orders]
        return [chain.head.id for chain in chains if chain is not None]

    async def _chain(self, session: _Session, order: Order) -> Chain:
        chain = self._chains.of_order(order.order_id) or await session.lookup.order(order)
        if chain is None:
            raise BrokerRefused(f"Alpaca has no order {order.order_id}", code="no_such_order")
        return chain

    # ------------------------------------------------------------------ what Alpaca says

    async def _deliver(self, session: _Session, sink: BrokerSink) -> None:
        while True:
            update = await session.updates.get()
            chain = await session.lookup.heard(update["order"])
            event = update["event"]
            if event in FILLS:
                sink.fill(session.executions.fill(update, chain.order_id))
            elif event in CORRECTIONS:
                correction = session.executions.correction(update, chain.order_id)
                if correction is None:
                    raise BrokerConnectionError("Alpaca corrects a trade that this connection has not heard of")
                sink.fill(correction)
            sink.order(chain.update())
            self._replacements.heard(session.rest, chain)


async def _check_clock(rest: Rest) -> None:
    asked = time.time_ns()
    theirs = from_text((await rest.get("/clock"))["timestamp"])
    check_skew("Alpaca", asked, theirs, time.time_ns())
