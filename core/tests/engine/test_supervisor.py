"""The supervisor on virtual time: order, restarts, escalation, heartbeats, stopping; and random schedules against a model."""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml4t.live.engine.backoff import FullJitter
from ml4t.live.engine.supervisor import Child, ChildHung, ChildState, ChildStuck, Supervisor, SupervisorFailed
from ml4t.live.errors import FeedRefused
from ml4t.live.testing import run_virtual
from ml4t.live.times import NANOS

AT_ONCE = partial(FullJitter, base=0.0)


class BoomError(Exception):
    pass


class World:
    """A supervisor on virtual time, what it said, and what its children did."""

    def __init__(self, clock, seed=0):
        self.clock = clock
        self.rng = random.Random(seed)
        self.events = []
        self.log = []

    def supervise(self, *children):
        self.supervisor = Supervisor(children, self.clock, self.rng, self.events.append)
        return self.supervisor

    def seconds(self):
        return self.clock.monotonic() / NANOS

    def note(self, *what):
        self.log.append((*what, self.seconds()))

    def kinds(self, child=None):
        return [e.kind for e in self.events if child in (None, e.child)]

    def child(self, name, *, start_up=0.0, lives=None, dies_of=None, clean_up=0.0, **options):
        """A child that is ready after `start_up`, ends after `lives` (returns, or raises) and takes `clean_up` to stop."""

        async def run(beacon):
            self.note("run", name)
            try:
                await self.clock.sleep(start_up)
                beacon.ready()
                await self.clock.sleep(lives if lives is not None else 10**8)
                if dies_of is not None:
                    raise dies_of
            finally:
                if clean_up:
                    await self.clock.sleep(clean_up)
                self.note("end", name)

        return Child(name, run, **{"backoff": AT_ONCE, **options})


def simulate(scenario, **options):
    async def main(clock):
        world = World(clock)
        await scenario(world)
        await clock.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}, "a task was leaked"
        return world

    return run_virtual(main, **options)


def test_children_start_in_order_each_after_the_one_before_is_ready_and_stop_in_reverse():
    async def scenario(w):
        s = w.supervise(w.child("a", start_up=3, clean_up=1), w.child("b", start_up=2, clean_up=2), w.child("c"))
        assert await s.start() is True
        assert [h.state for h in s.health()] == [ChildState.READY] * 3
        await s.stop()
        assert [h.state for h in s.health()] == [ChildState.STOPPED] * 3
        await s.wait()

    w = simulate(scenario)
    assert w.log == [
        *[("run", "a", 0), ("run", "b", 3), ("run", "c", 5)],
        *[("end", "c", 5), ("end", "b", 7), ("end", "a", 8)],
    ]
    assert [(e.child, e.kind, e.at / NANOS) for e in w.events] == [
        *[("a", "starting", 0), ("a", "ready", 3), ("b", "starting", 3), ("b", "ready", 5)],
        *[("c", "starting", 5), ("c", "ready", 5), ("c", "stopped", 5), ("b", "stopped", 7), ("a", "stopped", 8)],
    ]


@pytest.mark.parametrize(
    ("restart", "dies_of", "runs", "state"),
    [
        ("temporary", BoomError("x"), 1, ChildState.FAILED),
        ("temporary", None, 1, ChildState.STOPPED),
        ("transient", None, 1, ChildState.STOPPED),
        ("transient", BoomError("x"), 4, ChildState.FAILED),
        ("permanent", BoomError("x"), 4, ChildState.FAILED),
        ("permanent", None, 4, ChildState.FAILED),
    ],
)
def test_what_is_run_again(restart, dies_of, runs, state):
    escalates = runs > 1

    async def scenario(w):
        s = w.supervise(w.child("a", lives=1, dies_of=dies_of, restart=restart, max_restarts=3), w.child("b"))
        await s.start()
        if escalates:
            with pytest.raises(SupervisorFailed) as caught:
                await s.wait()
            assert (caught.value.child, caught.value.error) == ("a", dies_of)
            assert caught.value.__cause__ is dies_of
        else:
            await s.wait()
            assert s.failure is None
            assert s.health()[1].state is ChildState.READY
        health = s.health()[0]
        assert (health.state, health.error, health.restarts) == (state, dies_of, runs - 1)
        await s.stop()
        assert s.health()[1].state is ChildState.STOPPED

    w = simulate(scenario)
    assert [t for what, name, t in w.log if (what, name) == ("run", "a")] == list(range(runs))


