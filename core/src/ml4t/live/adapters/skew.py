"""How far this machine's clock is from a venue's.

Venues refuse requests that are signed with a wrong time, and what was missed is asked for by time: with a clock that is wrong
it would be missed for good.
"""

from __future__ import annotations

import structlog

from ml4t.live.errors import BrokerConnectionError
from ml4t.live.times import NANOS

WARNED_SECONDS = 1.0
REFUSED_SECONDS = 10.0

_log = structlog.get_logger("ml4t.live.skew")


def check_skew(venue: str, asked: int, theirs: int, answered: int, *, resolution: int = 0) -> None:
    """Warn of a clock that is more than a second wrong. Raises BrokerConnectionError for one that is more than ten.

    `venue` told the time `theirs`, cut to `resolution`, to a question that was sent at `asked` and answered at `answered` by
    this machine's clock; all in nanoseconds UTC.
    """
    # The venue looked at its clock at some moment in between.
    off = max(asked - theirs - resolution, theirs - answered, 0) / NANOS
    side = "ahead of" if asked > theirs else "behind"
    if off > REFUSED_SECONDS:
        raise BrokerConnectionError(
            f"this machine's clock is {off:.1f} s {side} {venue}'s; set it (NTP), and it is tried again"
        )
    if off > WARNED_SECONDS:
        _log.warning("this machine's clock is wrong", seconds=round(off, 1), side=f"{side} {venue}'s")
