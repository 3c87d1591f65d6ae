"""Right forecasters, and wrong ones: each with what finds it."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from math import nan

from ml4t.live.contracts import OrderIntent, Weight
from ml4t.live.model import Direction, Distribution, Forecast


class Last:
    """Right, and plain: the last price, and a band of five percent."""

    def forecast(self, request):
        return [said for symbol in request.symbols if (said := self.say(symbol, request)) is not None]

    def say(self, symbol, request):
        price = request.market.price(symbol)
        if price is None:
            return None
        return Forecast(symbol, request.horizon, price, quantiles={0.1: price * 0.95, 0.9: price * 1.05})


class Thinker(Last):
    """Right, and a coroutine that waits for something; it counts how often it was asked."""

    def __init__(self):
        self.asked = 0

    async def forecast(self, request):
        await asyncio.sleep(0.001)
        self.asked += 1
        said = Last.forecast(self, request)
        return [Forecast(each.symbol, each.horizon, each.price * (1 + self.asked / 1_000)) for each in said]

    def state(self):
        return {"asked": self.asked}

    def restore(self, state):
        self.asked = state["asked"]


class Critic(Last):
    """Right: it weighs somebody else, and orders a little."""

    def forecast(self, request):
        return [Weight("other", 0.5), *(OrderIntent(symbol, 1.0) for symbol in request.symbols if request.market.get(symbol))]


class Silent(Last):
    def say(self, symbol, request):
        return None


class AnHourAlways(Last):
    def say(self, symbol, request):
        price = request.market.price(symbol)
        return None if price is None else Forecast(symbol, 3_600_000_000_000, price)


class SaysItTwice(Last):
    def forecast(self, request):
        return super().forecast(request) * 2


class SpeaksOfOthers(Last):
    def forecast(self, request):
        return [*super().forecast(request), Forecast("ZZZ", request.horizon, 1.0)]


def says(**values):
    """Return a forecaster that says these."""

    class Says(Last):
        def say(self, symbol, request):
            return Forecast(symbol, request.horizon, **values) if request.market.price(symbol) is not None else None

    return Says


NO_PRICE = says(price=nan)
TOO_SURE = says(direction=Direction.UP, confidence=60)
CROSSED_QUANTILES = says(quantiles={0.1: 101.0, 0.9: 99.0})
NO_WIDTH = says(distribution=Distribution(100.0, 0.0))
SAYS_NOTHING = says()


class OrdersNothing(Last):
    def forecast(self, request):
        return [OrderIntent(symbol, 0.0) for symbol in request.symbols]


class WeighsBelowZero(Last):
    def forecast(self, request):
        return [Weight("other", -1.0)]


class Backdates(Last):
    def say(self, symbol, request):
        price = request.market.price(symbol)
        return None if price is None else Forecast(symbol, request.horizon, price, issued_at=request.time - 1)


class TakesPricesForGranted(Last):
    def say(self, symbol, request):
        return Forecast(symbol, request.horizon, request.market.get(symbol).price)


class DividesByNothing(Last):
    def say(self, symbol, request):
        view = request.market.get(symbol)
        if view is None:
            return None
        return Forecast(symbol, request.horizon, view.price * (1 + sum(view.returns) / len(view.returns)))


class AnswersANumber(Last):
    def forecast(self, request):
        return [100.0]


class ThrowsDice(Last):
    def say(self, symbol, request):
        return Forecast(symbol, request.horizon, 100.0 + random.random())


class SortsTheMarket(Last):
    def say(self, symbol, request):
        view = request.market.get(symbol)
        if view is not None and view.prices:
            view.prices.append(view.prices[-1])
        return super().say(symbol, request)


class SleepsOnTheLoop(Thinker):
    async def forecast(self, request):
        time.sleep(0.001)  # noqa: ASYNC251 - the mistake itself
        return await super().forecast(request)


class ComputesOnTheLoop(Thinker):
    async def forecast(self, request):
        until = time.perf_counter() + 0.3
        while time.perf_counter() < until:
            pass
        return await super().forecast(request)


class TakesLong(Thinker):
    async def forecast(self, request):
        await asyncio.sleep(60)


class WillNotEnd(Thinker):
    async def forecast(self, request):
        for _ in range(100):
            try:
                await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                continue
        return await super().forecast(request)


class SwallowsCancels(Thinker):
    async def forecast(self, request):
        try:
            await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            return []
        return await super().forecast(request)


class LeavesATask(Thinker):
    async def forecast(self, request):
        self.left = asyncio.create_task(asyncio.sleep(3_600))
        return await super().forecast(request)


class LeavesAThread(Thinker):
    def __init__(self):
        super().__init__()
        self.stop = threading.Event()

    async def forecast(self, request):
        threading.Thread(target=self.stop.wait, args=(12,), daemon=True).start()
        return await super().forecast(request)


class ForgetsHowOften(Thinker):
    def restore(self, state):
        pass


class KeepsItself(Thinker):
    def state(self):
        return {"asked": self.asked, "self": self}


class LendsItsMemory(Thinker):
    def __init__(self):
        super().__init__()
        self.kept = {"asked": 0}

    async def forecast(self, request):
        said = await super().forecast(request)
        self.kept["asked"] = self.asked
        return said

    def state(self):
        return self.kept


WRONG = {
    Silent: ["it_has_something_to_say"],
    AnHourAlways: ["horizon_and_symbol_are_those_asked_for"],
    SaysItTwice: ["horizon_and_symbol_are_those_asked_for"],
    SpeaksOfOthers: ["horizon_and_symbol_are_those_asked_for"],
    NO_PRICE: ["what_it_says_can_be_scored"],
    TOO_SURE: ["what_it_says_can_be_scored"],
    CROSSED_QUANTILES: ["what_it_says_can_be_scored"],
    NO_WIDTH: ["what_it_says_can_be_scored"],
    SAYS_NOTHING: ["what_it_says_can_be_scored"],
    OrdersNothing: ["what_it_says_can_be_scored"],
    WeighsBelowZero: ["what_it_says_can_be_scored"],
    Backdates: ["stamps_are_left_to_the_engine"],
    TakesPricesForGranted: ["without_a_history_it_abstains"],
    DividesByNothing: ["without_a_history_it_abstains"],
    AnswersANumber: ["it_has_something_to_say"],
    ThrowsDice: ["the_same_request_has_the_same_answer"],
    SortsTheMarket: ["it_changes_nothing"],
    SleepsOnTheLoop: ["it_does_not_hold_up_the_loop"],
    ComputesOnTheLoop: ["it_does_not_hold_up_the_loop"],
    TakesLong: ["it_has_something_to_say"],
    WillNotEnd: ["a_cancel_ends_it"],
    SwallowsCancels: ["a_cancel_ends_it"],
    LeavesATask: ["a_cancel_ends_it"],
    LeavesAThread: ["a_cancel_ends_it"],
    ForgetsHowOften: ["a_restart_changes_nothing"],
    KeepsItself: ["what_it_remembers_is_plain_and_its_own"],
    LendsItsMemory: ["what_it_remembers_is_plain_and_its_own"],
}