def test_a_fatal_error_escalates_at_once_and_everything_is_stopped_in_reverse_before_wait_raises():
    async def scenario(w):
        s = w.supervise(
            w.child("broker", clean_up=5),
            w.child("feed", lives=7, dies_of=FeedRefused("no subscription"), fatal=(FeedRefused,)),
            w.child("engine", clean_up=1),
        )
        await s.start()
        with pytest.raises(SupervisorFailed, match="feed cannot be kept running: FeedRefused: no subscription"):
            await s.wait()
        assert w.seconds() == 13
        await s.stop()
        with pytest.raises(SupervisorFailed):
            await s.wait()

    w = simulate(scenario)
    assert w.log[-3:] == [("end", "feed", 7), ("end", "engine", 8), ("end", "broker", 13)]
    assert w.kinds("feed") == ["starting", "ready", "crashed", "failed"]


def test_restarts_are_forgotten_after_the_period():
    async def scenario(w):
        s = w.supervise(w.child("a", lives=31, dies_of=BoomError(), max_restarts=2, within_seconds=60))
        await s.start()
        await w.clock.sleep(31 * 100 + 1)
        assert s.health()[0].restarts == 100
        await s.stop()

    simulate(scenario)


def test_the_delays_are_full_jitter_and_start_again_after_a_stable_period():
    lives = iter([0, 0, 9, 11, 0, 0, 10**6])

    async def scenario(w):
        async def run(beacon):
            beacon.ready()
            await w.clock.sleep(next(lives))
            raise BoomError

        s = w.supervise(Child("a", run, max_restarts=6, backoff=FullJitter))
        await s.start()
        await w.clock.sleep(1000)
        await s.stop()

    w = simulate(scenario)
    delays = [e.delay_seconds for e in w.events if e.kind == "backing off"]
    rng = random.Random(0)
    assert delays == [rng.uniform(0, 0.5 * 2**n) for n in (0, 1, 2, 0, 1, 2)]
    starts = [e.at for e in w.events if e.kind == "starting"]
    offs = [e.at for e in w.events if e.kind == "backing off"]
    assert [b - a for a, b in zip(offs, starts[1:], strict=True)] == [pytest.approx(d * NANOS, abs=2) for d in delays]


def test_a_child_that_is_not_ready_in_time_is_cancelled_and_run_again():
    slow = iter([100, 100, 1])

    async def scenario(w):
        async def run(beacon):
            w.note("run")
            try:
                await w.clock.sleep(next(slow))
                beacon.ready()
                await w.clock.sleep(10**6)
            finally:
                w.note("end")

        s = w.supervise(Child("a", run, ready_timeout_seconds=30, backoff=AT_ONCE), w.child("b"))
        assert await s.start()
        assert w.seconds() == 61
        assert isinstance(s.health()[0].error, ChildHung)
        await s.stop()

    w = simulate(scenario)
    assert [entry for entry in w.log if len(entry) == 2][:4] == [("run", 0), ("end", 30), ("run", 30), ("end", 60)]


def test_a_child_without_ready_timeout_counts_as_ready_and_one_with_infinity_is_waited_for():
    async def scenario(w):
        s = w.supervise(
            w.child("a", start_up=1000, ready_timeout_seconds=None),
            w.child("b", start_up=10**5, ready_timeout_seconds=math.inf),
        )
        assert await s.start()
        assert w.seconds() == 10**5
        await s.stop()

    w = simulate(scenario)
    assert w.log[:2] == [("run", "a", 0), ("run", "b", 0)]


@pytest.mark.parametrize("ends", [None, BoomError("early")])
def test_starting_goes_on_without_a_temporary_child_that_ends_before_it_is_ready(ends):
    async def run(_):
        if ends:
            raise ends

    async def scenario(w):
        s = w.supervise(Child("a", run, restart="temporary"), w.child("b"))
        assert await s.start()
        assert [h.state for h in s.health()] == [ChildState.FAILED if ends else ChildState.STOPPED, ChildState.READY]
        await s.wait()
        await s.stop()

    simulate(scenario)


