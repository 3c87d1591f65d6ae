"""BarAggregator: exact bars, from any source, on no clock but the data's."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ml4t.live.bars import BarAggregator
from ml4t.live.model import Bar, Funding, Quote, Trade
from ml4t.live.times import NANOS

MINUTE = 60 * NANOS
HOUR = 60 * MINUTE


def trade(seconds, price, size=1.0, symbol="A", **more):
    return Trade(symbol, round(seconds * NANOS), price, size, **more)


def quote(seconds, bid, ask, symbol="A"):
    return Quote(symbol, round(seconds * NANOS), bid, ask, 5.0, 5.0)


def minute_bar(minute, *ohlcv_, symbol="A", **more):
    return Bar(symbol, minute * MINUTE, *ohlcv_, **{"interval": MINUTE, **more})


def ohlcv(bar):
    return bar.open, bar.high, bar.low, bar.close, bar.volume


def feed(bars, events):
    return [bar for event in events for bar in bars.add(event)]


def test_ohlcv_is_exact_at_the_boundary():
    bars = BarAggregator("1m")
    assert feed(bars, [trade(0, 10.0, 1), trade(20, 12.0, 2), trade(40, 9.0, 3), trade(59.999999999, 11.0, 4)]) == []
    (bar,) = bars.add(trade(60, 50.0, 100, receive_time=7))
    assert bar == Bar("A", 0, 10.0, 12.0, 9.0, 11.0, 10.0, interval=MINUTE)
    assert bars.current("A") == Bar("A", MINUTE, 50.0, 50.0, 50.0, 50.0, 100.0, MINUTE, complete=False, receive_time=7)


def test_bar_carries_receive_time_of_its_last_tick_and_the_source():
    bars = BarAggregator("1m")
    feed(bars, [trade(1, 10.0, source="okx", receive_time=5), trade(2, 10.0, source="okx", receive_time=9)])
    (bar,) = bars.add(trade(61, 10.0, source="okx", receive_time=11))
    assert (bar.receive_time, bar.source, bar.complete, bar.backfilled) == (9, "okx", True, False)


@pytest.mark.parametrize("which", [0, 1])
def test_one_backfilled_tick_marks_the_bar_and_only_that_bar(which):
    bars = BarAggregator("1m")
    ticks = [trade(1, 10.0, backfilled=which == 0), trade(2, 10.0, backfilled=which == 1), trade(61, 10.0), trade(121, 10.0)]
    assert [bar.backfilled for bar in feed(bars, ticks)] == [True, False]


def test_nothing_is_allocated_for_a_tick_that_completes_nothing():
    bars = BarAggregator("1m")
    assert bars.add(trade(0, 1.0)) is bars.add(trade(1, 1.0))


def test_shutdown_says_which_bars_were_cut_short():
    bars = BarAggregator("1m")
    feed(bars, [trade(10, 5.0, symbol="OLD"), trade(70, 6.0, 2, symbol="NEW"), trade(80, 7.0, 3, symbol="NEW")])
    old, new = bars.close()
    assert (old.symbol, old.complete, ohlcv(old)) == ("OLD", True, (5.0, 5.0, 5.0, 5.0, 1.0))
    assert (new.symbol, new.complete, ohlcv(new)) == ("NEW", False, (6.0, 7.0, 6.0, 7.0, 5.0))
    assert list(bars.close()) == []


def test_shutdown_takes_the_time_it_is_told():
    bars = BarAggregator("1m")
    bars.add(trade(10, 5.0))
    assert [bar.complete for bar in bars.close(MINUTE)] == [True]
    bars.add(trade(70, 5.0))
    assert [bar.complete for bar in bars.close(2 * MINUTE - 1)] == [False]


def test_shutdown_before_any_event_is_nothing():
    assert list(BarAggregator("1m").close()) == []
    assert BarAggregator("1m").current("A") is None


def test_sparse_symbols_are_independent():
    bars = BarAggregator("1m")
    done = feed(
        bars, [trade(1, 1.0, symbol="A"), trade(2, 2.0, symbol="B"), trade(61, 1.5, symbol="A"), trade(301, 1.6, symbol="A")]
    )
    assert [(bar.symbol, bar.event_time) for bar in done] == [("A", 0), ("A", MINUTE)]
    assert bars.current("B") == Bar("B", 0, 2.0, 2.0, 2.0, 2.0, 1.0, MINUTE, complete=False)
    (late_b,) = bars.add(trade(302, 3.0, symbol="B"))
    assert (late_b.event_time, late_b.close, late_b.complete) == (0, 2.0, True)


def test_late_tick_cannot_reopen_a_bar():
    bars = BarAggregator("1m")
    feed(bars, [trade(59, 10.0), trade(61, 11.0)])
    assert list(bars.add(trade(59.5, 99.0))) == []
    assert bars.late == 1
    assert bars.current("A").high == 11.0


def test_late_tick_after_a_flush_is_counted_and_dropped():
    bars = BarAggregator("1m", flush_timeout_seconds=0)
    bars.add(trade(10, 10.0))
    assert len(bars.flush(MINUTE)) == 1
    assert list(bars.add(trade(59, 99.0))) == []
    assert (bars.late, bars.current("A")) == (1, None)
    assert list(bars.add(trade(60, 11.0))) == []
    assert bars.current("A").open == 11.0


def test_tick_out_of_order_inside_the_running_bar_counts():
    bars = BarAggregator("1m")
    feed(bars, [trade(10, 10.0), trade(30, 11.0), trade(20, 15.0)])
    assert (ohlcv(bars.current("A")), bars.late) == ((10.0, 15.0, 10.0, 15.0, 3.0), 0)


def test_evolving_bars_are_returned_only_when_asked_for():
    bars = BarAggregator("1m", evolving=True)
    first = bars.add(trade(1, 10.0))
    second = bars.add(trade(2, 12.0))
    assert [(bar.complete, bar.high) for bar in (*first, *second)] == [(False, 10.0), (False, 12.0)]
    done, running = bars.add(trade(61, 5.0))
    assert (done.complete, done.high, running.complete, running.event_time) == (True, 12.0, False, MINUTE)
    assert first[0].high == 10.0  # a copy, not a view


def test_flush_waits_for_the_time_out():
    bars = BarAggregator("1m", flush_timeout_seconds=2)
    bars.add(trade(10, 10.0))
    assert bars.due == MINUTE + 2 * NANOS
    assert list(bars.flush(MINUTE + 2 * NANOS - 1)) == []
    (bar,) = bars.flush(MINUTE + 2 * NANOS)
    assert (bar.event_time, bar.complete) == (0, True)
    assert list(bars.flush(10 * MINUTE)) == []


def test_flush_is_sorted_and_leaves_running_bars():
    bars = BarAggregator("1m", flush_timeout_seconds=0)
    feed(
        bars, [trade(61, 1.0, symbol="C"), trade(62, 1.0, symbol="B"), trade(10, 1.0, symbol="Z"), trade(125, 1.0, symbol="A")]
    )
    assert [(bar.event_time // MINUTE, bar.symbol) for bar in bars.flush(2 * MINUTE)] == [(0, "Z"), (1, "B"), (1, "C")]
    assert bars.due == 3 * MINUTE
    assert [bar.symbol for bar in bars.flush(3 * MINUTE)] == ["A"]


def test_a_thousand_symbols_flush_together():
    bars = BarAggregator("1m")
    feed(bars, [trade(n / 100, float(n + 1), symbol=f"S{n:04}") for n in range(1000)])
    assert [bar.close for bar in bars.flush(MINUTE + 2 * NANOS)] == [float(n + 1) for n in range(1000)]


def test_a_replay_of_the_past_loses_nothing():
    # The peer compared history with the wall clock: 50 ticks went in, a volume of 19 came out.
    bars = BarAggregator("1m", flush_timeout_seconds=0)
    done = []
    for n in range(50):
        tick = trade(n * 7, 10.0)
        done += bars.flush(tick.event_time)
        done += bars.add(tick)
    done += bars.close()
    assert (sum(bar.volume for bar in done), bars.late) == (50.0, 0)


def test_multi_hour_bars_are_aligned_to_the_epoch():
    bars = BarAggregator("4h")
    feed(bars, [trade(5 * 3600 + 1, 10.0), trade(7 * 3600 + 3599, 11.0)])
    (bar,) = bars.add(trade(8 * 3600, 12.0))
    assert (bar.event_time, bar.interval, bar.end_time) == (4 * HOUR, 4 * HOUR, 8 * HOUR)


def test_time_before_1970_is_aligned_too():
    bars = BarAggregator("1m")
    bars.add(trade(-1, 10.0))
    assert bars.current("A").event_time == -MINUTE


@pytest.mark.parametrize("interval", ["90s", 90 * NANOS])
def test_any_interval_in_words_or_nanoseconds(interval):
    bars = BarAggregator(interval)
    assert bars.interval == 90 * NANOS
    assert [bar.event_time for bar in feed(bars, [trade(89, 1.0), trade(90, 1.0), trade(181, 1.0)])] == [0, 90 * NANOS]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"interval": 0}, "no time at all"),
        ({"interval": "soon"}, "not a duration"),
        ({"interval": "1m", "source": "tape"}, "auto, trades, quotes, bars"),
        ({"interval": "1m", "flush_timeout_seconds": -1}, "zero or more"),
        ({"interval": "1m", "flush_timeout_seconds": float("nan")}, "zero or more"),
    ],
)
def test_senseless_arguments_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        BarAggregator(**arguments)


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_tiny_and_huge_prices(scale):
    bars = BarAggregator("1m")
    feed(bars, [trade(1, 3 * scale, 1e-8), trade(2, 4 * scale, 1e-8), trade(3, 2 * scale, 1e-8)])
    assert ohlcv(bars.current("A")) == (3 * scale, 4 * scale, 2 * scale, 2 * scale, 1e-8 + 1e-8 + 1e-8)


class TestQuotes:
    def test_make_bars_of_mids_when_told_to(self):
        bars = BarAggregator("1m", source="quotes")
        feed(bars, [quote(1, 9.0, 11.0), trade(2, 500.0), quote(3, 11.0, 13.0)])
        assert ohlcv(bars.current("A")) == (10.0, 12.0, 10.0, 12.0, 0.0)
        assert bars.ignored == 1

    def test_make_bars_when_there_is_nothing_else(self):
        bars = BarAggregator("1m")
        feed(bars, [quote(1, 9.0, 11.0), quote(2, 11.0, 13.0)])
        assert ohlcv(bars.current("A")) == (10.0, 12.0, 10.0, 12.0, 0.0)

    def test_never_enter_trade_bars(self):
        bars = BarAggregator("1m")
        feed(bars, [trade(1, 10.0), quote(2, 90.0, 110.0), trade(3, 11.0), quote(4, 0.5, 1.5)])
        assert ohlcv(bars.current("A")) == (10.0, 11.0, 10.0, 11.0, 2.0)
        assert bars.ignored == 2

    def test_seen_first_yield_to_the_first_trade(self):
        bars = BarAggregator("1m")
        done = feed(bars, [quote(1, 90.0, 110.0), trade(30, 10.0), quote(40, 90.0, 110.0), trade(61, 20.0)])
        assert [ohlcv(bar) for bar in done] == [(10.0, 10.0, 10.0, 10.0, 1.0)]

    def test_bar_of_an_interval_that_was_over_before_the_first_trade_stays(self):
        bars = BarAggregator("1m")
        done = feed(bars, [quote(1, 90.0, 110.0), trade(61, 10.0), trade(121, 20.0)])
        assert [bar.close for bar in done] == [100.0, 10.0]

    @pytest.mark.parametrize(("bid", "ask"), [(0.0, 10.0), (10.0, 0.0), (float("nan"), 10.0), (10.0, float("nan"))])
    def test_one_sided_are_ignored(self, bid, ask):
        bars = BarAggregator("1m", source="quotes")
        bars.add(quote(1, bid, ask))
        assert (bars.current("A"), bars.ignored) == (None, 1)

    def test_decide_per_symbol(self):
        bars = BarAggregator("1m")
        feed(bars, [trade(1, 10.0, symbol="A"), quote(1, 19.0, 21.0, symbol="B"), quote(2, 1.0, 3.0, symbol="A")])
        assert (bars.current("A").close, bars.current("B").close) == (10.0, 20.0)


def test_funding_makes_no_bar():
    bars = BarAggregator("1m")
    assert list(bars.add(Funding("A", 0, 0.0001))) == []
    assert (bars.current("A"), bars.ignored) == (None, 1)
    bars.add(trade(1, 5.0))
    assert bars.current("A").close == 5.0


class TestBarsFromBars:
    def test_are_complete_with_their_last_part(self):
        bars = BarAggregator("5m")
        parts = [minute_bar(n, 10.0 + n, 20.0 + n, 5.0 - n, 11.0 + n, 2.0) for n in range(5)]
        assert feed(bars, parts) == [Bar("A", 0, 10.0, 24.0, 1.0, 15.0, 10.0, 5 * MINUTE)]
        assert bars.current("A") is None

    def test_with_holes_are_complete_when_the_next_begins(self):
        bars = BarAggregator("5m")
        done = feed(bars, [minute_bar(1, 1.0, 2.0, 0.5, 1.5, 2.0), minute_bar(6, 3.0, 3.0, 3.0, 3.0, 1.0)])
        assert done == [Bar("A", 0, 1.0, 2.0, 0.5, 1.5, 2.0, 5 * MINUTE)]

    def test_with_holes_are_complete_after_the_time_out(self):
        bars = BarAggregator("5m")
        bars.add(minute_bar(1, 1.0, 2.0, 0.5, 1.5, 2.0))
        assert [bar.event_time for bar in bars.flush(5 * MINUTE + 2 * NANOS)] == [0]
        assert list(bars.add(minute_bar(4, 9.0, 9.0, 9.0, 9.0, 9.0))) == []
        assert bars.late == 1

    def test_repeated_parts_count_once(self):
        bars = BarAggregator("5m")
        part = minute_bar(1, 1.0, 2.0, 0.5, 1.5, 2.0)
        feed(bars, [part, part])
        assert (bars.current("A").volume, bars.late) == (2.0, 1)

    def test_running_parts_are_waited_for(self):
        bars = BarAggregator("5m")
        feed(bars, [minute_bar(0, 1.0, 9.0, 1.0, 1.0, 1.0, complete=False), minute_bar(0, 1.0, 2.0, 1.0, 1.0, 3.0)])
        assert ohlcv(bars.current("A")) == (1.0, 2.0, 1.0, 1.0, 3.0)

    @pytest.mark.parametrize("interval", [7 * MINUTE, 10 * MINUTE])
    def test_that_do_not_divide_are_refused(self, interval):
        bars = BarAggregator("5m")
        with pytest.raises(ValueError, match=r"A: bars of (7|10)m cannot make bars of 5m; choose a multiple"):
            bars.add(minute_bar(0, 1.0, 1.0, 1.0, 1.0, 1.0, interval=interval))

    def test_evolve(self):
        bars = BarAggregator("5m", evolving=True)
        done = feed(bars, [minute_bar(n, 1.0, 1.0, 1.0, 1.0, 1.0) for n in range(5)])
        assert [(bar.complete, bar.volume) for bar in done] == [
            (False, 1.0),
            (False, 2.0),
            (False, 3.0),
            (False, 4.0),
            (True, 5.0),
        ]

    def test_trades_beside_them_are_not_counted_twice(self):
        bars = BarAggregator("5m")
        feed(bars, [minute_bar(0, 1.0, 1.0, 1.0, 1.0, 5.0), trade(61, 99.0, 5.0)])
        assert (bars.current("A").volume, bars.ignored) == (5.0, 1)

    def test_data_time_at_shutdown_is_the_end_of_the_last_part(self):
        bars = BarAggregator("5m")
        feed(bars, [minute_bar(0, 1.0, 1.0, 1.0, 1.0, 1.0, symbol="B"), minute_bar(4, 1.0, 1.0, 1.0, 1.0, 1.0)])
        assert [(bar.symbol, bar.complete) for bar in bars.close()] == [("B", True)]


class TestBarsOfOurLength:
    @pytest.mark.parametrize("interval", [MINUTE, 0])
    def test_pass_through_unchanged(self, interval):
        bars = BarAggregator("1m")
        bar = minute_bar(3, 1.0, 2.0, 0.5, 1.5, 7.0, interval=interval, source="x", receive_time=4)
        (same,) = bars.add(bar)
        assert same is bar
        assert list(bars.add(bar)) == []
        assert bars.late == 1

    def test_running_ones_replace_each_other(self):
        bars = BarAggregator("1m")
        updates = [minute_bar(0, 1.0, float(n), 1.0, 1.0, float(n), complete=False) for n in range(1, 6)]
        assert feed(bars, updates) == []
        assert ohlcv(bars.current("A")) == (1.0, 5.0, 1.0, 1.0, 5.0)
        final = minute_bar(0, 1.0, 6.0, 1.0, 1.0, 6.0)
        assert bars.add(final) == (final,)

    def test_running_ones_are_returned_when_evolving(self):
        bars = BarAggregator("1m", evolving=True)
        update = minute_bar(0, 1.0, 2.0, 1.0, 1.0, 3.0, complete=False)
        assert bars.add(update) == (update,)

    def test_running_ones_are_completed_by_their_source_not_by_a_time_out(self):
        bars = BarAggregator("1m")
        feed(bars, [minute_bar(0, 1.0, 2.0, 1.0, 1.0, 3.0, complete=False), trade(1, 1.0, symbol="B")])
        assert [bar.symbol for bar in bars.flush(10 * MINUTE)] == ["B"]
        (bar,) = bars.add(minute_bar(1, 5.0, 5.0, 5.0, 5.0, 5.0, complete=False))
        assert (bar.event_time, bar.volume, bar.complete) == (0, 3.0, True)

    def test_flush_works_again_after_a_bar_that_evolved_at_its_source(self):
        bars = BarAggregator("5m", flush_timeout_seconds=0)
        feed(
            bars,
            [
                minute_bar(0, 1.0, 1.0, 1.0, 1.0, 1.0, interval=5 * MINUTE, complete=False),
                minute_bar(5, 1.0, 1.0, 1.0, 1.0, 1.0),
            ],
        )
        assert [bar.event_time for bar in bars.flush(10 * MINUTE)] == [5 * MINUTE]

    def test_backfilled_takes_the_place_of_what_ticks_gathered(self):
        bars = BarAggregator("1m")
        feed(bars, [trade(1, 10.0), trade(61, 10.0)])
        whole = minute_bar(1, 1.0, 2.0, 0.5, 1.5, 70.0, backfilled=True)
        assert bars.add(whole) == (whole,)
        assert list(bars.add(trade(119, 10.0))) == []
        assert bars.late == 1
        assert [bar.volume for bar in feed(bars, [trade(121, 10.0), trade(181, 10.0)])] == [1.0]

    def test_backfilled_history_does_not_decide_what_makes_bars(self):
        bars = BarAggregator("1m")
        history = minute_bar(0, 1.0, 1.0, 1.0, 1.0, 1.0, backfilled=True)
        assert feed(bars, [history, trade(61, 10.0), trade(121, 10.0)])[1].close == 10.0

    def test_backfilled_and_still_running_is_no_use_beside_trades(self):
        bars = BarAggregator("1m")
        feed(bars, [trade(1, 10.0), minute_bar(0, 1.0, 99.0, 1.0, 1.0, 9.0, backfilled=True, complete=False)])
        assert (bars.current("A").high, bars.ignored) == (10.0, 1)


class TestBackfilledParts:
    def test_fill_the_hole_between_ticks_without_counting_twice(self):
        bars = BarAggregator("5m")
        bars.add(trade(70, 10.0, 3.0))
        hole = [minute_bar(n, 10.0, 11.0, 9.0, 10.0, 100.0, backfilled=True) for n in (1, 2, 3)]
        feed(bars, hole)  # minute 1 overlaps the tick at second 70
        assert bars.late == 1
        feed(bars, [trade(230, 50.0, 7.0), trade(241, 12.0, 4.0)])  # second 230 is covered by minute 3
        assert bars.late == 2
        (bar,) = bars.flush(5 * MINUTE + 2 * NANOS)
        assert ohlcv(bar) == (10.0, 12.0, 9.0, 12.0, 207.0)
        assert bar.backfilled

    def test_that_end_the_interval_complete_it(self):
        bars = BarAggregator("5m")
        bars.add(trade(70, 10.0, 3.0))
        (bar,) = bars.add(minute_bar(4, 10.0, 11.0, 9.0, 10.0, 1.0, backfilled=True))
        assert (bar.event_time, bar.volume) == (0, 4.0)


# Sizes are sixteenths, so that sums are exact in any order.
sizes = st.integers(0, 1 << 20).map(lambda n: n / 16)
prices = st.sampled_from([1e-8, 3e-8, 0.25, 1.0, 99.5, 1e8, 1e8 + 0.5])
ticks = st.lists(st.tuples(st.integers(0, 2000), st.sampled_from("ABC"), prices, sizes), max_size=60)


def reference(rows, interval):
    groups = defaultdict(list)
    for moment, symbol, price, size in rows:
        groups[symbol, moment // interval * interval].append((price, size))
    return {
        key: (t[0][0], max(p for p, _ in t), min(p for p, _ in t), t[-1][0], sum(s for _, s in t)) for key, t in groups.items()
    }


@given(ticks, st.integers(1, 700), st.booleans(), st.sampled_from([0, 5e-9, 1.0]))
@example([(3, "A", 1.0, 1.0), (7, "A", 1.0, 1.0)], 7, True, 0)
def test_equals_grouping_by_hand(rows, interval, flushing, timeout):
    rows = sorted(rows, key=lambda row: row[0])
    bars = BarAggregator(interval, flush_timeout_seconds=timeout)
    done = []
    for moment, symbol, price, size in rows:
        if flushing:
            done += bars.flush(moment)
        done += bars.add(Trade(symbol, moment, price, size))
    done += bars.close()
    assert {(bar.symbol, bar.event_time): ohlcv(bar) for bar in done} == reference(rows, interval)
    assert len(done) == len({(bar.symbol, bar.event_time) for bar in done})
    assert bars.late == 0
    assert all(bar.complete for bar in done if rows and bar.end_time <= rows[-1][0])


@given(ticks, st.integers(1, 700))
def test_volume_is_conserved_whatever_the_order(rows, interval):
    bars = BarAggregator(interval)
    done, late = [], 0.0
    for moment, symbol, price, size in rows:
        before = bars.late
        done += bars.add(Trade(symbol, moment, price, size))
        late += size if bars.late > before else 0.0
    done += bars.close()
    assert sum(bar.volume for bar in done) + late == sum(row[3] for row in rows)
    starts = defaultdict(list)
    for bar in done:
        starts[bar.symbol].append(bar.event_time)
    assert all(times == sorted(set(times)) for times in starts.values())


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 3600), prices, sizes), max_size=80))
def test_five_minutes_by_way_of_one_minute_are_the_same(rows):
    rows.sort(key=lambda row: row[0])
    events = [trade(second, price, size) for second, price, size in rows]
    direct, one, five = BarAggregator("5m"), BarAggregator("1m"), BarAggregator("5m")
    straight = [*feed(direct, events), *direct.close(2 * HOUR)]
    small = [*feed(one, events), *one.close(2 * HOUR)]
    assert [*feed(five, small), *five.close(2 * HOUR)] == straight
