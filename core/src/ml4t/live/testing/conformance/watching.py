"""Seeing what a part does on the engine's thread besides thinking: reading clocks, rolling dice, waiting."""

from __future__ import annotations

import _random
import _socket
import contextlib
import gc
import os
import random
import sys
from collections.abc import Iterator
from enum import Flag, auto
from types import FrameType
from typing import Any


class Act(Flag):
    """What plain code can do that it would not do again in a replay, or that holds up everybody else."""

    CLOCK = auto()
    """It asks the machine for the time."""
    CHANCE = auto()
    """It takes random numbers that nobody has seeded for it."""
    WAIT = auto()
    """It sleeps, or waits for a socket or another process."""
    FILE = auto()
    """It opens a file."""


EVERYTHING = Act.CLOCK | Act.CHANCE | Act.WAIT | Act.FILE

_CLOCKS = frozenset(
    {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "localtime", "gmtime", "process_time"}
)
_NOW = frozenset({"now", "utcnow", "today"})
_SOCKET = frozenset({"connect", "connect_ex", "recv", "recv_into", "recvfrom", "send", "sendall", "sendto", "accept"})
_PROCESSES = frozenset({"fork_exec", "waitpid", "system", "fork"})
_SHARED_DICE = vars(random)["random"].__self__
"""The generator behind the functions of the module `random`."""


@contextlib.contextmanager
def watched(acts: Act) -> Iterator[set[str]]:
    """Yield the names of what this thread does inside that is one of `acts`; what other threads do is not seen."""
    seen: set[str] = set()

    def look(_frame: FrameType, event: str, called: Any) -> None:
        if event == "c_call":
            act = _act_of(called)
            if act is not None and act in acts:
                seen.add(_name(called))

    before, collects = sys.getprofile(), gc.isenabled()
    gc.disable()  # whoever listens to collections would be seen too, and may read a clock
    sys.setprofile(look)
    try:
        yield seen
    finally:
        sys.setprofile(before)
        if collects:
            gc.enable()


def _act_of(called: Any) -> Act | None:
    module, name, owner = (
        getattr(called, "__module__", None),
        getattr(called, "__name__", ""),
        getattr(called, "__self__", None),
    )
    if module == "time":
        return Act.WAIT if name == "sleep" else Act.CLOCK if name in _CLOCKS else None
    if name in _NOW and isinstance(owner, type) and owner.__module__.startswith(("datetime", "_pydatetime")):
        return Act.CLOCK
    if (isinstance(owner, _random.Random) and owner is _SHARED_DICE) or called is os.urandom:
        return Act.CHANCE
    if isinstance(owner, _socket.socket):
        return Act.WAIT if name in _SOCKET and owner.gettimeout() != 0 else None
    if module in {"posix", "nt", "_posixsubprocess", "_winapi"} and name in _PROCESSES:
        return Act.WAIT
    return Act.FILE if called is open else None


def _name(called: Any) -> str:
    owner = getattr(called, "__self__", None)
    if owner is _SHARED_DICE:
        return f"random.{called.__name__}"
    if isinstance(owner, type):
        return f"{owner.__name__}.{called.__name__}"
    if isinstance(owner, _socket.socket):
        return f"socket.{called.__name__}"
    module = getattr(called, "__module__", None) or "builtins"
    return called.__name__ if module in {"builtins", "io", "_io"} else f"{module}.{called.__name__}"