def test_start_raises_when_a_child_escalates_and_stops_those_before_it():
    async def scenario(w):
        s = w.supervise(
            w.child("a", clean_up=3), w.child("b", start_up=2, lives=0, dies_of=BoomError(), max_restarts=0), w.child("c")
        )
        s = w.supervise(w.child("a", clean_up=3), _dies_at_start(w, "b"), w.child("c"))
        with pytest.raises(SupervisorFailed, match="b cannot be kept running: BoomError"):
            await s.start()
        assert [h.state for h in s.health()] == [ChildState.STOPPED, ChildState.FAILED, ChildState.WAITING]
        with pytest.raises(SupervisorFailed):
            await s.wait()

    w = simulate(scenario)
    assert ("end", "a", 5) in w.log
    assert not [entry for entry in w.log if "c" in entry]


def _dies_at_start(w, name):
    async def run(_):
        await w.clock.sleep(2)
        raise BoomError

    return Child(name, run, max_restarts=0)


def test_a_missed_heartbeat_is_a_restart():
    async def scenario(w):
        async def run(beacon):
            w.note("run")
            beacon.ready()
            for _ in range(3):
                await w.clock.sleep(4)
                beacon.beat()
            try:
                await asyncio.Event().wait()
            finally:
                w.note("end")

        s = w.supervise(Child("a", run, heartbeat_seconds=5, max_restarts=2, within_seconds=3600, backoff=AT_ONCE))
        await s.start()
        with pytest.raises(SupervisorFailed, match="no heartbeat for 5 s"):
            await s.wait()
        assert s.health()[0].restarts == 2
        assert s.health()[0].last_beat == [e.at for e in w.events if e.kind == "starting"][-1] + 12 * NANOS

    w = simulate(scenario)
    began = ended = None
    for what, at in w.log:
        began, ended = (at, ended) if what == "run" else (began, at)
        if what == "end":
            assert 12 + 5 <= ended - began <= 12 + 6.25
    assert [what for what, _ in w.log] == ["run", "end"] * 3


def test_a_loop_that_was_blocked_costs_no_child_its_life():
    async def scenario(w):
        async def run(beacon):
            beacon.ready()
            while True:
                await w.clock.sleep(1)
                beacon.beat()

        s = w.supervise(Child("a", run, heartbeat_seconds=2))
        await s.start()
        await w.clock.sleep(10)
        asyncio.get_running_loop()._virtual_time += 600  # time passes while nothing runs: the loop was blocked
        await w.clock.sleep(10)
        assert s.health()[0].restarts == 0
        await s.stop()

    simulate(scenario)


def test_a_stuck_child_is_given_up_and_reported_and_the_others_are_still_stopped():
    hold = []

    async def scenario(w):
        async def stubborn(beacon):
            beacon.ready()
            while not hold:
                try:
                    await w.clock.sleep(10**6)
                except asyncio.CancelledError:
                    w.note("ignored")

        s = w.supervise(w.child("a"), Child("b", stubborn), w.child("c"))
        await s.start()
        await s.stop(5)
        assert w.seconds() == 6
        assert [h.state for h in s.health()] == [ChildState.STOPPED, ChildState.FAILED, ChildState.STOPPED]
        assert isinstance(s.health()[1].error, ChildStuck)
        await s.wait()
        hold.append(True)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
            await asyncio.wait({task})

    w = simulate(scenario)
    assert w.log[2:4] == [("end", "c", 0), ("ignored", 0)]
    assert ("ignored", 5) in w.log
    assert w.kinds("b")[-1] == "failed"


def test_a_hung_child_that_cannot_be_cancelled_escalates_rather_than_run_twice():
    async def scenario(w):
        release = asyncio.Event()

        async def stubborn(beacon):
            w.note("run")
            beacon.ready()
            while not release.is_set():
                try:
                    await release.wait()
                except asyncio.CancelledError:
                    continue

        s = w.supervise(w.child("a"), Child("b", stubborn, heartbeat_seconds=1))
        await s.start()
        with pytest.raises(SupervisorFailed, match="b still runs 10 s after it was cancelled"):
            await s.wait()
        release.set()
        await w.clock.sleep(1)

    w = simulate(scenario)
    assert [entry[0] for entry in w.log if len(entry) == 2] == ["run"]


