"""The gate answers as a plain model does that keeps lists and adds them up, and no limit is ever exceeded counting pending."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ml4t.live.contracts import OrderUpdate
from ml4t.live.model import OrderState

SYMBOLS = ["A", "B", "C", "D"]
SECOND = 1_000_000_000

LIMITS = {
    "max_orders_per_minute": 8,
    "max_open_orders": 5,
    "dedup_window_seconds": 3,
    "max_order_shares": 30,
    "max_order_value": 3_000,
    "max_positions": 3,
    "max_position_shares": 40,
    "max_position_value": 4_000,
    "max_total_exposure": 9_000,
    "max_daily_loss": 1_000,
}
SIGN = {"buy": 1, "sell": -1}


class Model:
    """Orders as dicts, fills as numbers; every question is answered by going through all of them."""

    def __init__(self) -> None:
        self.orders = []
        self.held = dict.fromkeys(SYMBOLS, 0.0)
        self.prices = {}
        self.cash = 100_000.0
        self.breached = False

    def left(self, symbol, side):
        return sum(o["left"] for o in self.orders if o["open"] and o["symbol"] == symbol and o["side"] == side)

    def worst(self, symbol):
        held = self.held[symbol]
        return max(abs(held + self.left(symbol, "buy")), abs(held - self.left(symbol, "sell")))

    def equity(self):
        return self.cash + sum(quantity * self.prices.get(symbol, 0.0) for symbol, quantity in self.held.items())

    def in_use(self):
        return {s for s in SYMBOLS if self.held[s] or any(o["open"] and o["symbol"] == s for o in self.orders)}

    def look(self):
        self.breached = self.breached or 100_000.0 - self.equity() >= LIMITS["max_daily_loss"]

    def verdict(self, symbol, side, quantity, limit, now):
        """Return the code of the first refusal, or an empty text."""
        held, sign = self.held[symbol], SIGN[side]
        reducing = held * sign < 0 and quantity + self.left(symbol, side) <= abs(held)
        last = self.prices.get(symbol)
        price = None if last is None else max(last, limit or 0.0)
        side_worst = abs(held + sign * (quantity + self.left(symbol, side)))
        before = [o for o in self.orders if o["at"] > now - 3 * SECOND]
        answers = [
            (
                "duplicate_order",
                any((o["symbol"], o["side"], o["quantity"], o["limit"]) == (symbol, side, quantity, limit) for o in before),
            ),
            ("max_orders_per_minute", sum(o["at"] > now - 60 * SECOND for o in self.orders) >= 8),
        ]
        if not reducing:
            answers += [
                ("max_open_orders", sum(o["open"] for o in self.orders) >= 5),
                ("max_order_shares", quantity > 30),
                ("no_price", price is None),
                ("max_order_value", price is not None and quantity * price > 3_000),
                ("max_positions", len(self.in_use() | {symbol}) > 3),
                ("max_position_shares", side_worst > 40),
                ("max_position_value", price is not None and side_worst * price > 4_000),
                ("max_total_exposure", price is not None and self.exposure(symbol, side_worst, price) > 9_000),
                ("max_daily_loss", self.breached),
            ]
        return next((code for code, refused in answers if refused), "")

    def exposure(self, symbol, side_worst, price):
        others = sum(self.worst(s) * self.prices[s] for s in SYMBOLS if s != symbol and s in self.in_use())
        return max(side_worst, self.worst(symbol)) * price + others


class GateAgainstModel(RuleBasedStateMachine):
    make = None

    @initialize()
    def begin(self):
        self.room = self.make(**LIMITS)
        self.model = Model()
        self.ids = []

    @rule(symbol=st.sampled_from(SYMBOLS), price=st.sampled_from([60.0, 90.0, 100.0, 110.0, 150.0]))
    def mark(self, symbol, price):
        self.room.price(symbol, price)
        self.model.prices[symbol] = price
        self.model.look()

    @rule(
        symbol=st.sampled_from(SYMBOLS),
        side=st.sampled_from(["buy", "sell"]),
        quantity=st.sampled_from([1.0, 5.0, 10.0, 25.0, 30.0, 31.0]),
        limit=st.sampled_from([None, None, 80.0, 100.0, 140.0]),
        again=st.integers(1, 3),
    )
    def submit(self, symbol, side, quantity, limit, again):
        for _ in range(again):
            now = self.room.clock.now()
            expected = self.model.verdict(symbol, side, quantity, limit, now)
            kind = "market" if limit is None else "limit"
            order = self.room.broker.submit_order(symbol, quantity, side, kind, limit)
            assert order.code == expected, order
            assert (order.state is OrderState.REJECTED) is bool(expected)
            if not expected:
                self.ids.append(order.order_id)
                self.model.orders.append(
                    {
                        "symbol": symbol,
                        "side": side,
                        "quantity": quantity,
                        "limit": limit,
                        "left": quantity,
                        "open": True,
                        "at": now,
                    }
                )

    @rule(pick=st.integers(0, 50), share=st.sampled_from([0.25, 0.5, 1.0]), price=st.sampled_from([90.0, 100.0, 120.0]))
    def fill(self, pick, share, price):
        if not self.ids:
            return
        number = pick % len(self.ids)
        known = self.model.orders[number]
        if not known["open"]:
            return
        quantity = known["left"] * share
        self.room.fill(self.room.orders.get(self.ids[number]), quantity, price)
        known["left"] -= quantity
        known["open"] = share < 1.0
        signed = quantity * SIGN[known["side"]]
        before = self.model.held[known["symbol"]]
        self.model.held[known["symbol"]] += signed
        self.model.cash -= signed * price
        if before * (before + signed) > 0:  # what was held already is valued at the last mark until the next one
            self.model.look()
        self.room.price(known["symbol"], price)
        self.model.prices[known["symbol"]] = price
        self.model.look()

    @rule(pick=st.integers(0, 50), state=st.sampled_from(["unknown", "working", "cancelled", "rejected", "expired"]))
    def say(self, pick, state):
        if not self.ids:
            return
        number = pick % len(self.ids)
        self.room.desk.order(OrderUpdate(self.ids[number], OrderState(state), 1))
        if state in ("cancelled", "rejected", "expired"):
            self.model.orders[number]["open"] = False

    @rule(seconds=st.sampled_from([1, 2, 4, 61]))
    def wait(self, seconds):
        self.room.wait(seconds)

    @invariant()
    def no_limit_is_exceeded(self):
        if not hasattr(self, "room"):
            return
        for symbol in SYMBOLS:
            assert self.room.portfolio.quantity(symbol) == self.model.held[symbol]
            working = self.room.orders.working(symbol)
            assert working == tuple(self.model.left(symbol, side) for side in ("buy", "sell"))
            low, high = self.room.books.projected(symbol)
            assert -40 <= low <= high <= 40
        assert len(self.model.in_use()) <= 3
        assert dict(self.room.books.exposures()) == {s: self.model.worst(s) for s in self.model.in_use()}


def test_the_gate_answers_as_the_model(room):
    class Machine(GateAgainstModel):
        make = room

    case = Machine.TestCase
    case.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
    case().runTest()
