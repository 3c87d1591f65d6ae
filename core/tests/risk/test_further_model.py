"""The further checks answer as a plain model that keeps every order and fill and adds them all up at each question."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from ml4t.live.contracts import OrderUpdate
from ml4t.live.model import OrderState
from ml4t.live.risk.tallies import Tallies

SYMBOLS = ["A", "B", "C"]
GROUP = {"A", "B"}
SIGN = {"buy": 1, "sell": -1}
MINUTE = 60_000_000_000

LIMITS = {
    "max_messages_per_minute": 14,
    "max_fills_per_minute": 6,
    "max_open_orders_per_symbol": 2,
    "prevent_self_match": True,
    "max_daily_turnover": 20_000,
    "max_symbol_loss": 150,
    "max_strategy_loss": 200,
    "max_losing_streak": 3,
    "check_buying_power": True,
    "max_leverage": 0.9,
    "max_long_value": 5_000,
    "max_short_value": 4_000,
    "max_net_exposure": 4_500,
    "max_group_exposure": 5_500,
    "asset_groups": {"g": list(GROUP)},
}
CASH = 10_000.0


class Model:
    def __init__(self):
        self.orders, self.fills, self.messages = [], [], []
        self.prices = dict.fromkeys(SYMBOLS, 100.0)
        self.day = 0
        self.opening = (0, dict.fromkeys(SYMBOLS, 100.0))

    def held(self, symbol, fills=None):
        return sum(q for s, q, _, _, _ in (self.fills if fills is None else fills) if s == symbol)

    def open(self, symbol, side):
        return sum(o["left"] for o in self.orders if o["open"] and (o["symbol"], o["side"]) == (symbol, side))

    def span(self, symbol, extra=()):
        low = high = self.held(symbol)
        low -= self.open(symbol, "sell")
        high += self.open(symbol, "buy")
        for side, quantity in extra:
            low, high = (low, high + quantity) if side == "buy" else (low - quantity, high)
        return low, high

    def equity(self):
        return CASH + sum(q * (self.prices[s] - p) for s, q, p, _, _ in self.fills)

    def cash(self):
        return CASH - sum(q * p for _, q, p, _, _ in self.fills)

    def result(self, symbol):
        count, prices = self.opening
        before, after = self.fills[:count], self.fills[count:]
        return self.held(symbol, before) * (self.prices[symbol] - prices[symbol]) + sum(
            q * (self.prices[s] - p) for s, q, p, _, _ in after if s == symbol
        )

    def streak(self):
        streak, last = 0, None
        for number, (_, _, _, earned, order) in enumerate(self.fills):
            if number < self.opening[0] or not earned:
                continue
            if earned > 0:
                streak = 0
            elif order != last:
                streak, last = streak + 1, order
        return streak

    def buying_power(self):
        held = {s: self.held(s) for s in SYMBOLS}
        power = self.cash() + sum(min(0.0, held[s] * self.prices[s]) for s in SYMBOLS)
        for order in self.orders:
            if order["open"]:
                opening = order["left"]
                if held[order["symbol"]] * SIGN[order["side"]] < 0:
                    closing = min(opening, abs(held[order["symbol"]]))
                    held[order["symbol"]] += closing * SIGN[order["side"]]
                    opening -= closing
                power -= opening * max(self.prices[order["symbol"]], order["limit"] or 0.0)
        return power

    def verdict(self, symbol, side, quantity, limit, now):
        sign, held = SIGN[side], self.held(symbol)
        if sum(at > now - MINUTE for at in self.messages) >= 12:  # of the 14 a fifth is kept for cancels
            return "max_messages_per_minute"
        reach = limit if limit is not None else self.prices[symbol]
        price = max(self.prices[symbol], limit or 0.0)
        reducing = held * sign < 0 and quantity + self.open(symbol, side) <= abs(held)
        working = [o for o in self.orders if o["open"]]
        value = {s: self.prices[s] for s in SYMBOLS} | {symbol: price}
        spans = {s: self.span(s, [(side, quantity)] if s == symbol else ()) for s in SYMBOLS}
        worst = {s: max(map(abs, spans[s])) for s in SYMBOLS}
        mine = [o for o in working if o["symbol"] == symbol]
        low, high = self.span(symbol)
        closes = max(0.0, -high) if side == "buy" else max(0.0, low)
        own = any(o["side"] != side and (o["limit"] is None or (reach - o["limit"]) * sign >= 0) for o in mine)
        loss = {s: -self.result(s) for s in SYMBOLS}
        net = sum(spans[s][1] * value[s] for s in SYMBOLS), -sum(spans[s][0] * value[s] for s in SYMBOLS)
        fills = sum(at > now - MINUTE for at in self.filled_at)
        sent = sum(o["value"] for o in self.orders if o["day"] == self.day)
        equity = self.equity()
        answers = [
            ("max_fills_per_minute", not reducing and fills + len(working) >= 6),
            ("max_open_orders_per_symbol", not reducing and len(mine) >= 2),
            ("self_match", own),
            ("max_daily_turnover", not reducing and sent + quantity * price > 20_000),
            ("max_symbol_loss", not reducing and loss[symbol] >= 150),
            ("max_strategy_loss", not reducing and sum(loss.values()) >= 200),
            ("max_losing_streak", not reducing and self.streak() >= 3),
            ("buying_power", not reducing and max(0.0, quantity - closes) * price > self.buying_power()),
            ("max_leverage", not reducing and sum(worst[s] * value[s] for s in SYMBOLS) / equity > 0.9),
            ("max_long_value", not reducing and side == "buy" and self.sum(spans, value, 1) > 5_000),
            ("max_short_value", not reducing and side == "sell" and self.sum(spans, value, -1) > 4_000),
            ("max_net_exposure", not reducing and net[side == "sell"] > 4_500),
            ("max_group_exposure", not reducing and symbol in GROUP and sum(worst[s] * value[s] for s in GROUP) > 5_500),
        ]
        return next((code for code, refused in answers if refused), "")

    def sum(self, spans, value, sign):
        return sum(max(0.0, spans[s][sign > 0] * sign) * value[s] for s in SYMBOLS)


class Machine(RuleBasedStateMachine):
    make = None

    @initialize()
    def begin(self):
        self.room = self.make(cash=CASH, **LIMITS)
        self.model = Model()
        self.model.filled_at = []
        self.ids = []
        for symbol in SYMBOLS:
            self.room.price(symbol, 100.0)

    @rule(symbol=st.sampled_from(SYMBOLS), price=st.sampled_from([92.0, 96.0, 100.0, 104.0, 110.0]))
    def mark(self, symbol, price):
        self.room.price(symbol, price)
        self.model.prices[symbol] = price

    @rule(
        symbol=st.sampled_from(SYMBOLS),
        side=st.sampled_from(["buy", "sell"]),
        quantity=st.sampled_from([1.0, 8.0, 16.0, 32.0, 56.0]),
        limit=st.sampled_from([None, None, 94.0, 106.0]),
    )
    def submit(self, symbol, side, quantity, limit):
        now, model = self.room.clock.now(), self.model
        expected = model.verdict(symbol, side, quantity, limit, now)
        order = self.room.broker.submit_order(symbol, quantity, side, "market" if limit is None else "limit", limit)
        assert order.code == expected, order
        model.messages.append(now)
        if not expected:
            self.ids.append(order.order_id)
            value = quantity * max(model.prices[symbol], limit or 0.0)
            model.orders.append(
                {
                    "symbol": symbol,
                    "side": side,
                    "left": quantity,
                    "limit": limit,
                    "open": True,
                    "value": value,
                    "day": model.day,
                }
            )

    @precondition(lambda self: getattr(self, "ids", None))
    @rule(pick=st.integers(0, 50), share=st.sampled_from([0.5, 1.0]), price=st.sampled_from([92.0, 100.0, 108.0]))
    def fill(self, pick, share, price):
        number = pick % len(self.ids)
        known = self.model.orders[number]
        if not known["open"]:
            return
        quantity = known["left"] * share
        position = self.room.portfolio.position(known["symbol"])
        signed = quantity * SIGN[known["side"]]
        earned = 0.0
        if position is not None and position.quantity * signed < 0:
            closed = min(quantity, abs(position.quantity))
            earned = closed * (price - position.average_price) * (1 if position.quantity > 0 else -1)
        self.room.fill(self.room.orders.get(self.ids[number]), quantity, price)
        self.room.price(known["symbol"], price)
        self.model.prices[known["symbol"]] = price
        self.model.fills.append((known["symbol"], signed, price, earned, number))
        self.model.filled_at.append(self.room.clock.now())
        known["left"] -= quantity
        known["open"] = share < 1.0

    @precondition(lambda self: getattr(self, "ids", None))
    @rule(pick=st.integers(0, 50), asked=st.booleans(), state=st.sampled_from(["unknown", "working", "cancelled"]))
    def say(self, pick, asked, state):
        number = pick % len(self.ids)
        if asked and self.room.broker.cancel_order(self.ids[number]):
            self.model.messages.append(self.room.clock.now())
        self.room.desk.order(OrderUpdate(self.ids[number], OrderState(state), 1))
        if state == "cancelled":
            self.model.orders[number]["open"] = False

    @rule(seconds=st.sampled_from([1, 20, 61]))
    def wait(self, seconds):
        self.room.wait(seconds)

    @rule()
    def next_day(self):
        self.room.books.tallies.begin_day(self.room.books.mark)
        self.model.day += 1
        self.model.opening = (len(self.model.fills), dict(self.model.prices))

    @rule()
    def restart(self):
        """What the journal keeps of the day's sums and lines, and the windows as the records tell them."""
        old, new = self.room.books.tallies, Tallies()
        lines = {symbol: old.line(strategy, symbol) for strategy in ["strategy"] for symbol in old.of_strategy(strategy)}
        new.restore(old.state(), lines)
        new.messages, new.fills = old.messages, old.fills
        self.room.books.tallies = new


def test_the_further_checks_answer_as_the_model(room):
    class Bound(Machine):
        make = room

    case = Bound.TestCase
    case.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
    case().runTest()