def test_stopping_does_not_interrupt_the_clean_up_of_a_hung_child():
    async def scenario(w):
        s = w.supervise(w.child("a"), w.child("b", clean_up=6, heartbeat_seconds=4, restart="transient"))
        await s.start()
        await w.clock.sleep(5)
        assert [e.kind for e in w.events][-1] == "ready", "it is being cancelled, and cleans up"
        await s.stop(10)

    w = simulate(scenario)
    assert ("end", "b", 10) in w.log
    assert w.kinds()[-2:] == ["stopped", "stopped"]


def test_a_hung_child_that_fails_to_clean_up_tells_both():
    async def scenario(w):
        async def run(beacon):
            beacon.ready()
            try:
                await asyncio.Event().wait()
            finally:
                raise BoomError("clean-up")

        s = w.supervise(Child("a", run, heartbeat_seconds=1, restart="temporary"))
        await s.start()
        await s.wait()
        error = s.health()[0].error
        assert isinstance(error, ChildHung)
        assert repr(error.__cause__) == "BoomError('clean-up')"

    simulate(scenario)


def test_wait_during_stop_waits_for_its_end_although_the_mortal_children_had_ended_before():
    async def scenario(w):
        s = w.supervise(w.child("a", clean_up=3), w.child("b", lives=1, restart="transient"))
        await s.start()
        await s.wait()
        stopping = asyncio.create_task(s.stop())
        await w.clock.sleep(1)
        await s.wait()
        assert w.seconds() == 4
        await stopping

    simulate(scenario)


def test_a_clean_up_that_fails_is_told():
    async def scenario(w):
        async def run(beacon):
            beacon.ready()
            try:
                await w.clock.sleep(100)
            finally:
                raise BoomError("clean-up")

        s = w.supervise(Child("a", run))
        await s.start()
        await s.stop()
        assert repr(s.health()[0].error) == repr(w.events[-1].error) == "BoomError('clean-up')"
        assert w.events[-1].kind == "stopped"

    simulate(scenario)


def test_stop_during_start_makes_start_return_false():
    async def scenario(w):
        s = w.supervise(w.child("a"), w.child("b", start_up=10), w.child("c"))
        starting = asyncio.create_task(s.start())
        await w.clock.sleep(5)
        await s.stop()
        assert await starting is False
        await s.wait()
        assert [h.state for h in s.health()] == [ChildState.STOPPED, ChildState.STOPPED, ChildState.WAITING]

    simulate(scenario)


def test_stop_before_start_and_stop_in_the_same_turn():
    async def scenario(w):
        s = w.supervise(w.child("a"))
        await s.stop()
        assert await s.start() is False
        await s.wait()
        s = w.supervise(w.child("a"))
        assert await asyncio.gather(s.start(), s.stop()) == [False, None]
        s = w.supervise(w.child("a"))
        assert await asyncio.gather(s.stop(), s.start()) == [None, False]

    simulate(scenario)


def test_stop_during_back_off_and_twice_and_by_two_at_once():
    async def scenario(w):
        child = w.child("a", lives=0, dies_of=BoomError(), backoff=lambda rng: FullJitter(_Always(0.9), 1000, 1000))
        s = w.supervise(child)
        await s.start()
        await w.clock.sleep(1)
        assert s.health()[0].state is ChildState.BACKING_OFF
        await asyncio.gather(s.stop(), s.stop())
        await s.stop()
        assert w.seconds() == 1
        assert s.health()[0].state is ChildState.STOPPED

    w = simulate(scenario)
    assert w.kinds() == ["starting", "ready", "crashed", "backing off", "stopped"]


class _Always(random.Random):
    def __init__(self, share):
        super().__init__(0)
        self.share = share

    def uniform(self, a, b):
        return a + (b - a) * self.share


def test_a_caller_of_stop_that_is_cancelled_leaves_the_stopping_going_on():
    async def scenario(w):
        s = w.supervise(w.child("a", clean_up=3), w.child("b", clean_up=3))
        await s.start()
        with pytest.raises(TimeoutError):
            async with w.clock.timeout(1):
                await s.stop()
        await s.wait()
        assert w.seconds() == 6

    simulate(scenario)


