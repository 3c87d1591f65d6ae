"""The trigger against a brute force that works everything out again from all candles, and the sentences of the README."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import random
import statistics
from importlib.resources import files
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml4t.live.contracts import EventTrigger, StatefulTrigger
from ml4t.live.market import MarketState
from ml4t.live.model import Bar
from ml4t.live.times import NANOS
from ml4t_live_trigger_volatility.config import VolatilityConfig
from ml4t_live_trigger_volatility.trigger import Volatility

MINUTE = 60 * NANOS
DAY = 1_440 * MINUTE


def market():
    return MarketState(1_000, [MINUTE, DAY])


def run(trigger, events, state=None):
    state = state or market()
    found = []
    for event in events:
        state.apply(event, 10**19)
        found.append(trigger.on_event(event, state))
    return found


def fired(config, events):
    return [n for n, firing in enumerate(run(Volatility(config), events)) if firing]


def bars(closes, interval=MINUTE, symbol="A"):
    made, before = [], closes[0]
    for n, close in enumerate(closes):
        made.append(Bar(symbol, n * interval, before, max(before, close), min(before, close), close, 1.0, interval))
        before = close
    return made


# --- the brute force ---


def estimate(config, seen):
    returns = [(b.close - a.close) / a.close for a, b in pairwise(seen)]
    if config.estimator == "parkinson":
        squares = [math.log(bar.high / bar.low) ** 2 for bar in seen[1:][-config.lookback :]]
        return math.sqrt(math.fsum(squares) / len(squares) / (4 * math.log(2))) if squares else None
    if config.estimator == "realised":
        return statistics.stdev(returns[-config.lookback :]) if len(returns) > 1 else None
    value = None
    for change in returns:
        value = change**2 if value is None else value + 2 / 61 * (change**2 - value)
    return None if value is None else math.sqrt(value)


def brute(config, events):
    firings, on, logs = [], False, []
    for n in range(len(events)):
        value = estimate(config, events[: n + 1])
        if value is None:
            continue
        enter = config.threshold
        if config.zscore is not None:
            if value == 0:
                continue
            value, enter = usual(config, logs, math.log(value)), config.zscore
            if value is None:
                continue
            value = value if config.direction == "above" else -value
        above = config.direction == "above" or config.zscore is not None
        leave = enter * config.rearm if above else enter / config.rearm
        if on:
            on = value >= leave if above else value <= leave
        elif value >= enter if above else value <= enter:
            on = True
            firings.append(n)
    return firings


def usual(config, logs, value):
    """The z-score against the values before, weighted: computed from their whole list each time."""
    mean, variance = 0.0, 0.0
    for seen, each in enumerate([*logs, value], 1):
        off, spread = each - mean, math.sqrt(variance)
        known = seen > config.baseline and variance > 0
        zscore = off / spread if known else None
        off = max(-3 * spread, min(3 * spread, off)) if known else off
        weight = max(2 / (config.baseline + 1), 1 / seen)
        variance = (1 - weight) * (variance + weight * off**2)
        mean += weight * off
    logs.append(value)
    return zscore


walks = st.lists(st.sampled_from([0.0, 0.001, -0.001, 0.002, -0.004, 0.02, -0.03]), min_size=2, max_size=80)
configs = st.builds(
    VolatilityConfig,
    threshold=st.sampled_from([0.0011, 0.0043, 0.0137]),
    estimator=st.sampled_from(["ewma", "realised", "parkinson"]),
    direction=st.sampled_from(["above", "below"]),
    lookback=st.sampled_from([2, 5, 20]),
    rearm=st.sampled_from([0.5, 0.8, 1.0]),
) | st.builds(
    VolatilityConfig,
    zscore=st.sampled_from([0.7, 2.1]),
    baseline=st.just(10),
    estimator=st.sampled_from(["ewma", "realised", "parkinson"]),
    direction=st.sampled_from(["above", "below"]),
    lookback=st.sampled_from([2, 5]),
)


def walk(steps):
    closes = [100.0]
    for step in steps:
        closes.append(closes[-1] * (1 + step))
    return bars(closes)


@settings(deadline=None, max_examples=300)
@given(config=configs, steps=walks)
def test_it_matches_the_brute_force(config, steps):
    assert fired(config, walk(steps)) == brute(config, walk(steps))


@pytest.mark.parametrize("symbol", ["AAPL", "FB", "GOOG", "IBM", "MSFT"])
@pytest.mark.parametrize("estimator", ["ewma", "realised", "parkinson"])
def test_real_prices_match_the_brute_force(symbol, estimator):
    text = gzip.decompress(files("ml4t.live.demo").joinpath("stocks.csv.gz").read_bytes()).decode()
    closes = [float(row["Close"]) for row in csv.DictReader(io.StringIO(text)) if row["Ticker"] == symbol][-500:]
    events = bars(closes, DAY, symbol)
    config = VolatilityConfig(zscore=0.3, candles=DAY, estimator=estimator, baseline=50)
    assert fired(config, events) == brute(config, events)
    assert fired(config, events)


@settings(deadline=None, max_examples=100)
@given(config=configs, steps=walks, cut=st.integers(0, 80))
def test_a_restart_at_any_point_changes_nothing(config, steps, cut):
    events = walk(steps)
    whole = run(Volatility(config), events)
    before, after, state, later = Volatility(config), Volatility(config), market(), market()
    first = run(before, events[:cut], state)
    if (kept := before.state("A")) is not None:
        after.restore("A", json.loads(json.dumps(kept)))
        later.remember("A", json.loads(json.dumps(state.get("A").state())))
    assert first + run(after, events[cut:], later) == whole


# --- in words ---


def restless(calm, wild, seed=2):
    rng = random.Random(seed)
    closes = [100.0]
    for size, count in ((calm, 300), (wild, 60), (calm, 300), (wild, 60)):
        for _ in range(count):
            closes.append(closes[-1] * (1 + rng.gauss(0, size)))
    return closes


@pytest.mark.parametrize("options", [{"threshold": 0.003}, {"zscore": 2.5}])
@pytest.mark.parametrize("estimator", ["ewma", "realised", "parkinson"])
def test_every_time_it_becomes_wild_it_fires_once(options, estimator):
    found = fired(VolatilityConfig(**options, estimator=estimator, lookback=30), bars(restless(0.001, 0.006)))
    assert [n > 300 and (n - 300) % 360 < 60 for n in found] == [True, True], found


def test_a_firing_explains_itself():
    closes = [100 * (1 + 0.001 * (n % 2)) for n in range(40)] + [104.0]
    [firing] = filter(None, run(Volatility(VolatilityConfig(threshold=0.005)), bars(closes)))
    assert firing.reason == "A: ewma volatility rose to 0.712 % per candle (threshold 0.5 %)"
    assert firing.values == {"volatility": pytest.approx(0.00712, rel=1e-2), "threshold": 0.005}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "exactly one of threshold and zscore"),
        ({"threshold": 0.01, "zscore": 2.0}, "exactly one of threshold and zscore"),
        ({"threshold": 0.01, "estimator": "garch"}, "'estimator' must be in"),
    ],
)
def test_a_refusal_says_what_is_wrong(options, words):
    with pytest.raises(ValueError, match=words):
        VolatilityConfig(**options)


def test_it_is_an_event_trigger_with_state():
    assert isinstance(Volatility(VolatilityConfig(threshold=0.01)), EventTrigger)
    assert isinstance(Volatility(VolatilityConfig(threshold=0.01)), StatefulTrigger)
