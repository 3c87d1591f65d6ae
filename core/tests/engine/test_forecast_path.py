"""Triggers and forecasters in the engine: who is asked when, about what, and what becomes of those that fail."""

from __future__ import annotations

import asyncio
import threading

import pytest
from engine_kit import HOUR, MINUTE, SECOND, START, limits, read, replay, run_list, trade, until

from ml4t.live import LiveEngine
from ml4t.live.engine.forecasting import ForecasterSpec
from ml4t.live.engine.triggers import TriggerSpec
from ml4t.live.journal import JournalReader
from ml4t.live.model import Direction, Firing, Forecast, Trade
from ml4t.live.report.skill import skills
from ml4t.live.testing import run_virtual

TICKS = [trade("A", n * MINUTE, 100.0 + n) for n in range(60)]


class Each:
    """Fires at every event that `when` likes."""

    def __init__(self, when=lambda event: True):
        self.when = when
        self.seen = 0

    def on_event(self, event, market):
        self.seen += 1
        return Firing(reason="it was time", values={"price": event.price}) if self.when(event) else None


class Says:
    """A forecaster that predicts what it sees, and notes it."""

    version = "7"

    def __init__(self, answer=None):
        self.requests = []
        self.answer = answer or (lambda request: [self.of(symbol, request) for symbol in request.symbols])

    @staticmethod
    def of(symbol, request):
        return Forecast(symbol, request.horizon, price=request.market.price(symbol) + 1.0, direction=Direction.UP)

    def forecast(self, request):
        self.requests.append(request)
        return self.answer(request)


class SaysLater(Says):
    """The same, after some turns of the loop."""

    turns = 5

    async def forecast(self, request):
        self.requests.append(request)
        for _ in range(self.turns):
            await asyncio.sleep(0)
        return self.answer(request)


class Promises(Says):
    """A plain function that returns something to await."""

    def forecast(self, request):
        async def later():
            await asyncio.sleep(0)
            return self.answer(request)

        self.requests.append(request)
        return later()


def every(count):
    return lambda event: (event.event_time - START) // MINUTE % count == 0


def spec(forecaster, name="model", *, horizon=10 * MINUTE, **rest):
    return ForecasterSpec(name, forecaster, frozenset({"each"}), horizon=horizon, **rest)


@pytest.mark.parametrize("kind", [Says, SaysLater, Promises])
def test_a_forecast_is_stamped_stored_and_resolved_and_knows_nothing_of_later(tmp_path, kind):
    model = kind()

    story = replay(None, TICKS, tmp_path, triggers=[TriggerSpec("each", Each(every(15)))], forecasters=[spec(model)])

    forecasts = story.bodies("forecast")
    assert [body["issued_at"] - START for body in forecasts] == [0, 15 * MINUTE, 30 * MINUTE, 45 * MINUTE]
    for body in forecasts:
        minute = (body["issued_at"] - START) // MINUTE
        assert (body["reference_price"], body["reference_time"]) == (100.0 + minute, body["issued_at"])
        assert body["price"] == 101.0 + minute
        assert (body["model"], body["version"]) == ("model", "7")
        assert body["cause"] == f"each:A:{body['issued_at']}"
    resolutions = {body["forecast_id"]: body for body in story.bodies("resolution")}
    for body in forecasts:
        resolution = resolutions[body["forecast_id"]]
        assert resolution["price"] == body["reference_price"] + 10
        assert resolution["price_time"] == body["issued_at"] + 10 * MINUTE
        assert resolution["direction_hit"] is True
        assert resolution["absolute_error"] == 9.0
    assert model.requests[0].live_mode is False
    with JournalReader(tmp_path / "shadow" / "journal.sqlite3") as reader:
        [by_trigger] = skills(reader, {}, by="trigger")
    assert (by_trigger.group, by_trigger.issued, by_trigger.resolved) == ("each", 4, 4)


