"""How far this machine's clock is from Alpaca's.

What traded while nobody listened is asked for by time, and orders are looked for by when they were made: with a clock that is
wrong both would be missed.
"""

from __future__ import annotations

import time

import structlog

from ml4t.live.errors import BrokerConnectionError
from ml4t.live.times import NANOS
from ml4t_live_alpaca.rest import Rest
from ml4t_live_alpaca.times import from_text

WARNED_SECONDS = 1.0
REFUSED_SECONDS = 10.0

_log = structlog.get_logger("ml4t.live.alpaca")


async def check_clock(rest: Rest) -> None:
    """Warn of a clock that is more than a second wrong. Raises BrokerConnectionError for one that is more than ten."""
    asked = time.time_ns()
    theirs = from_text((await rest.get("/clock"))["timestamp"])
    answered = time.time_ns()
    # Alpaca looked at its clock at some moment in between.
    off = max(asked - theirs, theirs - answered, 0) / NANOS
    side = "ahead of" if asked > theirs else "behind"
    if off > REFUSED_SECONDS:
        raise BrokerConnectionError(f"this machine's clock is {off:.1f} s {side} Alpaca's; set it (NTP), and it is tried again")
    if off > WARNED_SECONDS:
        _log.warning("this machine's clock is wrong", seconds=round(off, 1), side=f"{side} Alpaca's")
