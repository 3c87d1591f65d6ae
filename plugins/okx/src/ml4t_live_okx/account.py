"""The account as OKX shows it: balances, holdings, working orders and what has traded, all of it or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import msgspec
from attrs import frozen

from ml4t.live.contracts import BrokerSnapshot
from ml4t.live.errors import BrokerConnectionError
from ml4t.live.model import Account, Fill, Order, Position
from ml4t.live.times import NANOS
from ml4t_live_okx.algos import AlgoRow, algo_order, exit_orders
from ml4t_live_okx.config import OKXBrokerConfig
from ml4t_live_okx.instruments import Instruments, Listing
from ml4t_live_okx.names import Names
from ml4t_live_okx.rest import Rest
from ml4t_live_okx.times import to_millis
from ml4t_live_okx.updates import OrderRow, fill_of, order_of

ALGO_KINDS = ("conditional,oco", "trigger", "move_order_stop")
"""The kinds of algo order that are asked for: those that wait for a price."""
LOOKS = 3
"""How often the account is read again because something traded meanwhile."""
MULTI_CURRENCY = frozenset({"3", "4"})
"""The account modes in which every coin backs every position: multi-currency and portfolio margin."""
RECENT_FILLS = 3 * 86_400 * NANOS - 3600 * NANOS
"""How old fills may be to be in the list of recent ones; older ones are in another, which is behind by minutes."""


@frozen
class Settings:
    """How the account is set up."""

    account: str
    level: str
    """OKX's account mode: 1 spot, 2 futures, 3 multi-currency margin, 4 portfolio margin."""
    position_mode: str
    fee_in_coin: bool
    can_trade: bool

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Settings:
        """Return the settings that an answer of OKX's says."""
        return cls(
            account=str(said["uid"]),
            level=str(said["acctLv"]),
            position_mode=str(said["posMode"]),
            fee_in_coin=said.get("feeType", "0") == "0",
            can_trade="trade" in str(said.get("perm", "trade")).split(","),
        )


