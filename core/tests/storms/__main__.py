"""Runs storms: `python core/tests/storms --seed 7 --hours 20` runs one again, `--storms 500` as many from there on."""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from pathlib import Path

import structlog
from storm import report, storm


def main() -> int:
    """Run the storms that were asked for; 1 when one of them broke a promise."""
    parser = argparse.ArgumentParser(prog="python core/tests/storms", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hours", type=float, default=20.0, help="simulated hours of each storm")
    parser.add_argument("--storms", type=int, default=1, help="how many, each with the next seed")
    asked = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    broken = 0
    for seed in range(asked.seed, asked.seed + asked.storms):
        with tempfile.TemporaryDirectory() as folder:
            outcome = storm(seed, Path(folder), hours=asked.hours)
        if outcome.faults:
            broken += 1
            print(report(seed, asked.hours, outcome.faults), flush=True)
    print(f"{asked.storms} storms, {asked.storms * asked.hours:g} simulated hours, {broken} broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
