"""What adapters of several vendors need, and the engine does not: for whoever writes a feed or a broker."""

from __future__ import annotations

from ml4t.live.adapters.liveness import first_of, until_silent
from ml4t.live.adapters.pace import Pace

__all__ = ["Pace", "first_of", "until_silent"]
