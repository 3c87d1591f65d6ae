"""The trigger against a brute force that keeps every price, and the sentences of the README one by one."""

from __future__ import annotations

import csv
import functools
import gzip
import io
import json
import random
from datetime import UTC, datetime
from importlib.resources import files
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml4t.live.contracts import EventTrigger, StatefulTrigger
from ml4t.live.market import MarketState
from ml4t.live.model import Bar, Firing, Funding, Quote, Trade
from ml4t.live.sessions import ALWAYS, calendar_of
from ml4t.live.times import NANOS, to_nanoseconds
from ml4t_live_trigger_price_move.config import PriceMoveConfig
from ml4t_live_trigger_price_move.trigger import PriceMove

MINUTE = 60 * NANOS


class NoMarket:
    """A market that must not be asked for prices: everything is in the event."""

    calendar = ALWAYS
    symbols = MappingProxyType({})

    def get(self, symbol):
        raise AssertionError("the trigger reads the event only")

    price = get


def trades(prices, symbol="AAPL", step=NANOS):
    return [Trade(symbol, number * step, price, 1.0) for number, price in enumerate(prices)]


def run(trigger: PriceMove, events) -> list[Firing | None]:
    return [trigger.on_event(event, NoMarket()) for event in events]


def fired(config: PriceMoveConfig, prices, step=NANOS) -> list[int]:
    return [number for number, firing in enumerate(run(PriceMove(config), trades(prices, step=step))) if firing]


# --- the brute force: all prices are kept and everything is worked out again for each of them ---


def side_of(move: float, threshold: float) -> str | None:
    if move >= threshold - 1e-12:
        return "up"
    return "down" if move <= -threshold + 1e-12 else None


def brute_last_firing(config: PriceMoveConfig, events) -> list[int]:
    reached, firings = [0], []
    for number, event in enumerate(events):
        side = side_of(event.price / events[reached[-1]].price - 1, config.threshold)
        if side:
            reached.append(number)
            if config.direction in (side, "both"):
                firings.append(number)
    return firings


