"""`python -m tests.crash.forecasts`: kill a run at every write of the ledger; no forecast is lost, none resolved twice."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

from ml4t.live import ForecasterSpec, LiveEngine, LiveRiskConfig, TriggerSpec
from ml4t.live.config.settings import EngineSettings
from ml4t.live.contracts import ForecastRequest, Sink
from ml4t.live.journal import JournalReader, RecordKind, verify
from ml4t.live.ledger import ledger
from ml4t.live.ledger.recall import recall
from ml4t.live.ledger.scoreboard import Scoreboard
from ml4t.live.model import Direction, Firing, Forecast, Trade
from ml4t.live.times import NANOS

from .hardships import wait
from .points import Course, Point, watch_journal
from .sweep import points_of, spread

MINUTE = 60 * NANOS
START = 1_735_776_000 * NANOS
TICKS = 24
SYMBOLS = ("AAA", "BBB")
NOTE_EVERY = 5
"""Small, so that kills come before, on and after a note of the scores."""


class Even:
    """Fires every other minute."""

    def on_event(self, event: Any, market: Any) -> Firing | None:
        return Firing(reason="an even minute") if (event.event_time - START) // MINUTE % 2 == 0 else None


class Model:
    """Says what follows from the price alone, so that a restart says the same."""

    version = "1"

    def __init__(self, spread: float) -> None:
        self._spread = spread

    def forecast(self, request: ForecastRequest) -> list[Forecast]:
        said = []
        for symbol in request.symbols:
            price = request.market.price(symbol) or 0.0
            samples = tuple(price + self._spread * n for n in range(-5, 6))
            said.append(Forecast(symbol, request.horizon, price + self._spread, Direction.UP, 0.6, samples=samples))
        return said


class Later(Model):
    """The same, after some turns of the loop."""

    async def forecast(self, request: ForecastRequest) -> list[Forecast]:  # type: ignore[override]
        for _ in range(3):
            await asyncio.sleep(0)
        return super().forecast(request)


class Prices:
    """Recorded prices, the next when what the last one led to is on disk: then every record has a commit of its own."""

    symbols = SYMBOLS
    historical = True

    def __init__(self) -> None:
        self.engine: LiveEngine | None = None

    async def run(self, sink: Sink) -> None:
        """Push them all."""
        for tick in range(TICKS):
            for n, symbol in enumerate(SYMBOLS):
                sink.push(Trade(symbol, START + tick * MINUTE, 100.0 + n + (tick * 37 % 11) / 7, 1.0))
                await asyncio.sleep(0)
                core = self.engine.core if self.engine is not None else None
                if core is not None:
                    await core.journal.durable(core.journal.last_seq)


def session(folder: Path) -> None:
    """Run to the end, from wherever an earlier session came to."""
    ledger.NOTE_EVERY = NOTE_EVERY
    feed = Prices()
    feed.engine = LiveEngine(
        None,
        None,
        feed,
        risk=LiveRiskConfig(),
        triggers=[TriggerSpec("even", Even())],
        forecasters=[
            ForecasterSpec("plain", Model(0.5), frozenset({"even"}), horizon=3 * MINUTE),
            ForecasterSpec("later", Later(0.1), frozenset({"even"}), horizon=7 * MINUTE),
        ],
        state_dir=folder,
        settings=EngineSettings(durability="write"),
    )
    asyncio.run(feed.engine.run())


def run_session(folder: Path, course: Course) -> tuple[int, Counter[str], str]:
    """Run a session in a process of its own; return its exit code, the points that it came by, and what it raised."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        code, said = 0, ""
        try:
            watch_journal(course)
            session(folder)
        except BaseException:  # noqa: BLE001 - the parent is told, and this process ends here
            code, said = 1, traceback.format_exc()
        finally:
            os.write(writing, json.dumps([course.passed, said]).encode())
            os._exit(code)
    os.close(writing)
    code = wait(pid)
    with os.fdopen(reading, "rb") as pipe:
        text = pipe.read()
    passed, said = json.loads(text) if text else ({}, "")
    return code, Counter(passed), said


def told(folder: Path) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """Return forecasts with their outcomes, the scores, and what is wrong in the journal by itself."""
    path = folder / "shadow" / "journal.sqlite3"
    faults = verify(path)
    with JournalReader(path) as reader:
        records = Counter((kind, subject) for kind, _, subject in reader.ledger_records(0))
        faults += [f"{kind} of {subject} is there {count} times" for (kind, subject), count in records.items() if count > 1]
        tracked = {each.forecast.forecast_id: each for each in reader.forecasts()}
        board, _, _ = recall(reader)
        anew = Scoreboard()
        for kind, _, subject in reader.ledger_records(0):
            each = tracked[subject]
            if kind == RecordKind.FORECAST:
                anew.issue(each.forecast)
            elif each.resolution is not None:
                anew.close(each.forecast, each.resolution)
    scores = {group.text: score.state() for group, score in board.scores.items()}
    if scores != {group.text: score.state() for group, score in anew.scores.items()}:
        faults.append("the scores do not follow from the records")
    return tracked, scores, faults


def run_trial(kills: tuple[Point, ...], expected: tuple[dict[str, Any], dict[str, Any]]) -> tuple[int, list[str]]:
    """Kill one session after the other, run the last to its end, and compare; return the kills, and what is wrong."""
    folder = Path(tempfile.mkdtemp(prefix="crash-forecasts-"))
    killed = 0
    for point in (*kills, None):
        code, _, said = run_session(folder, Course(point))
        if code == -signal.SIGKILL:
            killed += 1
        elif code:
            return killed, [f"the session ended with {code}: {said}"]
        else:
            break  # it came to its end before it came by the point
    tracked, scores, faults = told(folder)
    faults += [f"{each} is lost" for each in expected[0].keys() - tracked.keys()]
    faults += [f"{each} is new" for each in tracked.keys() - expected[0].keys()]
    different = [each for each in tracked.keys() & expected[0].keys() if tracked[each] != expected[0][each]]
    faults += [f"{each} is {tracked[each]} and not {expected[0][each]}" for each in different]
    if scores != expected[1]:
        faults.append("the scores are others than without a crash")
    shutil.rmtree(folder)
    return killed, faults


def main() -> int:
    """Run the sweep, or a sample of it; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.forecasts", description=__doc__)
    parser.add_argument("--sample", type=int, metavar="N", help="about N points instead of all")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="crash-forecasts-") as parent:
        code, passed, said = run_session(Path(parent), Course())
        tracked, scores, faults = told(Path(parent))
    if code or faults or not any(each.resolution for each in tracked.values()):
        print("the session that nothing happens to is wrong", said, *faults, sep="\n  ")
        return 1
    print("a session passes", ", ".join(f"{number} {kind}" for kind, number in sorted(passed.items())), flush=True)
    points = points_of(passed)
    rng = random.Random(options.seed)
    chosen = spread(points, options.sample, options.seed) if options.sample else points
    killed = failed = 0
    for point in chosen:
        kills = (point,) if rng.random() < 0.7 else (point, rng.choice(points))  # every third time the restart dies too
        deaths, faults = run_trial(kills, (tracked, scores))
        killed += deaths
        if faults:
            failed += 1
            print(f"FAILED: {' '.join(map(str, kills))}", *faults, sep="\n  ", flush=True)
    print(f"{len(chosen)} trials, {killed} kills, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
