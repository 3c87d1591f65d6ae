"""OKX's clock, which this machine's has to agree with: requests are signed with the time, and refused when it is far off."""

from __future__ import annotations

import time

from ml4t.live.adapters import check_skew
from ml4t_live_okx.rest import Rest
from ml4t_live_okx.times import MILLISECOND, from_millis


async def check_clock(rest: Rest) -> None:
    """Warn of a clock that is more than a second wrong. Raises BrokerConnectionError for one that is more than ten."""
    asked = time.time_ns()
    theirs = from_millis((await rest.get("public/time"))[0]["ts"])
    check_skew("OKX", asked, theirs, time.time_ns(), resolution=MILLISECOND)
