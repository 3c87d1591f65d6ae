"""Forecasters that fail, hang, compute for long, or trade: each is on its own, and counted."""

from __future__ import annotations

import asyncio
import os
import random
import threading

import attrs
import pytest
from engine_kit import HOUR, MINUTE, SECOND, START, limits, read, replay, trade, until
from heavy_models import Heavy, Later, Secret, Studies

from ml4t.live import LiveEngine
from ml4t.live.contracts import OrderIntent
from ml4t.live.engine.forecasting import ForecasterSpec
from ml4t.live.engine.standing import CONCURRENT, DISABLE_AFTER, FIRST_PAUSE, Standing
from ml4t.live.engine.triggers import TriggerSpec
from ml4t.live.model import Direction, Firing, Forecast, Trade

TICKS = [trade("A", n * MINUTE, 100.0 + n) for n in range(30)]


class Each:
    def on_event(self, event, market):
        return Firing(reason="it was time")


class Says:
    version = "1"

    def __init__(self, answer):
        self.answer, self.requests = answer, []

    def forecast(self, request):
        self.requests.append(request)
        return self.answer(request)


def run(folder, *specs, events=TICKS, **options):
    return replay(None, events, folder, triggers=[TriggerSpec("each", Each())], forecasters=specs, **options)


def spec(forecaster, name="model", **rest):
    return ForecasterSpec(name, forecaster, frozenset({"each"}), horizon=5 * MINUTE, **rest)


# ------------------------------------------------------------------ standing


def test_every_failure_in_a_row_doubles_the_pause_and_a_good_answer_ends_it():
    standing = Standing()
    pauses = []
    for _ in range(DISABLE_AFTER - 1):
        assert not standing.fail(0)
        pauses.append(standing.again_at)
        assert "left alone" in standing.why_not(standing.again_at - 1)
        assert standing.why_not(standing.again_at) == ""
    assert pauses == [FIRST_PAUSE * 2**n for n in range(DISABLE_AFTER - 1)]
    standing.answer(0.5)
    assert standing.why_not(0) == ""
    assert [standing.fail(10**18) for _ in range(DISABLE_AFTER + 1)] == [*[False] * (DISABLE_AFTER - 1), True, False]
    assert "disabled" in standing.why_not(10**20)
    assert (standing.answered, standing.failed, standing.slowest) == (1, 2 * DISABLE_AFTER, 0.5)


