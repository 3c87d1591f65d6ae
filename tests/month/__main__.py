"""Runs the month: `python tests/month --seed 7 --step 10` with a price every ten minutes, and says what it found."""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from pathlib import Path

import structlog
from audit import audit, read
from month import month


def main() -> int:
    """Run the month that was asked for; 1 when anything in it is not accounted for."""
    parser = argparse.ArgumentParser(prog="python tests/month", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--step", type=int, default=10, choices=(5, 10, 30), help="minutes between two prices")
    asked = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with tempfile.TemporaryDirectory() as folder:
        outcome = month(asked.seed, Path(folder), step=asked.step)
        told, faults = read(outcome), audit(outcome)
    first, *_, last = outcome.marks
    print(f"{len(told.records)} records, {len(told.forecasts)} forecasts, {sum(1 for _ in told.of('firing'))} firings")
    print(f"memory: {first.size:,} bytes on day 10, {last.size:,} on day 29; tasks left: {outcome.leftovers or 'none'}")
    print("\n".join(faults[:50]))
    print(f"{len(faults)} faults")
    return 1 if faults or outcome.leftovers else 0


if __name__ == "__main__":
    sys.exit(main())
