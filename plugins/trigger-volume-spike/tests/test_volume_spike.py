"""The trigger against a brute force that works everything out again from all events, and the sentences of the README."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import random
from datetime import UTC, datetime
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml4t.live.contracts import EventTrigger, StatefulTrigger
from ml4t.live.market import MarketState
from ml4t.live.model import Bar, Funding, Quote, Trade
from ml4t.live.sessions import calendar_of
from ml4t.live.times import NANOS, to_nanoseconds
from ml4t_live_trigger_volume_spike.config import VolumeSpikeConfig
from ml4t_live_trigger_volume_spike.trigger import VolumeSpike

MINUTE = 60 * NANOS
DAY = 1_440 * MINUTE


def market(calendar=None):
    return MarketState(1_000, [MINUTE, DAY], **({"calendar": calendar} if calendar else {}))


def run(trigger, events, state=None):
    state = state or market()
    found = []
    for event in events:
        state.apply(event, 10**19)
        found.append(trigger.on_event(event, state))
    return found


def fired(config, events, state=None):
    return [n for n, firing in enumerate(run(VolumeSpike(config), events, state)) if firing]


def bars(volumes, interval=MINUTE, symbol="A"):
    return [Bar(symbol, n * interval, 10.0, 10.0, 10.0, 10.0, float(v), interval) for n, v in enumerate(volumes)]


# --- the brute force ---


def brute_rolling(config, events):
    """Slots and their volumes from all events, again for each of them."""
    firings, silent, last = [], False, None
    for number in range(len(events)):
        slots = {}
        for event in events[: number + 1]:
            slots.setdefault(event.event_time // MINUTE, []).append(event.size)
        order = list(slots)
        if order[-1] != last:
            ratios = [ratio_of(config, slots, order, k) for k in range(len(order))]
            if last is not None and (ratios[-2] is None or ratios[-2] < config.rearm * config.multiple):
                silent = False
            last = order[-1]
        ratio = ratio_of(config, slots, order, len(order) - 1)
        if ratio is not None and ratio >= config.multiple and not silent:
            silent = True
            firings.append(number)
    return firings


def ratio_of(config, slots, order, k):
    before = [sum(slots[slot]) for slot in order[1:k][-config.lookback :]]  # a mean speaks of steps: the first candle has none
    usual = sum(before) / len(before) if before else None
    return sum(slots[order[k]]) / usual if usual else None


@st.composite
def trading(draw):
    time, made = 0, []
    for pause, size in draw(st.lists(st.tuples(st.sampled_from([0, 1, 20, 61, 130]), st.sampled_from([0, 1, 2, 4, 32])))):
        time += pause * NANOS
        made.append(Trade("A", time + 1, 10.0, float(size)))
    return made


rolling = st.builds(
    VolumeSpikeConfig,
    baseline=st.just("rolling"),
    multiple=st.sampled_from([1.5, 2.0, 4.0]),
    lookback=st.sampled_from([1, 3, 10]),
    rearm=st.sampled_from([0.0, 0.5, 1.0]),
)


@settings(deadline=None, max_examples=300)
@given(config=rolling, events=trading())
def test_the_rolling_baseline_matches_the_brute_force(config, events):
    assert fired(config, events) == brute_rolling(config, events)


def seasons(days, seed=1, spikes=()):
    """Minute bars of some days, each lively at first and more or less busy; at `spikes` (day, minute) five times as much."""
    rng, made = random.Random(seed), []
    for day in range(days):
        busy = rng.lognormvariate(0, 0.4)
        for minute in range(390):
            usual = 1_000 * busy * (1 + 6 * math.exp(-minute / 15)) * rng.lognormvariate(0, 0.3)
            volume = usual * (5 if (day, minute) in spikes else 1)
            made.append(Bar("A", day * DAY + minute * MINUTE, 10.0, 10.0, 10.0, 10.0, volume, MINUTE))
    return made


def test_the_time_of_day_finds_spikes_where_a_rolling_mean_finds_the_opening():
    rng = random.Random(5)
    spikes = {(day, rng.randrange(20, 370)) for day in range(10, 30) for _ in range(2)}
    events = seasons(30, spikes=spikes)
    at = {n: (event.event_time // DAY, event.event_time % DAY // MINUTE) for n, event in enumerate(events)}
    found = {at[n] for n in fired(VolumeSpikeConfig(multiple=2.5), events)}
    late = {spot for spot in found if spot[0] >= 10}
    assert len(late & spikes) >= 0.85 * len(spikes)
    assert len(late - spikes) <= 20, "less than one false alarm a day"
    rolled = {at[n] for n in fired(VolumeSpikeConfig(multiple=2.5, baseline="rolling"), events)}
    assert len({spot for spot in rolled if spot[1] < 5}) > 10, "the opening, most days"


def test_the_opening_can_be_left_out():
    calendar = calendar_of("XNYS")
    start = to_nanoseconds(datetime(2026, 1, 5, 14, 30, tzinfo=UTC))
    volumes = [10] * 5 + [100] * 3 + [10] * 22 + [100]
    events = [Bar("A", start + n * MINUTE, 10.0, 10.0, 10.0, 10.0, float(v), MINUTE) for n, v in enumerate(volumes)]
    config = {"baseline": "rolling", "multiple": 3.0, "lookback": 3}
    assert fired(VolumeSpikeConfig(**config), events, market(calendar)) == [5, 30]
    assert fired(VolumeSpikeConfig(**config, after_open=10 * MINUTE), events, market(calendar)) == [30]


@pytest.mark.parametrize("symbol", ["AAPL", "FB", "GOOG", "IBM", "MSFT"])
def test_days_of_real_volume_match_the_definition(symbol):
    text = gzip.decompress(files("ml4t.live.demo").joinpath("stocks.csv.gz").read_bytes()).decode()
    rows = [row for row in csv.DictReader(io.StringIO(text)) if row["Ticker"] == symbol]
    volumes = [float(row["Volume"]) for row in rows]
    events = bars(volumes, DAY, symbol)
    config = VolumeSpikeConfig(baseline="rolling", multiple=2.5, candles=DAY, rearm=0.6)
    expected, silent = [], False
    for n in range(2, len(volumes)):
        before = volumes[max(1, n - 20) : n]
        ratio = volumes[n] / (sum(before) / len(before))
        if ratio >= 2.5 and not silent:
            expected.append(n)
            silent = True
        silent = silent and ratio >= 0.6 * 2.5
    assert fired(config, events) == expected
    assert expected


@settings(deadline=None, max_examples=100)
@given(config=rolling, events=trading(), cut=st.integers(0, 40))
def test_a_restart_at_any_point_changes_nothing(config, events, cut):
    whole = run(VolumeSpike(config), events)
    before, after, state, later = VolumeSpike(config), VolumeSpike(config), market(), market()
    first = run(before, events[:cut], state)
    if (kept := before.state("A")) is not None:
        after.restore("A", json.loads(json.dumps(kept)))
        later.remember("A", json.loads(json.dumps(state.get("A").state())))
    assert first + run(after, events[cut:], later) == whole


# --- in words ---


def test_a_spike_over_several_candles_is_one_and_fires_before_its_candle_ends():
    config = VolumeSpikeConfig(baseline="rolling", lookback=10, multiple=3.0)
    calm = [Trade("A", n * 10 * NANOS + 1, 10.0, 1.0) for n in range(6 * 11)]
    start = 11 * MINUTE
    spike = [Trade("A", start + n * 10 * NANOS, 10.0, 5.0) for n in range(12)]
    found = [firing for firing in run(VolumeSpike(config), [*calm, *spike]) if firing]
    assert len(found) == 1
    assert found[0].values["volume"] == 20.0, "the fourth trade, twenty seconds before the minute ends"
    assert found[0].reason == "A traded 20, 3.33 times the usual 6 over 10 candles (threshold 3)"


def test_it_fires_again_after_a_whole_quiet_candle():
    config = VolumeSpikeConfig(baseline="rolling", lookback=30, multiple=3.0)
    assert fired(config, bars([10] * 20 + [100, 100, 90, 10, 100])) == [20, 24]


@pytest.mark.parametrize("event", [Quote("A", 99 * MINUTE, 9.0, 11.0, 1e9, 1e9), Funding("A", 99 * MINUTE, 0.01)])
def test_what_is_no_trade_does_not_count(event):
    assert run(VolumeSpike(VolumeSpikeConfig(baseline="rolling")), [*bars([10] * 9), event])[-1] is None


@pytest.mark.parametrize(
    ("options", "words"), [({"multiple": 1.0}, "'multiple' must be > 1"), ({"baseline": "mean"}, "'baseline' must be in")]
)
def test_a_refusal_says_what_is_wrong(options, words):
    with pytest.raises(ValueError, match=words):
        VolumeSpikeConfig(**options)


def test_it_is_an_event_trigger_with_state():
    assert isinstance(VolumeSpike(VolumeSpikeConfig()), EventTrigger)
    assert isinstance(VolumeSpike(VolumeSpikeConfig()), StatefulTrigger)
