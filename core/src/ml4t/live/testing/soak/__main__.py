"""`python -m ml4t.live.testing.soak RIG:MAKER`: soak an adapter, and say what came of it."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import logging
import runpy
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import structlog

from ml4t.live.testing.soak.plan import SoakMaker, SoakPlan
from ml4t.live.testing.soak.soaking import soak


def main(arguments: list[str] | None = None) -> int:
    """Run a soak; return 0 when nothing was lost, doubled or untold, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m ml4t.live.testing.soak", description=__doc__)
    parser.add_argument("maker", help="a module or a Python file, and what makes rigs in it, as in acme.rig:acme_rig")
    parser.add_argument("--orders", type=int, default=SoakPlan().orders, help="none with a rig of data alone")
    parser.add_argument("--messages", type=int, default=SoakPlan().messages)
    parser.add_argument("--quiet-seconds", type=float, default=SoakPlan().quiet_seconds, help="mean time between two faults")
    parser.add_argument("--no-memory", dest="memory", action="store_false", help="do not trace it: tracing takes time")
    parser.add_argument("--seed", type=int, default=SoakPlan().seed)
    given = parser.parse_args(arguments)
    maker = _maker(parser, given.maker)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    logging.disable(logging.WARNING)  # lost lines are what it is about
    sys.setswitchinterval(0.0005)  # the simulator has a thread of its own, and the two take turns many times per event
    plan = SoakPlan(**{name: value for name, value in vars(given).items() if name != "maker"})
    report = asyncio.run(soak(maker, plan))
    sys.stdout.write(f"{report}\n")
    return 1 if report.problems else 0


def _maker(parser: argparse.ArgumentParser, said: str) -> SoakMaker:
    place, _, name = said.rpartition(":")
    found = _names_in(parser, place).get(name)
    if not callable(found):
        parser.error(f"{place} has no {name!r} that makes rigs")
    return cast(SoakMaker, found)


def _names_in(parser: argparse.ArgumentParser, place: str) -> Mapping[str, object]:
    """Return what a file or a module defines."""
    path = Path(place)
    if path.is_file():
        sys.path.insert(0, str(path.parent.resolve()))
        return runpy.run_path(str(path), run_name=path.stem)
    try:
        return vars(importlib.import_module(place))
    except (ImportError, ValueError) as error:
        parser.error(f"there is neither a file nor a module {place!r} ({error}); write MODULE:MAKER or FILE.py:MAKER")


if __name__ == "__main__":
    sys.exit(main())
