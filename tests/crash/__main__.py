"""`python -m tests.crash`: the whole sweep, a sample of it, or one trial again."""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence

from .points import Point
from .sweep import Outcome, Trial, points_of, run_trial, spread

RECOVERY_KINDS = ("journal", "send.listen", "send.snapshot", "send.find", "receive.answer")
RECOVERY_POINTS = 8
"""How many points of each kind a restart passes before it trades again, about."""
FULL_ATTEMPTS = 3
"""How many commits in a row the disk refuses in the trials with a full disk."""


def whole(passed: Counter[str], seed: int) -> list[Trial]:
    """Return every point once, a crash during the recovery from some, and a full disk from every commit on."""
    points = points_of(passed)
    return [*(Trial((point,)) for point in points), *recoveries(points, seed), *full_disks(passed, seed)]


def sample(passed: Counter[str], size: int, seed: int) -> list[Trial]:
    """Return about `size` trials of every sort."""
    points = points_of(passed)
    rng = random.Random(seed)
    once = [Trial((point,)) for point in spread(points, size * 2 // 3, seed)]
    others = [rng.sample(trials, max(1, size // 6)) for trials in (recoveries(points, seed), full_disks(passed, seed))]
    return [*once, *itertools.chain(*others)]


def recoveries(points: Sequence[Point], seed: int) -> list[Trial]:
    """Kill a restart at each of its first points, after a first crash at random; with and without a look-up by id."""
    rng = random.Random(seed)
    kinds = sorted({point.kind for point in points if point.kind.startswith(RECOVERY_KINDS)})
    return [
        Trial((rng.choice(points), Point(kind, number)), searching=searching)
        for kind in kinds
        for number in range(1, RECOVERY_POINTS + 1)
        for searching in (True, False)
    ]


def full_disks(passed: Counter[str], seed: int) -> list[Trial]:
    """Fill the disk at every commit but that of the tables; every other time the process dies while it is full."""
    rng = random.Random(seed)
    trials = []
    for commit in range(2, passed["journal.begin"] + 1):
        deadly = (Point("journal.begin", commit + rng.randint(1, FULL_ATTEMPTS)),) if commit % 2 else ()
        trials.append(Trial(deadly, disk_full=(commit, FULL_ATTEMPTS)))
    return trials


def _attempt(trial: Trial) -> tuple[Trial, Outcome]:
    try:
        return trial, run_trial(trial)
    except Exception as error:  # noqa: BLE001 - one trial that goes wrong must not end the sweep
        return trial, Outcome(0, Counter(), [repr(error)])


def run(trials: Sequence[Trial], jobs: int) -> int:
    """Run the trials, say how it goes, and return how many went wrong."""
    began = time.monotonic()
    done = killed = failed = 0
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        for trial, outcome in pool.imap_unordered(_attempt, trials):
            done, killed, failed = done + 1, killed + outcome.killed, failed + bool(outcome.faults)
            if outcome.faults:
                print(f"FAILED: python -m tests.crash {trial}", *outcome.faults, sep="\n  ", flush=True)
            if done % 50 == 0:
                print(f"{done} of {len(trials)}, {failed} failed, {time.monotonic() - began:.0f} s", flush=True)
    print(f"{done} of {len(trials)} trials, {killed} kills, {failed} failed, {time.monotonic() - began:.0f} s")
    return failed


def _disk(text: str) -> tuple[int, int]:
    commit, attempts = text.split(":")
    return int(commit), int(attempts)


def main() -> int:
    """Read the command line, run, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--kill", type=Point.parse, action="append", help="kill the session here, the next one there")
    parser.add_argument("--disk-full", type=_disk, metavar="COMMIT:ATTEMPTS", help="from which commit, for how many attempts")
    parser.add_argument("--snapshots", action="store_true", help="a venue that cannot look up one order")
    parser.add_argument("--whole", action="store_true", help="one session that nothing happens to")
    parser.add_argument("--sample", type=int, metavar="N", help="about N trials of every sort")
    parser.add_argument("--shuffle", action="store_true", help="the trials in a random order")
    parser.add_argument("--seed", type=int, default=1, help="of everything that is chosen at random")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="trials at a time")
    options = parser.parse_args()
    one = Trial(tuple(options.kill or ()), options.disk_full, not options.snapshots)
    if options.whole or one != Trial():
        return 1 if run([one], 1) else 0
    first = run_trial(Trial())
    if first.faults:
        print("the session that nothing happens to is wrong", *first.faults, sep="\n  ")
        return 1
    print("a session passes", ", ".join(f"{number} {kind}" for kind, number in sorted(first.passed.items())), flush=True)
    trials = sample(first.passed, options.sample, options.seed) if options.sample else whole(first.passed, options.seed)
    if options.shuffle:
        random.Random(options.seed).shuffle(trials)
    return 1 if run(trials, options.jobs) else 0


if __name__ == "__main__":
    sys.exit(main())
