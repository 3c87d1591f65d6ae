"""How often it fires, in markets that change; what it remembers; and what it must not learn from."""

from __future__ import annotations

import json
import math
import random
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml4t.live.contracts import EventTrigger, NeedsCandles, StatefulTrigger
from ml4t.live.market import MarketState
from ml4t.live.model import Bar
from ml4t.live.times import NANOS
from trigger_adaptive.config import AdaptiveConfig
from trigger_adaptive.threshold import LARGEST_SCORE, Threshold
from trigger_adaptive.trigger import Adaptive

MINUTE = 60 * NANOS
CONFIG = AdaptiveConfig(rate=0.05, candles=MINUTE, warmup=50)


def walk(count, scale=lambda number: 0.001, seed=1, tail=None):
    """Return closes of a random walk whose moves have a scale of their own each."""
    rng = random.Random(seed)
    price, closes = 100.0, []
    for number in range(count):
        price *= math.exp((tail(rng) if tail else rng.gauss(0, 1)) * scale(number))
        closes.append(price)
    return closes


def bars(closes, symbol="A", first=0):
    return [Bar(symbol, (first + n) * MINUTE, *[close] * 4, 1.0, MINUTE) for n, close in enumerate(closes)]


def run(trigger, events, market=None):
    market = market or MarketState(1_000, [MINUTE])
    found = []
    for event in events:
        market.apply(event, 10**19)
        found.append(trigger.on_event(event, market))
    return found


def count(found):
    return sum(firing is not None for firing in found)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("quiet", {}),
        ("ten times as wild", {"scale": lambda number: 0.01}),
        ("wild and quiet by turns", {"scale": lambda number: 0.003 if number // 500 % 2 else 0.001}),
        ("fat tails", {"tail": lambda rng: rng.gauss(0, 1) / math.sqrt(rng.gammavariate(1.5, 1 / 1.5))}),
    ],
)
def test_it_fires_as_often_as_it_is_told_whatever_the_market(name, options):
    found = run(Adaptive(CONFIG), bars(walk(6_000, **options)))
    assert count(found) / 6_000 == pytest.approx(CONFIG.rate, abs=0.006)


def test_a_fixed_threshold_would_not():
    """The thing that the trigger is for: three standard deviations are rare in one market and common in another."""
    slow = AdaptiveConfig(rate=0.05, candles=MINUTE, warmup=50, learning_rate=1e-9, start=1.96)
    tails = walk(6_000, tail=lambda rng: rng.gauss(0, 1) / math.sqrt(rng.gammavariate(0.6, 1 / 0.6)))
    fixed, learned = count(run(Adaptive(slow), bars(tails))), count(run(Adaptive(CONFIG), bars(tails)))
    assert abs(learned / 6_000 - 0.05) < 0.01
    assert abs(learned / 6_000 - 0.05) < abs(fixed / 6_000 - 0.05) / 2


scores = st.lists(st.floats(0, 30), min_size=1, max_size=300)


@settings(deadline=None, max_examples=60)
@given(given_scores=scores, rate=st.floats(0.01, 0.5), learning_rate=st.floats(0.001, 0.5))
def test_the_share_of_exceedances_is_the_rate_but_for_how_far_the_intercept_has_come(given_scores, rate, learning_rate):
    """The bound of Gibbs and Candès, exactly and for any data."""
    threshold = Threshold(AdaptiveConfig(rate=rate, learning_rate=learning_rate))
    start, before, exceeded = threshold.state()["intercept"], 1.0, 0
    for score in given_scores:
        exceeded += min(score, LARGEST_SCORE) > threshold.after(before)
        threshold.learn(before, score)
        before = score
    came = threshold.state()["intercept"] - start
    ties = 1e-9 * len(given_scores)
    assert exceeded - rate * len(given_scores) == pytest.approx(came / learning_rate, abs=1e-6 + ties)


def test_nothing_fires_while_it_warms_up():
    found = run(Adaptive(CONFIG), bars(walk(400)))
    first = next(number for number, firing in enumerate(found) if firing)
    assert first > CONFIG.warmup


