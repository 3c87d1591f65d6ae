"""A right risk check, and wrong ones: each with what finds it."""

from __future__ import annotations

import random
import time
from pathlib import Path

from ml4t.live.model import ALLOW, OrderSide, refuse
from ml4t.live.times import NANOS


class CapsValue:
    """Right: it caps the value of what one symbol could come to, and of everything."""

    most = 50_000.0

    def check(self, order, view):
        price = view.market.price(order.symbol)
        if price is None or not price > 0.0:
            return refuse("no_price", f"{order.symbol} has no price yet")
        value = view.worst_case(order) * price
        for symbol, quantity in view.exposures():
            if symbol != order.symbol:
                value += quantity * (view.mark(symbol) or 0.0)
        if not value <= self.most:
            return refuse("cap", f"it could come to {value:,.2f}", limit=self.most, value=value)
        return ALLOW


class CapsShares:
    """Right: it looks at no price."""

    def check(self, order, view):
        return ALLOW if order.quantity <= 1_000 else refuse("shares", "the order is too large")


class ClosesEarly(CapsValue):
    """Right: besides, it refuses in the last five minutes of a session, and until the next."""

    def check(self, order, view):
        close = view.market.calendar.close_after(view.now)
        if close is None:
            return refuse("no_close", "nobody knows when the session ends")
        if close - view.now <= 300 * NANOS or not view.market.calendar.is_open(view.now):
            return refuse("closing", "the session is over, or nearly")
        return super().check(order, view)


class LetsOneThroughAtTheClose(CapsValue):
    def check(self, order, view):
        close = view.market.calendar.close_after(view.now)
        if close is not None and close - view.now <= 300 * NANOS:
            return refuse("closing", "the session is over, or nearly")
        return super().check(order, view)


class LetsOneThroughLate(CapsValue):
    def check(self, order, view):
        close = view.market.calendar.close_after(view.now - 1)
        if close is not None and close - view.now <= 300 * NANOS:
            return refuse("closing", "the session is over, or nearly")
        return super().check(order, view)


class KnowsNoEndOfTheCalendar(CapsValue):
    def check(self, order, view):
        if view.market.calendar.close_after(view.now) - view.now <= 300 * NANOS:
            return refuse("closing", "the session is over, or nearly")
        return super().check(order, view)


class Raises(CapsValue):
    def check(self, order, view):
        if order.limit_price is not None:
            raise KeyError(order.symbol)
        return super().check(order, view)


class AnswersYes(CapsValue):
    def check(self, order, view):
        return super().check(order, view).allowed


class Mumbles(CapsValue):
    def check(self, order, view):
        return ALLOW if super().check(order, view).allowed else refuse("cap", "no")


class CodeInWords(CapsValue):
    def check(self, order, view):
        return ALLOW if super().check(order, view).allowed else refuse("Too much!", "the order is too large")


class ComparesWithNothing(CapsValue):
    def check(self, order, view):
        verdict = super().check(order, view)
        return verdict if verdict.allowed else refuse("cap", "the order is too large", limit=float("inf"))


class RefusesAll(CapsValue):
    def check(self, order, view):
        return refuse("never", "this account is for looking on")


class Counts(CapsValue):
    """It counts its own questions: an order that is asked about twice, or amended, counts twice."""

    def __init__(self):
        self.asked = 0

    def check(self, order, view):
        self.asked += 1
        return refuse("enough", "too many orders were sent") if self.asked > 10 else super().check(order, view)


class RemembersSymbols(CapsValue):
    def __init__(self):
        self.seen = set()

    def check(self, order, view):
        if order.order_id in self.seen:
            return refuse("again", "this order was asked about before")
        self.seen.add(order.order_id)
        return super().check(order, view)


class LooksAtTheClock(CapsValue):
    def check(self, order, view):
        return refuse("late", "the session is over by now") if time.time() < 0 else super().check(order, view)


class ThrowsDice(CapsValue):
    def check(self, order, view):
        return refuse("dice", "today is not a good day") if random.random() > 1 else super().check(order, view)


