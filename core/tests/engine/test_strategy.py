"""What a strategy may do wrong, and where it runs."""

from __future__ import annotations

import asyncio
import threading

import pytest
from engine_kit import MINUTE, SECOND, START, Diary, bar, limits, read, replay, run_list, trade, wait_for

from ml4t.live import LiveEngine
from ml4t.live.config.settings import EngineSettings
from ml4t.live.engine.forecasting import ForecasterSpec
from ml4t.live.engine.triggers import TriggerSpec
from ml4t.live.model import Firing, Forecast, OrderState
from ml4t.live.testing import ListFeed, run_virtual
from ml4t.live.times import to_nanoseconds

TICKS = [trade("A", n * SECOND, 100.0 + n) for n in range(30)]


def raising(at):
    """A strategy that raises in the calls of which `at` says so."""

    def act(diary, data, broker):
        if at(len(diary.calls)):
            raise ZeroDivisionError(f"call {len(diary.calls)}")

    return Diary(act)


def test_exceptions_are_recorded_and_counted_and_the_run_goes_on(tmp_path):
    diary = raising(lambda n: n in {3, 7})

    story = replay(diary, TICKS, tmp_path)

    assert len(diary.calls) == 30
    errors = story.bodies("error")
    assert [(e["type"], e["message"], e["count"]) for e in errors] == [
        ("ZeroDivisionError", "call 3", 1),
        ("ZeroDivisionError", "call 7", 2),
    ]
    assert "in act" in errors[0]["traceback"]
    assert diary.hooks == ["start", "end"]


@pytest.mark.parametrize("thread", [False, True])
@pytest.mark.parametrize(("engine", "calls"), [({"on_error": "halt"}, 5), ({"error_budget": 4}, 9), ({"error_budget": 0}, 5)])
def test_too_many_exceptions_end_the_run_with_the_last_of_them(tmp_path, engine, calls, thread):
    diary = raising(lambda n: n >= 5)

    with pytest.raises(ZeroDivisionError, match=f"call {calls}"):
        asyncio.run(run_list(diary, TICKS, tmp_path, engine={**engine, "strategy_thread": thread}))

    assert len(diary.calls) == calls, "no more data after that"
    assert diary.hooks == ["start", "end"]
    story = read(tmp_path / "shadow" / "journal.sqlite3")
    assert len(story.bodies("error")) == calls - 4
    assert story.bodies("run")[-1] == {"ended": True, "why": f"ZeroDivisionError: call {calls}"}


@pytest.mark.parametrize("hook", ["on_start", "on_end"])
def test_an_exception_in_a_hook_is_an_exception_like_any_other(tmp_path, hook):
    diary = Diary()
    setattr(diary, hook, lambda broker: 1 / 0)

    story = replay(diary, TICKS, tmp_path)

    assert [error["type"] for error in story.bodies("error")] == ["ZeroDivisionError"]
    assert len(diary.calls) == 30


def test_a_strategy_needs_no_hooks(tmp_path):
    class Bare:
        calls = 0

        def on_data(self, timestamp, data, context, broker):
            self.calls += 1

    bare = Bare()
    replay(bare, TICKS, tmp_path)
    assert bare.calls == 30


@pytest.mark.parametrize("thread", [False, True])
def test_a_strategy_that_exits_the_interpreter_ends_the_run_in_order(tmp_path, thread):
    def act(diary, data, broker):
        if len(diary.calls) == 4:
            raise SystemExit(3)

    diary = Diary(act)
    with pytest.raises(SystemExit):
        asyncio.run(run_list(diary, TICKS, tmp_path, engine={"strategy_thread": thread}))

    assert len(diary.calls) == 4
    assert read(tmp_path / "shadow" / "journal.sqlite3").bodies("run")[-1]["ended"] is True