def test_a_cancelled_start_stops_what_it_started_and_a_cancelled_wait_stops_nothing():
    async def scenario(w):
        s = w.supervise(w.child("a", clean_up=2), w.child("b", start_up=100))
        with pytest.raises(TimeoutError):
            async with w.clock.timeout(10):
                await s.start()
        assert w.seconds() == 12
        s = w.supervise(w.child("c"))
        await s.start()
        with pytest.raises(TimeoutError):
            async with w.clock.timeout(10):
                await s.wait()
        assert s.health()[0].state is ChildState.READY
        await s.stop()

    simulate(scenario)


def test_a_child_may_stop_the_supervisor_itself():
    async def scenario(w):
        async def run(beacon):
            beacon.ready()
            await w.clock.sleep(5)
            await s.stop()

        s = w.supervise(w.child("a"), Child("b", run), w.child("c"))
        await s.start()
        await s.wait()
        assert [h.state for h in s.health()] == [ChildState.STOPPED] * 3

    simulate(scenario)


def test_a_child_cancelled_from_elsewhere_has_crashed():
    async def scenario(w):
        async def run(beacon):
            beacon.ready()
            other = asyncio.get_running_loop().create_future()
            asyncio.get_running_loop().call_later(1, other.cancel)
            await other

        s = w.supervise(Child("a", run, restart="transient", max_restarts=1, backoff=AT_ONCE))
        await s.start()
        with pytest.raises(SupervisorFailed, match="CancelledError: cancelled by something else"):
            await s.wait()

    simulate(scenario)


def test_wait_returns_when_the_mortal_children_have_ended_and_not_before():
    async def scenario(w):
        s = w.supervise(
            w.child("a"),
            w.child("b", lives=5, restart="transient"),
            w.child("c", lives=9, dies_of=BoomError(), restart="temporary"),
        )
        await s.start()
        await s.wait()
        assert w.seconds() == 9
        assert s.health()[0].state is ChildState.READY
        await s.stop()

    simulate(scenario)


def test_wait_with_permanent_children_only_waits_for_stop():
    async def scenario(w):
        s = w.supervise(w.child("a", clean_up=1))
        await s.start()
        waiting = asyncio.create_task(s.wait())
        await w.clock.sleep(1000)
        assert not waiting.done()
        await s.stop()
        await waiting

    simulate(scenario)


def test_a_listener_that_fails_is_reported_and_changes_nothing():
    reported = []

    def fail(event):
        raise BoomError(event.kind)

    async def scenario(w):
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["message"]))
        s = Supervisor([w.child("a", lives=1, restart="transient")], w.clock, w.rng, fail)
        await s.start()
        await s.wait()

    simulate(scenario)
    assert reported == [f"on_event failed for a ({kind})" for kind in ("starting", "ready", "ended")]


def test_a_fault_of_the_keeper_escalates():
    class Broken(FullJitter):
        def next(self):
            raise ZeroDivisionError("back-off")

    async def scenario(w):
        s = w.supervise(w.child("a", lives=1, dies_of=BoomError(), backoff=Broken), w.child("b"))
        await s.start()
        with pytest.raises(SupervisorFailed, match="ZeroDivisionError"):
            await s.wait()

    simulate(scenario)


def test_names_are_unique_options_are_checked_and_a_supervisor_starts_once():
    async def scenario(w):
        with pytest.raises(ValueError, match="name of its own"):
            w.supervise(w.child("a"), w.child("a"))
        for wrong in ({"restart": "always"}, {"max_restarts": -1}, {"within_seconds": 0}, {"heartbeat_seconds": 0}):
            with pytest.raises(ValueError, match=next(iter(wrong))):
                w.child("a", **wrong)
        s = w.supervise()
        assert await s.start()
        with pytest.raises(RuntimeError, match="once"):
            await s.start()
        await s.stop()
        await s.wait()

    simulate(scenario)


def test_it_runs_on_the_machines_clock_too():
    from ml4t.live.clock import SystemClock

    async def main():
        crashes = iter([BoomError("first"), None])

        async def run(beacon):
            beacon.ready()
            if error := next(crashes):
                raise error

        s = Supervisor([Child("a", run, restart="transient", backoff=AT_ONCE)], SystemClock(), random.Random(0))
        async with asyncio.timeout(30):
            assert await s.start()
            await s.wait()
            await s.stop()
        return s.health()[0]

    health = asyncio.run(main())
    assert (health.state, health.restarts, str(health.error)) == (ChildState.STOPPED, 1, "first")


RUNS = st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=15)