def brute_window(config: PriceMoveConfig, events) -> list[int]:
    slot = -(-config.window // config.samples)
    firings, silent = [], {"up": False, "down": False}
    for number, event in enumerate(events):
        seen = events[: number + 1]
        first_of_slot = {e.event_time // slot: e for e in reversed(seen)}
        old = [e for e in first_of_slot.values() if e.event_time <= event.event_time - config.window]
        start = max(old, key=lambda e: e.event_time) if old else seen[0]
        move = event.price / start.price - 1
        silent["up"] = silent["up"] and move >= config.rearm * config.threshold
        silent["down"] = silent["down"] and -move >= config.rearm * config.threshold
        side = side_of(move, config.threshold)
        if side and config.direction in (side, "both") and not silent[side]:
            silent[side] = True
            firings.append(number)
    return firings


thresholds = st.sampled_from([0.005, 0.01, 0.02, 0.05, 0.2])
directions = st.sampled_from(["up", "down", "both"])
last_firing = st.builds(PriceMoveConfig, threshold=thresholds, direction=directions)
windows = st.builds(
    PriceMoveConfig,
    threshold=thresholds,
    direction=directions,
    reference=st.just("window"),
    window=st.integers(1, 400).map(lambda seconds: seconds * NANOS // 4),
    rearm=st.sampled_from([0.0, 0.3, 0.5, 1.0]),
    samples=st.sampled_from([1, 3, 10, 240]),
)


@st.composite
def walks(draw):
    """Trades of one symbol: the steps are small, large or none, the pauses too."""
    steps = draw(st.lists(st.tuples(st.sampled_from([0, -1, 1, 2, -3, 8, -15]), st.integers(0, 40)), max_size=60))
    time, price, events = 0, 100.0, [Trade("AAPL", 0, 100.0, 1.0)]
    for step, pause in steps:
        time += pause * NANOS // 4
        price *= 1 + step * 0.004
        events.append(Trade("AAPL", time, price, 1.0))
    return events


@settings(deadline=None)
@given(config=last_firing, events=walks())
def test_last_firing_matches_the_brute_force(config, events):
    assert [n for n, firing in enumerate(run(PriceMove(config), events)) if firing] == brute_last_firing(config, events)


@settings(deadline=None, max_examples=300)
@given(config=windows, events=walks())
def test_window_matches_the_brute_force(config, events):
    assert [n for n, firing in enumerate(run(PriceMove(config), events)) if firing] == brute_window(config, events)


def brute_fixed(config: PriceMoveConfig, events, calendar=ALWAYS) -> list[int]:
    """Every reference that stays: worked out for each price from all that were before it."""
    firings, silent, before = [], None, None
    for number, event in enumerate(events):
        start = start_of(config, events[: number + 1], calendar)
        day = calendar.day(event.event_time) if config.reference != "anchor" else 0
        silent, before = (silent if day == before else None), day
        if start is None:
            continue
        move = event.price / start - 1
        if silent and (move if silent == "up" else -move) < config.rearm * config.threshold:
            silent = None
        side = side_of(move, config.threshold)
        if side and config.direction in (side, "both") and side != silent:
            silent = side
            firings.append(number)
    return firings


def start_of(config, seen, calendar):
    today = calendar.day(seen[-1].event_time)
    if config.reference == "anchor":
        return next((e.price for e in seen if e.event_time >= config.anchored_at), None)
    if config.reference == "session_open":
        return next((e.price for e in seen if calendar.day(e.event_time) == today and calendar.is_open(e.event_time)), None)
    return next((e.price for e in reversed(seen) if calendar.day(e.event_time) < today), None)


fixed = st.builds(
    PriceMoveConfig,
    threshold=thresholds,
    direction=directions,
    reference=st.sampled_from(["previous_close", "session_open", "anchor"]),
    rearm=st.sampled_from([0.0, 0.5, 1.0]),
)


@settings(deadline=None, max_examples=200)
@given(config=fixed, events=walks(), hours=st.integers(1, 30))
def test_fixed_references_match_the_brute_force(config, events, hours):
    events = [Trade(e.symbol, e.event_time * hours * 720, e.price, 1.0) for e in events]  # over some days
    assert [n for n, firing in enumerate(run(PriceMove(config), events)) if firing] == brute_fixed(config, events)


@pytest.mark.parametrize("reference", ["previous_close", "session_open", "anchor"])
def test_references_of_the_day_follow_the_calendar_of_the_run(reference):
    calendar = calendar_of("XNYS")
    market = MarketState(calendar=calendar)
    rng, price, events = random.Random(reference), 100.0, []
    start = to_nanoseconds(datetime(2026, 3, 5, 9, tzinfo=UTC))  # over a weekend and the change of clocks
    for step in range(6 * 24 * 4):
        price *= 1 + rng.gauss(0, 0.004)
        events.append(Trade("AAPL", start + step * 15 * MINUTE, price, 1.0))
    config = PriceMoveConfig(threshold=0.01, reference=reference, anchor="2026-03-06" if reference == "anchor" else None)
    trigger = PriceMove(config)
    firings = [n for n, event in enumerate(events) if trigger.on_event(event, market)]
    assert firings == brute_fixed(config, events, calendar)
    assert len(firings) > 3


@pytest.mark.parametrize("reference", ["last_firing", "previous_close", "anchor"])
@pytest.mark.parametrize("symbol", ["AAPL", "FB", "GOOG", "IBM", "MSFT"])
def test_real_prices_match_the_brute_force(symbol, reference):
    config = PriceMoveConfig(threshold=0.03, reference=reference)
    brute = brute_last_firing if reference == "last_firing" else brute_fixed
    events = stocks()[symbol][-600:]
    firings = [n for n, firing in enumerate(run(PriceMove(config), events)) if firing]
    assert firings == brute(config, events)
    assert firings


@functools.cache
def stocks():
    text = gzip.decompress(files("ml4t.live.demo").joinpath("stocks.csv.gz").read_bytes()).decode()
    prices = {}
    for row in csv.DictReader(io.StringIO(text)):
        time = to_nanoseconds(datetime.fromisoformat(row["Date"]).replace(tzinfo=UTC))
        prices.setdefault(row["Ticker"], []).append(Trade(row["Ticker"], time, float(row["Close"]), 1.0))
    return prices


def sampled(unit, threshold, prices, **options):
    market = MarketState(100, [MINUTE])
    trigger = PriceMove(PriceMoveConfig(threshold=threshold, unit=unit, candles=MINUTE, **options))
    found = []
    for number, event in enumerate(trades(prices, step=MINUTE)):
        market.apply(event, 10**18)
        if firing := trigger.on_event(event, market):
            found.append((number, firing))
    return found


def test_a_move_in_sigmas_and_true_ranges():
    zigzag = [100 * (1 + 0.001 * (n % 2)) for n in range(60)]
    assert sampled("sigma", 3, zigzag) == []
    [(number, firing)] = sampled("sigma", 3, [*zigzag, 100.35, 100.35])
    assert (number, firing.values["threshold"]) == (60, pytest.approx(0.003, rel=0.01))
    assert "(threshold 3 sigma, 0.3 %)" in firing.reason
    assert [n for n, _ in sampled("atr", 3, [*zigzag, 100.29, 100.35])] == [61]
    assert sampled("sigma", 3, [100.0] * 60 + [150.0]) == [], "a price that never moved has no sigma to count in"


@pytest.mark.parametrize(("unit", "threshold"), [("fraction", 0.02), ("percent", 2.0), ("bps", 200.0)])
def test_the_same_move_in_every_unit(unit, threshold):
    assert fired(PriceMoveConfig(threshold=threshold, unit=unit), [100, 101.9, 102, 103]) == [2]


@settings(deadline=None)
@given(config=last_firing | windows | fixed, events=walks(), others=walks(), cut=st.integers(0, 60))
def test_a_restart_at_any_point_changes_nothing(config, events, others, cut):
    events = sorted([*events, *(Trade("MSFT", e.event_time, e.price, 1.0) for e in others)], key=lambda e: e.event_time)
    whole = run(PriceMove(config), events)
    before, after = PriceMove(config), PriceMove(config)
    first = run(before, events[:cut])
    for symbol in ("AAPL", "MSFT"):
        if (kept := before.state(symbol)) is not None:
            after.restore(symbol, json.loads(json.dumps(kept)))
    assert first + run(after, events[cut:]) == whole


@settings(deadline=None)
@given(config=last_firing | windows, events=walks(), others=walks())
def test_symbols_do_not_touch_each_other(config, events, others):
    others = [Trade("MSFT", e.event_time, e.price, 1.0) for e in others]
    mixed = sorted([*events, *others], key=lambda e: e.event_time)
    firings = [firing for firing in run(PriceMove(config), mixed) if firing and firing.symbol == "AAPL"]
    assert firings == [firing for firing in run(PriceMove(config), events) if firing]


# --- in words ---


def test_a_drift_in_small_steps_fires():
    drift = [100 * 1.004**step for step in range(25)]
    assert drift[-1] > 110
    assert fired(PriceMoveConfig(threshold=0.02), drift) == [5, 10, 15, 20]


def test_one_move_fires_once():
    assert fired(PriceMoveConfig(threshold=0.02), [100, 100, 102, 102, 102, 102.5, 101.5]) == [2]


def test_exactly_the_threshold_fires_whatever_binary_floats_make_of_it():
    assert 100 * 1.02 / 100 - 1 > 0.02
    assert 100 * 1.15 / 100 - 1 < 0.15
    for threshold in (0.02, 0.15):
        for start in (0.01, 3.0, 7.3, 100.0, 190.07):
            assert fired(PriceMoveConfig(threshold=threshold), [start, start * (1 + threshold)]) == [1]
            assert fired(PriceMoveConfig(threshold=threshold), [start, start * (1 - threshold)]) == [1]
            assert fired(PriceMoveConfig(threshold=threshold), [start, start * (1 + threshold - 1e-6)]) == []


def test_direction_chooses_and_the_other_way_moves_the_reference():
    prices = [100, 110, 130, 160, 150, 165]
    assert fired(PriceMoveConfig(threshold=0.05), prices) == [1, 2, 3, 4, 5]
    assert fired(PriceMoveConfig(threshold=0.05, direction="up"), prices) == [1, 2, 3, 5]
    assert fired(PriceMoveConfig(threshold=0.05, direction="down"), prices) == [4]


def test_the_window_forgets_what_was_before_it():
    config = PriceMoveConfig(threshold=0.02, reference="window", window=5 * MINUTE)
    slow = [100 * 1.003**minute for minute in range(60)]
    assert fired(config, slow, step=MINUTE) == []
    assert fired(config, [*slow[:30], slow[29] * 1.02], step=MINUTE) == [30]


def test_the_price_exactly_one_window_ago_is_the_reference():
    config = PriceMoveConfig(threshold=0.02, reference="window", window=2 * MINUTE)
    assert fired(config, [100, 101, 101.5, 102.1], step=MINUTE) == [], "from 101, not from 100"
    assert fired(config, [100, 101, 101.5, 103.1], step=MINUTE) == [3]


def test_the_window_fires_again_after_it_came_back():
    config = PriceMoveConfig(threshold=0.02, reference="window", window=5 * MINUTE)
    assert fired(config, [100, 102, 101.9, 102.1, 101.5, 102.3], step=NANOS) == [1], "it never came back below 1 %"
    assert fired(config, [100, 102, 100.9, 102], step=NANOS) == [1, 3]


def test_the_window_counts_a_jump_to_the_other_side_as_a_new_move():
    config = PriceMoveConfig(threshold=0.02, reference="window", window=5 * MINUTE)
    assert fired(config, [100, 102.5, 97.5, 102.5], step=NANOS) == [1, 2, 3]


@pytest.mark.parametrize(("window", "step"), [(MINUTE, NANOS // 50), (19, 1)])
def test_the_window_stays_small_however_many_prices_come(window, step):
    trigger = PriceMove(PriceMoveConfig(threshold=0.02, reference="window", window=window, samples=10))
    most = 0
    for event in trades([100.0] * 20_000, step=step):
        trigger.on_event(event, NoMarket())
        most = max(most, len(trigger.state("AAPL")["reference"]["kept"]))
    assert 10 <= most <= 12


def test_a_restart_does_not_fire_the_same_move_again():
    config = PriceMoveConfig(threshold=0.02, reference="window", window=MINUTE)
    before, after = PriceMove(config), PriceMove(config)
    first, second, third, fourth = trades([100.0, 102.0, 102.5, 97.0])
    assert run(before, [first, second])[1]
    after.restore("AAPL", json.loads(json.dumps(before.state("AAPL"))))
    assert run(after, [third]) == [None]
    assert run(after, [fourth])[0].reason == "AAPL moved -3 % from 100.00 to 97.00 (threshold 2 %)"


def test_a_firing_explains_itself():
    _, firing = run(PriceMove(PriceMoveConfig(threshold=0.02)), trades([101.20, 103.53]))
    assert firing.reason == "AAPL moved +2.3 % from 101.20 to 103.53 (threshold 2 %)"
    assert firing.symbol == "AAPL"
    assert firing.values == {"move": 103.53 / 101.20 - 1, "reference": 101.20, "price": 103.53, "threshold": 0.02}


def test_a_firing_shows_small_prices_in_full():
    _, firing = run(PriceMove(PriceMoveConfig(threshold=0.005)), trades([0.00001234, 0.00001219], symbol="PEPE"))
    assert firing.reason == "PEPE moved -1.22 % from 1.234e-05 to 1.219e-05 (threshold 0.5 %)"


def bar(close, *, complete=True):
    return Bar("AAPL", 5 * NANOS, close, close, close, close, 1.0, interval=NANOS, complete=complete)


@pytest.mark.parametrize(
    ("event", "fires"),
    [
        (Quote("AAPL", NANOS, 102.9, 103.1, 1.0, 1.0), True),
        (Quote("AAPL", NANOS, 0.0, 206.0, 1.0, 1.0), False),
        (bar(103.0), True),
        (bar(103.0, complete=False), False),
        (Funding("AAPL", NANOS, 0.01), False),
        (Trade("AAPL", NANOS, float("nan"), 1.0), False),
        (Trade("AAPL", NANOS, float("inf"), 1.0), False),
        (Trade("AAPL", NANOS, -103.0, 1.0), False),
        (Trade("AAPL", NANOS, 0.0, 1.0), False),
    ],
)
def test_which_events_tell_a_price(event, fires):
    trigger = PriceMove(PriceMoveConfig(threshold=0.02))
    start, firing, after = run(trigger, [Trade("AAPL", 0, 100.0, 1.0), event, Trade("AAPL", 9 * NANOS, 103.0, 1.0)])
    assert start is None
    assert (firing is not None) is fires
    assert (after is not None) is not fires, "what is ignored leaves the reference alone"


def test_a_bar_counts_from_its_end():
    trigger = PriceMove(PriceMoveConfig(threshold=0.02, reference="window", window=MINUTE))
    run(trigger, [bar(100.0)])
    assert trigger.state("AAPL")["reference"]["kept"] == [[6 * NANOS, 100.0]]


def test_the_bar_that_ends_with_a_trading_day_has_its_close():
    """With the bar before it as the close, the day would have begun 4 % lower."""

    class Hours(NoMarket):
        calendar = calendar_of("XNYS")

    close = to_nanoseconds(datetime(2026, 1, 5, 21, tzinfo=UTC))
    trigger = PriceMove(PriceMoveConfig(threshold=0.02, reference="previous_close"))
    half = 30 * MINUTE
    starts = {close - 2 * half: 100.0, close - half: 104.0, close + 35 * half: 103.9, close + 36 * half: 101.0}
    bars = [Bar("AAPL", start, price, price, price, price, 1.0, half) for start, price in starts.items()]
    told = [trigger.on_event(each, Hours()) for each in bars]
    assert told[:3] == [None, None, None]
    assert told[3] is not None
    assert told[3].values["reference"] == 104.0


def test_another_kind_of_reference_starts_afresh():
    trigger = PriceMove(PriceMoveConfig(threshold=0.02))
    run(trigger, trades([100.0]))
    other = PriceMove(PriceMoveConfig(threshold=0.02, reference="window", window=MINUTE))
    other.restore("AAPL", trigger.state("AAPL"))
    assert other.state("AAPL") is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"threshold": 0.0}, "'threshold' must be > 0"),
        ({"threshold": 2}, "is the whole price"),
        ({"threshold": 100, "unit": "percent"}, "is the whole price"),
        ({"threshold": 2, "unit": "sigma"}, "need candles"),
        ({"threshold": 0.02, "candles": MINUTE}, "need candles"),
        ({"threshold": 0.02, "anchor": "2026-01-05"}, 'anchor goes with reference = "anchor" only'),
        ({"threshold": 0.02, "reference": "anchor", "anchor": "monday"}, "is not a moment"),
        ({"threshold": 0.02, "direction": "sideways"}, "'direction' must be in"),
        ({"threshold": 0.02, "reference": "sunrise"}, "'reference' must be in"),
        ({"threshold": 0.02, "reference": "window"}, 'needs a window, for example window = "5m"'),
        ({"threshold": 0.02, "window": MINUTE}, 'window goes with reference = "window" only'),
        ({"threshold": 0.02, "reference": "window", "window": MINUTE, "rearm": 1.5}, "'rearm' must be <= 1"),
        ({"threshold": 0.02, "reference": "window", "window": MINUTE, "samples": 0}, "'samples' must be >= 1"),
    ],
)
def test_a_refusal_says_what_is_wrong(options, words):
    with pytest.raises(ValueError, match=words):
        PriceMoveConfig(**options)


def test_it_is_an_event_trigger_with_state():
    trigger = PriceMove(PriceMoveConfig(threshold=0.02))
    assert isinstance(trigger, EventTrigger)
    assert isinstance(trigger, StatefulTrigger)