def test_a_jump_fires_and_says_how_far_it_went():
    closes = walk(300)
    closes.append(closes[-1] * 1.05)
    firing = run(Adaptive(CONFIG), bars(closes))[-1]
    assert firing.symbol == "A"
    assert firing.reason.startswith("A: moved +5 %, ")
    assert firing.values["return"] == pytest.approx(0.05)
    assert firing.values["score"] > firing.values["threshold"] > 0


def test_a_move_is_measured_by_the_volatility_before_it():
    """A jump that was in its own yardstick would hide itself."""
    closes = walk(300, scale=lambda number: 0.001)
    closes.append(closes[-1] * 1.02)
    assert run(Adaptive(CONFIG), bars(closes))[-1].values["score"] > 10.0


def test_one_bad_print_does_not_deafen_it():
    quiet = walk(2_000)
    broken = [*quiet[:1_000], quiet[999] * 1_000.0, *quiet[1_000:]]
    trigger = Adaptive(CONFIG)
    run(trigger, bars(broken))
    assert trigger.state("A")["threshold"]["intercept"] < 6.0


def test_each_symbol_learns_for_itself():
    alone = run(Adaptive(CONFIG), bars(walk(1_000)))
    wild = bars(walk(1_000, scale=lambda number: 0.02, seed=2), "B")
    mixed = [bar for pair in zip(bars(walk(1_000)), wild, strict=True) for bar in pair]
    assert run(Adaptive(CONFIG), mixed)[::2] == alone


def test_the_same_candles_give_the_same_firings():
    assert run(Adaptive(CONFIG), bars(walk(1_000))) == run(Adaptive(CONFIG), bars(walk(1_000)))


@pytest.mark.parametrize("at", [1, 30, 500, 999])
def test_after_a_restart_it_goes_on_as_if_there_had_been_none(at):
    events = bars(walk(1_500))
    whole = run(Adaptive(CONFIG), events)
    market = MarketState(1_000, [MINUTE])
    first = Adaptive(CONFIG)
    run(first, events[:at], market)
    state = json.loads(json.dumps(first.state("A")))
    second = Adaptive(CONFIG)
    second.restore("A", state)
    assert run(second, events[at:], market) == whole[at:]
    assert second.state("A") == json.loads(json.dumps(second.state("A")))


def test_what_was_learned_at_another_rate_or_from_other_candles_is_forgotten():
    first = Adaptive(CONFIG)
    run(first, bars(walk(300)))
    for other in (AdaptiveConfig(rate=0.2, candles=MINUTE), AdaptiveConfig(rate=0.05, candles=5 * MINUTE)):
        second = Adaptive(other)
        second.restore("A", first.state("A"))
        assert second.state("A") is None


def test_a_symbol_that_it_does_not_know_has_no_state():
    assert Adaptive(CONFIG).state("A") is None


def test_its_memory_does_not_grow():
    trigger, market = Adaptive(CONFIG), MarketState(100, [MINUTE])
    events = bars(walk(6_000))
    run(trigger, events[:2_000], market)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for event in events[2_000:]:
            market.apply(event, 10**19)
            trigger.on_event(event, market)
        own = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, "*trigger_adaptive*")])
        grown = sum(each.size for each in own.statistics("filename"))
    finally:
        tracemalloc.stop()
    assert grown < 20_000, before


def test_prices_that_stand_still_say_nothing_and_break_nothing():
    assert count(run(Adaptive(CONFIG), bars([100.0] * 500))) == 0
    assert count(run(Adaptive(CONFIG), bars([100.0] * 500 + [101.0]))) == 0


def test_it_is_a_trigger_with_a_memory_that_reads_candles():
    trigger = Adaptive(CONFIG)
    assert isinstance(trigger, EventTrigger)
    assert isinstance(trigger, StatefulTrigger)
    assert isinstance(trigger, NeedsCandles)
    assert trigger.needs_candles == (MINUTE,)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rate": 0.0}, "'rate' must be > 0"),
        ({"rate": 1.0}, "'rate' must be < 1"),
        ({"candles": 0}, "'candles' must be > 0"),
        ({"learning_rate": 0.0}, "'learning_rate' must be > 0"),
        ({"warmup": 0}, "'warmup' must be >= 1"),
        ({"start": 0.0}, "'start' must be > 0"),
    ],
)
def test_options_that_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        AdaptiveConfig(**options)
