"""Measures ml4t-live beside nautilus_trader and prints a table; the README says what the cases are.

Every figure comes from a fresh process. The processes of one round follow each other directly, so that both see about the
same machine: quote the ratios. It reports and always exits 0: a benchmark is not a test.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
OURS = "ml4t-live"
TIMEOUT_SECONDS = 600
ASK_VERSION = "from importlib.metadata import version; print(version('nautilus_trader'))"


@dataclass(frozen=True)
class Figure:
    """One number of a case: how it is called, shown and judged."""

    key: str
    unit: str
    goal: float | None = None
    floor: float | None = None
    more_is_better: bool = False
    digits: int = 0
    compared: bool = True

    def judge(self, value: float) -> str:
        """Say which of the two marks a value reaches."""
        for mark, name in ((self.goal, "goal"), (self.floor, "floor")):
            if mark is not None and (value >= mark if self.more_is_better else value <= mark):
                return name
        return "missed" if self.goal is not None else ""

    def show(self, value: float | None) -> str:
        """Write a value down."""
        return "-" if value is None else f"{value:,.{self.digits}f}"

    def gain(self, ours: float, theirs: float) -> float | None:
        """Return how many times better ours is."""
        above, below = (ours, theirs) if self.more_is_better else (theirs, ours)
        return above / below if below > 0 else None


RATE = Figure("per_cpu_second", "events / CPU s", 500_000, 300_000, more_is_better=True)
FIGURES: dict[str, tuple[Figure, ...]] = {
    "events": (RATE,),
    "orders": (Figure("p50_us", "us, p50", 30, 60, digits=1), Figure("p99_us", "us, p99", 150, 250, digits=1)),
    "bars": (Figure("per_cpu_second", "ticks / CPU s", 500_000, None, more_is_better=True),),
    "aggregate": (Figure("per_cpu_second", "ticks / CPU s", more_is_better=True),),
    "flat": (
        Figure("last_over_first", "last / first tenth", 1.1, None, digits=2),
        Figure("memory_growth_mib", "MiB grown", 8, None, digits=1, compared=False),
    ),
    "import": (Figure("cpu_seconds", "CPU s", 0.3, None, digits=3), Figure("rss_mib", "MiB", 60, None, digits=1)),
    "gate": (Figure("p50_us", "us, p50", 60, digits=1), Figure("p99_us", "us, p99", 250, digits=1)),
    "shadow-fsync": (
        Figure("filled_over_fsync", "to fill / fsync", 1.2, digits=2),
        Figure("durable_over_fsync", "to durable fill / fsync", digits=2),
        Figure("hundred_over_one", "100 orders / 1", digits=1),
        Figure("commits_per_hundred", "commits of 100 orders", digits=1),
        Figure("fsync_us", "us, one fsync", digits=0),
    ),
    "flat-orders": (
        Figure("last_over_first", "last / first tenth", 1.1, digits=2),
        Figure("memory_growth_mib", "MiB grown", digits=1),
        Figure("long_over_empty", "long / empty journal", 1.1, digits=2),
    ),
    "triggers": (
        Figure("per_cpu_second", "events / CPU s", 150_000, more_is_better=True),
        Figure("us_per_event", "us, state and triggers", 5.0, digits=2),
    ),
    "record": (
        Figure("over_plain", "recorded / not", 2.0, digits=2),
        Figure("us_per_event", "us more per event", 5.0, digits=2),
        Figure("bytes_per_event", "bytes per event", digits=0),
        Figure("last_over_first", "last / first tenth", 1.1, digits=2),
    ),
    "plugins": (
        Figure("cpu_seconds", "CPU s", 1.0, digits=2),
        Figure("json_cpu_seconds", "CPU s, --json", 1.0, digits=2),
        Figure("over_scan", "over a bare scan", digits=1),
    ),
    "restart": (Figure("seconds", "s", 5.0, digits=2), Figure("over_empty", "long / empty journal", digits=1)),
}
ARGUMENTS = {"events": ("1", "10", "100", "1000"), "triggers": ("1000",), "record": ("1", "10", "100")}
OURS_ONLY = {"aggregate", "triggers", "gate", "shadow-fsync", "flat-orders", "restart", "record", "plugins"}


@dataclass
class Side:
    """One of those compared: an interpreter and the program with its cases."""

    name: str
    python: str
    program: Path

    def run(self, case: str, argument: str | None) -> dict[str, Any]:
        """Run one case in a fresh process; a failure comes back as an `error`."""
        command = [self.python, str(self.program), case, *([argument] if argument else [])]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return {"error": f"took longer than {TIMEOUT_SECONDS} s"}
        lines = done.stdout.strip().splitlines()
        if done.returncode or not lines:
            return {"error": (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]}
        try:
            result: dict[str, Any] = json.loads(lines[-1])
        except ValueError:
            return {"error": f"printed {lines[-1]!r}"}
        return result


@dataclass
class Case:
    """A case and what every round gave, by side."""

    name: str
    argument: str | None = None
    results: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The case as it is typed."""
        return f"{self.name} {self.argument}" if self.argument else self.name

    def values(self, side: str, key: str) -> list[float]:
        """Return one figure of every round that gave it."""
        return [result[key] for result in self.results.get(side, ()) if key in result]

    def ratio(self, figure: Figure, peer: str) -> float | None:
        """Return how many times better ours is: the median over the rounds."""
        pairs = zip(self.results.get(OURS, ()), self.results.get(peer, ()), strict=False)
        gains = [figure.gain(ours[figure.key], theirs[figure.key]) for ours, theirs in pairs if _both(ours, theirs, figure)]
        known = [gain for gain in gains if gain is not None]
        return statistics.median(known) if known and figure.compared else None