def test_a_refused_order_never_raises_and_says_why(tmp_path):
    nonsense = [
        ("A", 0),
        ("A", float("nan")),
        ("", 1),
        ("A", True),
        (None, 1),
        ("A", "ten"),
        ("A", 1, "hold"),
        ("A", 1, None, "magic"),
    ]

    def act(diary, data, broker):
        diary.orders.append(broker.submit_order("A", 50))
        diary.orders.extend(broker.submit_order(*request) for request in nonsense)

    diary = Diary(act)
    story = replay(diary, TICKS[:5], tmp_path, risk=limits(max_order_value=200.0))

    assert len(diary.calls) == 5
    assert {order.state for order in diary.orders} == {OrderState.REJECTED}
    assert all(order.code and order.reason for order in diary.orders)
    assert story.bodies("error") == []
    verdicts = story.bodies("verdict")
    assert len(verdicts) == len(diary.orders)
    assert {verdict["check"] for verdict in verdicts} == {"max_order_value", "request"}
    assert story.fills == []
    assert story.of("intent") == []


@pytest.mark.parametrize("bars", [None, "1m"])
def test_a_thread_gives_the_same_trades_as_the_loop(tmp_path, bars):
    def act(diary, data, broker):
        for symbol, values in data.items():
            position = broker.get_position(symbol)
            held = position.quantity if position else 0
            if int(values["price"]) % 3 == 0 and held < 5:
                broker.submit_order(symbol, 1)
            elif int(values["price"]) % 7 == 0 and held > 0:
                broker.close_position(symbol)

    events = [trade(symbol, n * 20 * SECOND, 100.0 + (n * 37 + len(symbol)) % 50) for n in range(400) for symbol in ("A", "BB")]
    stories = {
        thread: replay(Diary(act), events, tmp_path / str(thread), bars=bars, engine={"strategy_thread": thread})
        for thread in (False, True)
    }

    def told(story):
        """Everything, by what it is about: two orders of one call may be on their way to the venue in either order."""
        said = [(r.subject, r.time, r.kind, repr(r.body)) for r in story.records if r.kind != "run"]
        return sorted(said, key=lambda line: line[0])

    assert len(stories[False].fills) > 20
    assert stories[True].orders == stories[False].orders
    assert told(stories[True]) == told(stories[False])


def test_a_thread_of_its_own_is_where_every_call_happens_and_it_ends_with_the_run(tmp_path):
    threads = set()

    def act(diary, data, broker):
        threads.add(threading.current_thread().name)

    diary = Diary(act)
    diary.on_start = lambda broker: threads.add(threading.current_thread().name)
    diary.on_end = lambda broker: threads.add(threading.current_thread().name)
    replay(diary, TICKS, tmp_path, engine={"strategy_thread": True})

    assert threads == {"strategy"}
    assert [thread for thread in threading.enumerate() if thread.name == "strategy"] == []


@pytest.mark.parametrize("thread", [False, True])
def test_observers_hear_of_a_strategys_orders_on_the_loop(tmp_path, thread):
    heard = []

    class Watcher:
        kinds = ("intent", "fill")

        async def on_event(self, event):
            heard.append((event.kind, threading.current_thread() is threading.main_thread()))

    async def main():
        asyncio.get_running_loop().set_debug(True)  # it complains of every call from a wrong thread
        diary = Diary(lambda self, data, broker: broker.submit_order("A", 1))
        await run_list(diary, TICKS, tmp_path, engine={"strategy_thread": thread}, observers=[("watcher", Watcher())])

    asyncio.run(main())
    assert heard.count(("intent", True)) == 30
    assert heard.count(("fill", True)) == 29
    assert len(heard) == 59


def test_a_strategy_that_hangs_on_the_loop_is_reported_with_its_stack(tmp_path):
    def hang_on_purpose(diary, data, broker):
        if len(diary.calls) == 3:
            engine._vitals.watchdog.beat()  # whatever it may have reported of a busy machine, it reports this as well
            wait_for(reports, "a report of the watchdog")

    def reports():
        blocked = [body for body in read(engine.state_folder.journal).bodies("health") if body["state"] == "blocked"]
        return [body for body in blocked if "hang_on_purpose" in body["stack"]]

    diary = Diary(hang_on_purpose)
    settings = EngineSettings(blocked_after_seconds=0.1)
    engine = LiveEngine(diary, None, ListFeed(TICKS), risk=limits(), state_dir=tmp_path, settings=settings)
    asyncio.run(engine.run())

    [blocked] = reports()
    assert blocked["seconds"] >= 0.1
    assert len(diary.calls) == 30


