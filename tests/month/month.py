"""The month itself: the real engine, live on virtual time, ended twice and begun again, while feed and disk fail."""

from __future__ import annotations

import asyncio
import gc
import shlex
import shutil
import tracemalloc
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import attrs
from crew import crew
from rules import triggers
from street import DAY, HOUR, MINUTE, NANOS, SECOND, START, Market, Street, sessions

from ml4t.live import LiveEngine, LiveRiskConfig
from ml4t.live.clock import LoopClock
from ml4t.live.config.settings import EngineSettings, MarketSettings
from ml4t.live.journal import JournalReader
from ml4t.live.ledger import ledger
from ml4t.live.testing import run_virtual

KNOWN = 3_000
"""Ids that the ledger remembers in a month: few, so that this is full before memory is measured."""
HISTORY = 60
"""Prices and candles that are kept of each symbol; more than any trigger looks at, and full within a week."""

OFF = dict.fromkeys(
    (
        "max_position_value",
        "max_positions",
        "max_total_exposure",
        "max_order_value",
        "max_orders_per_minute",
        "max_open_orders",
        "max_daily_loss",
        "max_drawdown_pct",
        "max_price_deviation_pct",
        "max_data_staleness_seconds",
        "dedup_window_seconds",
    )
)

DAYS = sessions()
STOPPED = DAYS[4][0] + 90 * MINUTE + 60 * SECOND
"""An orderly stop in the middle of a session, while agents are thinking."""
KILLED = DAYS[7][0] + 210 * MINUTE + 40 * SECOND
"""The end of the second process, in the middle of a session: what was not committed is gone."""
BEGINS = (START, STOPPED + 2 * HOUR + 11 * MINUTE, DAYS[8][0] - 3 * HOUR)
FULL = (DAYS[1][0] + 25 * MINUTE, DAYS[11][0] + 20 * MINUTE)
"""When the disk is full: until a minute after the first commit that it refuses."""
DRILLS = (DAYS[0][0] + 3 * HOUR, DAYS[5][0] + 2 * HOUR, DAYS[14][0] + 4 * HOUR + 7 * SECOND)
"""When somebody fires a trigger by hand; once more it is left in a file while nobody runs."""
IN_THE_WAY = (DAYS[9][1], DAYS[11][1])
"""From when to when a folder is where a file for people has to go."""
MARK_AT = 22 * HOUR + 30 * MINUTE
"""When on every evening of the last process memory is measured."""


@attrs.frozen
class Mark:
    """What is allocated at one moment (bytes), and of how many groups of forecasts scores are kept."""

    moment: int
    size: int
    groups: int


@attrs.define
class Outcome:
    """What the month left behind."""

    market: Market
    journal: Path
    cut: int = 0
    """The number of the last record that was committed before the kill."""
    cut_at: int = 0
    """Its time."""
    ended: int = 0
    marks: list[Mark] = attrs.field(factory=list)
    leftovers: list[str] = attrs.field(factory=list)
    refused_backfills: int = 0
    refusals: int = 0
    """How often the disk refused."""


def command(seed: int, step: int) -> str:
    """Return the command that runs one month again."""
    return shlex.join(["python", "tests/month", "--seed", str(seed), "--step", str(step)])


def month(seed: int, folder: Path, *, step: int, memory: bool = True) -> Outcome:
    """Run a month with data every `step` minutes; everything in it follows from these two. `memory` measures it."""
    known, ledger.KNOWN = ledger.KNOWN, KNOWN
    try:
        return run_virtual(lambda clock: _month(Market(seed, step), clock, folder, memory), start=START, deadline=None)
    except BaseException as error:
        error.add_note(f"reproduce with: {command(seed, step)}")
        raise
    finally:
        ledger.KNOWN = known
        tracemalloc.stop()


