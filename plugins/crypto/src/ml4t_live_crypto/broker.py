"""The broker: the engine's orders to an exchange through ccxt, and what the exchange says of them back."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import Any

import structlog
from attrs import define, field

from ml4t.live.adapters import first_of
from ml4t.live.contracts import BrokerSink, BrokerSnapshot, OrderUpdate
from ml4t.live.errors import UNAUTHORIZED, UNKNOWN_SYMBOL, BrokerConnectionError, BrokerRefused, ConfigError, OutcomeUnknown
from ml4t.live.model import Fill, Order, Terms
from ml4t.live.times import NANOS
from ml4t_live_crypto.account import AccountReader
from ml4t_live_crypto.config import CryptoBrokerConfig, from_environment, variable
from ml4t_live_crypto.errors import as_orders, as_questions
from ml4t_live_crypto.exchange import let_go, made, missing_credentials, prepare
from ml4t_live_crypto.habits import habits_of
from ml4t_live_crypto.ids import form_of
from ml4t_live_crypto.markets import Listing, listing_of
from ml4t_live_crypto.names import Names
from ml4t_live_crypto.orders import amount_of, capabilities_of, ticket_of
from ml4t_live_crypto.sdk import errors as theirs
from ml4t_live_crypto.stream import Row, Stream
from ml4t_live_crypto.times import to_millis
from ml4t_live_crypto.updates import fill_of, terms_of, update_of

RECENT = 86_400 * NANOS
"""How far back the executions go that a connect reads; the engine asks for what it has missed itself."""
OVERLAP = 60 * NANOS
"""How much earlier than the last one that was told executions are asked for."""
SOON_SECONDS = 1.0
"""How soon after the start, and after an order that has traded more than was told, executions are asked for."""
REMEMBERED = 20_000
"""Executions and orders that are remembered as told."""

_log = structlog.get_logger("ml4t.live.crypto")


@define
class _Session:
    """What lives from one connect to the next close."""

    exchange: Any
    reader: AccountReader
    stream: Stream
    executions: OrderedDict[str, None] = field(factory=OrderedDict)
    """The executions that were told last, by their ids."""
    traded: OrderedDict[str, float] = field(factory=OrderedDict)
    """By the exchange's id of an order, what was told of it as executed, in coins."""
    amending: dict[str, Terms] = field(factory=dict)
    wanted: asyncio.Event = field(factory=asyncio.Event)
    """Set when executions have to be asked for."""
    heard: int = 0
    """How much the stream has told."""
    silent: bool = False
    """True when it has told nothing for long."""

    def note(self, fill: Fill) -> None:
        """Remember that an execution was told."""
        if fill.execution_id in self.executions:
            return
        self.executions[fill.execution_id] = None
        self.traded[fill.venue_order_id] = self.traded.get(fill.venue_order_id, 0.0) + fill.quantity
        for kept in (self.executions, self.traded):
            if len(kept) > REMEMBERED:
                kept.popitem(last=False)


