"""Right triggers, and wrong ones: each with what finds it."""

from __future__ import annotations

import random
import socket
import time

from ml4t.live.model import Bar, Firing, Trade
from ml4t.live.testing import TriggerRig
from ml4t.live.times import NANOS

START = 1_709_251_200 * NANOS
MINUTE = 60 * NANOS
DAY = 1_440 * MINUTE

PRICES = [100, 101, 102, 101, 103, 104, 100, 99, 98, 102.5, 101, 100, 99, 105, 90]
STORY = [Trade("XYZ", START + number * MINUTE, float(price), 10.0) for number, price in enumerate(PRICES)]
FIRES_AT = (4, 9, 13)


class Above:
    """Right: it fires when the price has come to 102.5 from at most 100 since it fired last."""

    enter, rearm = 102.5, 100.0

    def __init__(self):
        self.on = {}

    def price(self, event):
        return event.price if isinstance(event, Trade) else event.close if isinstance(event, Bar) else None

    def on_event(self, event, market):
        price = self.price(event)
        if price is None:
            return None
        on = self.on.get(event.symbol, False)
        if on or price < self.enter:
            self.on[event.symbol] = on and price > self.rearm
            return None
        self.on[event.symbol] = True
        return Firing(f"{event.symbol} came to {price:g}", event.symbol, {"price": price})

    def state(self, symbol):
        return {"on": self.on.get(symbol, False)}

    def restore(self, symbol, state):
        self.on[symbol] = state["on"]


def changed(firing, **values):
    said = {"reason": firing.reason, "symbol": firing.symbol, "values": firing.values} | values
    return Firing(**said)


class FiresAllTheTime(Above):
    def on_event(self, event, market):
        price = self.price(event)
        return Firing(f"it is at {price:g}", event.symbol) if price is not None and price >= self.enter else None


class RisesOnly(Above):
    """It has no hysteresis, and takes every tick at the threshold for a new one."""

    def on_event(self, event, market):
        price = self.price(event)
        before, self.on[event.symbol] = self.on.get(event.symbol, 0.0), price or 0.0
        fires = price is not None and price >= self.enter and (before < self.enter or before == price)
        return Firing(f"it is at {price:g}", event.symbol) if fires else None

    def state(self, symbol):
        return {"on": self.on.get(symbol, 0.0)}


class Mumbles(Above):
    def on_event(self, event, market):
        firing = super().on_event(event, market)
        return changed(firing, reason="fired") if firing else None


class SaysNaN(Above):
    def on_event(self, event, market):
        firing = super().on_event(event, market)
        return changed(firing, values={"price": float("nan")}) if firing else None


class StampsItself(Above):
    def on_event(self, event, market):
        firing = super().on_event(event, market)
        return changed(firing, time=time.time_ns()) if firing else None


class CountsInTheSymbol(Above):
    """Every firing is for a symbol of its own, so that no cooldown holds it."""

    fired = 0

    def on_event(self, event, market):
        firing = super().on_event(event, market)
        self.fired += firing is not None
        return changed(firing, symbol=f"{firing.symbol}#{self.fired}") if firing else None


class AnswersTrue(Above):
    def on_event(self, event, market):
        return super().on_event(event, market) is not None or None


class ThrowsDice(Above):
    def on_event(self, event, market):
        firing = super().on_event(event, market)
        return changed(firing, values={"luck": random.random()}) if firing else None


class LooksAtTheClock(Above):
    def on_event(self, event, market):
        time.monotonic()
        return super().on_event(event, market)


class AsksSomebody(Above):
    def on_event(self, event, market):
        with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
            return super().on_event(event, market)


class BelievesTheEngine(Above):
    """It takes what the engine received late for no news."""

    def on_event(self, event, market):
        late = market.get(event.symbol).seen_at - event.event_time > DAY // 2
        return None if late else super().on_event(event, market)


class NeverLooksBack(Above):
    """It takes what the engine received earlier than another event for one that it knows."""

    latest = 0

    def on_event(self, event, market):
        seen_at = market.get(event.symbol).seen_at
        self.latest = max(self.latest, seen_at)
        return None if seen_at < self.latest else super().on_event(event, market)


class CountsHoles(Above):
    last = 0

    def on_event(self, event, market):
        steps, self.last = (event.event_time - (self.last or event.event_time)) // MINUTE, event.event_time
        if [0.0] * 10 and steps > 1_000:
            raise IndexError("more minutes than the history holds")
        return super().on_event(event, market)


class OneForAll(Above):
    """It keeps what it knows of one symbol for all of them."""

    def on_event(self, event, market):
        price = self.price(event)
        on = self.on.get("", False)
        if price is None or on or price < self.enter:
            self.on[""] = on and (price is None or price > self.rearm)
            return None
        self.on[""] = True
        return Firing(f"{event.symbol} came to {price:g}", event.symbol)

    def state(self, symbol):
        return {"on": self.on.get("", False)}

    def restore(self, symbol, state):
        self.on[""] = state["on"]


class TradesOnly(Above):
    def price(self, event):
        return event.price


class DividesByVolume(Above):
    def on_event(self, event, market):
        if isinstance(event, Trade):
            assert 1.0 / event.size
        return super().on_event(event, market)


class Forgets(Above):
    """It says nothing of what it remembers, and so fires again after a restart."""

    state = restore = None


class RemembersHalf(Above):
    def restore(self, symbol, state):
        self.on[symbol] = False


class KeepsObjects(Above):
    def state(self, symbol):
        return {"on": {self.on.get(symbol, False)}}


class KeepsNaN(Above):
    def state(self, symbol):
        return super().state(symbol) | {"last": float("nan")}