def model(runs, restart, most, within):
    """Return (times of the starts, how it ends) of one child, told in a dozen plain lines."""
    now, restarts, starts = 0, [], []
    for lives, crashes in runs:
        starts.append(now)
        now += lives
        if restart == "temporary" or (restart == "transient" and not crashes):
            return starts, "failed" if crashes else "stopped"
        if sum(now - then <= within for then in restarts) >= most:
            return starts, "escalated"
        restarts.append(now)
    return [*starts, now], "ready"


@given(RUNS, st.sampled_from(["permanent", "transient", "temporary"]), st.integers(0, 4), st.integers(1, 100))
@settings(max_examples=300, deadline=None)
def test_random_crash_schedules_agree_with_the_model(runs, restart, most, within):
    script = iter(runs)

    async def scenario(w):
        async def run(beacon):
            w.note("run")
            beacon.ready()
            lives, crashes = next(script, (10**7, False))
            await w.clock.sleep(lives)
            if crashes:
                raise BoomError

        child = Child("a", run, restart=restart, max_restarts=most, within_seconds=within, backoff=AT_ONCE)
        s = w.supervise(w.child("before"), child, w.child("after"))
        with contextlib.suppress(SupervisorFailed):  # it may escalate while `after` is still starting
            await s.start()
        await w.clock.sleep(10_000)
        w.ends = "escalated" if s.failure else str(s.health()[1].state)
        w.restarts = s.health()[1].restarts
        w.others = {s.health()[0].state, s.health()[2].state} - {ChildState.WAITING}
        await s.stop()

    w = simulate(scenario)
    starts, ends = model(runs, restart, most, within)
    assert [at for _, at in (entry for entry in w.log if len(entry) == 2)] == starts
    assert w.ends == ends
    assert w.restarts == len(starts) - 1
    assert w.others == {ChildState.STOPPED if ends == "escalated" else ChildState.READY}


CHILDREN = st.lists(
    st.tuples(
        st.sampled_from(["permanent", "transient", "temporary"]),
        st.sampled_from([0.0, 0.5, 3.0, 40.0]),  # start-up; the last is beyond the time allowed
        st.one_of(st.none(), st.floats(0, 20)),  # how long it lives
        st.booleans(),  # crashes
        st.sampled_from([0.0, 0.5, 20.0]),  # clean-up; the last is beyond the time allowed
    ),
    min_size=1,
    max_size=4,
)


@given(CHILDREN, st.floats(0, 120), st.integers(0, 2**32))
@settings(max_examples=300, deadline=None)
def test_whenever_it_is_stopped_nothing_is_left_and_nothing_ever_ran_twice_at_once(children, stop_at, seed):
    running = set()

    def guarded(child):
        async def run(beacon):
            assert child.name not in running
            running.add(child.name)
            try:
                await child.run(beacon)
            finally:
                running.discard(child.name)

        return Child(
            child.name,
            run,
            restart=child.restart,
            max_restarts=3,
            within_seconds=30,
            ready_timeout_seconds=30,
            backoff=FullJitter,
        )

    async def scenario(w):
        w.rng.seed(seed)
        specs = []
        for n, (restart, start_up, lives, crashes, clean_up) in enumerate(children):
            error = BoomError(n) if crashes else None
            spec = w.child(f"c{n}", start_up=start_up, lives=lives, dies_of=error, clean_up=clean_up, restart=restart)
            specs.append(guarded(spec))
        s = w.supervise(*specs)

        async def use():
            await s.start()
            await s.wait()

        using = asyncio.create_task(use())
        await w.clock.sleep(stop_at)
        before = w.seconds()
        await s.stop(10)
        assert w.seconds() - before <= 11 * len(children)
        (result,) = await asyncio.gather(using, return_exceptions=True)
        assert result is None or isinstance(result, SupervisorFailed)
        assert result is s.failure or (result is None and any(spec.restart != "permanent" for spec in specs))
        assert not running
        allowed = {ChildState.STOPPED, ChildState.FAILED, ChildState.WAITING}
        assert {h.state for h in s.health()} <= allowed
        stopped = [e.child for e in w.events if e.kind == "stopped"]
        assert stopped == sorted(stopped, reverse=True)

    w = simulate(scenario)
    order = [e.child for e in w.events if e.kind == "starting"]
    assert sorted(set(order), key=order.index) == sorted(set(order))