def test_what_fails_is_left_alone_for_a_while_and_that_is_recorded(tmp_path):
    def fails(request):
        raise RuntimeError("no data yet")

    ticks = [trade("A", n * SECOND // 4, 100.0) for n in range(40)]  # ten seconds
    model = Says(fails)
    story = run(tmp_path, spec(model), events=ticks)
    assert [(r.time - START) // SECOND for r in model.requests] == [0, 1, 3, 7]
    declined = [body["why"] for body in story.bodies("declined")]
    assert len(declined) == 36
    assert set(declined) == {f"it failed {n} times in a row and is left alone for a while" for n in (1, 2, 3, 4)}


# ------------------------------------------------------------------ what they are told


def test_a_model_sees_its_past_scores_and_the_portfolio(tmp_path):
    def answer(request):
        price = request.market.price("A")
        known = request.scores.get(("model", request.horizon))
        seen.append((len(request.scores), known.resolved if known else 0, dict(request.positions), request.equity))
        return [Forecast("A", request.horizon, price + 5.0, Direction.UP), OrderIntent("A", 1.0)][: 2 if len(seen) == 3 else 1]

    seen = []
    run(tmp_path, spec(Says(answer)))
    assert seen[0] == (0, 0, {}, 100_000.0)
    assert seen[1][:2] == (1, 0)
    assert seen[-1][1] == 25
    assert seen[2][2] == {}
    assert seen[-1][2]["A"].quantity == 1.0
    assert seen[-1][3] > 100_000.0


# ------------------------------------------------------------------ orders


def test_orders_pass_the_gate_and_say_what_they_are_due_to(tmp_path):
    def answer(request):
        if len(model.requests) != 3:
            return None
        intents = [OrderIntent("A", 2), OrderIntent("A", -5_000, reason="too large")]
        return [*intents, Forecast("A", request.horizon, 120.0)]

    model = Says(answer)
    story = run(tmp_path, spec(model, "agent"), risk=limits(max_order_shares=100))
    bought, refused = sorted(story.orders.values(), key=lambda order: order.quantity)
    assert (bought.quantity, bought.strategy, bought.state.value) == (2, "agent", "filled")
    assert (bought.cause, refused.cause) == (f"each:A:{START + 2 * MINUTE}", "too large")
    assert refused.state.value == "rejected"
    assert len(story.bodies("forecast")) == 1
    assert len(story.fills) == 1


def test_the_same_firing_told_again_after_a_crash_sends_no_second_order(tmp_path):
    from ml4t.live.orders.identity import decision_id

    def answer(request):
        return OrderIntent("A", 1.0)

    events = TICKS[:3]
    story = run(tmp_path, spec(Says(answer), "agent"), events=events)
    keys = [f"each:A:{event.event_time}|0" for event in events]
    run_id = next(iter(story.orders.values()))
    assert set(story.orders) == {decision_id("live/shadow", "agent", "A", 0, key) for key in keys}, run_id


# ------------------------------------------------------------------ threads and processes


class Pushes:
    """A live feed whose ticks the test decides on."""

    historical = False
    symbols = ("A",)

    def __init__(self, steps):
        self.steps = steps

    async def run(self, sink):
        clock = self.engine.core.clock
        async for price in self.steps(self.engine):
            sink.push(Trade("A", clock.now(), price, 1.0))


def live(tmp_path, steps, *specs):
    feed = Pushes(steps)
    feed.engine = engine = LiveEngine(
        None,
        None,
        feed,
        risk=limits(),
        triggers=[TriggerSpec("each", Each())],
        forecasters=specs,
        state_dir=tmp_path,
    )
    asyncio.run(engine.run())
    return engine, read(engine.state_folder.journal)


def test_threads_that_never_come_back_are_few(tmp_path):
    release = threading.Event()
    model = Says(lambda request: release.wait() and None)

    async def steps(engine):
        standing = engine.core.forecasts.standing["model"]
        for count in range(1, CONCURRENT + 1):
            yield 100.0
            await until(lambda count=count: standing.failed == count, "a time-out")
            assert standing.stuck == count
            standing.again_at = standing.in_a_row = 0
        yield 101.0
        await until(lambda: standing.declined == 1, "a refusal")
        release.set()
        await until(lambda: standing.stuck == 0, "the threads")
        yield 102.0
        await until(lambda: len(model.requests) == CONCURRENT + 1, "another question")  # whether it answers in time or not

    _, story = live(tmp_path, steps, spec(model, budget_seconds=0.05))
    assert story.bodies("declined")[0]["why"] == f"{CONCURRENT} requests are running already"


@pytest.mark.parametrize("kind", [Heavy, Later])
def test_on_recorded_data_a_process_answers_before_the_next_event_is_applied(tmp_path, kind):
    story = run(tmp_path, spec(kind(), process=True), events=TICKS[:12])
    forecasts = story.bodies("forecast")
    assert [(body["issued_at"] - START) // MINUTE for body in forecasts] == list(range(12))
    assert [body["price"] for body in forecasts] == [100.0 + n for n in range(12)]
    [pid] = {body["quantiles"]["0.5"] for body in forecasts}
    assert pid != os.getpid()
    assert forecasts[-1]["quantiles"]["0.6"] == pid + 7, "it knows its own scores"
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


def test_in_a_process_the_market_view_says_what_it_says_here(tmp_path):
    rng = random.Random(5)
    ticks = [trade(symbol, n * 20 * SECOND, 100 + rng.random(), 1.0) for n in range(240) for symbol in "AB"]
    here, there = (
        run(tmp_path / name, spec(Studies(), process=name == "there", symbols=("A", "B")), events=ticks, calendar="XNYS")
        for name in ("here", "there")
    )
    assert there.bodies("error") == here.bodies("error") == []
    said = [body["samples"] for body in there.bodies("forecast")]
    assert said == [body["samples"] for body in here.bodies("forecast")]
    assert all(value != 10.0 for value in said[-1]), "all of it was known in the end"


@pytest.mark.parametrize(
    ("then", "budget", "words"),
    [
        ("die", 60.0, "the process of model died (exit code -9)"),
        ("hang", 5.0, "took longer than its 5 s"),
        ("fail", 60.0, "ValueError: the matrix is singular"),
        ("leave", 60.0, "SystemExit: 3"),
    ],
)
def test_a_process_that_dies_hangs_or_fails_costs_one_answer(tmp_path, then, budget, words):
    story = run(tmp_path, spec(Heavy(at=3, then=then), process=True, budget_seconds=budget), events=TICKS[:5])
    [error] = story.bodies("error")
    assert words in error["message"]
    assert len(story.bodies("forecast")) == 4
    assert len({body["quantiles"]["0.5"] for body in story.bodies("forecast")}) == (2 if then in {"die", "hang"} else 1)


def test_what_cannot_go_to_a_process_or_come_from_it_says_so(tmp_path):
    unnamed = type("Local", (Heavy,), {})()
    story = run(tmp_path, spec(unnamed, "here", process=True), spec(Secret(), "there", process=True), events=TICKS[:1])
    here, there = sorted(story.bodies("error"), key=lambda body: body["type"], reverse=True)
    assert "here cannot be moved to a process of its own" in here["message"]
    assert "define its class in a module" in here["message"]
    assert "its answer cannot be sent" in there["message"]


def test_a_run_is_told_of_a_split(tmp_path):
    async def steps(engine):
        yield 100.0
        await until(lambda: engine.core.forecasts.standing["model"].answered == 1, "a forecast")
        with pytest.raises(ValueError, match="write 4 for four"):
            engine.split("A", 0, engine.core.clock.now())
        engine.split("A", 4, engine.core.clock.now())
        await until(lambda: engine.core.ledger.open_count == 1, "an open forecast")
        yield 25.0

    model = Says(lambda request: Forecast("A", 1, 101.0) if len(model.requests) == 1 else None)
    engine, story = live(tmp_path, steps, spec(model))
    [resolution] = story.bodies("resolution")
    assert (resolution["price"], resolution["split"], resolution["absolute_error"]) == (100.0, 4.0, 1.0)
    with pytest.raises(RuntimeError, match="this one is stopped"):
        engine.split("A", 4, 0)


def test_a_forecaster_cannot_reach_the_future(tmp_path):
    """Everything that a request leads to is of the past: no event later than the question is anywhere in it."""
    times = []

    class Digs(Says):
        def forecast(self, request):
            seen = [request.market, request.market.get("A"), request.firing]
            numbers = {value for each in seen for value in _numbers(each)}
            times.append((request.time, max(number for number in numbers if number > HOUR)))
            prices = list(request.market.get("A").prices)
            assert prices == [event.price for event in TICKS if event.event_time <= request.time]
            with pytest.raises(attrs.exceptions.FrozenInstanceError):
                request.time = 0

    story = run(tmp_path, spec(Digs(None)))
    assert len(times) == len(TICKS)
    assert all(latest <= time for time, latest in times)
    assert story.bodies("error") == []


def _numbers(thing):
    names = [name for name in dir(thing) if not name.startswith("__")]
    return [value for name in names if isinstance(value := getattr(thing, name), int)]


def test_a_failure_names_the_firing_that_asked(tmp_path):
    def fails(request):
        raise RuntimeError("no data yet")

    [error] = run(tmp_path, spec(Says(fails)), events=TICKS[:1]).bodies("error")
    assert error["firing"] == f"each:A:{START}"
