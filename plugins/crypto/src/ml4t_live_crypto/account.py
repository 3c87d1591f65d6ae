"""The account as an exchange shows it: balances, holdings, working orders and what has traded, all of it or nothing."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from attrs import frozen

from ml4t.live.contracts import BrokerSnapshot
from ml4t.live.errors import BrokerConnectionError
from ml4t.live.model import Account, Fill, Order, Position
from ml4t.live.times import NANOS
from ml4t_live_crypto.config import CryptoBrokerConfig
from ml4t_live_crypto.habits import habits_of
from ml4t_live_crypto.markets import Listing, listing_of
from ml4t_live_crypto.names import Names
from ml4t_live_crypto.orders import symbol_required
from ml4t_live_crypto.times import to_millis
from ml4t_live_crypto.updates import fill_of, order_of

LOOKS = 5
"""How often the account is read again because something traded meanwhile."""
RECENT_FILLS = 3 * 86_400 * NANOS - 3600 * NANOS
"""How old executions may be to be among the recent ones where there are two lists."""
PAGE = 100

Row = Mapping[str, Any]
Ask = Callable[[str | None, int], Awaitable[Sequence[Row]]]


@frozen
class Holdings:
    """What the account holds: money and coins by their names, and contracts."""

    coins: Mapping[str, float]
    free: float
    contracts: Sequence[Position]
    value: float
    """What the money and the profit of contracts come to, in the currency of the account."""

    @property
    def moved(self) -> object:
        """What an execution changes, and the passing of time does not."""
        return self.coins, [(each.symbol, each.quantity) for each in self.contracts]


class AccountReader:
    """Reads one account."""

    def __init__(self, exchange: Any, config: CryptoBrokerConfig, names: Names) -> None:
        self._exchange = exchange
        self._config = config
        self._names = names
        self._habits = habits_of(exchange.id)
        self._by_symbol = any(symbol_required(exchange, product) for product in config.products)
        self._symbols = dict.fromkeys(config.symbols)
        self._stranger: dict[str, str] = {}
        one = self._habits.unified or len(config.products) == 1
        self.kinds: Sequence[Mapping[str, str]] = [{}] if one else [{"type": product} for product in config.products]
        """What every question about the account says, one after the other, so that all of it is answered."""

    @property
    def account(self) -> str:
        """What the account goes by: the exchange, and a mark that follows from the key."""
        key = self._config.api_key or self._config.wallet_address
        mark = blake2b(key.reveal().encode(), digest_size=4).hexdigest() if key is not None else ""
        return f"{self._exchange.id}-{mark}"

    def note(self, symbol: str) -> None:
        """Remember that this symbol is traded."""
        if symbol:
            self._symbols[symbol] = None

    async def snapshot(self, since: int) -> BrokerSnapshot:
        """Return the account, with the executions since `since` (nanoseconds UTC).

        Each part is an answer of its own: when something has traded between the first and the last, all are asked for again.
        Raises BrokerConnectionError when it never keeps still, and what ccxt raises.
        """
        held = await self._holdings()
        for _ in range(LOOKS):
            for coin in held.coins:
                self.note(self._pair(coin))
            orders = [order async for order in self._working()]
            fills = await self.fills(since)
            before, held = held, await self._holdings()
            if held.moved == before.moved:
                return self._snapshot(held, orders, fills, await self._prices(held))
        raise BrokerConnectionError(f"the account traded during each of {LOOKS} attempts to read it")

    async def fills(self, since: int) -> list[Fill]:
        """Return the executions since a time (nanoseconds UTC), oldest first."""
        rows = [(row, listing) async for row in self._trades(since) if (listing := self._listing(row["symbol"])) is not None]
        rows.sort(key=lambda each: _happened(each[0]))
        await self._learn([row for row, _ in rows])
        found: dict[str, Fill] = {}
        for row, listing in rows:
            fill = fill_of(row, listing, await self.order_id_of(row), self.account)
            if fill is not None:
                found[fill.execution_id] = fill
        return list(found.values())

    async def order_id_of(self, row: Row) -> str:
        """Return our id of the order of an execution; the exchange's own for an order of somebody else's."""
        order_id = self._known(row)
        if order_id:
            return order_id
        said = await self._exchange.fetch_order(str(row["order"]), row["symbol"])
        order_id = self._names.of_order(said) or str(row["order"])
        self._stranger = {**self._stranger, str(row["order"]): order_id} if len(self._stranger) < PAGE else {}
        return order_id

    def _known(self, row: Row) -> str:
        return self._names.of_trade(row) or self._stranger.get(str(row["order"]), "")

    async def _learn(self, rows: Sequence[Row]) -> None:
        """Learn whose orders these executions are of, where that takes one list of orders instead of many questions."""
        first: dict[str, float] = {}
        for row in rows:
            if not self._known(row):
                first[row["symbol"]] = min(row["timestamp"], first.get(row["symbol"], row["timestamp"]))
        if self._exchange.has.get("fetchOrders") is True:
            for symbol, start in first.items():
                async for order in self._pages(self._exchange.fetch_orders, symbol, int(start), lambda row: str(row["id"])):
                    self._names.of_order(order)

    # ------------------------------------------------------------------ parts

    async def _holdings(self) -> Holdings:
        coins: dict[str, float] = {}
        free = cash = 0.0
        currency = self._config.currency
        for kind in self.kinds:
            said = await self._exchange.fetch_balance(dict(kind))
            mine = _owned(said)
            for coin, quantity in mine.items():
                coins[coin] = coins.get(coin, 0.0) + quantity
            free += float((said.get("free") or {}).get(currency) or 0.0)
            exact = self._habits.cash(said["info"], currency) if self._habits.cash else None
            cash += mine.get(currency, 0.0) if exact is None else exact
        contracts = await self._contracts() if "swap" in self._config.products else []
        money = coins.pop(currency, 0.0)
        held = {coin: quantity for coin, quantity in coins.items() if quantity}
        return Holdings({**held, currency: cash}, free, contracts, money)

    async def _contracts(self) -> list[Position]:
        found: dict[str, Position] = {}
        for row in await self._exchange.fetch_positions():
            listing = self._listing(row["symbol"])
            if listing is None or listing.kind != "swap" or not row.get("contracts"):
                continue
            size = listing.units(row["contracts"], 0.0) * (-1 if row["side"] == "short" else 1)
            other = found.get(listing.symbol)
            quantity = size + (other.quantity if other else 0.0)
            mark = row.get("markPrice")
            found[listing.symbol] = Position(listing.symbol, quantity, float(row.get("entryPrice") or 0.0), mark)
        return [each for each in found.values() if each.quantity]

    async def _working(self) -> AsyncIterator[Order]:
        for kind in self.kinds:
            for row in await self._exchange.fetch_open_orders(params=dict(kind)):
                listing = self._listing(row["symbol"])
                if listing is not None and self._is_traded(listing):
                    self.note(listing.symbol)
                    yield order_of(row, listing, self._names.of_order(row))

    def _listing(self, symbol: str) -> Listing | None:
        """Return the listing of what can be traded here, None for anything else."""
        listing = listing_of(self._exchange, symbol)
        return None if listing is None or listing.inverse else listing

    def _is_traded(self, listing: Listing) -> bool:
        products = self._config.products
        return listing.kind in products or (listing.kind == "spot" and "margin" in products)

    async def _trades(self, since: int) -> AsyncIterator[Row]:
        if self._habits.fills:
            recent, older = self._habits.fills
            for name in (recent,) if since > time.time_ns() - RECENT_FILLS else (recent, older):
                for product in self._config.products:
                    async for row in self._by_kind(name, product, since):
                        yield row
            return
        if self._by_symbol and not self._symbols:
            async for _ in self._working():
                pass  # they say which symbols to ask about
        for symbol in list(self._symbols) if self._by_symbol else [None]:
            async for row in self._pages(self._exchange.fetch_my_trades, symbol, to_millis(since), _name_of_trade):
                yield row

    async def _by_kind(self, name: str, product: str, since: int) -> AsyncIterator[Row]:
        """Yield executions of one product, the newest first, page by page."""
        ask = getattr(self._exchange, name)
        query = {"instType": product.upper(), "begin": str(to_millis(since)), "limit": str(PAGE)}
        while rows := (await ask(query))["data"]:
            for row in self._exchange.parse_trades(rows):
                yield row
            query["after"] = rows[-1]["billId"]

    @staticmethod
    async def _pages(ask: Ask, symbol: str | None, start: int, name: Callable[[Row], str]) -> AsyncIterator[Row]:
        """Yield what there is from a time on (milliseconds UTC), page by page; `name` tells one from the other."""
        seen = set[str]()
        while True:
            new = [row for row in await ask(symbol, start) if name(row) not in seen]
            for row in new:
                seen.add(name(row))
                yield row
            if not new:
                return
            start = max(int(row["timestamp"] or start) for row in new)

    async def _prices(self, held: Holdings) -> Mapping[str, float]:
        pairs = [pair for coin in held.coins if coin != self._config.currency and (pair := self._pair(coin))]
        if not pairs:
            return {}
        if self._exchange.has.get("fetchTickers"):
            said = await self._exchange.fetch_tickers(pairs)
        else:
            said = {pair: await self._exchange.fetch_ticker(pair) for pair in pairs}
        return {pair: float(row["last"]) for pair, row in said.items() if row.get("last")}

    def _pair(self, coin: str) -> str:
        pair = f"{coin}/{self._config.currency}"
        return pair if pair in self._exchange.markets else ""

    def _snapshot(
        self, held: Holdings, orders: Sequence[Order], fills: Sequence[Fill], prices: Mapping[str, float]
    ) -> BrokerSnapshot:
        spot = [coin for coin in held.coins if coin != self._config.currency and self._pair(coin)]
        coins = [Position(self._pair(coin), held.coins[coin], 0.0, prices.get(self._pair(coin))) for coin in spot]
        if self._config.products == ("swap",):
            coins = []
        paid = sum(each.quantity * each.average_price for each in held.contracts)
        cash = held.coins[self._config.currency] - paid
        account = Account(
            account=self.account,
            kind="paper" if self._config.sandbox else "live",
            currency=self._config.currency,
            cash=cash,
            equity=held.value + sum(each.quantity * (each.mark or 0.0) for each in coins),
            time=time.time_ns(),
            buying_power=held.free if self._config.products == ("spot",) else None,
        )
        return BrokerSnapshot(account, [*coins, *held.contracts], orders, fills)


def _owned(said: Row) -> dict[str, float]:
    """Return what a balance of ccxt's says that there is of each coin, less what is borrowed of it."""
    debts = said.get("debt") or {}
    totals = said.get("total") or {}
    return {coin: float(total or 0.0) - float(debts.get(coin) or 0.0) for coin, total in totals.items()}


def _name_of_trade(row: Row) -> str:
    return f"{row['order']} {row['id']}"


def _happened(row: Row) -> tuple[float, int]:
    """Return what puts executions in order: their time, and within a millisecond their number."""
    number = str(row["id"] or "")
    return row["timestamp"], int(number) if number.isdecimal() else 0