class AccountReader:
    """Reads one account."""

    def __init__(self, config: OKXBrokerConfig, rest: Rest, instruments: Instruments, names: Names) -> None:
        self._config = config
        self._rest = rest
        self._names = names
        self._instruments = instruments
        self._kinds = [product.upper() for product in config.products]
        self._reads_coins = "SPOT" in self._kinds

    async def settings(self) -> Settings:
        """Return how the account is set up; asking for it tries the keys."""
        settings = Settings.of((await self._rest.get("account/config"))[0])
        # With margin of many currencies, what is bought with borrowed money is a balance like any other, and no position.
        borrows = settings.level in MULTI_CURRENCY and self._config.margin_mode == "cross" and "MARGIN" in self._kinds
        self._reads_coins = borrows or "SPOT" in self._kinds
        return settings

    async def snapshot(self, account: str, now: int, since: int) -> BrokerSnapshot:
        """Return the account, with the executions since `since` (nanoseconds UTC).

        Each part is an answer of its own: when something has traded between the first and the last, all are asked for again.
        Raises BrokerConnectionError when one of them cannot be had.
        """
        for _ in range(LOOKS):
            newest = await self._newest()
            orders = await self._working()
            held = await self._contracts()
            balance = (await self._rest.get("account/balance"))[0]
            fills = await self._fills(account, since, now)
            if await self._newest() == newest:
                positions = [*await self._coins(balance), *_merged(held)]
                return BrokerSnapshot(self._account(account, now, balance, held), positions, orders, fills)
        raise BrokerConnectionError(f"the account traded during each of {LOOKS} attempts to read it")

    async def position(self, symbol: str) -> Mapping[str, float]:
        """Return what is held of a contract, in coins, by side: `long` and `short`, both as sizes."""
        said = await self._rest.get("account/positions", {"instId": symbol})
        listing = await self._listing(symbol)
        return {each["posSide"]: abs(_number(each["pos"])) * float(listing.contract) for each in said}

    # ------------------------------------------------------------------ parts

    async def _newest(self) -> str:
        """Return the id of the latest execution, empty without any."""
        found = await self._rest.get("trade/fills", {"limit": "1"})
        return str(found[0]["billId"]) if found else ""

    async def _working(self) -> list[Order]:
        """Return what works, and what waits. What was triggered works, and is still the stop that it was sent as."""
        orders = []
        async for said in self._rest.pages("trade/orders-pending", {}, "ordId"):
            row = msgspec.convert(said, OrderRow)
            listing = await self._traded(row)
            if listing is not None:
                algo = await self._names.algo({"algoId": row.algoId}) if row.algoId and not row.is_exit else None
                order = order_of(await self._names.named(row), listing) if algo is None else algo_order(algo, listing, row)
                orders += [order, *exit_orders(row, listing)]
        for kinds in ALGO_KINDS:
            async for said in self._rest.pages("trade/orders-algo-pending", {"ordType": kinds}, "algoId"):
                algo = msgspec.convert(said, AlgoRow)
                listing = await self._traded(algo)
                if listing is not None:
                    orders.append(algo_order(algo, listing))
        return orders

    async def _traded(self, row: OrderRow | AlgoRow) -> Listing | None:
        """Return the listing of what is traded here, None for anything else on this account."""
        if row.instType not in self._kinds:
            return None
        listing = await self._listing(row.instId)
        return None if listing.inverse else listing

    async def _fills(self, account: str, since: int, now: int) -> list[Fill]:
        """Return the executions since a time, oldest first."""
        found: dict[str, Fill] = {}
        for kind in self._kinds:
            query = {"instType": kind, "begin": to_millis(since)}
            if since < now - RECENT_FILLS:
                await self._note_fills(found, account, "trade/fills-history", query)
            await self._note_fills(found, account, "trade/fills", query)
        oldest_first = list(found.values())[::-1]  # also of those that share a millisecond
        return sorted(oldest_first, key=lambda fill: fill.time)

    async def _note_fills(self, found: dict[str, Fill], account: str, path: str, query: Mapping[str, str]) -> None:
        async for said in self._rest.pages(path, query, "billId"):
            listing = await self._listing(said["instId"])
            if not listing.inverse:
                fill = fill_of(said, listing, account, await self._names.of_fill(said))
                found[fill.execution_id] = fill

    async def _contracts(self) -> list[Position]:
        """Return the positions in contracts and on margin: in `long_short_mode` two of a contract."""
        positions = []
        for kind in self._kinds:
            if kind != "SPOT":
                for said in await self._rest.get("account/positions", {"instType": kind}):
                    listing = await self._listing(said["instId"])
                    if not listing.inverse and _number(said["pos"]):
                        positions.append(_position(said, listing))
        return positions

    async def _coins(self, balance: Mapping[str, Any]) -> list[Position]:
        """Return the coins that are held, as the pair that buys them with the account's currency."""
        positions = []
        if self._reads_coins:
            for said in balance["details"]:
                quantity = _number(said["cashBal"])
                pair = f"{said['ccy']}-{self._config.currency}"
                if quantity and said["ccy"] != self._config.currency and await self._instruments.get(pair, self._rest):
                    positions.append(Position(pair, quantity, _number(said.get("accAvgPx"))))
        return positions

    def _account(self, account: str, now: int, balance: Mapping[str, Any], contracts: Iterable[Position]) -> Account:
        """Return the money of the account. Cash is as if what contracts are worth had been paid for them.

        So cash and what is held come to the equity, of contracts as of coins.
        """
        said: Mapping[str, Any] = next((each for each in balance["details"] if each["ccy"] == self._config.currency), {})
        dollars = _number(said.get("eqUsd")) / _number(said.get("eq")) if _number(said.get("eq")) else 1.0
        cash = _number(said.get("cashBal")) - sum(each.quantity * each.average_price for each in contracts)
        return Account(
            account=account,
            kind="paper" if self._config.demo else "live",
            currency=self._config.currency,
            cash=cash,
            equity=_number(balance["totalEq"]) / dollars,
            time=now,
            buying_power=_number(said.get("availBal")) if self._config.products == ("spot",) else None,
        )

    async def _listing(self, symbol: str) -> Listing:
        listing = await self._instruments.get(symbol, self._rest)
        if listing is None:
            raise BrokerConnectionError(f"OKX tells of {symbol}, and does not list it")
        return listing


def _position(said: Mapping[str, Any], listing: Listing) -> Position:
    """Return a position: its sign is in `pos`, in the side, or (on margin) in the currency that it is held in."""
    size = _number(said["pos"])
    if said["instType"] == "MARGIN":
        size = abs(size) if said["posCcy"] == listing.base else -abs(_number(said["liab"]))
    elif said["posSide"] != "net":
        size = abs(size) if said["posSide"] == "long" else -abs(size)
    quantity = float(Decimal(repr(size)) * listing.contract)
    return Position(listing.symbol, quantity, _number(said["avgPx"]), _number(said.get("markPx")) or None)


def _merged(positions: Iterable[Position]) -> list[Position]:
    """Return one position a symbol: what is long less what is short."""
    merged: dict[str, Position] = {}
    for each in positions:
        other = merged.get(each.symbol)
        merged[each.symbol] = each if other is None else _sum(other, each)
    return [each for each in merged.values() if each.quantity]


def _sum(one: Position, other: Position) -> Position:
    larger = max(one, other, key=lambda each: abs(each.quantity))
    quantity = one.quantity + other.quantity
    return Position(one.symbol, quantity, larger.average_price, larger.mark)


def _number(text: Any) -> float:
    return float(text or 0.0)
