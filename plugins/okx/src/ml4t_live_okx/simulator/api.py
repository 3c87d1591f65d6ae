"""The simulated REST API: what it answers to questions, and what becomes of orders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from attrs import frozen

from ml4t_live_okx.simulator.algo import VenueAlgo
from ml4t_live_okx.simulator.algos import Algos
from ml4t_live_okx.simulator.books import LEVERAGE, UID, Refusal
from ml4t_live_okx.simulator.exchange import Exchange
from ml4t_live_okx.simulator.history import MarketHistory, paged
from ml4t_live_okx.simulator.intake import check_exits
from ml4t_live_okx.simulator.orders import VenueOrder

PREFIX = "/api/v5/"
BATCH = 20
"""Orders in one request, the most that OKX takes."""
PAGE = 100

Query = Mapping[str, str]
Change = Callable[[], None]


@frozen
class Took:
    """What became of each order of a request; `changes` lets it happen after the answer has been decided on."""

    data: list[dict[str, Any]]
    orders: list[VenueOrder | VenueAlgo]
    changes: list[Change]

    def envelope(self, *, batch: bool) -> dict[str, Any]:
        """Return the answer: 0 when all was done, 1 when nothing was, 2 for a part."""
        failed = sum(each["sCode"] != "0" for each in self.data)
        if not failed:
            return {"code": "0", "msg": "", "data": self.data}
        if failed < len(self.data):
            return {"code": "2", "msg": "Bulk operation partially succeeded.", "data": self.data}
        return {"code": "1", "msg": "All operations failed" if batch else "Operation failed.", "data": self.data}


class Api:
    """Answers from the exchange's books and the market's history. Paths are without their prefix."""

    def __init__(self, exchange: Exchange, algos: Algos, history: MarketHistory, now: Callable[[], int]) -> None:
        self.page = PAGE
        """No page of orders or fills is longer than this."""
        self._exchange = exchange
        self._algos = algos
        self._history = history
        self._now = now
        self.fee_in_quote = exchange.books.fee_in_quote

    # ------------------------------------------------------------------ questions

    def read(self, path: str, query: Query) -> list[Any]:
        """Return the data of an answer to a question. Raises Refusal."""
        room, _, name = path.partition("/")
        if room in {"public", "market"}:
            return self._history.read(name, query)
        answers: dict[str, Callable[[Query], list[Any]]] = {
            "account/config": self._config,
            "account/balance": self._balance,
            "account/positions": self._positions,
            "account/trade-fee": lambda _: [{"maker": "-0.0008", "taker": "-0.001", "level": "Lv1", "category": "1"}],
            "asset/currencies": lambda _: [],
            "system/status": lambda _: [],
            "trade/order": self._order,
            "trade/orders-pending": self._pending,
            "trade/orders-history": self._ended,
            "trade/orders-history-archive": self._ended,
            "trade/fills": self._fills,
            "trade/fills-history": self._fills,
            "trade/order-algo": self._algo,
            "trade/orders-algo-pending": lambda query: self._listed_algos(query, live=True),
            "trade/orders-algo-history": lambda query: self._listed_algos(query, live=False),
        }
        if path not in answers:
            raise Refusal("50404", f"The requested interface {path} does not exist.", 404)
        return answers[path](query)

    def _config(self, _: Query) -> list[Any]:
        return [
            {
                "uid": UID, "mainUid": UID, "acctLv": "2", "posMode": self._exchange.position_mode, "autoLoan": False,
                "greeksType": "PA", "level": "Lv1", "levelTmp": "", "ctIsoMode": "automatic", "mgnIsoMode": "automatic",
                "perm": "read_only,trade", "label": "simulated", "ip": "", "kycLv": "2", "enableSpotBorrow": False,
                "feeType": "1" if self.fee_in_quote else "0", "type": "0", "spotOffsetType": "", "acctStpMode": "cancel_maker",
            }
        ]  # fmt: skip

    def _balance(self, _: Query) -> list[Any]:
        exchange = self._exchange
        return [exchange.books.as_json(exchange.working(), exchange.prices, self._now())]

    def _positions(self, query: Query) -> list[Any]:
        exchange = self._exchange
        held = [each for each in exchange.books.positions.values() if each.size]
        wanted = [each for each in held if _fits(query, each.kind, each.listed.id)]
        return [each.as_json(exchange.prices[each.listed.id]) for each in wanted]

    def _order(self, query: Query) -> list[Any]:
        order = self._find(query)
        if order is None:
            raise Refusal("51603", "Order does not exist")
        return [order.as_json()]

    def _pending(self, query: Query) -> list[Any]:
        return self._listed(query, [each for each in self._exchange.orders.values() if each.is_working])

    def _ended(self, query: Query) -> list[Any]:
        return self._listed(query, [each for each in self._exchange.orders.values() if not each.is_working])

    def _listed(self, query: Query, orders: Sequence[VenueOrder]) -> list[Any]:
        wanted = [each for each in reversed(orders) if _fits(query, each.instrument_type, each.listed.id)]
        return [each.as_json() for each in paged(wanted, query, lambda each: int(each.id), self.page)]

    def _fills(self, query: Query) -> list[Any]:
        begin, end = int(query.get("begin") or 0), int(query.get("end") or 2**62)
        executions = [
            each
            for each in reversed(self._exchange.books.executions.values())
            if begin <= each.time <= end
            and _fits(query, each.order.instrument_type, each.order.listed.id)
            and query.get("ordId") in {None, each.order.id}
        ]
        return [each.as_json() for each in paged(executions, query, lambda each: int(each.bill_id), self.page)]

    def _algo(self, query: Query) -> list[Any]:
        algo = self._algos.find(query)
        if algo is None:
            raise Refusal("51603", "Order does not exist")
        return [algo.as_json()]

    def _listed_algos(self, query: Query, *, live: bool) -> list[Any]:
        if not query.get("ordType") or not (live or query.get("state") or query.get("algoId")):
            raise Refusal("50014", "Parameter ordType can not be empty" if live else "Parameter state can not be empty", 400)
        wanted = [
            each
            for each in reversed(self._algos.all.values())
            if each.is_live == live
            and each.kind in query["ordType"].split(",")
            and query.get("state") in {None, each.state}
            and query.get("algoId") in {None, each.id}
            and _fits(query, each.instrument_type, each.listed.id)
        ]
        return [each.as_json() for each in paged(wanted, query, lambda each: int(each.id), self.page)]

    def _find(self, query: Mapping[str, Any]) -> VenueOrder | None:
        if query.get("ordId"):
            return self._exchange.orders.get(str(query["ordId"]))
        return self._exchange.by_client_id.get(str(query.get("clOrdId", "")))

    # ------------------------------------------------------------------ orders

    def place(self, bodies: Sequence[Mapping[str, Any]], reject: Callable[[], str]) -> Took:
        """Take orders; `reject` returns why the next one is turned away, empty when it is not."""

        def place(body: Mapping[str, Any]) -> tuple[VenueOrder, Change]:
            if reason := reject():
                raise Refusal("51008", reason)
            attached = [dict(each) for each in body.get("attachAlgoOrds") or ()]
            for each in attached:
                price = self._exchange.prices.get(str(body.get("instId")))
                if price is not None:
                    check_exits("sell" if body.get("side") == "buy" else "buy", each, Decimal(str(body.get("px") or price)))
            order = self._exchange.submit(body)
            order.attached = attached
            return order, lambda: self._exchange.begin(order)

        return self._each(bodies, place)

    def place_algos(self, bodies: Sequence[Mapping[str, Any]], reject: Callable[[], str]) -> Took:
        """Take algo orders, as `place` does orders."""

        def place(body: Mapping[str, Any]) -> tuple[VenueAlgo, Change]:
            if reason := reject():
                raise Refusal("51008", reason)
            algo = self._algos.submit(body)
            return algo, lambda: self._algos.begin(algo)

        return self._each(bodies, place)

    def cancel_algos(self, bodies: Sequence[Mapping[str, Any]]) -> Took:
        """Cancel algo orders."""

        def cancel(body: Mapping[str, Any]) -> tuple[VenueAlgo, Change]:
            algo = self._live(body, "51400", "Cancellation failed as the order has been filled, canceled or does not exist.")
            return algo, lambda: self._algos.cancel(algo)

        return self._each(bodies, cancel)

    def amend_algos(self, bodies: Sequence[Mapping[str, Any]]) -> Took:
        """Put algo orders on other terms."""

        def amend(body: Mapping[str, Any]) -> tuple[VenueAlgo, Change]:
            algo = self._live(
                body, "51503", "Order modification failed as the order has been filled, canceled or does not exist."
            )
            return algo, lambda: self._algos.amend(algo, body)

        return self._each(bodies, amend)

    def _live(self, body: Mapping[str, Any], code: str, words: str) -> VenueAlgo:
        algo = self._algos.find(body)
        if algo is None or not algo.is_live:
            raise Refusal(code, words)
        return algo

    def cancel(self, bodies: Sequence[Mapping[str, Any]]) -> Took:
        """Cancel orders."""

        def cancel(body: Mapping[str, Any]) -> tuple[VenueOrder, Change]:
            order = self._find(body)
            if order is None or not order.is_working:
                raise Refusal("51400", "Cancellation failed as the order has been filled, canceled or does not exist.")
            return order, lambda: self._exchange.cancel(order) if order.is_working else None

        return self._each(bodies, cancel)

    def amend(self, bodies: Sequence[Mapping[str, Any]]) -> Took:
        """Put orders on other terms."""

        def amend(body: Mapping[str, Any]) -> tuple[VenueOrder, Change]:
            order = self._find(body)
            if order is None:
                raise Refusal("51503", "Order modification failed as the order has been filled, canceled or does not exist.")
            terms = self._exchange.check_amend(order, body)
            return order, lambda: self._exchange.amend(order, *terms, str(body.get("reqId", "")))

        return self._each(bodies, amend)

    def configure(self, path: str, body: Mapping[str, Any]) -> list[Any]:
        """Change a setting of the account. Raises Refusal."""
        if path == "account/set-position-mode":
            self._exchange.position_mode = str(body["posMode"])
            return [{"posMode": body["posMode"]}]
        if path == "account/set-leverage":
            return [{**body, "lever": str(LEVERAGE)}]
        raise Refusal("50404", f"The requested interface {path} does not exist.", 404)

    def _each(
        self,
        bodies: Sequence[Mapping[str, Any]],
        do: Callable[[Mapping[str, Any]], tuple[VenueOrder | VenueAlgo, Change]],
    ) -> Took:
        if len(bodies) > BATCH:
            raise Refusal("51000", "Parameter args error: at most 20 orders")
        took = Took([], [], [])
        for body in bodies:
            said = {"clOrdId": body.get("clOrdId", ""), "tag": body.get("tag", ""), "reqId": body.get("reqId", "")}
            try:
                order, change = do(body)
            except Refusal as refusal:
                given = {name: body[name] for name in ("ordId", "algoId", "algoClOrdId") if name in body}
                ids = {"ordId": "", **given, "sCode": refusal.code, "sMsg": refusal.message}
            else:
                ids = {**_ids(order), "sCode": "0", "sMsg": ""}
                took.orders.append(order)
                took.changes.append(change)
            took.data.append({**said, **ids, "ts": str(self._now())})
        return took


def _ids(order: VenueOrder | VenueAlgo) -> dict[str, str]:
    if isinstance(order, VenueAlgo):
        return {"algoId": order.id, "algoClOrdId": order.client_id}
    return {"ordId": order.id, "clOrdId": order.client_id}


def _fits(query: Query, kind: str, instrument: str) -> bool:
    wanted = query.get("instType", "")
    return wanted in {"", "ANY", kind} and (not query.get("instId") or instrument in query["instId"].split(","))