def _both(ours: Mapping[str, Any], theirs: Mapping[str, Any], figure: Figure) -> bool:
    return figure.key in ours and figure.key in theirs


def choose(words: Sequence[str]) -> list[Case]:
    """Read `events 10 100 orders`: numbers belong to the name before them; nothing means everything."""
    chosen: dict[str, list[str]] = {}
    name = ""
    for word in words:
        if word in FIGURES:
            name = word
            chosen.setdefault(name, [])
        elif word.isdigit() and name in ARGUMENTS:
            chosen[name].append(word)
        else:
            raise ValueError(f"{word!r} is no case; choose from {', '.join(FIGURES)}")
    cases = []
    for name in chosen or FIGURES:
        arguments = chosen.get(name) or ARGUMENTS.get(name, ())
        cases += [Case(name, argument) for argument in arguments] or [Case(name)]
    return cases


def peer_at(python: str) -> Side | None:
    """Return the nautilus_trader of an interpreter, None when it has none."""
    try:
        asked = subprocess.run([python, "-c", ASK_VERSION], capture_output=True, text=True, check=False)
    except OSError as error:
        print(f"{python} does not run: {error}", file=sys.stderr)
        return None
    if asked.returncode:
        print(f"nautilus_trader is not installed for {python}: going on without it", file=sys.stderr)
        return None
    return Side(f"nautilus {asked.stdout.strip()}", python, HERE / "nautilus.py")


def measure(cases: Sequence[Case], sides: Sequence[Side], rounds: int) -> None:
    """Run every case on every side, in turn; every second round goes the other way round."""
    for case in cases:
        for number in range(rounds):
            for side in sides if number % 2 == 0 else reversed(sides):
                if case.name in OURS_ONLY and side.name != OURS:
                    continue
                _progress(f"{case.title}: round {number + 1} of {rounds}, {side.name}")
                case.results.setdefault(side.name, []).append(side.run(case.name, case.argument))
    _progress("")


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def table(cases: Sequence[Case], sides: Sequence[Side]) -> str:
    """Return the results as aligned text."""
    peers = [side.name for side in sides if side.name != OURS]
    head = ["case", "figure", f"{OURS}: median (min .. max)"]
    for peer in peers:
        head += [peer, "ratio"]
    rows = [[*head, "goal", "floor", "reached"]]
    for case in cases:
        rows += [_row(case, figure, peers) for figure in FIGURES[case.name]]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(_pad(cell, width, column) for column, (cell, width) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines)