class ReadsAFile(CapsValue):
    def check(self, order, view):
        Path(__file__).read_text(encoding="utf-8")
        return super().check(order, view)


class Sleeps(CapsValue):
    def check(self, order, view):
        time.sleep(0.06)
        return super().check(order, view)


class Ponders(CapsValue):
    """It goes through all pairs of positions in Python, and an account has hundreds."""

    def check(self, order, view):
        pairs = [(one, other) for one in view.positions for other in view.positions for _ in range(10)]
        return super().check(order, view) if pairs else ALLOW


class TidiesTheClock(CapsValue):
    def check(self, order, view):
        verdict = super().check(order, view)
        view.now = 0
        return verdict


class CancelsByItself(CapsValue):
    def check(self, order, view):
        for working in view.open_orders:
            view.orders.put(working.changed(quantity=working.quantity + 1))
        return super().check(order, view)


class RewritesTheOrder(CapsValue):
    def check(self, order, view):
        verdict = super().check(order, view)
        object.__setattr__(order, "quantity", min(order.quantity, 10.0))
        return verdict


class TakesMissingForZero(CapsValue):
    def check(self, order, view):
        value = order.quantity * (view.market.price(order.symbol) or 0.0)
        return ALLOW if value <= self.most else refuse("cap", "the order is too large")


class ComparesTheOtherWay(CapsValue):
    def check(self, order, view):
        price = view.market.price(order.symbol)
        if price is None:
            return refuse("no_price", "the symbol has no price")
        return refuse("cap", "the order is too large") if order.quantity * price > self.most else ALLOW


class SumsNaN(CapsValue):
    """The largest of NaN and a number is the number, when the number comes first."""

    def check(self, order, view):
        value = max([0.0, *(quantity * (view.mark(symbol) or 0.0) for symbol, quantity in view.exposures())])
        return refuse("cap", "the account is too large") if value > self.most else ALLOW


class BuysOnly(CapsValue):
    """It forgets that a short has a value, too."""

    def check(self, order, view):
        price = view.market.price(order.symbol)
        if order.side is OrderSide.SELL:
            return ALLOW
        return super().check(order, view) if price is not None else refuse("no_price", "the symbol has no price")


WRONG = {
    Raises: ["it_answers_every_order_with_a_verdict"],
    AnswersYes: ["it_answers_every_order_with_a_verdict"],
    Mumbles: ["it_answers_every_order_with_a_verdict"],
    CodeInWords: ["it_answers_every_order_with_a_verdict"],
    ComparesWithNothing: ["it_answers_every_order_with_a_verdict"],
    RefusesAll: ["it_allows_a_plain_order"],
    Counts: ["the_same_question_has_the_same_answer"],
    RemembersSymbols: ["the_same_question_has_the_same_answer"],
    LooksAtTheClock: ["it_reads_the_books_and_nothing_else"],
    ThrowsDice: ["it_reads_the_books_and_nothing_else"],
    ReadsAFile: ["it_reads_the_books_and_nothing_else"],
    Sleeps: ["it_reads_the_books_and_nothing_else", "it_answers_within_its_budget"],
    Ponders: ["it_answers_within_its_budget"],
    TidiesTheClock: ["it_changes_nothing"],
    CancelsByItself: ["it_changes_nothing"],
    RewritesTheOrder: ["it_changes_nothing"],
    TakesMissingForZero: ["an_order_without_a_price_is_refused"],
    ComparesTheOtherWay: [
        "a_price_that_is_no_number_is_refused",
        "a_price_of_zero_is_refused",
        "a_negative_price_is_refused",
    ],
    BuysOnly: ["an_order_without_a_price_is_refused", "a_price_of_zero_is_refused"],
    LetsOneThroughAtTheClose: ["what_it_refuses_before_a_close_it_refuses_at_the_close"],
    LetsOneThroughLate: ["what_it_refuses_before_a_close_it_refuses_at_the_close"],
    KnowsNoEndOfTheCalendar: ["it_answers_when_the_calendar_knows_no_more_sessions"],
    SumsNaN: ["a_holding_whose_price_is_no_number_is_refused"],
}
