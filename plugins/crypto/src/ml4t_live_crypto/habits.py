"""What single exchanges need besides ccxt's unified API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from attrs import Factory, frozen

Page = Callable[[str], Mapping[str, Any]]
Cash = Callable[[Mapping[str, Any], str], float | None]


@frozen
class Habits:
    """The habits of one exchange."""

    options: Mapping[str, Any] = Factory(dict)
    """What goes into ccxt's `options`."""
    markets: Mapping[str, str] = Factory(dict)
    """By the kind of market, what ccxt calls the list of them; empty where it loads all at once."""
    watch_trades: Mapping[str, Any] = Factory(dict)
    """What a subscription to trades says besides."""
    earlier: Page | None = None
    """Asks for the page of trades before the one with this id; None where trades can be asked for by time."""
    page: int | None = None
    """Trades in a page of the history, the most that the exchange gives; None leaves it to ccxt."""
    market_buy: Mapping[str, Any] | None = None
    """What a market order to buy of a spot pair says so that its quantity is in coins; None where nothing does."""
    unified: bool = False
    """One account, and one stream, is for all products."""
    cash: Cash | None = None
    """Reads out of a balance of the exchange's how much money it has without the profit of open contracts."""
    stream_fees: int = 1
    """-1 where executions on the stream have negative fees when they were paid, and not positive ones as elsewhere."""
    trade_names: str = ""
    """Where an execution says the client order id of its order, in the exchange's own words; empty where it does not."""
    fills: Sequence[str] = ()
    """ccxt's names of the requests for recent and for older executions, where the unified one answers late."""
    finds: bool = False
    """An order can be looked up by its client order id."""
    amends: frozenset[str] = frozenset()
    """The kinds of market whose working orders keep their id when they are changed."""


def _cash_at_okx(said: Mapping[str, Any], currency: str) -> float | None:
    return next((float(each["cashBal"]) for each in said["data"][0]["details"] if each["ccy"] == currency), None)


def _cash_at_binance(said: Mapping[str, Any], currency: str) -> float | None:
    """On spot there are no `assets`, and nothing to deduct."""
    return next((float(each["walletBalance"]) for each in said.get("assets", ()) if each["asset"] == currency), None)


_OKX = Habits(
    options={"brokerId": ""},
    markets={"spot": "spot", "swap": "swap"},
    earlier=lambda trade_id: {"method": "publicGetMarketHistoryTrades", "type": "1", "after": trade_id},
    page=100,
    market_buy={"tgtCcy": "base_ccy"},
    unified=True,
    cash=_cash_at_okx,
    stream_fees=-1,
    trade_names="clOrdId",
    fills=("private_get_trade_fills", "private_get_trade_fills_history"),
    finds=True,
    amends=frozenset({"spot", "swap"}),
)
# Binance numbers single trades on the websocket and sums of them in the history. Only the sums can be had from both.
_BINANCE = Habits(
    options={"warnOnFetchOpenOrdersWithoutSymbol": False, "fetchMargins": False},
    markets={"spot": "spot", "swap": "linear"},
    watch_trades={"name": "aggTrade"},
    earlier=lambda trade_id: {"fromId": max(0, int(trade_id) - 1000)},
    page=1000,
    market_buy={},
    cash=_cash_at_binance,
    finds=True,
)

_HABITS: Mapping[str, Habits] = MappingProxyType(
    {
        **dict.fromkeys(("okx", "okxus", "myokx"), _OKX),
        **dict.fromkeys(("binance", "binanceus", "binanceusdm"), _BINANCE),
    }
)


def habits_of(exchange: str) -> Habits:
    """Return the habits of an exchange, by ccxt's name of it."""
    return _HABITS.get(exchange, Habits())
