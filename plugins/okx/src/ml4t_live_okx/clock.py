"""How far this machine's clock is from OKX's.

Requests are signed with the time, which OKX refuses when it is half a minute wrong, and what was missed is asked for by time.
"""

from __future__ import annotations

import time

import structlog

from ml4t.live.errors import BrokerConnectionError
from ml4t.live.times import NANOS
from ml4t_live_okx.rest import Rest
from ml4t_live_okx.times import MILLISECOND, from_millis

WARNED_SECONDS = 1.0
REFUSED_SECONDS = 10.0

_log = structlog.get_logger("ml4t.live.okx")


async def check_clock(rest: Rest) -> None:
    """Warn of a clock that is more than a second wrong. Raises BrokerConnectionError for one that is more than ten."""
    asked = time.time_ns()
    theirs = from_millis((await rest.get("public/time"))[0]["ts"])
    answered = time.time_ns()
    # OKX looked at its clock at some moment in between, and cut what is below a millisecond.
    off = max(asked - theirs - MILLISECOND, theirs - answered, 0) / NANOS
    side = "ahead of" if asked > theirs else "behind"
    if off > REFUSED_SECONDS:
        raise BrokerConnectionError(f"this machine's clock is {off:.1f} s {side} OKX's; set it (NTP), and it is tried again")
    if off > WARNED_SECONDS:
        _log.warning("this machine's clock is wrong", seconds=round(off, 1), side=f"{side} OKX's")