def test_an_observer_that_fails_or_hangs_changes_nothing(tmp_path):
    class Broken:
        async def on_event(self, event):
            raise RuntimeError("no such dashboard")

    class Hangs:
        async def on_event(self, event):
            await asyncio.get_running_loop().create_future()

    heard = []

    class Slow:
        async def on_event(self, event):
            await asyncio.sleep(0)
            heard.append(event.kind)

    diary = Diary(lambda self, data, broker: broker.submit_order("A", 1))
    observers = [("broken", Broken()), ("hangs", Hangs()), ("slow", Slow())]

    settings = EngineSettings(heartbeat_seconds=3_600.0)  # nobody notes meanwhile in what condition they are

    async def main(clock):  # on time that jumps, what hangs is waited for at no cost, and for as long as ever
        options = {"risk": limits(), "state_dir": tmp_path, "clock": clock, "settings": settings, "observers": observers}
        engine = LiveEngine(diary, None, ListFeed(TICKS), **options)
        await engine.run()
        return read(engine.state_folder.journal)

    story = run_virtual(main, start=TICKS[0].event_time)

    assert len(diary.calls) == 30
    assert heard == [record.kind for record in story.records], "everything, in order, also the end of the run"


def test_an_observer_is_closed_once_when_it_has_heard_everything(tmp_path):
    told = []

    class Closing:
        kinds = frozenset({"run", "fill"})

        async def on_event(self, event):
            told.append(event.kind)

        async def close(self):
            await asyncio.sleep(0)
            told.append("close")
            raise OSError("no space left")

    diary = Diary(lambda self, data, broker: broker.submit_order("A", 1))
    replay(diary, TICKS, tmp_path, observers=[("closing", Closing())])

    assert told[-2:] == ["run", "close"]
    assert told.count("close") == 1
    assert told.count("fill") == 29


def test_bars_reach_the_strategy_with_everything_a_backtest_has(tmp_path):
    diary = Diary()
    replay(diary, [bar("A", 0, 10.0, 12.0), bar("A", MINUTE, 12.0, 11.0)], tmp_path, bars="1m")

    assert diary.calls[0][1]["A"] == {
        "price": 12.0,
        "open": 10.0,
        "high": 12.0,
        "low": 10.0,
        "close": 12.0,
        "volume": 10.0,
        "complete": True,
        "backfilled": False,
        "signals": {},
    }
    assert diary.context["market"].price("A") == 11.0


class Watcher:
    """Notes which forecasts it was shown at each moment."""

    def __init__(self):
        self.seen = []

    def on_data(self, timestamp, data, context, broker):
        shown = {symbol: [f.price for f in said] for symbol, said in context["forecasts"].items()}
        self.seen.append((to_nanoseconds(timestamp) - START, shown))


class FiresAt:
    def __init__(self, *minutes):
        self.minutes = minutes

    def on_event(self, event, market):
        return Firing(reason="now") if (event.event_time - START) // MINUTE in self.minutes else None


class Says:
    version = "1"

    def forecast(self, request):
        return [Forecast(symbol, request.horizon, price=request.market.price(symbol) + 1.0) for symbol in request.symbols]


@pytest.mark.parametrize("thread", [False, True])
def test_a_strategy_is_shown_the_forecasts_that_are_valid_from_the_moment_of_their_issue_to_their_horizon(tmp_path, thread):
    watcher = Watcher()
    # Nothing of A happens after minute 5: what was said of it waits for a price to be judged by, and is no news of now.
    events = [trade("A", n * MINUTE, 100.0 + n) for n in range(6)] + [trade("B", n * MINUTE, 50.0) for n in range(12)]
    events.sort(key=lambda event: event.event_time)

    replay(
        watcher,
        events,
        tmp_path,
        triggers=[TriggerSpec("at", FiresAt(2, 4))],
        forecasters=[ForecasterSpec("model", Says(), frozenset({"at"}), horizon=5 * MINUTE, symbols=("A",))],
        engine={"strategy_thread": thread},
    )

    assert watcher.seen == [(n * MINUTE, {} if n < 2 or n >= 9 else {"A": [103.0 if n < 4 else 105.0]}) for n in range(12)]


def test_a_strategy_without_forecasters_is_shown_none(tmp_path):
    watcher = Watcher()
    replay(watcher, TICKS, tmp_path)
    assert {len(shown) for _, shown in watcher.seen} == {0}