async def _month(market: Market, clock: LoopClock, folder: Path, memory: bool) -> Outcome:
    first, second = folder / "first", folder / "second"
    outcome = Outcome(market, second / "shadow" / "journal.sqlite3")
    await _leg(market, clock, first, outcome, [(STOPPED, _stop), *_troubles(clock, outcome)])
    (first / "shadow" / "triggers").mkdir(exist_ok=True)
    (first / "shadow" / "triggers" / "by hand").write_text("left in a file")
    await clock.sleep((BEGINS[1] - clock.now()) / NANOS)

    async def kill(engine: LiveEngine) -> None:
        shutil.copytree(first, second, ignore=shutil.ignore_patterns("lock"))
        await engine.stop()

    await _leg(market, clock, first, outcome, [(KILLED, kill), *_troubles(clock, outcome)])
    with JournalReader(outcome.journal) as reader:
        *_, last = reader.records()
    outcome.cut, outcome.cut_at = last.seq, last.time
    await clock.sleep((BEGINS[2] - clock.now()) / NANOS)
    if memory:
        tracemalloc.start()
    marks = [(opened // DAY * DAY + MARK_AT, _mark(clock, outcome)) for opened, _ in DAYS[8:-1] if memory]
    await _leg(market, clock, second, outcome, [*_troubles(clock, outcome), *marks])
    outcome.ended = clock.now()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    outcome.leftovers = [task.get_name() for task in others]
    return outcome


Deed = Callable[[LiveEngine], Coroutine[Any, Any, None]]


async def _leg(market: Market, clock: LoopClock, folder: Path, outcome: Outcome, deeds: list[tuple[int, Deed]]) -> None:
    """Run one process, and do to it what is to be done at its moments."""
    seconds = market.step / NANOS
    feed = Street(market, clock, [STOPPED, KILLED, *BEGINS], heartbeat=seconds / 2)
    engine = LiveEngine(
        None,
        None,
        feed,
        risk=LiveRiskConfig(**OFF, max_order_shares=2),
        triggers=triggers(market.step),
        forecasters=crew(clock),
        state_dir=folder,
        settings=EngineSettings(
            durability="write",
            silence_seconds=2.5 * seconds,
            reconnect_max_seconds=min(300.0, seconds / 4),
            control_seconds=600.0,
            export_seconds=86_400.0,
            heartbeat_seconds=600.0,
            blocked_after_seconds=3_600.0,
            forecast_give_up=4 * DAY,
        ),
        market=MarketSettings(history=HISTORY, candles=(market.step,), warmup=6 * DAY, save=6 * HOUR),
        calendar="XNYS",
        clock=clock,
        seed=market.seed,
    )

    async def at(moment: int, deed: Deed) -> None:
        await clock.sleep((moment - clock.now()) / NANOS)
        await deed(engine)

    begun = clock.now()
    plans = [asyncio.create_task(at(*each), name=f"at {each[0]}") for each in deeds if each[0] > begun]
    try:
        await engine.run()
    finally:
        for plan in plans:
            plan.cancel()
        await asyncio.gather(*plans, return_exceptions=True)
    outcome.refused_backfills += feed.refused_backfills
    for plan in plans:
        if not plan.cancelled():
            plan.result()


def _troubles(clock: LoopClock, outcome: Outcome) -> list[tuple[int, Deed]]:
    """Return what people and the disk do in the month."""

    async def fill(engine: LiveEngine) -> None:
        assert engine.core is not None
        writing = engine.core.journal._writing
        assert writing is not None
        (pages,) = writing.execute("PRAGMA page_count").fetchone()
        writing.execute(f"PRAGMA max_page_count = {pages}")
        while engine.core.journal.healthy:
            await clock.sleep(20.0)
        outcome.refusals += 1
        await clock.sleep(60.0)
        assert not engine.core.journal.healthy
        writing.execute("PRAGMA max_page_count = 1000000")

    async def drill(engine: LiveEngine) -> None:
        engine.trigger("by hand", reason=f"drill at {clock.now() // SECOND}")

    async def obstruct(engine: LiveEngine) -> None:
        way = engine.state_folder.path / "current_state.json"
        way.unlink(missing_ok=True)
        (way / "in the way").mkdir(parents=True)

    async def clear(engine: LiveEngine) -> None:
        shutil.rmtree(engine.state_folder.path / "current_state.json")

    return [
        *((moment, fill) for moment in FULL),
        *((moment, drill) for moment in DRILLS),
        (IN_THE_WAY[0], obstruct),
        (IN_THE_WAY[1], clear),
    ]


async def _stop(engine: LiveEngine) -> None:
    await engine.stop()


def _mark(clock: LoopClock, outcome: Outcome) -> Callable[[LiveEngine], Coroutine[Any, Any, None]]:
    async def mark(engine: LiveEngine) -> None:
        assert engine.core is not None
        board = engine.core.ledger.board
        engine.core.journal.flush()  # how much waits for the next commit is chance
        gc.collect()
        groups = len(board.scores) + len(board.baselines)
        outcome.marks.append(Mark(clock.now(), tracemalloc.get_traced_memory()[0], groups))

    return mark
