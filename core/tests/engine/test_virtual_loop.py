"""The virtual-time loop: it jumps, it repeats itself, and it never hangs."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import threading
import time

import pytest

from ml4t.live.testing import VirtualDeadline, VirtualDeadlock, VirtualTimeLoop, run_virtual
from ml4t.live.testing import virtual_loop as module
from ml4t.live.times import NANOS

START = 1_700_000_000 * NANOS
DAY = 86_400


def test_time_jumps_to_the_next_timer_and_nothing_waits():
    async def main(clock):
        assert clock.now() == START
        await clock.sleep(3 * DAY)
        return clock.now()

    began = time.monotonic()
    assert run_virtual(main, start=START) == START + 3 * DAY * NANOS
    assert time.monotonic() - began < 5


def test_timers_fire_in_the_order_of_their_times():
    async def main(clock):
        woken = []

        async def sleeper(seconds):
            await clock.sleep(seconds)
            woken.append((seconds, clock.monotonic()))

        await asyncio.gather(*(sleeper(s) for s in (5, 1, 3, 0.25)))
        return woken

    assert run_virtual(main) == [(s, round(s * NANOS)) for s in (0.25, 1, 3, 5)]


def test_timeouts_run_on_virtual_time():
    async def main(clock):
        with pytest.raises(TimeoutError):
            async with clock.timeout(3600):
                await asyncio.Event().wait()
        return clock.monotonic()

    assert run_virtual(main) == 3600 * NANOS


def test_a_simulated_day_takes_seconds():
    async def main(clock):
        wakeups = 0

        async def every(seconds):
            nonlocal wakeups
            while True:
                await clock.sleep(seconds)
                wakeups += 1

        tasks = [asyncio.create_task(every(s)) for s in (1, 30, 60, 60, 120, 300, 300, 600, 900, 1800, 3600)]
        await clock.sleep(DAY + 0.5)
        for task in tasks:
            task.cancel()
        return wakeups

    began = time.monotonic()
    assert run_virtual(main) == sum(DAY // s for s in (1, 30, 60, 60, 120, 300, 300, 600, 900, 1800, 3600))
    assert time.monotonic() - began < 60  # about 2 s; the bound is for a loaded machine


def test_the_same_seed_gives_the_same_trace():
    def trace(seed):
        async def main(clock):
            rng = random.Random(seed)
            seen = []

            async def walker(name):
                for _ in range(50):
                    await clock.sleep(rng.expovariate(1))
                    seen.append((name, clock.now()))

            await asyncio.gather(*(walker(n) for n in range(5)))
            return seen

        return run_virtual(main, start=START)

    assert trace(1) == trace(1)
    assert trace(1) != trace(2)


def test_a_deadlock_is_an_error_that_says_where_everyone_waits():
    async def waits_for_ever():
        await asyncio.Event().wait()

    async def main(clock):
        await asyncio.gather(asyncio.create_task(waits_for_ever(), name="the lazy one"))

    with pytest.raises(VirtualDeadlock, match=r"(?s)no timer is set.*the lazy one at .*waits_for_ever|Event\.wait"):
        run_virtual(main)


def test_time_that_stands_still_is_an_error(monkeypatch):
    monkeypatch.setattr(module, "SPIN_LIMIT", 1000)

    async def main(clock):
        while True:
            await clock.sleep(0)

    with pytest.raises(VirtualDeadlock, match="without any time passing"):
        run_virtual(main)


def test_the_deadline_ends_a_run_that_would_go_on_for_ever_and_swallows_cancellation():
    cancelled = []

    async def main(clock):
        while True:
            try:
                await clock.sleep(1)
            except asyncio.CancelledError:
                cancelled.append(clock.monotonic())
                if len(cancelled) == 2:
                    raise

    with pytest.raises(VirtualDeadline, match="after 10 virtual seconds"):
        run_virtual(main, deadline=10)
    assert cancelled[0] == 10 * NANOS


def test_a_task_that_ignores_its_cancellation_is_an_error():
    async def stubborn():
        while True:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    async def main(clock):
        tasks.append(asyncio.create_task(stubborn(), name="mule"))
        await clock.sleep(1)

    tasks = []
    with pytest.raises(VirtualDeadlock, match=r"still running:\n  mule at"):
        run_virtual(main)
    tasks[0]._log_destroy_pending = False


def test_timers_of_the_same_time_fire_in_the_order_they_were_set():
    async def main(clock):
        woken = []

        async def sleeper(n):
            await clock.sleep(1)
            woken.append(n)

        await asyncio.gather(*(sleeper(n) for n in range(100)))
        return woken

    assert run_virtual(main) == list(range(100))


def test_a_deadlock_is_seen_before_the_deadline():
    async def main(clock):
        await clock.sleep(1)
        await asyncio.Event().wait()

    with pytest.raises(VirtualDeadlock):
        run_virtual(main, deadline=10)


def test_what_main_raises_comes_out_and_the_tasks_left_over_are_cancelled_in_order():
    ended = []

    async def left_over(clock, n):
        try:
            await clock.sleep(10**6)
        finally:
            await clock.sleep(1)
            ended.append(n)

    async def main(clock):
        tasks = [asyncio.create_task(left_over(clock, n)) for n in range(12)]
        await clock.sleep(1)
        raise KeyError(len(tasks))

    with pytest.raises(KeyError, match="12"):
        run_virtual(main)
    assert ended == list(range(12))


def test_threads_are_refused():
    async def executor(clock):
        await asyncio.get_running_loop().run_in_executor(None, print)

    async def to_thread(clock):
        await asyncio.to_thread(print)

    for main in (executor, to_thread):
        with pytest.raises(RuntimeError, match="machine's time"):
            run_virtual(main)


def test_another_thread_cannot_call_in_but_the_own_one_can():
    async def main(clock):
        loop = asyncio.get_running_loop()
        errors = []

        def intrude():
            try:
                loop.call_soon_threadsafe(print)
            except RuntimeError as error:
                errors.append(str(error))

        thread = threading.Thread(target=intrude)
        thread.start()
        thread.join()
        called = asyncio.Event()
        loop.call_soon_threadsafe(called.set)
        await called.wait()
        return errors

    (error,) = run_virtual(main)
    assert "another thread" in error


def test_sockets_and_signal_handlers_are_refused():
    async def main(clock):
        loop = asyncio.get_running_loop()
        left, right = socket.socketpair()
        with left, right:
            left.setblocking(False)
            with pytest.raises(RuntimeError, match="socket"):
                await loop.sock_recv(left, 1)
        with pytest.raises(RuntimeError, match="signal"):
            loop.add_signal_handler(10, print)

    run_virtual(main)


def test_the_loop_closes_without_a_run():
    loop = VirtualTimeLoop()
    assert loop.time() == 0.0
    loop.close()
