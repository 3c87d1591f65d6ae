"""What lives from one connect of the broker to the next: requests, two websockets, and what they have told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import structlog
from attrs import define
from msgspec import DecodeError, Raw
from msgspec.json import Decoder

from ml4t.live.contracts import BrokerSnapshot
from ml4t.live.errors import UNAUTHORIZED, WRONG_ACCOUNT_KIND, BrokerConnectionError, BrokerRefused
from ml4t.live.times import NANOS
from ml4t_live_okx.account import AccountReader, Settings
from ml4t_live_okx.algos import AlgoRow, algo_rows
from ml4t_live_okx.batches import Batches
from ml4t_live_okx.clock import check_clock
from ml4t_live_okx.config import OKXBrokerConfig
from ml4t_live_okx.instruments import Instruments
from ml4t_live_okx.line import Line
from ml4t_live_okx.names import Names
from ml4t_live_okx.rest import Rest
from ml4t_live_okx.updates import OrderRow, order_rows
from ml4t_live_okx.waiting import WaitingRoom
from ml4t_live_okx.wire import About, Deliver

ALGOS = "orders-algo"
CHANNELS = {"private": "orders", "business": ALGOS}
"""By websocket, the channel that tells of orders; those that wait for a price have one of their own."""
RECENT = 86_400 * NANOS
"""How far back the executions go that a connect reads; the engine asks for what it has missed itself."""
SPOT_ACCOUNT = "1"

Rows = asyncio.Queue[OrderRow | AlgoRow]
_log = structlog.get_logger("ml4t.live.okx")


@define
class Session:
    """One connection to an account."""

    rest: Rest
    reader: AccountReader
    lines: Sequence[Line]
    rows: Rows
    names: Names
    submits: Batches
    cancels: Batches
    amends: Batches
    waiting: WaitingRoom
    settings: Settings

    async def close(self) -> None:
        """Let go of everything."""
        for batches in (self.submits, self.cancels, self.amends):
            await batches.close()
        await _close(self.rest, self.lines)


async def open_session(config: OKXBrokerConfig, instruments: Instruments) -> tuple[Session, BrokerSnapshot]:
    """Connect, and return the connection with the account as it stands. Raises BrokerRefused and BrokerConnectionError.

    The keys are tried by a request before a websocket is opened, because its own refusal says less.
    """
    rest = Rest(config)
    rows: Rows = asyncio.Queue()
    lines = [
        Line(config, endpoint, [{"channel": channel, "instType": "ANY"}], _into(rows)) for endpoint, channel in CHANNELS.items()
    ]
    names = Names(rest)
    reader = AccountReader(config, rest, instruments, names)
    try:
        await check_clock(rest)
        settings = await reader.settings()
        _check(settings, config)
        for line in lines:
            await line.open()
        now = time.time_ns()
        snapshot = await reader.snapshot(settings.account, now, now - RECENT)
    except BaseException:
        await _close(rest, lines)
        raise
    submits = Batches(rest.submit, "trade/order", "trade/batch-orders")
    cancels = Batches(rest.cancel, "trade/cancel-order", "trade/cancel-batch-orders")
    amends = Batches(rest.submit, "trade/amend-order", "trade/amend-batch-orders")
    waiting = WaitingRoom(rest, names, cancels, amends)
    return Session(rest, reader, lines, rows, names, submits, cancels, amends, waiting, settings), snapshot


def _check(settings: Settings, config: OKXBrokerConfig) -> None:
    """Raise BrokerRefused for an account that cannot trade what is configured."""
    if not settings.can_trade:
        raise BrokerRefused("the API key may not trade; give it that permission at OKX", code=UNAUTHORIZED)
    beyond = [product for product in config.products if product != "spot"]
    if beyond and settings.level == SPOT_ACCOUNT:
        raise BrokerRefused(
            f"account {settings.account} is in spot mode and products names {', '.join(beyond)}; change the account "
            "mode at OKX, or name spot only",
            code=WRONG_ACCOUNT_KIND,
        )
    if settings.fee_in_coin and "spot" in config.products:
        _log.warning("OKX takes the fee of a purchase out of the coins; set the fee type to quote currency there")


def _into(rows: Rows) -> Deliver:
    def deliver(about: About, data: Raw) -> None:
        decoder: Decoder[list[OrderRow]] | Decoder[list[AlgoRow]] = algo_rows if about.channel == ALGOS else order_rows
        try:
            for row in decoder.decode(data):
                rows.put_nowait(row)
        except DecodeError as error:
            raise BrokerConnectionError(f"OKX's update of an order cannot be read: {error}") from None

    return deliver


async def _close(rest: Rest, lines: Sequence[Line]) -> None:
    for line in lines:
        await line.close()
    await rest.close()
