"""The broker: the engine's orders to OKX, and what OKX says of them back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import msgspec
import structlog
from attrs import define
from msgspec import DecodeError, Raw

from ml4t.live.contracts import BrokerCapabilities, BrokerSink, BrokerSnapshot, OrderUpdate
from ml4t.live.errors import UNAUTHORIZED, WRONG_ACCOUNT_KIND, BrokerConnectionError, BrokerRefused, OutcomeUnknown
from ml4t.live.model import Order, OrderSide, OrderType, TimeInForce
from ml4t.live.times import NANOS
from ml4t_live_okx.account import AccountReader, Settings
from ml4t_live_okx.batches import Batches
from ml4t_live_okx.clock import check_clock
from ml4t_live_okx.config import OKXBrokerConfig, from_environment
from ml4t_live_okx.errors import CANCELLING, DUPLICATE, NO_SUCH_ORDER, UNSURE, Refused, error_of
from ml4t_live_okx.instruments import Instruments, Listing
from ml4t_live_okx.line import Line
from ml4t_live_okx.liveness import first_of
from ml4t_live_okx.orders import amend_body, order_body
from ml4t_live_okx.rest import Rest
from ml4t_live_okx.updates import OrderRow, execution_of, order_rows, update_of
from ml4t_live_okx.wire import About, Deliver

ORDERS = {"channel": "orders", "instType": "ANY"}
RECENT = 86_400 * NANOS
"""How far back the executions go that a connect reads; the engine asks for what it has missed itself."""
SPOT_ACCOUNT = "1"

_log = structlog.get_logger("ml4t.live.okx")


@define
class _Session:
    """What lives from one connect to the next close."""

    rest: Rest
    reader: AccountReader
    line: Line
    rows: asyncio.Queue[OrderRow]
    submits: Batches
    cancels: Batches
    amends: Batches
    settings: Settings


class OKXBroker:
    """One account at OKX: spot pairs, margin, linear swaps and futures, in demo trading or for real.

    Made from a configuration, or in code: `OKXBroker(api_key=..., secret_key=..., passphrase=..., demo=True)`, with the options
    of `OKXBrokerConfig`; keys that are not given are those of OKX_API_KEY, OKX_SECRET_KEY and OKX_PASSPHRASE. An order goes by
    our `order_id` as its `clOrdId`. Quantities are in coins, of contracts too.
    """

    def __init__(self, config: OKXBrokerConfig | None = None, **options: Any) -> None:
        self._config = config or OKXBrokerConfig(**from_environment(options, keys=True))
        self.capabilities = BrokerCapabilities(
            order_types=frozenset({OrderType.MARKET, OrderType.LIMIT}),
            times_in_force=frozenset({TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK}),
            replace=True,
            fractional=True,
            shorts=self._config.products != ("spot",),
        )
        self._instruments = Instruments()
        self._open: _Session | None = None
        self._amendments = 0

    # ------------------------------------------------------------------ the connection

    async def connect(self) -> BrokerSnapshot:
        """Connect, and return the account as it stands.

        The keys are tried by a request before the websocket is opened, because its own refusal says less. Raises BrokerRefused
        for wrong keys and for an account that cannot trade what is configured, BrokerConnectionError when OKX is not reached.
        """
        await self.close()
        rest = Rest(self._config)
        rows: asyncio.Queue[OrderRow] = asyncio.Queue()
        line = Line(self._config, "private", [ORDERS], _into(rows))
        reader = AccountReader(self._config, rest, self._instruments)
        try:
            await check_clock(rest)
            settings = await reader.settings()
            self._check(settings)
            await line.open()
            now = time.time_ns()
            snapshot = await reader.snapshot(settings.account, now, now - RECENT)
        except BaseException:
            await line.close()
            await rest.close()
            raise
        self._open = _Session(
            rest,
            reader,
            line,
            rows,
            Batches(rest.submit, "trade/order", "trade/batch-orders"),
            Batches(rest.cancel, "trade/cancel-order", "trade/cancel-batch-orders"),
            Batches(rest.submit, "trade/amend-order", "trade/amend-batch-orders"),
            settings,
        )
        return snapshot

    async def run(self, sink: BrokerSink) -> None:
        """Deliver order and fill updates until cancelled. Raises BrokerConnectionError when the websocket is lost."""
        session = self._session
        await first_of(session.line.run(), self._deliver(session, sink))

    async def close(self) -> None:
        """Let go of the connection; calling it twice is harmless."""
        session, self._open = self._open, None
        if session is not None:
            for batches in (session.submits, session.cancels, session.amends):
                await batches.close()
            await session.line.close()
            await session.rest.close()

    async def snapshot(self, since: int) -> BrokerSnapshot:
        """Return the account as it stands, with the fills since `since` (nanoseconds UTC)."""
        session = self._session
        return await session.reader.snapshot(session.settings.account, time.time_ns(), since)

    @property
    def _session(self) -> _Session:
        if self._open is None:
            raise BrokerConnectionError("OKX is not connected")
        return self._open

    def _check(self, settings: Settings) -> None:
        if not settings.can_trade:
            raise BrokerRefused("the API key may not trade; give it that permission at OKX", code=UNAUTHORIZED)
        beyond = [product for product in self._config.products if product != "spot"]
        if beyond and settings.level == SPOT_ACCOUNT:
            raise BrokerRefused(
                f"account {settings.account} is in spot mode and products names {', '.join(beyond)}; change the account "
                "mode at OKX, or name spot only",
                code=WRONG_ACCOUNT_KIND,
            )
        if settings.fee_in_coin and "spot" in self._config.products:
            _log.warning("OKX takes the fee of a purchase out of the coins; set the fee type to quote currency there")

    # ------------------------------------------------------------------ requests

    async def submit(self, order: Order) -> str:
        """Send the order; return OKX's id of it. Raises BrokerRefused, OutcomeUnknown and BrokerConnectionError.

        Orders that are submitted in the same turn of the event loop go as one request.
        """
        session = self._session
        listing = await self._listing(session, order.symbol)
        mode = self._mode(listing)
        body = order_body(order, listing, mode=mode, position_side=await self._position_side(session, order, listing))
        try:
            return _taken(await session.submits.add(body))["ordId"]
        except Refused as refused:
            if refused.venue_code != DUPLICATE:
                raise
            row = await self._row(session, order)
            if row is None:
                raise OutcomeUnknown(f"OKX has {order.order_id} already, and does not show it") from refused
            return row.ordId

    async def cancel(self, order: Order) -> None:
        """Ask for a cancel; the outcome arrives as an update. Raises as `submit`."""
        try:
            _taken(await self._session.cancels.add({"instId": order.symbol, "clOrdId": order.order_id}))
        except Refused as refused:
            if refused.venue_code != CANCELLING:
                raise

    async def replace(self, order: Order, *, quantity: float, limit_price: float | None, stop_price: float | None) -> None:
        """Ask to change a working order to these terms; the outcome arrives as an update with them. Raises as `submit`."""
        session = self._session
        listing = await self._listing(session, order.symbol)
        self._amendments += 1
        request = f"a{time.time_ns() // 1000:x}{self._amendments}"
        body = amend_body(order, listing, quantity, order.filled_quantity, limit_price, request)
        _taken(await session.amends.add(body))

    async def find(self, order: Order) -> OrderUpdate | None:
        """Return how an order stands, None when OKX does not have it.

        OKX forgets an order that was cancelled without a trade after two hours; that one too never traded.
        """
        session = self._session
        row = await self._row(session, order)
        return None if row is None else update_of(row, await self._listing(session, row.instId), terms=True)

    # ------------------------------------------------------------------ inside

    async def _listing(self, session: _Session, symbol: str) -> Listing:
        listing = await self._instruments.get(symbol, session.rest)
        if listing is None:
            raise BrokerRefused(
                f"OKX does not know {symbol}; write spot as BTC-USDT, swaps as BTC-USDT-SWAP", code="unknown_symbol"
            )
        return listing

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

    async def _position_side(self, session: _Session, order: Order, listing: Listing) -> str:
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

    @staticmethod
    async def _row(session: _Session, order: Order) -> OrderRow | None:
        try:
            said = await session.rest.get("trade/order", {"instId": order.symbol, "clOrdId": order.order_id})
        except Refused as refused:
            if refused.venue_code == NO_SUCH_ORDER:
                return None
            raise
        return msgspec.convert(said[0], OrderRow) if said else None

    # ------------------------------------------------------------------ what OKX says

    async def _deliver(self, session: _Session, sink: BrokerSink) -> None:
        while True:
            row = await session.rows.get()
            if row.instType.lower() not in self._config.products:
                continue  # somebody trades something else on this account
            listing = await self._listing(session, row.instId)
            if listing.inverse:
                continue
            fill = execution_of(row, listing, session.settings.account)
            if fill is not None:
                sink.fill(fill)
            sink.order(update_of(row, listing))


def _into(rows: asyncio.Queue[OrderRow]) -> Deliver:
    def deliver(_: About, data: Raw) -> None:
        try:
            for row in order_rows.decode(data):
                rows.put_nowait(row)
        except DecodeError as error:
            raise BrokerConnectionError(f"OKX's update of an order cannot be read: {error}") from None

    return deliver


def _taken(outcome: Mapping[str, str]) -> Mapping[str, str]:
    """Return what became of an order that was taken. Raises Refused for another, OutcomeUnknown when nobody can tell."""
    code, words = outcome["sCode"], outcome["sMsg"]
    if code == "0":
        return outcome
    if code in UNSURE:
        raise OutcomeUnknown(f"OKX answers {code} to an order: {words}")
    error = error_of(code, words)
    raise error if isinstance(error, Refused) else Refused(str(error), venue_code=code)
