"""The bars of an interval: when they are handed on, put together, and made up for who did not trade."""

from __future__ import annotations

import asyncio

from databento_kit import Ears, feeding, until

from ml4t.live.model import Bar
from ml4t.live.times import NANOS
from ml4t_live_databento.intervals import Intervals
from ml4t_live_databento.rig import feed_at, still
from ml4t_live_databento.simulator import encoding


def bar(symbol, start, open_, high, low, close, volume):
    return Bar(symbol, start, open_, high, low, close, volume, NANOS)


def intervals(*, quiet_bars=True):
    return Intervals(NANOS, lambda: None, quiet_bars=quiet_bars, backfilled=False)


def test_a_bar_waits_for_the_end_of_its_interval_or_the_next():
    made, held = [], intervals()
    held.add(bar("A", 0, 1, 1, 1, 1, 1), made)
    assert not made
    held.end(NANOS, made)
    assert [each.event_time for each in made] == [0]
    held.add(bar("A", NANOS, 1, 1, 1, 1, 1), made)
    held.add(bar("A", 2 * NANOS, 1, 1, 1, 1, 1), made)
    assert [each.event_time for each in made] == [0, NANOS]
    held.close(made)
    held.close(made)
    assert [each.event_time for each in made] == [0, NANOS, 2 * NANOS]


def test_bars_of_several_venues_are_one():
    made, held = [], intervals()
    for each in ((10, 12, 9, 11, 5), (20, 21, 8, 9, 50), (1, 30, 1, 2, 20)):
        held.add(bar("A", 0, *each), made)
    held.end(NANOS, made)
    assert made == [bar("A", 0, 20, 30, 1, 9, 75)]


def test_who_did_not_trade_gets_a_bar_of_no_volume_once():
    made, held = [], intervals()
    held.end(NANOS, made)
    assert not made  # nobody has a price yet
    held.add(bar("A", NANOS, 1, 2, 1, 2, 1), made)
    held.add(bar("B", NANOS, 5, 5, 5, 5, 1), made)
    held.end(2 * NANOS, made)
    made.clear()
    held.add(bar("A", 2 * NANOS, 3, 3, 3, 3, 1), made)
    held.end(3 * NANOS, made)
    held.end(3 * NANOS, made)
    assert made == [
        bar("A", 2 * NANOS, 3, 3, 3, 3, 1),
        Bar("B", 2 * NANOS, 5, 5, 5, 5, 0.0, NANOS, True, False, None, "databento"),
    ]


def test_a_bar_that_comes_late_makes_no_quiet_bar_again():
    made, held = [], intervals()
    held.add(bar("A", 0, 1, 1, 1, 1, 1), made)
    held.end(NANOS, made)
    held.end(2 * NANOS, made)
    held.add(bar("A", 0, 9, 9, 9, 9, 9), made)
    held.end(2 * NANOS, made)
    held.end(3 * NANOS, made)
    assert [(each.event_time, each.close) for each in made] == [(0, 1), (NANOS, 1), (0, 9), (2 * NANOS, 1)]


def test_quiet_bars_can_be_left_out_and_end_when_a_symbol_stands_for_something_else():
    made, held = [], intervals(quiet_bars=False)
    held.add(bar("A", 0, 1, 1, 1, 1, 1), made)
    held.end(NANOS, made)
    held.end(2 * NANOS, made)
    assert len(made) == 1
    made, held = [], intervals()
    held.add(bar("A", 0, 1, 1, 1, 1, 1), made)
    held.end(NANOS, made)
    held.forget("A")
    held.end(2 * NANOS, made)
    assert len(made) == 1


def test_end_of_interval_closes_the_bars_of_symbols_that_did_not_trade():
    """Over the wire, and again when it is replayed."""

    async def run():
        with still() as source:
            source.emits = "ohlcv-1s"
            feed = feed_at(source, "AAPL", "MSFT")
            async with feeding(feed, ears := Ears()):
                await until(lambda: len(source.subscriptions) == 2)
                start = source.emit("MSFT", 5.0)
                source.emit("AAPL", 7.0)
                assert source.emit("AAPL", 8.0) == start + NANOS
                await until(lambda: len(ears.events) == 4)
            assert [(each.symbol, each.event_time, each.close, each.volume) for each in ears.events] == [
                ("MSFT", start, 5.0, 1.0),
                ("AAPL", start, 7.0, 1.0),
                ("AAPL", start + NANOS, 8.0, 1.0),
                ("MSFT", start + NANOS, 5.0, 0.0),
            ]

    asyncio.run(run())


def test_a_symbol_that_rolls_gets_no_quiet_bar_at_the_price_of_the_contract_before():
    async def run():
        with still() as source:
            source.emits = "ohlcv-1s"
            async with feeding(feed_at(source, "ES.c.0", stype_in="continuous"), ears := Ears()):
                await until(lambda: source.subscriptions)
                start = source.emit("ES.c.0", 5.0)
                source.remap("ES.c.0")
                source.end_interval(start + 2 * NANOS)
                source.emit("ES.c.0", 7.0)
                await until(lambda: ears.events and ears.events[-1].close == 7.0)
            assert [(each.event_time, each.close) for each in ears.events] == [(start, 5.0), (start + NANOS, 7.0)]

    asyncio.run(run())


def test_bars_of_several_venues_are_one_over_the_wire():
    async def run():
        with still() as source:
            source.emits = "ohlcv-1s"
            async with feeding(feed_at(source, "AAPL"), ears := Ears()):
                await until(lambda: source.subscriptions)
                encode = encoding.SERIES["ohlcv-1s"].encode
                of = source.instrument("AAPL")
                one = encoding.Happened("AAPL", NANOS, 10**9, 4 * 10**9, 10**9, 2 * 10**9, 10)
                two = encoding.Happened("AAPL", NANOS, 3 * 10**9, 3 * 10**9, 10**9 // 2, 3 * 10**9, 40)
                source.push(encode(one, of), encode(two, of))
                source.end_interval(2 * NANOS)
                await until(lambda: ears.events)
            [made] = ears.events
            assert (made.open, made.high, made.low, made.close, made.volume) == (3.0, 4.0, 0.5, 3.0, 50.0)

    asyncio.run(run())
