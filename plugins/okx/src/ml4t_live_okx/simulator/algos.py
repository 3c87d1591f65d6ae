"""The algo orders of the simulated exchange: taken, triggered by prices, and made of entries that have traded."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from ml4t_live_okx.pairs import orders_of
from ml4t_live_okx.simulator.algo import AT_MARKET, VenueAlgo
from ml4t_live_okx.simulator.books import Refusal
from ml4t_live_okx.simulator.exchange import Exchange
from ml4t_live_okx.simulator.intake import checked_algo
from ml4t_live_okx.simulator.orders import VenueOrder, plain


class Algos:
    """Every algo order ever taken. `tell` gets one after each change of it."""

    def __init__(
        self, exchange: Exchange, now: Callable[[], int], tell: Callable[[VenueAlgo], None], rng: random.Random
    ) -> None:
        self.all: dict[str, VenueAlgo] = {}
        self.by_client_id: dict[str, VenueAlgo] = {}
        self._exchange = exchange
        self._now = now
        self._tell = tell
        self._number = 700_000_000_000_000_000 + rng.randrange(10**15)

    # ------------------------------------------------------------------ requests

    def submit(self, body: Mapping[str, Any], size: Decimal | None = None) -> VenueAlgo:
        """Take an algo order; `size` takes the place of the body's own. Raises Refusal."""
        self._number += 1
        exchange = self._exchange
        algo = checked_algo(body, exchange.catalogue, exchange.prices, exchange.position_mode, str(self._number), self._now())
        if algo.client_id and algo.client_id in self.by_client_id:
            raise Refusal("51065", "algoClOrdId already exists.")
        algo.size = algo.size if size is None else size
        if body.get("tpOrdKind") == "limit":
            algo.twin = exchange.submit({**_order(algo, algo.target_price), "ordType": "limit"})
            algo.twin.algo_client_id, algo.twin.linked_algo = algo.client_id, algo.id
            algo.target = None
        self.all[algo.id] = algo
        if algo.client_id:
            self.by_client_id[algo.client_id] = algo
        return algo

    def begin(self, algo: VenueAlgo) -> None:
        """Tell that an algo order is taken, and let it meet the market."""
        self._say(algo)
        if algo.twin is not None:
            self._exchange.begin(algo.twin)
        self.move(algo.listed.id)

    def find(self, body: Mapping[str, Any]) -> VenueAlgo | None:
        """Return an algo order by either id."""
        if body.get("algoId"):
            return self.all.get(str(body["algoId"]))
        return self.by_client_id.get(str(body.get("algoClOrdId", "")))

    def cancel(self, algo: VenueAlgo) -> None:
        """Cancel one that waits, and the limit order that goes with it."""
        if algo.is_live:
            algo.state = "canceled"
            self._end_twin(algo)
            self._say(algo)

    def amend(self, algo: VenueAlgo, body: Mapping[str, Any]) -> None:
        """Put one that waits on other terms."""
        if algo.is_live:
            algo.size = Decimal(str(body.get("newSz") or algo.size))
            algo.stop = Decimal(str(body.get("newSlTriggerPx") or body.get("newTriggerPx") or algo.stop))
            algo.stop_price = Decimal(str(body.get("newSlOrdPx") or body.get("newOrdPx") or algo.stop_price))
        algo.said = {"amendResult": "0" if algo.is_live else "-1", "reqId": str(body.get("reqId", ""))}
        self._say(algo)
        algo.said = {}

    # ------------------------------------------------------------------ the market

    def move(self, instrument: str) -> None:
        """Trigger what the price of an instrument has come to."""
        price = self._exchange.prices[instrument]
        for algo in list(self.all.values()):
            if algo.is_live and algo.listed.id == instrument and not self._exchange.held and (side := algo.reached(price)):
                self.trigger(algo, side)

    def trigger(self, algo: VenueAlgo, side: str = "sl") -> None:
        """Make the order that one of its prices stands for."""
        exchange = self._exchange
        algo.actual_side = side if algo.kind in {"conditional", "oco"} else ""
        self._end_twin(algo)
        try:
            order = exchange.submit(_order(algo, algo.stop_price if side == "sl" else algo.target_price))
        except Refusal as refusal:
            algo.state, algo.fail_code = "order_failed", refusal.code
            self._say(algo)
            return
        order.algo_id, order.algo_client_id = algo.id, algo.client_id
        algo.state, algo.order = "effective", order
        self._say(algo)
        exchange.begin(order)

    def heed(self, order: VenueOrder) -> None:
        """Take note of a change of an order: exits are made of an entry that has ended, and a stop is left what is left."""
        if order.attached and not order.is_working and order.filled:
            attached, order.attached = order.attached, []
            for each in attached:
                self._make_exits(order, each)
        algo = self.all.get(order.linked_algo)
        if algo is not None and algo.is_live and order.filled:
            algo.size = order.remaining
            algo.state = "live" if order.is_working or order.remaining else "canceled"
            self._say(algo)

    def named(self, order_id: str) -> VenueOrder:
        """Return what trades under an id of ours, and trigger what waits for that. Raises KeyError without one."""
        if order_id in self._exchange.by_client_id:
            return self._exchange.by_client_id[order_id]
        for algo in self.all.values():
            limit, stop = orders_of(algo.client_id) or ("", algo.client_id)
            if order_id == limit and algo.twin is not None:
                return algo.twin
            if order_id == stop:
                if algo.order is None:
                    self.trigger(algo)
                if algo.order is not None:
                    return algo.order
        raise KeyError(order_id)

    def _make_exits(self, entry: VenueOrder, attached: Mapping[str, str]) -> None:
        body = {
            "instId": entry.listed.id, "tdMode": entry.mode, "side": "sell" if entry.side == "buy" else "buy",
            "posSide": entry.position_side, "ordType": "oco", "sz": plain(entry.filled), "tgtCcy": "base_ccy", **attached,
            "algoClOrdId": attached.get("attachAlgoClOrdId", ""),
        }  # fmt: skip
        algo = self.submit(body, entry.filled)
        self.begin(algo)

    def _end_twin(self, algo: VenueAlgo) -> None:
        if algo.twin is not None and algo.twin.is_working:
            algo.size = algo.twin.remaining
            self._exchange.end(algo.twin, source="1")

    def _say(self, algo: VenueAlgo) -> None:
        algo.updated = self._now()
        self._tell(algo)


def _order(algo: VenueAlgo, price: Decimal) -> dict[str, str]:
    """Return the request for the order that an algo order makes."""
    return {
        "instId": algo.listed.id, "tdMode": algo.mode, "side": algo.side, "posSide": algo.position_side, "sz": plain(algo.size),
        "tgtCcy": "base_ccy" if algo.in_coins else "", "tag": algo.tag,
        **({"ordType": "market"} if price == AT_MARKET else {"ordType": "limit", "px": plain(price)}),
    }  # fmt: skip
