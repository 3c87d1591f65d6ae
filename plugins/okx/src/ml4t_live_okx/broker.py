"""The broker: the engine's orders to OKX, and what OKX says of them back."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Sequence
from typing import Any

from ml4t.live.adapters import first_of
from ml4t.live.contracts import BrokerCapabilities, BrokerSink, BrokerSnapshot, OrderUpdate
from ml4t.live.errors import BrokerConnectionError, BrokerRefused, OutcomeUnknown
from ml4t.live.model import Order, OrderSide, OrderType, Terms, TimeInForce
from ml4t_live_okx.algos import AlgoRow, algo_update, exit_updates
from ml4t_live_okx.batches import Body, Outcome, taken
from ml4t_live_okx.config import OKXBrokerConfig, from_environment
from ml4t_live_okx.errors import CANCELLING, DUPLICATES, Refused
from ml4t_live_okx.instruments import Instruments, Listing
from ml4t_live_okx.orders import algo_body, amend_body, bracket_body, oco_body, order_body
from ml4t_live_okx.pairs import pair_id
from ml4t_live_okx.session import Session, open_session
from ml4t_live_okx.updates import execution_of, update_of
from ml4t_live_okx.waiting import TYPES, waits


class OKXBroker:
    """One account at OKX: spot pairs, margin, linear swaps and futures, in demo trading or for real.

    Made from a configuration, or in code: `OKXBroker(api_key=..., secret_key=..., passphrase=..., demo=True)`, with the options
    of `OKXBrokerConfig`; keys that are not given are those of OKX_API_KEY, OKX_SECRET_KEY and OKX_PASSPHRASE. An order goes by
    our `order_id` as its `clOrdId`. Quantities are in coins, of contracts too.
    """

    def __init__(self, config: OKXBrokerConfig | None = None, **options: Any) -> None:
        self._config = config or OKXBrokerConfig(**from_environment(options, keys=True))
        self.capabilities = BrokerCapabilities(
            order_types=frozenset({OrderType.MARKET, OrderType.LIMIT, *TYPES}),
            times_in_force=frozenset({TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK}),
            replace=True,
            fractional=True,
            shorts=self._config.products != ("spot",),
            brackets=True,
            oco=True,
        )
        self._instruments = Instruments()
        self._open: Session | None = None
        self._amendments = 0

    # ------------------------------------------------------------------ the connection

    async def connect(self) -> BrokerSnapshot:
        """Connect, and return the account as it stands.

        The keys are tried by a request before the websocket is opened, because its own refusal says less. Raises BrokerRefused
        for wrong keys and for an account that cannot trade what is configured, BrokerConnectionError when OKX is not reached.
        """
        await self.close()
        self._open, snapshot = await open_session(self._config, self._instruments)
        return snapshot

    async def run(self, sink: BrokerSink) -> None:
        """Deliver order and fill updates until cancelled. Raises BrokerConnectionError when a websocket is lost."""
        session = self._session
        await first_of(*(line.run() for line in session.lines), self._deliver(session, sink))

    async def close(self) -> None:
        """Let go of the connection; calling it twice is harmless."""
        session, self._open = self._open, None
        if session is not None:
            await session.close()

    async def snapshot(self, since: int) -> BrokerSnapshot:
        """Return the account as it stands, with the fills since `since` (nanoseconds UTC)."""
        session = self._session
        return await session.reader.snapshot(session.settings.account, time.time_ns(), since)

    @property
    def _session(self) -> Session:
        if self._open is None:
            raise BrokerConnectionError("OKX is not connected")
        return self._open

    # ------------------------------------------------------------------ requests

    async def submit(self, order: Order) -> str:
        """Send the order; return OKX's id of it. Raises BrokerRefused, OutcomeUnknown and BrokerConnectionError.

        Orders that are submitted in the same turn of the event loop go as one request.
        """
        session = self._session
        terms = await self._terms(session, order)
        if order.order_type in TYPES:
            return await self._number(order, _algo(session, algo_body(order, **terms)))
        return await self._number(order, session.submits.add(order_body(order, **terms)))

    async def submit_bracket(self, entry: Order, take_profit: Order, stop_loss: Order) -> Sequence[str]:
        """Send an entry with its two exits as one; return OKX's ids in this order. Raises as `submit`, for all.

        OKX gives the exits ids when it makes them, which is when the entry has traded: until then they bear that of the entry.
        """
        session = self._session
        body = bracket_body(entry, take_profit, stop_loss, **await self._terms(session, entry))
        session.waiting.note(pair_id(take_profit.order_id, stop_loss.order_id))
        number = await self._number(entry, session.submits.add(body))
        return number, f"{number}-limit", f"{number}-stop"

    async def submit_oco(self, first: Order, second: Order) -> Sequence[str]:
        """Send a limit order and a stop of which one cancels the other; return OKX's ids. Raises as `submit`, for both.

        They are one order at OKX, and the limit order has an id of its own as soon as it rests.
        """
        session = self._session
        limit, stop = sorted((first, second), key=lambda order: order.order_type is not OrderType.LIMIT)
        body = oco_body(limit, stop, **await self._terms(session, stop))
        session.waiting.note(body["algoClOrdId"])
        number = await self._number(stop, _algo(session, body))
        return [f"{number}-limit" if order is limit else number for order in (first, second)]

    async def cancel(self, order: Order) -> None:
        """Ask for a cancel; the outcome arrives as an update. Raises as `submit`."""
        session = self._session
        try:
            if waits(order):
                await session.waiting.cancel(order)
            else:
                taken(await session.cancels.add({"instId": order.symbol, "clOrdId": order.order_id}))
        except Refused as refused:
            if refused.venue_code != CANCELLING:
                raise

    async def replace(self, order: Order, *, quantity: float, limit_price: float | None, stop_price: float | None) -> None:
        """Ask to change a working order to these terms; the outcome arrives as an update with them. Raises as `submit`."""
        session = self._session
        listing = await self._listing(session, order.symbol)
        self._amendments += 1
        request = f"a{time.time_ns() // 1000:x}{self._amendments}"
        if waits(order):
            await session.waiting.replace(order, listing, Terms(quantity, limit_price, stop_price), request)
        else:
            ids = {"clOrdId": order.order_id}
            taken(await session.amends.add(amend_body(order, listing, Terms(quantity, limit_price), ids, request)))

    async def find(self, order: Order) -> OrderUpdate | None:
        """Return how an order stands, None when OKX does not have it.

        OKX forgets an order that was cancelled without a trade after two hours; that one too never traded.
        """
        session = self._session
        listing = await self._listing(session, order.symbol)
        if waits(order):
            return await session.waiting.find(order, listing)
        row = await session.names.order({"instId": order.symbol, "clOrdId": order.order_id})
        return None if row is None else update_of(row, listing, terms=True)

    # ------------------------------------------------------------------ inside

    async def _listing(self, session: Session, symbol: str) -> Listing:
        listing = await self._instruments.get(symbol, session.rest)
        if listing is None:
            raise BrokerRefused(
                f"OKX does not know {symbol}; write spot as BTC-USDT, swaps as BTC-USDT-SWAP", code="unknown_symbol"
            )
        return listing

    async def _terms(self, session: Session, order: Order) -> dict[str, Any]:
        """Return what a request to submit an order says besides the order: what it trades, and how it is backed."""
        listing = await self._listing(session, order.symbol)
        side = await self._position_side(session, order, listing)
        return {"listing": listing, "mode": self._mode(listing), "position_side": side}

    def _mode(self, listing: Listing) -> str:
        """Return OKX's `tdMode` for an instrument. Raises BrokerRefused for one that is not configured."""
        products = self._config.products
        if listing.kind != "SPOT":
            if listing.kind.lower() in products:
                return self._config.margin_mode
        elif "margin" in products:
            return self._config.margin_mode
        elif "spot" in products:
            return "cash"
        wanted = listing.kind.lower()
        raise BrokerRefused(f"{listing.symbol} is {wanted}, which products does not name; add it there", code="not_configured")

    async def _position_side(self, session: Session, order: Order, listing: Listing) -> str:
        """Return which of two positions an order changes: it closes before it opens. Empty where there is one."""
        if session.settings.position_mode != "long_short_mode" or listing.kind == "SPOT":
            return ""
        opens, closes = ("long", "short") if order.side is OrderSide.BUY else ("short", "long")
        held = (await session.reader.position(order.symbol)).get(closes, 0.0)
        if not held:
            return opens
        if order.quantity > held * (1 + 1e-9):
            raise BrokerRefused(
                f"{held:g} of {order.symbol} are held {closes}, and in long_short_mode one order cannot close them and open "
                f"others; trade {held:g} first, or set the position mode to net_mode at OKX",
                code="crosses_zero",
            )
        return closes

    async def _number(self, order: Order, request: Awaitable[Outcome]) -> str:
        """Return OKX's id of an order that is being sent, also of one that it has already."""
        try:
            outcome = taken(await request)
        except Refused as refused:
            if refused.venue_code not in DUPLICATES:
                raise
            found = await self.find(order)
            if found is None:
                raise OutcomeUnknown(f"OKX has {order.order_id} already, and does not show it") from refused
            return found.venue_order_id
        return outcome.get("ordId") or outcome["algoId"]

    # ------------------------------------------------------------------ what OKX says

    async def _deliver(self, session: Session, sink: BrokerSink) -> None:
        while True:
            row = await session.rows.get()
            if row.instType.lower() not in self._config.products:
                continue  # somebody trades something else on this account
            listing = await self._listing(session, row.instId)
            if listing.inverse:
                continue
            if isinstance(row, AlgoRow):
                session.waiting.note(row.algoClOrdId)
                if not row.made:  # or what it has made tells of itself, and may have done so already
                    sink.order(algo_update(row, listing))
                continue
            row = await session.names.named(row)
            fill = execution_of(row, listing, session.settings.account)
            if fill is not None:
                sink.fill(fill)
            for update in (update_of(row, listing), *exit_updates(row)):
                sink.order(update)


async def _algo(session: Session, body: Body) -> Outcome:
    """Send an algo order; return what became of it."""
    return (await session.rest.submit("trade/order-algo", body))[0]
