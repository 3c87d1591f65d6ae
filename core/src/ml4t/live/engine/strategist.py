"""Calls the strategy: directly on the loop, or on a thread of its own when it is declared slow."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

from ml4t.live.contracts.market import MarketView
from ml4t.live.engine.barrier import Barrier
from ml4t.live.engine.faults import Faults
from ml4t.live.engine.news import News, data_of
from ml4t.live.errors import LiveError, StrategyEnded
from ml4t.live.journal import Journal
from ml4t.live.model import Forecast
from ml4t.live.orders.facade import DeskBroker
from ml4t.live.times import to_datetime

Group = Mapping[str, News]
"""The news of one moment by symbol."""

Forecasts = Mapping[str, tuple[Forecast, ...]]
"""The valid forecasts by symbol."""

Remember = Callable[[str, str, object], None]
"""Puts a value into the journal, as of this moment: bucket, key, value."""

BUCKET = "strategy"

BACKLOG = 1_000
"""Calls that may wait for a strategy on its own thread; beyond it new data are dropped for it, and counted."""


@runtime_checkable
class TakesNews(Protocol):
    """A strategy that takes the events themselves in place of `on_data`: one that runs another framework's does."""

    def on_news(self, moment: int, group: Group, context: Mapping[str, Any], broker: DeskBroker) -> None:
        """Take the news of a moment (nanoseconds UTC) by symbol, and the context of `on_data`."""
        ...


class Strategist(Protocol):
    """What the pipeline calls with new data."""

    def on_start(self) -> None:
        """Call the strategy's `on_start`."""
        ...

    def on_data(self, moment: int, group: Group) -> None:
        """Call the strategy's `on_data`."""
        ...

    def on_end(self) -> None:
        """Call the strategy's `on_end`; nothing follows."""
        ...


class StrategyMemory:
    """What one strategy keeps for the next process, in the journal, as of the moment it was kept."""

    def __init__(self, journal: Journal, name: str, remember: Remember) -> None:
        self._journal = journal
        self._name = name
        self._remember = remember

    def put(self, value: object) -> None:
        """Replace what is kept."""
        self._remember(BUCKET, self._name, value)

    def get(self) -> Any:
        """Return what is kept, None when nothing is."""
        return self._journal.state(BUCKET).get(self._name)


class DirectStrategist:
    """Calls the strategy where it stands. What the strategy raises is reported and goes no further.

    A strategy that has raised too much ends the run, and is given no more data while that happens. What one call decides
    is committed to the `journal` as one: a crash forgets all of it or nothing. Without it every record goes by itself, which
    is for a thread that must not hold up those of others. `name` is what its faults are reported under.
    """

    def __init__(
        self,
        strategy: Any,
        name: str,
        broker: DeskBroker,
        market: MarketView,
        forecasts: Callable[[], Forecasts],
        faults: Faults,
        *,
        journal: Journal | None,
    ) -> None:
        self._tell = strategy.on_news if isinstance(strategy, TakesNews) else self._tell_data
        self._on_data = strategy.on_data
        self._journal = journal
        self._strategy = strategy
        self._broker = broker
        self._market = market
        self._forecasts = forecasts
        self._faults = faults
        self._name = f"strategy {name}"
        self._started = self._ended = self._halted = False

    def on_start(self) -> None:
        """Call `on_start` when the strategy has one."""
        self._started = True
        self._optional("on_start")

    def on_data(self, moment: int, group: Group) -> None:
        """Call `on_data` with the news of `moment` (nanoseconds UTC)."""
        if self._halted:
            return
        broker = self._broker
        broker.decide(moment)
        journal = self._journal
        if journal is not None:
            journal.hold()
        try:
            context = {"market": self._market, "forecasts": self._forecasts()}
            self._tell(moment, group, context, broker)
        except StrategyEnded as error:
            self.crash(error)
        except Exception as error:  # noqa: BLE001 - a strategy's fault must not take the engine with it
            self._halted = self._faults.report_fatal(self._name, error)
        finally:
            if journal is not None:
                journal.release()

    def _tell_data(self, moment: int, group: Group, context: Mapping[str, Any], broker: DeskBroker) -> None:
        self._on_data(to_datetime(moment), data_of(group), context, broker)

    def on_end(self) -> None:
        """Call `on_end`, once, when the strategy has one and has been started."""
        if self._started and not self._ended:
            self._ended = True
            self._optional("on_end")

    def crash(self, error: BaseException) -> None:
        """End the run: the strategy left its thread in a way that nothing can be counted against."""
        self._halted = True
        self._faults.crash(self._name, error)

    def _optional(self, hook: str) -> None:
        method = getattr(self._strategy, hook, None)
        if method is None:
            return
        try:
            method(self._broker)
        except Exception as error:  # noqa: BLE001 - as in on_data
            self._halted = self._faults.report_fatal(self._name, error)


class ThreadedStrategist:
    """Calls the strategy on a thread of its own, one call at a time and in order.

    On the data's time the next event waits for the call to return; on a live market the engine goes on.
    """

    def __init__(
        self,
        direct: DirectStrategist,
        on_loop: Callable[[Callable[[], None]], None],
        barrier: Barrier | None,
    ) -> None:
        self._direct = direct
        self._on_loop = on_loop
        self._barrier = barrier
        self._calls: queue.Queue[Callable[[], None] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._work, name="strategy", daemon=True)
        self.dropped = 0

    def on_start(self) -> None:
        """Start the thread, and call `on_start` on it."""
        self._thread.start()
        self._post(self._direct.on_start)

    def on_data(self, moment: int, group: Group) -> None:
        """Hand the news over; they are dropped and counted when the strategy is too far behind."""
        if self._calls.qsize() >= BACKLOG:
            self.dropped += 1
            return
        self._post(lambda: self._direct.on_data(moment, group))

    def on_end(self) -> None:
        """Let the strategy finish what it has, call `on_end`, and end the thread.

        A strategy that hangs keeps its thread; it is a daemon, and does not keep the process.
        """
        if not self._thread.is_alive():
            return
        self._post(self._direct.on_end)
        self._calls.put(None)

    @property
    def finished(self) -> bool:
        """True once the thread has ended."""
        return not self._thread.is_alive()

    @property
    def waiting(self) -> int:
        """How many calls wait for the strategy."""
        return self._calls.qsize()

    def _post(self, call: Callable[[], None]) -> None:
        if self._barrier is not None:
            self._barrier.enter()
        self._calls.put(call)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            try:
                call()
            except BaseException as error:  # noqa: BLE001 - SystemExit and the like would end this thread and nothing else
                with contextlib.suppress(LiveError):  # the journal is closed: the strategy has outlived the run
                    self._direct.crash(error)
            if self._barrier is not None:
                self._on_loop(self._barrier.leave)
