"""Every background task of a run, killed one at a time: it is run again, or the run ends and says why. Never neither."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import attrs
import pytest
from engine_kit import START, limits, read

from ml4t.live import LiveEngine
from ml4t.live.engine.forecasting import ForecasterSpec
from ml4t.live.engine.triggers import TriggerSpec
from ml4t.live.errors import LiveError
from ml4t.live.model import Firing, OrderState
from ml4t.live.testing import Faults, SimulatedFeed, SimulatedVenue, run_virtual

PAGE = Path(__file__).parents[3] / "docs" / "operations.md"
SETTLED = 20.0
"""Seconds of virtual time after which everything is under way."""
AFTERWARDS = 120.0
"""Seconds of virtual time in which what is run again has to be back."""


class Buys:
    """A strategy that always has an order on its way."""

    def __init__(self):
        self.calls = 0

    def on_data(self, timestamp, data, context, broker):
        self.calls += 1
        if self.calls % 2 == 0:
            broker.submit_order("A", 1 if self.calls % 4 else -1)


class Each:
    def on_event(self, event, market):
        return Firing(reason="an event")


class Slow:
    """An agent that always has a request on its way."""

    def __init__(self, clock):
        self.clock = clock

    async def forecast(self, request):
        await self.clock.sleep(1.5)


class Notes:
    def __init__(self):
        self.heard = 0

    async def on_event(self, event):
        self.heard += 1


@attrs.define(slots=False)
class World:
    """A paper run with everything in it, on virtual time."""

    engine: LiveEngine
    venue: SimulatedVenue
    strategy: Buys
    observer: Notes
    run: asyncio.Task

    @classmethod
    async def begin(cls, clock, folder):
        feed = SimulatedFeed(["A"], clock, seed=1, duration_seconds=3_600.0)
        venue = SimulatedVenue(lambda _: 100.0, clock, seed=1, faults=Faults(latency_seconds=0.6))
        strategy, observer = Buys(), Notes()
        engine = LiveEngine(
            strategy,
            venue,
            feed,
            risk=limits(execution_mode="paper"),
            triggers=[TriggerSpec("each", Each())],
            forecasters=[ForecasterSpec("slow", Slow(clock), frozenset({"each"}))],
            observers=[("notes", observer)],
            state_dir=folder,
            clock=clock,
            seed=1,
        )
        run = asyncio.create_task(engine.run(), name="the program's own")
        await clock.sleep(SETTLED)
        world = cls(engine, venue, strategy, observer, run)
        while not {"submit ORDER", "forecaster NAME"} <= world.kinds():
            await clock.sleep(0.1)
        return world

    def tasks(self):
        """The tasks of the engine by name, in the order of their making."""
        mine = {asyncio.current_task(), self.run}
        # The venue stands for the outside: its tasks are not the engine's.
        found = [task for task in asyncio.all_tasks() if task not in mine and "SimulatedVenue" not in repr(task.get_coro())]
        return {task.get_name(): task for task in sorted(found, key=lambda task: task.get_name())}

    def kinds(self):
        return {kind_of(name) for name in self.tasks()}

    async def end(self):
        await self.engine.stop()
        try:
            await self.run
        except (LiveError, asyncio.CancelledError) as error:
            return error
        return None


def kind_of(name):
    """The name of a task without the part that is its own: `submit abc` is `submit`."""
    first = name.partition(" ")[0]
    if first in {"submit", "cancel", "replace"}:
        return f"{first} ORDER"
    return re.sub(r"\b(feed1|notes|slow)\b", "NAME", name)


KINDS = {
    "Event.wait",
    "FeedRunner._data",
    "FeedRunner._until_silent",
    "Inquiry.run",
    "Supervisor.wait",
    "VenueLink._listen",
    "VenueLink._until",
    "VenueLink._watch",
    "agenda",
    "broker",
    "broker watch",
    "checkup",
    "control",
    "feed NAME",
    "forecaster NAME",
    "journal watch",
    "keeper of NAME",
    "observer NAME",
    "reconciliation",
    "submit ORDER",
    "supervisor of ...",
    "triggers by hand",
    "watchdog beat",
}


ENDS = {"Event.wait", "Supervisor.wait", "broker watch", "keeper of NAME", "supervisor of ..."}
"""Those whose death is the end of the run."""


def table_kind(name):
    kind = kind_of(name)
    return re.sub(r"^(keeper of) .*", r"\1 NAME", re.sub(r"^(supervisor of) .*", r"\1 ...", kind))


def test_the_page_lists_every_task(tmp_path):
    async def main(clock):
        world = await World.begin(clock, tmp_path)
        kinds = {table_kind(name) for name in world.tasks()}
        await world.end()
        return kinds

    assert run_virtual(main, start=START) == KINDS
    section = PAGE.read_text().partition("## The tasks of a run")[2].partition("\n## ")[0]
    listed = set(re.findall(r"^\| `([^`]+)`", section, re.MULTILINE))
    assert listed >= KINDS, KINDS - listed


def names(folder):
    """The tasks there are; the same seed makes the same ones."""

    async def main(clock):
        world = await World.begin(clock, folder)
        found = list(world.tasks())
        await world.end()
        return found

    return run_virtual(main, start=START)


def kill(name, folder):
    """Cancel one task; return what became of the run."""

    async def main(clock):
        world = await World.begin(clock, folder)
        before, calls, heard = world.kinds(), world.strategy.calls, world.observer.heard
        world.tasks()[name].cancel()
        await clock.sleep(AFTERWARDS)
        if world.run.done():
            return "ended", await world.end(), world
        after = world.kinds()
        named = {kind for kind in before if "ORDER" not in kind and kind != "forecaster NAME"}
        assert named <= after, f"{named - after} did not come back"
        assert world.strategy.calls > calls + AFTERWARDS / 2, "the strategy hears nothing any more"
        assert world.observer.heard > heard, "the observer hears nothing any more"
        assert world.engine.core.connection.ready, world.engine.core.connection.why
        return "went on", await world.end(), world

    return run_virtual(main, start=START)


@pytest.mark.parametrize("name", names(Path(__import__("tempfile").mkdtemp())))
def test_no_task_dies_unheard(name, tmp_path):
    outcome, error, world = kill(name, tmp_path)
    assert (outcome == "ended") == (table_kind(name) in ENDS)
    if outcome == "ended":
        assert error is not None, "the run ended as if its data had"
        assert world.engine.state == "failed" or isinstance(error, asyncio.CancelledError)
    else:
        assert error is None
        assert world.engine.state == "stopped"
    story = read(world.engine.state_folder.journal)
    assert all(order.state is not OrderState.SENT for order in story.orders.values()), "an order that nobody asks about"


# ------------------------------------------------------------------ tasks that die of an exception


def raising(times, error):
    """A function that raises so many times, and then does nothing."""
    left = [times]

    def call(*_):
        if left[0]:
            left[0] -= 1
            raise error
        return ()

    return call


def live(folder, break_it, seconds=AFTERWARDS):
    """Run with something broken by `break_it(world)`; return what ended the run, None when it went on, and the world."""

    async def main(clock):
        world = await World.begin(clock, folder)
        break_it(world)
        await clock.sleep(seconds)
        done = world.run.done()
        error = await world.end()
        assert done == (error is not None)
        return error, world

    return run_virtual(main, start=START)


def test_control_is_obeyed_again_after_an_exception(tmp_path):
    def break_it(world):
        look, fails = world.engine._control.look, raising(3, RuntimeError("a listing that makes no sense"))
        world.engine._control.look = lambda: fails() or look()

    error, world = live(tmp_path, break_it)
    assert error is None
    said = [record.body for record in read(world.engine.state_folder.journal).of("health") if record.subject == "control"]
    assert [body["state"] for body in said] == ["crashed", "backing off"] * 3
    assert "a listing that makes no sense" in said[0]["error"]


def test_a_run_that_cannot_be_commanded_any_more_ends(tmp_path):
    error, _ = live(tmp_path, lambda world: setattr(world.engine._control, "look", raising(1_000, RuntimeError("no"))))
    assert str(error) == "control cannot be kept running: RuntimeError: no"


def test_looking_at_the_parts_is_tried_for_as_long_as_it_fails_no_more_than_five_times_a_minute(tmp_path):
    def break_it(world):
        board = world.engine._vitals.board
        note, fails = board.note, raising(4, RuntimeError("a rule with a mistake"))
        board.note = lambda *looked: fails() or note(*looked)

    error, world = live(tmp_path, break_it)
    assert error is None
    assert {condition.part for condition in world.engine.conditions} >= {"event loop", "feed feed1", "venue"}


def test_a_fault_of_the_engine_itself_ends_the_run(tmp_path):
    def break_it(world):
        core = world.engine.core
        core.agenda.at(core.clock.now() + 1, raising(1, ZeroDivisionError("a fault")))

    error, _ = live(tmp_path, break_it)
    assert str(error) == "agenda cannot be kept running: ZeroDivisionError: a fault"


@pytest.mark.parametrize("wrong", [RuntimeError("no"), SystemExit(3), asyncio.CancelledError()])
def test_an_observer_that_dies_is_told_the_rest(tmp_path, wrong):
    def break_it(world):
        hear, fails = world.observer.on_event, raising(3, wrong)

        async def on_event(event):
            fails()
            await hear(event)

        world.observer.on_event = on_event
        world.heard = world.observer.heard

    error, world = live(tmp_path, break_it)
    assert error is None
    assert world.observer.heard > world.heard + 100


def test_reconciliation_that_dies_is_begun_anew_with_the_line(tmp_path):
    def break_it(world):
        world.connects = world.venue.connects
        task = world.tasks()["reconciliation"]
        inquiry = task.get_coro().cr_frame.f_locals["self"]._inquiry
        inquiry._gather = raising(1, RuntimeError("a fault of the inquiry"))
        inquiry.wake()

    error, world = live(tmp_path, break_it)
    assert error is None
    assert world.venue.connects == world.connects + 1
    crashes = [record.body for record in read(world.engine.state_folder.journal).of("health") if record.subject == "broker"]
    assert "the books are not compared any more: RuntimeError('a fault of the inquiry')" in crashes[0]["error"]


def kill_and_look(kind, folder):
    """Cancel one task of a kind, and return the world a turn of the loop later, with what `kind` stood for."""

    async def main(clock):
        world = await World.begin(clock, folder)
        name = next(name for name in world.tasks() if kind_of(name) == kind)
        world.tasks()[name].cancel()
        await clock.sleep(0)
        await clock.sleep(0)
        order = world.engine.core.desk.orders.get(name.partition(" ")[2])
        failed = world.engine.core.forecasts.standing["slow"].failed
        await world.end()
        return order, failed

    return run_virtual(main, start=START)


def test_an_order_whose_request_was_cancelled_is_in_doubt_at_once(tmp_path):
    order, _ = kill_and_look("submit ORDER", tmp_path)
    assert order.state is OrderState.UNKNOWN


def test_a_request_to_a_forecaster_that_was_cancelled_is_a_failure_of_it(tmp_path):
    _, failed = kill_and_look("forecaster NAME", tmp_path)
    assert failed == 1