def _row(case: Case, figure: Figure, peers: Sequence[str]) -> list[str]:
    values = case.values(OURS, figure.key)
    middle = statistics.median(values) if values else None
    spread = f"{figure.show(middle)} ({figure.show(min(values))} .. {figure.show(max(values))})" if values else "failed"
    row = [case.title, figure.unit, spread]
    for peer in peers:
        theirs = case.values(peer, figure.key)
        ratio = case.ratio(figure, peer)
        missing = "failed" if case.results.get(peer) else "-"
        mode = {result.get("mode", "") for result in case.results.get(peer, ())} - {"", "live"}
        shown = figure.show(statistics.median(theirs)) + (" *" if mode else "") if theirs else missing
        row += [shown, "-" if ratio is None else f"{ratio:.2f}x"]
    return [*row, figure.show(figure.goal), figure.show(figure.floor), figure.judge(middle) if middle is not None else ""]


def _pad(cell: str, width: int, column: int) -> str:
    return cell.ljust(width) if column < 2 else cell.rjust(width)


def notes(cases: Sequence[Case]) -> list[str]:
    """Return what the table needs said."""
    lines = ["A ratio says how many times better ml4t-live is (median over the rounds); below 1 the other one is better."]
    if any(result.get("mode") == "backtest" for case in cases for results in case.results.values() for result in results):
        lines.append("* in nautilus's backtest engine: in its live node bars end by the wall clock, whatever the data say.")
    for case in cases:
        for side, results in case.results.items():
            lines += sorted({f"{case.title}, {side}: {result['error']}" for result in results if "error" in result})
    return lines


def surroundings() -> dict[str, Any]:
    """Return what the figures depend on."""
    load = os.getloadavg() if hasattr(os, "getloadavg") else ()
    return {
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "cpus": os.cpu_count(),
        "load": [round(value, 2) for value in load],
    }


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "cases", nargs="*", help=f"{', '.join(FIGURES)}; events takes numbers of symbols; all when none is named"
    )
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="fresh processes per case and side (default 3)")
    parser.add_argument("--ours", action="store_true", help="leave nautilus_trader out")
    parser.add_argument(
        "--peer-python",
        action="append",
        default=[],
        metavar="PYTHON",
        help="also measure the nautilus_trader of this interpreter; may be given more than once",
    )
    parser.add_argument("--json", action="store_true", help="print everything that was measured as JSON instead")
    given = parser.parse_args()
    if given.rounds < 1:
        parser.error("--rounds must be at least 1")
    try:
        given.cases = choose(given.cases)
    except ValueError as error:
        parser.error(str(error))
    return given


def main() -> None:
    """Measure and report."""
    given = arguments()
    sides = [Side(OURS, sys.executable, HERE / "ours.py")]
    if not given.ours:
        sides += [peer for python in (sys.executable, *given.peer_python) if (peer := peer_at(python)) is not None]
    before = surroundings()
    started = time.monotonic()
    measure(given.cases, sides, given.rounds)
    after = surroundings()
    if given.json:
        results = {case.title: case.results for case in given.cases}
        print(json.dumps({"before": before, "after": after, "rounds": given.rounds, "results": results}, indent=1))
        return
    took = time.monotonic() - started
    print(
        f"Python {before['python']}, {before['machine']}, {before['cpus']} CPUs; load average {before['load']} before and "
        f"{after['load']} after; {given.rounds} rounds, {took:.0f} s\n"
    )
    print(table(given.cases, sides))
    print()
    print("\n".join(notes(given.cases)))


if __name__ == "__main__":
    main()
