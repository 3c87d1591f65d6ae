"""Recorded data: the events move the clock, in order, and nothing of the future shows."""

from __future__ import annotations

import asyncio

import pytest
from engine_kit import DAY, HOUR, MINUTE, SECOND, START, Diary, bar, replay, run_list, trade

from ml4t.live.config.settings import ShadowSettings
from ml4t.live.engine.forecasting import ForecasterSpec
from ml4t.live.engine.triggers import TriggerSpec
from ml4t.live.model import Forecast, Quote
from ml4t.live.testing import ListFeed


class Every:
    """A time trigger."""

    def __init__(self, interval):
        self.interval = interval

    def next_time(self, after):
        return (after // self.interval + 1) * self.interval


class Asked:
    """A forecaster that notes what it could see when it was asked."""

    def __init__(self):
        self.seen = []

    def forecast(self, request):
        self.seen.append((request.time - START, {s: request.market.price(s) for s in request.symbols}))
        return [Forecast(symbol, request.horizon, price=request.market.price(symbol)) for symbol in request.symbols]


def test_events_move_the_clock_and_every_record_carries_the_datas_time(tmp_path):
    diary = Diary(lambda self, data, broker: broker.submit_order("A", 1))

    story = replay(diary, [trade("A", n * MINUTE, 100 + n) for n in range(5)], tmp_path)

    intents = story.of("intent")
    assert [record.time - START for record in intents] == [n * MINUTE for n in range(5)]
    assert [record.body["created_at"] - START for record in intents] == [n * MINUTE for n in range(5)]
    assert story.of("run")[-1].time == START + 4 * MINUTE


@pytest.mark.parametrize("thread", [False, True])
@pytest.mark.parametrize("durability", ["none", "fsync"])
def test_an_order_decided_on_one_bar_fills_at_the_open_of_the_next(tmp_path, thread, durability):
    diary = Diary(lambda self, data, broker: broker.submit_order("A", 1))
    bars = [bar("A", n * MINUTE, 100.0 + n, 100.5 + n) for n in range(6)]

    story = replay(diary, bars, tmp_path, bars="1m", engine={"strategy_thread": thread, "durability": durability})

    decided = {record.subject: record.body["created_at"] for record in story.of("intent")}
    assert len(story.fills) == 5
    for n, fill in enumerate(story.fills):
        assert fill.price == 101.0 + n
        assert decided[fill.order_id] == START + (n + 1) * MINUTE, "decided when the bar was over"
        assert fill.time == START + (n + 1) * MINUTE
    assert [values["close"] for _, data in diary.calls for values in data.values()] == [100.5 + n for n in range(6)]


@pytest.mark.parametrize("thread", [False, True])
@pytest.mark.parametrize("durability", ["none", "fsync"])
def test_an_order_decided_on_a_trade_fills_at_the_next_one(tmp_path, thread, durability):
    diary = Diary(lambda self, data, broker: broker.submit_order("A", 1))

    story = replay(
        diary,
        [trade("A", n * SECOND, 100.0 + n) for n in range(40)],
        tmp_path,
        engine={"strategy_thread": thread, "durability": durability},
    )

    assert [(fill.price, fill.time - START) for fill in story.fills] == [(100.0 + n, n * SECOND) for n in range(1, 40)]


def test_a_time_trigger_fires_before_the_event_that_passes_its_moment_and_sees_nothing_of_it(tmp_path):
    asked = Asked()
    events = [trade("A", 10 * MINUTE + n * 7 * MINUTE, 100.0 + n) for n in range(20)]

    story = replay(
        None,
        events,
        tmp_path,
        triggers=[TriggerSpec("hourly", Every(HOUR))],
        forecasters=[ForecasterSpec("asked", asked, frozenset({"hourly"}), horizon=30 * MINUTE)],
    )

    firings = [body["time"] - START for body in story.bodies("firing")]
    assert firings == [HOUR, 2 * HOUR]
    for moment, prices in asked.seen:
        last = max(event.event_time - START for event in events if event.event_time - START < moment)
        assert prices == {"A": next(event.price for event in events if event.event_time - START == last)}
    for body in story.bodies("forecast"):
        assert body["issued_at"] - START in {HOUR, 2 * HOUR}
        assert body["reference_time"] < body["issued_at"]


def test_a_time_trigger_fires_at_every_due_moment_of_a_long_hole_in_the_data(tmp_path):
    story = replay(None, [trade("A", 0), trade("A", 5 * HOUR + 1)], tmp_path, triggers=[TriggerSpec("hourly", Every(HOUR))])

    assert [body["time"] - START for body in story.bodies("firing")] == [n * HOUR for n in range(6)]
    assert [record.time - START for record in story.of("firing")][1:] == [n * HOUR for n in range(1, 6)]


def test_without_bars_one_call_per_event_time_with_the_symbols_that_changed(tmp_path):
    diary = Diary()
    events = [
        trade("A", 0, 10),
        trade("B", 0, 20),
        trade("A", SECOND, 11),
        Quote("B", START + 2 * SECOND, 21.0, 23.0, 5.0, 6.0),
        trade("B", 2 * SECOND, 24.0),
        trade("C", 2 * SECOND, 30.0),
    ]

    replay(diary, events, tmp_path)

    assert [(at, sorted(data)) for at, data in diary.calls] == [(0, ["A", "B"]), (SECOND, ["A"]), (2 * SECOND, ["B", "C"])]
    quote = {"price": 24.0, "bid": 21.0, "ask": 23.0, "bid_size": 5.0, "ask_size": 6.0}
    assert diary.calls[2][1]["B"] == quote | {"size": 1.0, "backfilled": False}


def test_with_bars_one_call_per_bar_time_with_every_symbol_that_has_one(tmp_path):
    diary = Diary()
    events = [bar(symbol, n * MINUTE, 100 + n) for n in range(4) for symbol in ("A", "B") if (symbol, n) != ("B", 2)]

    replay(diary, events, tmp_path, bars="1m")

    assert [(at, list(data)) for at, data in diary.calls] == [
        (0, ["A", "B"]),
        (MINUTE, ["A", "B"]),
        (2 * MINUTE, ["A"]),
        (3 * MINUTE, ["A", "B"]),
    ]


def test_a_stock_that_is_listed_years_later_joins_and_holds_nobody_up(tmp_path):
    diary = Diary(lambda self, data, broker: broker.submit_order("OLD", 1))
    old = [bar("OLD", n * DAY, 100 + n, interval=DAY) for n in range(1_000)]
    young = [bar("NEW", n * DAY, 50 + n, interval=DAY) for n in range(700, 1_000)]
    events = sorted([*old, *young], key=lambda each: each.event_time)

    rich = ShadowSettings(initial_cash=1e9)
    story = replay(diary, events, tmp_path, bars="1d", symbols=["OLD", "NEW"], shadow=rich)

    assert [at for at, _ in diary.calls] == [n * DAY for n in range(1_000)]
    assert [sorted(data) for _, data in diary.calls] == [["OLD"]] * 700 + [["NEW", "OLD"]] * 300
    assert [fill.price for fill in story.fills] == [100.0 + n for n in range(1, 1_000)], "decided before the next bar opens"


def test_bars_made_of_sparse_trades(tmp_path):
    diary = Diary()
    events = [
        trade("A", 5 * SECOND, 10, 2),
        trade("A", 50 * SECOND, 12, 3),
        trade("B", 61 * SECOND, 20),
        trade("A", 3 * MINUTE + 1, 9),
        trade("A", 4 * MINUTE, 8),
    ]

    replay(diary, events, tmp_path, bars="1m")

    assert diary.prices() == [(0, {"A": 12}), (MINUTE, {"B": 20}), (3 * MINUTE, {"A": 9})], "the bar cut short is no bar"
    first = diary.calls[0][1]["A"]
    assert (first["open"], first["high"], first["low"], first["close"], first["volume"]) == (10, 12, 10, 12, 5)


def test_an_order_decided_on_a_bar_of_trades_fills_at_the_first_trade_after_it(tmp_path):
    diary = Diary(lambda self, data, broker: broker.submit_order("A", 1))
    events = [trade("A", n * 20 * SECOND, 100.0 + n) for n in range(10)]

    story = replay(diary, events, tmp_path, bars="1m")

    assert [(fill.time - START, fill.price) for fill in story.fills] == [(n * MINUTE, 100.0 + 3 * n) for n in (1, 2, 3)]
    assert [record.time - START for record in story.of("intent")] == [n * MINUTE for n in (1, 2, 3)]


def test_evolving_bars_come_as_they_grow_and_once_more_complete(tmp_path):
    diary = Diary()

    replay(diary, [trade("A", n * 30 * SECOND, 10 + n) for n in range(4)], tmp_path, bars="1m", evolving=True)

    told = [(at, data["A"]["close"], data["A"]["complete"]) for at, data in diary.calls]
    assert told[:4] == [(0, 10, False), (0, 11, False), (0, 11, True), (MINUTE, 12, False)]
    assert told[4] == (MINUTE, 13, False)


def test_incomplete_bars_are_not_delivered_unless_asked_for(tmp_path):
    events = [bar("A", 0, 10, 11, complete=False), bar("A", 0, 10, 12), bar("A", MINUTE, 12, 13, complete=False)]

    for bars in (None, "1m"):
        plain, asked = Diary(), Diary()
        replay(plain, events, tmp_path / f"plain {bars}", bars=bars)
        replay(asked, events, tmp_path / f"asked {bars}", bars=bars, evolving=True)
        assert [data["A"]["close"] for _, data in plain.calls] == [12]
        assert [data["A"]["close"] for _, data in asked.calls][:2] in ([11, 12], [12, 13])


def test_the_last_group_is_delivered_at_the_end_of_the_data(tmp_path):
    diary = Diary()
    replay(diary, [trade("A", 0), trade("B", 0)], tmp_path / "events")
    assert [sorted(data) for _, data in diary.calls] == [["A", "B"]]

    diary = Diary()
    replay(diary, [bar("A", 0, 10), bar("B", 0, 20), bar("A", MINUTE, 11)], tmp_path / "bars", bars="1m")
    assert diary.prices() == [(0, {"A": 10, "B": 20}), (MINUTE, {"A": 11})]


def test_several_recorded_feeds_are_one_order_of_time_however_they_are_read(tmp_path):
    class Jerky(ListFeed):
        """Pushes without order or manners: a few, or all at once."""

        def __init__(self, events, step):
            super().__init__(events)
            self.step = step

        async def run(self, sink):
            for start in range(0, len(self._events), self.step):
                sink.push_many(self._events[start : start + self.step])
                await sink.ready()
                await asyncio.sleep(0)

    fast = [trade("A", n * 2 * SECOND, 100 + n) for n in range(5_000)]
    slow = [trade("B", n * 3 * SECOND, 200 + n) for n in range(1_000)]
    diary, expected = Diary(), Diary()

    feeds = [Jerky(fast, 4_000), Jerky(slow, 7)]
    asyncio.run(run_list(diary, None, tmp_path / "two", feed=feeds))
    replay(expected, sorted([*fast, *slow], key=lambda event: event.event_time), tmp_path / "one")

    assert diary.calls == expected.calls


def test_a_recorded_feed_that_fails_ends_the_run_and_is_not_read_again(tmp_path):
    class Torn(ListFeed):
        runs = 0

        async def run(self, sink):
            Torn.runs += 1
            await super().run(sink)
            raise OSError("the disk is gone")

    diary = Diary()
    with pytest.raises(Exception, match="feed1 cannot read its recorded data: OSError"):
        asyncio.run(run_list(diary, None, tmp_path, feed=Torn([trade("A", n) for n in range(10)])))
    assert Torn.runs == 1