class LendsItsMemory(Above):
    def state(self, symbol):
        return self.on

    def restore(self, symbol, state):
        self.on[symbol] = state.get(symbol, False)


WRONG = {
    FiresAllTheTime: ["it_fires_once_per_condition", "it_is_silent_while_the_condition_lasts"],
    RisesOnly: ["it_is_silent_while_the_condition_lasts"],
    Mumbles: ["a_firing_says_why"],
    SaysNaN: ["a_firing_says_why"],
    StampsItself: ["a_firing_says_why", "the_same_events_give_the_same_firings"],
    CountsInTheSymbol: ["a_firing_says_why", "within_a_cooldown_it_fires_once"],
    AnswersTrue: ["it_fires_once_per_condition"],
    ThrowsDice: ["the_same_events_give_the_same_firings", "it_reads_no_clock_and_waits_for_nothing"],
    LooksAtTheClock: ["it_reads_no_clock_and_waits_for_nothing"],
    AsksSomebody: ["it_reads_no_clock_and_waits_for_nothing"],
    BelievesTheEngine: ["a_jump_of_the_clock_changes_nothing"],
    NeverLooksBack: ["a_jump_of_the_clock_changes_nothing"],
    CountsHoles: ["a_hole_in_the_data_does_no_harm"],
    OneForAll: ["symbols_are_each_for_themselves"],
    TradesOnly: ["every_sort_of_event_is_taken"],
    DividesByVolume: ["every_sort_of_event_is_taken"],
    Forgets: ["a_restart_changes_nothing"],
    RemembersHalf: ["a_restart_changes_nothing"],
    KeepsObjects: ["what_it_remembers_is_plain_and_its_own", "a_restart_changes_nothing"],
    KeepsNaN: ["what_it_remembers_is_plain_and_its_own"],
    LendsItsMemory: ["what_it_remembers_is_plain_and_its_own"],
}


# --- moments ---


class Hourly:
    """Right: every full hour."""

    every = 60 * MINUTE

    def next_time(self, after):
        return (after // self.every + 1) * self.every


class Once(Hourly):
    """Right: one moment, and then none."""

    def next_time(self, after):
        return START + DAY if after < START + DAY else None


class NowAndThen(Hourly):
    def next_time(self, after):
        return after // self.every * self.every + (after % self.every > 0) * self.every


class InSeconds(Hourly):
    def next_time(self, after):
        return super().next_time(after) / NANOS


class FromNow(Hourly):
    """An hour from whenever it is asked."""

    def next_time(self, after):
        return after + self.every


class Advances(Hourly):
    def __init__(self):
        self.next = 0

    def next_time(self, after):
        self.next = max(self.next + self.every, (after // self.every + 1) * self.every)
        return self.next


class OnTheMachinesTime(Hourly):
    def next_time(self, after):
        return super().next_time(max(after, time.time_ns() % 1))


class TwoSorts(Hourly):
    def on_event(self, event, market):
        return None


WRONG_MOMENTS = {
    NowAndThen: ["the_next_moment_is_later"],
    InSeconds: ["the_next_moment_is_later"],
    FromNow: ["no_moment_is_left_out"],
    Advances: ["a_clock_set_back_finds_the_same_moments"],
    OnTheMachinesTime: ["moments_follow_from_the_question_alone"],
    TwoSorts: ["it_is_one_sort_of_trigger"],
}


# --- commands ---


class ByHand:
    """Right: it takes every command."""

    def on_command(self, symbol, reason, by):
        return Firing(f"{by}: {reason}", symbol)


class Anonymous(ByHand):
    def on_command(self, symbol, reason, by):
        return Firing(reason, symbol)


class AlwaysAll(ByHand):
    def on_command(self, symbol, reason, by):
        return Firing(f"{by}: {reason}")


class Refuses(ByHand):
    def on_command(self, symbol, reason, by):
        raise ValueError("nobody may fire this trigger today")


class RefusesInAWord(ByHand):
    def on_command(self, symbol, reason, by):
        raise ValueError("no")


class Breaks(ByHand):
    def on_command(self, symbol, reason, by):
        return Firing({}[symbol], symbol)


WRONG_COMMANDS = {
    kind: ["a_command_is_taken_or_refused_in_words"] for kind in (Anonymous, AlwaysAll, Refuses, RefusesInAWord, Breaks)
}


# --- compounds ---

HEARD = [
    Firing("it fired", "XYZ", trigger=name, time=START + second * NANOS, firing_id=f"{name}:XYZ:{second}")
    for second, name in enumerate(["a", "a", "b", "b", "a", "b"])
]
COMPLETED_AT = (2, 5)


class AThenB:
    """Right: it fires when b follows a."""

    of = ("a", "b")

    def __init__(self):
        self.begun = {}

    def on_firing(self, firing, market):
        if firing.trigger == "a":
            self.begun[firing.symbol] = True
            return []
        return [Firing("a then b", firing.symbol)] if self.begun.pop(firing.symbol, False) else []

    def state(self, symbol):
        return {"begun": dict(self.begun)}

    def restore(self, symbol, state):
        self.begun = dict(state["begun"])


class ForgetsA(AThenB):
    def restore(self, symbol, state):
        pass


WRONG_COMPOUNDS = {ForgetsA: ["a_restart_changes_nothing"]}


def rig_of(kind, **rest):
    """Return the rig that tries one of them."""
    if hasattr(kind, "on_firing"):
        rest = {"story": HEARD, "fires_at": COMPLETED_AT} | rest
    elif hasattr(kind, "on_event"):
        rest = {"story": STORY, "fires_at": FIRES_AT} | rest
    return TriggerRig(trigger=kind, **rest)
