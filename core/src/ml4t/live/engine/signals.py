"""Stop signals (the first asks for an orderly stop, the second ends the process) and the one that throws the kill switch.

This is row 41 of the table of controls.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopSignals:
    """While entered, SIGINT and SIGTERM stop the run instead of killing it. Enter it on the running loop's thread.

    The first signal calls `on_stop(name)` on the loop, at its next turn. The second, of either kind, calls `on_force()`
    at once, in the middle of whatever the main thread is doing, and then exits with 128 + the signal's number;
    `on_force` flushes what can be flushed without the loop, takes no locks that the main thread may hold, and writes with
    `os.write`: a `print` in the middle of another one is lost. A third one exits without waiting for it.

    The handlers are the interpreter's own rather than the loop's, because the loop's only run when it turns, and a
    strategy that never returns is when a second Ctrl-C is needed. Outside the main thread Python allows no handlers:
    then this does nothing.
    """

    def __init__(self, on_stop: Callable[[str], None], on_force: Callable[[], None]) -> None:
        self._on_stop = on_stop
        self._on_force = on_force
        self._received = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._loop = asyncio.get_running_loop()
            for signum in STOP_SIGNALS:
                self._previous[signum] = signal.signal(signum, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        while self._previous:
            signum, handler = self._previous.popitem()
            signal.signal(signum, signal.SIG_DFL if handler is None else handler)

    def _handle(self, signum: int, _frame: FrameType | None) -> None:
        self._received += 1
        if self._received > 1:
            self._force(signum)
        elif self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nothing is left to stop
                self._loop.call_soon_threadsafe(self._on_stop, signal.Signals(signum).name)

    def _force(self, signum: int) -> None:
        try:
            if self._received == 2:
                self._on_force()
        except BaseException:  # noqa: BLE001 - nothing may keep the process from ending now
            traceback.print_exc()
        finally:
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(Exception):  # the signal may have come in the middle of a write
                    stream.flush()
            os._exit(128 + signum)


class KillSignal:
    """While entered, SIGUSR1 calls `on_kill(name)` on the loop, at its next turn. Enter it on the running loop's thread.

    A program that handles SIGUSR1 itself keeps its handler. Where there is no SIGUSR1 (Windows), and outside the main
    thread, this does nothing.
    """

    def __init__(self, on_kill: Callable[[str], None]) -> None:
        self._on_kill = on_kill
        self._loop: asyncio.AbstractEventLoop | None = None

    def __enter__(self) -> Self:
        signum = _kill_signal()
        if signum is not None and signal.getsignal(signum) is signal.SIG_DFL:
            self._loop = asyncio.get_running_loop()
            signal.signal(signum, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        signum = _kill_signal()
        if signum is not None and self._loop is not None:
            signal.signal(signum, signal.SIG_DFL)
            self._loop = None

    def _handle(self, signum: int, _frame: FrameType | None) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: no order can be sent any more
                self._loop.call_soon_threadsafe(self._on_kill, signal.Signals(signum).name)


def _kill_signal() -> signal.Signals | None:
    if threading.current_thread() is not threading.main_thread():
        return None
    return getattr(signal, "SIGUSR1", None)
