"""What adapters of several vendors need, and the engine does not: for whoever writes a feed or a broker."""

from __future__ import annotations

from ml4t.live.adapters.bucket import TokenBucket
from ml4t.live.adapters.liveness import until_silent
from ml4t.live.adapters.pace import Pace
from ml4t.live.adapters.skew import check_skew
from ml4t.live.waiting import first_of

__all__ = ["Pace", "TokenBucket", "check_skew", "first_of", "until_silent"]
