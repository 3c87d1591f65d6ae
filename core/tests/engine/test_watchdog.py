"""The watchdog, with its real thread and a loop that is really blocked."""

from __future__ import annotations

import asyncio
import queue
import threading

import pytest

from ml4t.live.clock import DataClock, SystemClock
from ml4t.live.engine.watchdog import Blocked, Watchdog
from ml4t.live.testing import VirtualDeadline, run_virtual

PATIENCE = 60.0


class _Reports:
    """Collects what the watchdog says; the blocked loop's thread waits for it to be said."""

    def __init__(self, clock=None, **options):
        self.said = queue.Queue()
        self.threads = set()
        self.dog = Watchdog(
            clock or SystemClock(),
            on_blocked=lambda blocked: self._say("blocked", blocked),
            on_recovered=lambda seconds: self._say("recovered", seconds),
            on_stuck=lambda blocked: self._say("stuck", blocked),
            **options,
        )

    def _say(self, kind, value):
        self.threads.add(threading.current_thread().name)
        self.said.put((kind, value))

    def next(self):
        return self.said.get(timeout=PATIENCE)


def _hog_the_loop_until(reports):
    """Block the loop until that is reported; a busy machine may have held it up before."""
    reports.dog.beat()
    while True:
        kind, what = reports.next()
        if kind == "blocked" and "_hog_the_loop_until" in what.stack:
            return kind, what


async def _next(reports):
    """Wait for the next report with a loop that turns."""
    async with asyncio.timeout(PATIENCE):
        while reports.said.empty():  # noqa: ASYNC110 - a loop that turns is what is being tested
            await asyncio.sleep(0.005)
    return reports.said.get_nowait()


def _watchdogs():
    return [t for t in threading.enumerate() if "watchdog" in t.name]


def test_a_blocked_loop_is_reported_once_with_its_stack_and_again_when_it_recovers():
    async def main():
        reports = _Reports(blocked_after_seconds=0.1)
        reports.dog.start()
        beating = asyncio.create_task(reports.dog.keep_beating())
        await asyncio.sleep(0)
        blocked = _hog_the_loop_until(reports)
        threading.Event().wait(0.3)  # blocked for several more checks: no second report comes of it
        assert reports.said.empty()
        recovered = await _next(reports)
        reports.dog.stop()
        beating.cancel()
        return reports, blocked, recovered

    reports, (kind, blocked), (last, total) = asyncio.run(main())
    assert (kind, last) == ("blocked", "recovered")
    assert isinstance(blocked, Blocked)
    assert blocked.seconds > 0.1
    assert total > blocked.seconds
    assert total >= 0.3
    assert reports.threads == {"ml4t-live watchdog"}
    assert not _watchdogs()


def test_a_second_episode_is_reported_again():
    async def main():
        reports = _Reports(blocked_after_seconds=0.05)
        reports.dog.start()
        beating = asyncio.create_task(reports.dog.keep_beating())
        kinds = []
        for _ in range(2):
            await asyncio.sleep(0)
            kinds += [_hog_the_loop_until(reports)[0], (await _next(reports))[0]]
        reports.dog.stop()
        beating.cancel()
        return kinds

    assert asyncio.run(main()) == ["blocked", "recovered"] * 2


def test_a_stuck_loop_escalates_once():
    async def main():
        reports = _Reports(blocked_after_seconds=0.05, stuck_after_seconds=0.2)
        reports.dog.start()
        said = [reports.next(), reports.next()]
        threading.Event().wait(0.2)
        assert reports.said.empty()
        reports.dog.stop()
        return said

    (first, blocked), (second, stuck) = asyncio.run(main())
    assert (first, second) == ("blocked", "stuck")
    assert stuck.seconds > 0.2
    assert stuck.seconds > blocked.seconds


def test_a_loop_that_turns_is_left_alone():
    async def main():
        reports = _Reports(blocked_after_seconds=5.0)  # never late on any machine, yet checked all the time below
        reports.dog._interval = 0.005
        reports.dog.start()
        beating = asyncio.create_task(reports.dog.keep_beating())
        for _ in range(20):
            await asyncio.sleep(0.005)
        reports.dog.stop()
        beating.cancel()
        return reports.said.empty()

    assert asyncio.run(main())


def test_a_listener_that_fails_does_not_end_the_watch(monkeypatch):
    hooked = queue.Queue()
    monkeypatch.setattr(threading, "excepthook", hooked.put)

    def fail(_):
        raise ValueError("listener")

    async def main():
        recovered = asyncio.Event()
        loop = asyncio.get_running_loop()
        dog = Watchdog(
            SystemClock(),
            on_blocked=fail,
            on_recovered=lambda _: loop.call_soon_threadsafe(recovered.set),
            blocked_after_seconds=0.05,
        )
        dog.start()
        assert hooked.get(timeout=PATIENCE).exc_type is ValueError
        dog.beat()
        async with asyncio.timeout(PATIENCE):
            await recovered.wait()
        dog.stop()

    asyncio.run(main())


def test_stop_is_idempotent_and_works_before_start_and_from_a_callback():
    _Reports().dog.stop()
    started, stopped = threading.Event(), threading.Event()

    def stop_it(_):
        started.wait(PATIENCE)
        dog.stop()
        stopped.set()

    dog = Watchdog(SystemClock(), on_blocked=stop_it, blocked_after_seconds=0.05)
    dog.start()
    dog.start()
    assert len(_watchdogs()) == 1
    started.set()
    assert stopped.wait(PATIENCE)
    dog.stop()
    dog.stop()
    assert not _watchdogs()


def test_there_is_no_thread_on_simulated_time():
    async def main(clock):
        dog = _Reports(clock).dog
        dog.start()
        assert not _watchdogs()
        task = asyncio.create_task(dog.keep_beating())
        await clock.sleep(3600)
        assert not task.done()
        dog.stop()

    run_virtual(main)
    dog = _Reports(DataClock()).dog
    dog.start()
    assert not _watchdogs()


def test_keep_beating_sets_no_timers_on_simulated_time():
    async def main(clock):
        await _Reports(clock).dog.keep_beating()

    with pytest.raises(RuntimeError, match="no timer") as caught:
        run_virtual(main)
    assert not isinstance(caught.value, VirtualDeadline)


@pytest.mark.parametrize("wrong", [{"blocked_after_seconds": 0}, {"blocked_after_seconds": 2, "stuck_after_seconds": 1}])
def test_limits_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="blocked_after_seconds"):
        _Reports(**wrong)
