"""An event loop whose time jumps: nothing ever waits, and a day of timers takes seconds."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import selectors
import threading
from collections.abc import Callable, Coroutine, Iterable
from contextvars import Context
from typing import Any, NoReturn, TypeVar, TypeVarTuple, Unpack

from ml4t.live.clock import LoopClock

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

WEEK = 7 * 86_400.0
SPIN_LIMIT = 5_000_000
"""Turns of the loop without any time passing after which the program is taken to be spinning."""
CLEAN_UP = 3_600.0
"""Seconds of virtual time that the tasks left over get to end in."""


class VirtualDeadlock(RuntimeError):
    """Nothing is ready and nothing is scheduled, so that nothing can ever happen again; or time stands still."""


class VirtualDeadline(TimeoutError):
    """The program was still running when its virtual deadline came."""


class _Moment(float):
    """The time of a timer. Of two at the same time the one set first comes first, which a heap alone does not keep."""

    order: int

    def __lt__(self, other: float) -> bool:
        if isinstance(other, _Moment) and self == other:
            return self.order < other.order
        return float.__lt__(self, other)


class _JumpingSelector(selectors.SelectSelector):
    """Never waits: instead of sleeping until the next timer it moves the loop's time there."""

    def __init__(self, jump: Callable[[float | None], None]) -> None:
        super().__init__()
        self._jump = jump

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Accept the pipe that asyncio gives to every loop, and refuse every other descriptor."""
        if self.get_map():
            raise RuntimeError("a socket or pipe answers on the machine's time: a virtual-time loop cannot wait for one")
        return super().register(fileobj, events, data)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Report that no descriptor is ready, after moving the time forward by `timeout` seconds."""
        self._jump(timeout)
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop on virtual time: it starts at zero and jumps from timer to timer.

    Threads, executors, sockets, subprocesses and signal handlers are refused, because they run on the machine's time.
    `deadline` is the time of the loop, in seconds, at which it raises `VirtualDeadline`; None is never. It raises
    `VirtualDeadlock` rather than hang.
    """

    def __init__(self, deadline: float | None = None) -> None:
        self.deadline = deadline
        self._virtual_time = 0.0
        self._turns_here = 0
        self._timers = itertools.count()
        self._owner = threading.get_ident()
        super().__init__(_JumpingSelector(self._jump))

    def time(self) -> float:
        """Return the virtual time in seconds."""
        return self._virtual_time

    def call_at(
        self, when: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Schedule `callback` at the virtual time `when`; timers of the same time fire in the order they were set."""
        moment = _Moment(when)
        moment.order = next(self._timers)
        return super().call_at(moment, callback, *args, context=context)

    def _jump(self, seconds: float | None) -> None:
        if seconds is None:
            raise VirtualDeadlock(f"deadlock: nothing is ready and no timer is set\n{_describe(self.leftovers())}")
        if seconds <= 0:
            self._turns_here += 1
            if self._turns_here > SPIN_LIMIT:
                raise VirtualDeadlock(f"{SPIN_LIMIT:,} turns without any time passing\n{_describe(self.leftovers())}")
            return
        self._turns_here = 0
        if self.deadline is not None and self._virtual_time + seconds > self.deadline:
            raise VirtualDeadline(f"still running after {self.deadline:g} virtual seconds\n{_describe(self.leftovers())}")
        self._virtual_time += seconds

    def allow(self, seconds: float) -> None:
        """Set the deadline to so many seconds from now."""
        self.deadline = self._virtual_time + seconds
        self._turns_here = 0

    def leftovers(self) -> list[asyncio.Task[Any]]:
        """Return the tasks that have not ended, in an order that does not depend on addresses."""
        return sorted(asyncio.all_tasks(self), key=lambda task: (len(task.get_name()), task.get_name()))

    def run_in_executor(self, executor: object, func: Callable[..., object], *args: Any) -> NoReturn:  # type: ignore[override]
        """Refuse: a thread or process runs on the machine's time, and the run could not be repeated."""
        raise RuntimeError("threads and processes run on the machine's time: none on a virtual-time loop")

    def call_soon_threadsafe(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Schedule `callback`; raise RuntimeError when called from another thread than the loop's."""
        if threading.get_ident() != self._owner:
            raise RuntimeError("another thread runs on the machine's time: it cannot call into a virtual-time loop")
        return self.call_soon(callback, *args, context=context)

    def add_signal_handler(self, sig: int, callback: Callable[[Unpack[Ts]], Any], *args: *Ts) -> NoReturn:
        """Refuse: a signal wakes a loop through its pipe, and this one never looks there."""
        raise RuntimeError("a virtual-time loop takes no signal handlers; use signal.signal")


def _describe(tasks: Iterable[asyncio.Task[Any]]) -> str:
    return "\n".join(f"  {_where(task)}" for task in tasks)


def _where(task: asyncio.Task[Any]) -> str:
    """Return the task's name and the innermost line of it that can be seen."""
    awaited: Any = task.get_coro()
    line = ""
    while (frame := getattr(awaited, "cr_frame", None)) is not None:
        line = f" at {frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_qualname}"
        awaited = awaited.cr_await
    return task.get_name() + line


def run_virtual(main: Callable[[LoopClock], Coroutine[Any, Any, T]], *, start: int = 0, deadline: float | None = WEEK) -> T:
    """Run `main(clock)` on virtual time and return its result.

    `start` is the clock's first time in nanoseconds UTC. `deadline` is in seconds of virtual time; None is no limit.
    Tasks that `main` leaves behind are cancelled. Raises what `main` raises, `VirtualDeadline`, or `VirtualDeadlock`
    when nothing can happen any more; both say where every task is waiting.
    """
    loop = VirtualTimeLoop(deadline)
    try:
        result = loop.run_until_complete(main(LoopClock(loop, start=start)))
    except BaseException:
        _end_tasks(loop)
        raise
    else:
        if stuck := _end_tasks(loop):
            raise VirtualDeadlock(f"cancelled, and still running:\n{_describe(stuck)}")
        return result
    finally:
        loop.close()


def _end_tasks(loop: VirtualTimeLoop) -> list[asyncio.Task[Any]]:
    """Cancel the tasks left over, let them clean up, and return those that would not end."""
    tasks = loop.leftovers()
    for task in tasks:
        task.cancel()
    loop.allow(CLEAN_UP)
    with contextlib.suppress(VirtualDeadlock, VirtualDeadline):
        loop.run_until_complete(asyncio.wait(tasks) if tasks else asyncio.sleep(0))
        loop.run_until_complete(loop.shutdown_asyncgens())
    for task in tasks:
        if task.done() and not task.cancelled() and (error := task.exception()):
            loop.call_exception_handler({"message": f"{task.get_name()} failed to clean up", "exception": error, "task": task})
    return [task for task in tasks if not task.done()]
