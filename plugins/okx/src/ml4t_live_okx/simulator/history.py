"""What the simulated API says of the market: instruments, prices, trades and candles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from ml4t_live_okx.simulator.books import Refusal
from ml4t_live_okx.simulator.exchange import Exchange
from ml4t_live_okx.simulator.intake import known
from ml4t_live_okx.simulator.orders import plain
from ml4t_live_okx.simulator.tape import LENGTHS, Tape

HOUR = 3_600_000
T = TypeVar("T")
Query = Mapping[str, str]


def paged(records: Iterable[T], query: Query, number: Callable[[T], int], most: int) -> list[T]:
    """Return the page of records, the newest first, that `after` (older than) and `before` (newer than) ask for."""
    after, before = int(query.get("after") or 2**63), int(query.get("before") or -1)
    limit = min(most, int(query.get("limit") or most))
    page = []
    for record in records:
        if before < number(record) < after:
            page.append(record)
            if len(page) == limit:
                break
    return page


class MarketHistory:
    """Answers the questions that need no key."""

    def __init__(self, exchange: Exchange, tape: Tape, now: Callable[[], int]) -> None:
        self.page = 100
        """No page of trades or candles is longer than this."""
        self._exchange = exchange
        self._tape = tape
        self._now = now
        self._answers: dict[str, Callable[[Query], list[Any]]] = {
            "time": lambda _: [{"ts": str(now())}],
            "instruments": self._instruments,
            "funding-rate": lambda query: [self.funding(self._instrument(query))],
            "mark-price": lambda query: [self.mark(self._instrument(query))],
            "ticker": lambda query: [self.ticker(self._instrument(query))],
            "tickers": self._tickers,
            "books": lambda query: [self.book(self._instrument(query))],
            "trades": self._trades,
            "history-trades": self._trades,
            "candles": self._candles,
            "history-candles": self._candles,
        }

    def read(self, name: str, query: Query) -> list[Any]:
        """Return the data of an answer. Raises Refusal."""
        if name not in self._answers:
            raise Refusal("50404", f"The requested interface {name} does not exist.", 404)
        return self._answers[name](query)

    def funding(self, instrument: str) -> dict[str, str]:
        """Return the funding rate of a swap, which is due every eight hours."""
        due = (self._now() // (8 * HOUR) + 1) * 8 * HOUR
        return {
            "instType": "SWAP", "instId": instrument, "method": "current_period", "fundingRate": "0.0001",
            "nextFundingRate": "", "fundingTime": str(due), "nextFundingTime": str(due + 8 * HOUR), "minFundingRate": "-0.003",
            "maxFundingRate": "0.003", "settFundingRate": "0.0001", "settState": "settled", "premium": "0.0001",
            "ts": str(self._now()),
        }  # fmt: skip

    def mark(self, instrument: str) -> dict[str, str]:
        """Return the mark price of an instrument, which is its last price here."""
        kind, price = self._exchange.catalogue[instrument].kind, plain(self._exchange.prices[instrument])
        return {"instType": kind, "instId": instrument, "markPx": price, "ts": str(self._now())}

    def book(self, instrument: str) -> dict[str, Any]:
        """Return the best bid and ask: a tick on either side of the price, or the price where that is nothing."""
        listed, price = self._exchange.catalogue[instrument], self._exchange.prices[instrument]
        bid, ask = max(listed.tick, price - listed.tick), price + listed.tick
        sides = {"asks": [[plain(ask), "10", "0", "1"]], "bids": [[plain(bid), "10", "0", "1"]]}
        return {**sides, "ts": str(self._now()), "seqId": self._now()}

    def ticker(self, instrument: str) -> dict[str, str]:
        """Return the last day of an instrument."""
        book, price = self.book(instrument), plain(self._exchange.prices[instrument])
        return {
            "instType": self._exchange.catalogue[instrument].kind, "instId": instrument, "last": price, "lastSz": "1",
            "askPx": book["asks"][0][0], "askSz": "10", "bidPx": book["bids"][0][0], "bidSz": "10", "open24h": price,
            "high24h": price, "low24h": price, "volCcy24h": "0", "vol24h": "0", "sodUtc0": price, "sodUtc8": price,
            "ts": str(self._now()),
        }  # fmt: skip

    def _instrument(self, query: Query) -> str:
        return known(query.get("instId", ""), self._exchange.catalogue).id

    def _instruments(self, query: Query) -> list[Any]:
        kind = query.get("instType", "")
        if kind not in {"SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION"}:
            raise Refusal("50014" if not kind else "51000", "Parameter instType can not be empty or is wrong.", 400)
        listed = self._exchange.catalogue.values()
        found = [each for each in listed if each.kind == kind or (kind == "MARGIN" and each.kind == "SPOT")]
        if query.get("instId"):
            found = [each for each in found if each.id == query["instId"]]
            if not found:
                raise Refusal("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")
            return [each.as_json(kind) for each in found]
        return [each.as_json(kind) for each in found if each.state == "live"]

    def _tickers(self, query: Query) -> list[Any]:
        listed = self._exchange.catalogue.values()
        return [self.ticker(each.id) for each in listed if each.kind == query.get("instType") and each.state == "live"]

    def _trades(self, query: Query) -> list[Any]:
        trades = reversed(self._tape.of(self._instrument(query)).trades)
        field = "ts" if query.get("type") == "2" else "tradeId"
        return paged(trades, query, lambda trade: int(trade[field]), self.page)

    def _candles(self, query: Query) -> list[Any]:
        bar, listed = query.get("bar", "1m"), known(query.get("instId", ""), self._exchange.catalogue)
        if bar not in LENGTHS:
            raise Refusal("51000", "Parameter bar error")
        candles = self._tape.candles(listed.id, bar)
        page = paged(candles, query, lambda each: each[0].start, self.page)
        spot = not listed.is_contract
        return [candle.row(float(listed.contract), spot, complete=complete) for candle, complete in page]
