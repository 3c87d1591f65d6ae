"""The real SDK against the simulator, over loopback: coroutine tests, and adapters with their sinks."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from ml4t_live_ib.rig import simulator
from ml4t_live_ib.simulator import TwsSimulator

LIMIT = 300.0


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine function."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    asyncio.run(asyncio.wait_for(pyfuncitem.obj(**arguments), LIMIT))
    return True


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    yield
    assert [thread.name for thread in threading.enumerate() if thread.name == "tws-simulator"] == []


@pytest.fixture
def make_tws() -> Iterator[Callable[..., TwsSimulator]]:
    """A maker of simulators on which nothing moves by itself."""
    with contextlib.ExitStack() as stack:

        def make(**options: Any) -> TwsSimulator:
            return stack.enter_context(simulator(**options))

        yield make


@pytest.fixture
def tws(make_tws) -> TwsSimulator:
    return make_tws()