@pytest.mark.parametrize("kind", [Says, SaysLater])
def test_the_journal_of_a_replay_does_not_depend_on_how_long_a_model_thinks(tmp_path, kind):
    def run(turns):
        model = kind()
        model.turns = turns
        name = f"{kind.__name__} {turns}"
        triggers = [TriggerSpec("each", Each(every(7)))]
        story = replay(None, TICKS, tmp_path / name, triggers=triggers, forecasters=[spec(model), spec(kind(), "other")])
        return [(record.time, record.kind, record.subject, record.body) for record in story.records]

    assert run(0) == run(50)


def test_a_time_trigger_between_events_sees_the_market_before_the_next_one(tmp_path):
    class HalfPast:
        def next_time(self, after):
            return (after // HOUR) * HOUR + (30 * MINUTE if after % HOUR < 30 * MINUTE else 90 * MINUTE)

    model = SaysLater()
    events = [trade("A", n * 7 * MINUTE, 100.0 + n) for n in range(20)]
    replay(None, events, tmp_path, triggers=[TriggerSpec("each", HalfPast())], forecasters=[spec(model, symbols=("A",))])
    story = read(tmp_path / "shadow" / "journal.sqlite3")

    for body in story.bodies("forecast"):
        past = [event for event in events if event.event_time < body["issued_at"]]
        assert (body["issued_at"] - START) % HOUR == 30 * MINUTE
        assert (body["reference_price"], body["reference_time"]) == (past[-1].price, past[-1].event_time)
    assert len(story.bodies("forecast")) == 2


def test_firings_are_held_back_by_warm_up_and_cooldown_and_that_is_recorded(tmp_path):
    trigger = Each()
    story = replay(
        None,
        TICKS[:20],
        tmp_path,
        triggers=[TriggerSpec("each", trigger, cooldown=5 * MINUTE, warmup=4)],
        forecasters=[spec(Says())],
    )

    assert trigger.seen == 20
    assert [(body["time"] - START) // MINUTE for body in story.bodies("firing")] == [3, 8, 13, 18]
    reasons = [body["suppressed_by"] for body in story.bodies("suppressed")]
    assert reasons.count("warmup") == 3
    assert reasons.count("cooldown") == 13
    assert len(story.bodies("forecast")) == 4


def test_a_trigger_sees_its_symbols_and_a_firing_asks_those_who_wait_for_it(tmp_path):
    only_b, models = Each(), {name: Says() for name in ("waits", "for both", "elsewhere")}
    events = [trade(symbol, n * MINUTE) for n in range(5) for symbol in ("A", "B")]
    story = replay(
        None,
        events,
        tmp_path,
        triggers=[TriggerSpec("each", only_b, symbols=frozenset({"B"})), TriggerSpec("off", Each(), enabled=False)],
        forecasters=[
            ForecasterSpec("waits", models["waits"], frozenset({"each"})),
            ForecasterSpec("for both", models["for both"], frozenset({"each", "off"}), symbols=("A", "B")),
            ForecasterSpec("elsewhere", models["elsewhere"], frozenset({"off"})),
        ],
    )

    assert only_b.seen == 5
    assert [request.symbols for request in models["waits"].requests] == [("B",)] * 5
    assert [request.symbols for request in models["for both"].requests] == [("A", "B")] * 5
    assert models["elsewhere"].requests == []
    assert {body["symbol"] for body in story.bodies("firing")} == {"B"}


def test_a_trigger_that_raises_is_recorded_and_in_the_end_asked_no_more(tmp_path):
    class Breaks(Each):
        def on_event(self, event, market):
            self.seen += 1
            raise KeyError("window")

    broken, sound = Breaks(), Each(every(10))
    story = replay(None, TICKS, tmp_path, triggers=[TriggerSpec("broken", broken), TriggerSpec("each", sound)])

    assert (broken.seen, sound.seen) == (20, 60)
    assert len(story.bodies("error")) == 20
    assert [record.subject for record in story.of("health") if record.body["state"] == "disabled"] == ["broken"]
    assert len(story.bodies("firing")) == 6


def test_a_time_trigger_that_cannot_say_when_is_disabled_and_says_so(tmp_path):
    class Confused:
        def next_time(self, after):
            raise ValueError("no such day")

    story = replay(None, TICKS, tmp_path, triggers=[TriggerSpec("confused", Confused())])

    assert [error["message"] for error in story.bodies("error")] == ["no such day"]
    assert [record.subject for record in story.of("health")] == ["confused"]


def _raise(request):
    raise RuntimeError("the model is gone")


GARBAGE = {
    "raises": _raise,
    "a number": lambda request: 42,
    "text": lambda request: "up",
    "strange list": lambda request: [Says.of("A", request), "up"],
    "unknown symbol": lambda request: Forecast("NOBODY", request.horizon, price=1.0),
    "says nothing": lambda request: Forecast("A", request.horizon),
    "negative price": lambda request: Forecast("A", request.horizon, price=-1.0),
    "not a number": lambda request: Forecast("A", request.horizon, price=float("nan")),
    "exits": lambda request: (_ for _ in ()).throw(SystemExit(1)),
}


@pytest.mark.parametrize("kind", [Says, SaysLater])
@pytest.mark.parametrize("garbage", GARBAGE)
def test_a_forecaster_that_fails_five_times_in_a_row_is_disabled_and_nobody_else(tmp_path, kind, garbage):
    broken, sound = kind(GARBAGE[garbage]), Says()
    story = replay(
        None,
        TICKS[:12],
        tmp_path,
        triggers=[TriggerSpec("each", Each())],
        forecasters=[spec(broken, "broken"), spec(sound, "sound")],
    )

    assert len(broken.requests) == 5
    assert len(sound.requests) == 12
    assert len(story.bodies("error")) == 5
    assert [record.subject for record in story.of("health") if record.body["state"] == "disabled"] == ["broken"]
    declined = [body["why"] for body in story.bodies("declined")]
    assert declined == ["disabled after 5 failures in a row"] * 7
    assert {body["model"] for body in story.bodies("forecast")} == {"sound"}


def test_failures_count_in_a_row(tmp_path):
    def sometimes(request):
        return _raise(request) if len(model.requests) % 5 else [Says.of("A", request)]

    model = Says(sometimes)
    replay(None, TICKS, tmp_path, triggers=[TriggerSpec("each", Each())], forecasters=[spec(model)])

    assert len(model.requests) == 60


def test_an_abstention_is_recorded(tmp_path):
    model = Says(lambda request: None if len(model.requests) == 1 else [])
    story = replay(None, TICKS[:2], tmp_path, triggers=[TriggerSpec("each", Each())], forecasters=[spec(model)])

    assert [body["why"] for body in story.bodies("declined")] == ["no forecast given"] * 2
    assert [body["symbols"] for body in story.bodies("declined")] == [["A"], ["A"]]


def test_before_any_price_nobody_is_asked(tmp_path):
    model = Says()
    triggers = [TriggerSpec("each", Each())]
    story = replay(None, TICKS[:1], tmp_path, triggers=triggers, forecasters=[spec(model, symbols=("UNSEEN",))])

    assert model.requests == []
    assert [body["why"] for body in story.bodies("declined")] == ["no price has been seen for any of its symbols"]


def test_a_forecaster_that_hangs_is_cut_off_by_its_budget_and_the_replay_goes_on(tmp_path):
    class Hangs(Says):
        async def forecast(self, request):
            self.requests.append(request)
            await asyncio.get_running_loop().create_future()

    model, sound = Hangs(), Says()
    story = replay(
        None,
        TICKS[:3],
        tmp_path,
        triggers=[TriggerSpec("each", Each())],
        forecasters=[spec(model, budget_seconds=0.02), spec(sound, "sound")],
    )

    assert [error["message"] for error in story.bodies("error")] == ["took longer than its 0.02 s"] * 3
    assert len(story.bodies("forecast")) == 3


class Ticking:
    """A live feed, a tick per second of its clock until told to end."""

    historical = False
    symbols = ("A",)

    def __init__(self, count, clock=None):
        self.count, self.clock = count, clock

    async def run(self, sink):
        for n in range(self.count):
            await self.clock.sleep(1)
            sink.push(Trade("A", self.clock.now(), 100.0 + n, 1.0))


def live(tmp_path, model, **rest):
    async def main(clock):
        engine = LiveEngine(
            None,
            None,
            Ticking(60, clock),
            risk=limits(),
            triggers=[TriggerSpec("each", Each(lambda event: event.event_time % (10 * SECOND) == 0))],
            forecasters=[spec(model, **rest)],
            state_dir=tmp_path,
            clock=clock,
        )
        await engine.run()
        return read(engine.state_folder.journal)

    return run_virtual(main, start=START)


def test_live_a_model_that_thinks_speaks_of_the_market_it_answers_in(tmp_path):
    class Thinks(Says):
        async def forecast(self, request):
            self.requests.append(request)
            await asyncio.sleep(4)
            return self.answer(request)

    story = live(tmp_path, Thinks(), horizon=5 * SECOND)

    forecasts = story.bodies("forecast")
    assert [(body["issued_at"] - START) // SECOND for body in forecasts] == [14, 24, 34, 44, 54]
    for body in forecasts:
        assert body["reference_time"] <= body["issued_at"]
        assert body["reference_price"] in {99.0 + body["issued_at"] // SECOND - START // SECOND - n for n in (0, 1)}
    assert len(story.bodies("resolution")) == 5


def test_live_a_model_that_is_asked_faster_than_it_answers_declines(tmp_path):
    class Slow(Says):
        async def forecast(self, request):
            self.requests.append(request)
            await asyncio.sleep(1_000)

    story = live(tmp_path, Slow(), budget_seconds=5_000.0)

    declined = [body["why"] for body in story.bodies("declined")]
    assert declined == ["4 requests are running already"] * 2 + ["the run ended before it answered"] * 4


def test_live_a_plain_model_runs_off_the_loop_and_one_that_never_returns_keeps_nothing_alive(tmp_path):
    release, threads = threading.Event(), {}

    class Plain(Says):
        def forecast(self, request):
            threads["plain"] = threading.current_thread()
            return self.answer(request)

    class Stuck(Says):
        def forecast(self, request):
            threads["stuck"] = threading.current_thread()
            release.wait()

    class Pushes:
        historical = False
        symbols = ("A",)

        async def run(self, sink):
            clock = engine.core.clock
            sink.push(Trade("A", clock.now(), 100.0, 1.0))
            await until(lambda: counts("forecast") == 1, "a forecast")
            await until(lambda: counts("error") == 1, "a time-out")

    def counts(kind):
        engine.core.journal.flush()
        return engine.core.journal.counts().get(kind, 0)

    engine = LiveEngine(
        None,
        None,
        Pushes(),
        risk=limits(),
        triggers=[TriggerSpec("each", Each())],
        forecasters=[spec(Plain()), spec(Stuck(), "stuck", budget_seconds=0.2)],
        state_dir=tmp_path,
    )
    asyncio.run(engine.run())

    assert all(thread.daemon and thread is not threading.main_thread() for thread in threads.values())
    assert threads["stuck"].is_alive()
    release.set()
    threads["stuck"].join(60)
    assert [error["message"] for error in read(engine.state_folder.journal).bodies("error")] == ["took longer than its 0.2 s"]


def test_a_replay_that_is_stopped_cancels_what_is_still_thinking(tmp_path):
    class Hangs(Says):
        cancelled = 0

        async def forecast(self, request):
            self.requests.append(request)
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                Hangs.cancelled += 1

    async def main():
        model = Hangs()
        run = asyncio.create_task(
            run_list(None, TICKS, tmp_path, triggers=[TriggerSpec("each", Each())], forecasters=[spec(model)])
        )
        await until(lambda: model.requests)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    assert Hangs.cancelled == 1
    read(tmp_path / "shadow" / "journal.sqlite3")