class CryptoBroker:
    """One account at one exchange of ccxt's: spot pairs, margin and linear swaps, in its test environment or for real.

    Made from a configuration, or in code: `CryptoBroker(exchange="binance", api_key=..., secret_key=..., sandbox=True)`, with
    the options of `CryptoBrokerConfig`; keys that are not given are those of BINANCE_API_KEY, BINANCE_SECRET_KEY and so on. An
    order goes by our `order_id` as its client order id. Quantities are in coins, of contracts too.
    """

    def __init__(self, config: CryptoBrokerConfig | None = None, **options: Any) -> None:
        self._config = config or CryptoBrokerConfig(**from_environment(options))
        exchange = made(self._config)
        self._form = form_of(exchange.id)
        self._habits = habits_of(exchange.id)
        self._names = Names(self._form, self._habits.trade_names)
        if exchange.has.get("watchOrders") is not True:
            raise ConfigError([f"exchange = {exchange.id!r}: ccxt has no websocket of its orders; it can be used as a feed"])
        self.capabilities = capabilities_of(exchange, self._config)
        self._open: _Session | None = None

    # ------------------------------------------------------------------ the connection

    async def connect(self) -> BrokerSnapshot:
        """Connect, and return the account as it stands.

        Raises BrokerRefused for wrong keys, BrokerConnectionError when the exchange is not reached or the clock is wrong.
        """
        await self.close()
        exchange = made(self._config)
        self._check_keys(exchange)
        reader = AccountReader(exchange, self._config, self._names)
        stream = Stream(exchange, reader.kinds)
        try:
            with as_questions(exchange.id):
                await prepare(exchange)
                await exchange.fetch_balance(dict(reader.kinds[0]))  # the keys are tried by a request: its refusal says most
                stream.start()
                async with asyncio.timeout(self._config.timeout_seconds):
                    await stream.until_open()
                snapshot = await reader.snapshot(time.time_ns() - RECENT)
        except BaseException as error:
            await stream.close()
            await let_go(exchange)
            if isinstance(error, TimeoutError):
                raise BrokerConnectionError(f"{exchange.id}: the websocket of the account does not answer") from None
            raise
        self._open = _Session(exchange, reader, stream)
        return snapshot

    async def run(self, sink: BrokerSink) -> None:
        """Deliver order and fill updates until cancelled. Raises BrokerConnectionError when the connection is lost."""
        session = self._session
        with as_questions(session.exchange.id):
            await first_of(session.stream.run(), self._deliver(session, sink), self._audit(session, sink))

    async def close(self) -> None:
        """Let go of the connection; calling it twice is harmless."""
        session, self._open = self._open, None
        if session is not None:
            await session.stream.close()
            await let_go(session.exchange)

    async def snapshot(self, since: int) -> BrokerSnapshot:
        """Return the account as it stands, with the fills since `since` (nanoseconds UTC)."""
        session = self._session
        with as_questions(session.exchange.id):
            return await session.reader.snapshot(since)

    @property
    def _session(self) -> _Session:
        if self._open is None:
            raise BrokerConnectionError(f"{self._config.exchange} is not connected")
        return self._open

    def _check_keys(self, exchange: Any) -> None:
        missing = missing_credentials(exchange)
        if missing:
            names = ", ".join(variable(exchange.id, name) for name in missing)
            raise BrokerRefused(
                f"{exchange.id} wants {', '.join(missing)}; give them, or set {names} for a program", code=UNAUTHORIZED
            )

    # ------------------------------------------------------------------ requests

    async def submit(self, order: Order) -> str:
        """Send the order; return the exchange's id of it. Raises BrokerRefused and OutcomeUnknown."""
        session = self._session
        listing = self._listing(session, order.symbol)
        client_id = self._names.client_id(order.order_id)
        ticket = ticket_of(order, listing, self._config, client_id, session.exchange)
        session.reader.note(order.symbol)
        try:
            with as_orders(session.exchange.id):
                row = await session.exchange.create_order(
                    ticket.symbol, ticket.kind, ticket.side, ticket.amount, ticket.price, dict(ticket.params)
                )
        except BrokerRefused as refused:
            if "duplicate" not in str(refused).lower() and "already exists" not in str(refused).lower():
                raise
            there = await self._row(session, order)
            if there is None:
                raise OutcomeUnknown(f"{session.exchange.id} has {order.order_id} already, and does not show it") from refused
            row = there
        if not row.get("id"):
            raise OutcomeUnknown(f"{session.exchange.id} answers to an order, and names none")
        self._names.learn(str(row["id"]), order.order_id)
        return str(row["id"])

    async def cancel(self, order: Order) -> None:
        """Ask for a cancel; the outcome arrives as an update. Raises as `submit`."""
        session = self._session
        venue_id = await self._venue_id(session, order)
        with as_orders(session.exchange.id):
            await session.exchange.cancel_order(venue_id, order.symbol)

    async def replace(self, order: Order, *, quantity: float, limit_price: float | None, stop_price: float | None) -> None:
        """Ask to change a working order to these terms; the outcome arrives as an update with them. Raises as `submit`."""
        session = self._session
        listing = self._listing(session, order.symbol)
        if listing.kind not in self._habits.amends:
            raise BrokerRefused(f"{session.exchange.id} changes no order without giving it another id", code="unsupported")
        if quantity <= order.filled_quantity:
            raise BrokerRefused(f"{order.filled_quantity:g} have traded already; it cannot be {quantity:g}", code="too_small")
        amount = amount_of(quantity, listing)
        price = None if limit_price is None else float(listing.instrument.round_price(limit_price))
        venue_id = await self._venue_id(session, order)
        session.amending[order.order_id] = Terms(listing.units(amount, 0.0), price)
        try:
            with as_orders(session.exchange.id):
                kind = "market" if price is None else "limit"
                await session.exchange.edit_order(venue_id, order.symbol, kind, order.side.value, amount, price)
        except BrokerRefused:
            session.amending.pop(order.order_id, None)
            raise

    async def find(self, order: Order) -> OrderUpdate | None:
        """Return how an order stands, None when the exchange does not have it."""
        session = self._session
        session.reader.note(order.symbol)
        with as_questions(session.exchange.id):
            row = await self._row(session, order)
        if row is None:
            return None
        self._names.learn(str(row["id"]), order.order_id)
        return update_of(row, self._listing(session, order.symbol), order.order_id, terms=True)

    # ------------------------------------------------------------------ inside

    def _listing(self, session: _Session, symbol: str) -> Listing:
        listing = listing_of(session.exchange, symbol)
        if listing is None:
            raise BrokerRefused(
                f"{session.exchange.id} does not know {symbol}; write spot as BTC/USDT and linear swaps as BTC/USDT:USDT",
                code=UNKNOWN_SYMBOL,
            )
        return listing

    async def _venue_id(self, session: _Session, order: Order) -> str:
        if order.venue_order_id:
            return order.venue_order_id
        with as_questions(session.exchange.id):
            row = await self._row(session, order)
        if row is None:
            raise BrokerRefused(f"{session.exchange.id} does not have the order {order.order_id}", code="OrderNotFound")
        return str(row["id"])

    async def _row(self, session: _Session, order: Order) -> Row | None:
        """Return what the exchange has under our id, None when it has nothing."""
        exchange = session.exchange
        if self._habits.finds:
            client_id = self._form.theirs(order.order_id)
            try:
                row: Row = await exchange.fetch_order(None, order.symbol, {"clientOrderId": client_id})
            except theirs.OrderNotFound:
                return None
            return row
        async for row in _listed(exchange, order):
            if self._names.of_order(row) == order.order_id:
                return row
        return None

    # ------------------------------------------------------------------ what the exchange says

    async def _deliver(self, session: _Session, sink: BrokerSink) -> None:
        while True:
            what, row = await session.stream.told.get()
            session.heard += 1
            listing = listing_of(session.exchange, row["symbol"])
            if listing is None or listing.inverse:
                continue  # somebody trades something else on this account
            if what == "trade":
                await self._tell_fill(session, sink, row, listing)
            else:
                self._tell_order(session, sink, row, listing)

    async def _tell_fill(self, session: _Session, sink: BrokerSink, row: Row, listing: Listing) -> None:
        order_id = await session.reader.order_id_of(row)
        fill = fill_of(row, listing, order_id, session.reader.account, sign=self._habits.stream_fees)
        if fill is not None:
            session.note(fill)
            sink.fill(fill)

    def _tell_order(self, session: _Session, sink: BrokerSink, row: Row, listing: Listing) -> None:
        order_id = self._names.of_order(row) or str(row["id"])
        update = update_of(row, listing, order_id)
        if (update.filled_quantity or 0.0) > session.traded.get(str(row["id"]), 0.0) * (1 + 1e-9):
            session.wanted.set()  # it has traded more than was told
        amending = session.amending.get(order_id)
        if amending is not None and _same(terms_of(row, listing), amending):
            del session.amending[order_id]
            update = update_of(row, listing, order_id, terms=True)
        sink.order(update)

    async def _audit(self, session: _Session, sink: BrokerSink) -> None:
        """Ask for executions that the stream may have swallowed, and tell of them.

        That is: soon after the start, when an order has traded more than was told, and when nothing has been heard for long.
        Raises BrokerConnectionError when it turns out then that the stream is deaf.
        """
        since = time.time_ns() - OVERLAP
        await asyncio.sleep(SOON_SECONDS)
        while True:
            session.wanted.clear()
            heard, asked = session.heard, time.time_ns()
            missed = [fill for fill in await session.reader.fills(since) if fill.execution_id not in session.executions]
            for fill in missed:
                session.note(fill)
                sink.fill(fill)
            if missed and session.silent:
                name = session.exchange.id
                raise BrokerConnectionError(f"{name} tells nothing more of the account, which goes on trading")
            since = asked - OVERLAP
            session.silent = False
            try:
                async with asyncio.timeout(self._config.silence_seconds):
                    await session.wanted.wait()
                await asyncio.sleep(SOON_SECONDS)  # it may be on its way
            except TimeoutError:
                session.silent = session.heard == heard


async def _listed(exchange: Any, order: Order) -> AsyncIterator[Row]:
    """Yield the orders of a symbol, the working ones and those that have ended since it was made."""
    since = to_millis(max(0, order.created_at - OVERLAP))
    for row in await exchange.fetch_open_orders(order.symbol):
        yield row
    for ability, ask in (
        ("fetchClosedOrders", exchange.fetch_closed_orders),
        ("fetchCanceledOrders", exchange.fetch_canceled_orders),
    ):
        if exchange.has.get(ability):
            for row in await ask(order.symbol, since):
                yield row


def _same(terms: Terms, others: Terms) -> bool:
    return terms.quantity == others.quantity and terms.limit_price == others.limit_price
