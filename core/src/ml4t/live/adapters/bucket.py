"""A token bucket: requests spread over time, with a few at once, and none while the source asks for a pause."""

from __future__ import annotations

from ml4t.live.clock import Clock, SystemClock
from ml4t.live.times import NANOS

_MACHINE = SystemClock()


class TokenBucket:
    """Lets no window of `seconds` see more than `most` requests, of which at most `burst` leave together.

    Where `Pace` lets a whole budget go at once and then waits for its window to end, this spreads it: 25 requests a day
    with a burst of one are one every 58 minutes. Whoever asks first goes first.
    """

    def __init__(self, most: int, seconds: float, *, burst: int = 1, clock: Clock = _MACHINE) -> None:
        if not 1 <= burst <= most or seconds <= 0:
            raise ValueError(f"{most} requests in {seconds:g} s, {burst} at once: at least one, and not more at once")
        # A token is refilled in `_each`; with the burst, that adds up to `most` in any window that is open at its end.
        self._each = round(seconds * NANOS / (most - burst + 1))
        self._slack = (burst - 1) * self._each
        self._clock = clock
        self._next = clock.monotonic() - self._slack
        """The slot of the next request; slots are `_each` apart, and the last `burst` of the past may still be used."""
        self._held_until = 0

    @property
    def held(self) -> bool:
        """True while `hold` lets nothing leave."""
        return self._clock.monotonic() < self._held_until

    def hold(self, seconds: float) -> None:
        """Let nothing leave for so long; a shorter pause than one that runs changes nothing."""
        self._held_until = max(self._held_until, self._clock.monotonic() + round(seconds * NANOS))

    async def turn(self) -> None:
        """Wait until a request may leave, and count it. Who gives up waiting has used its turn."""
        mine = self._next = max(self._next, self._clock.monotonic() - self._slack)
        self._next += self._each
        while (wait := max(mine, self._held_until) - self._clock.monotonic()) > 0:
            await self._clock.sleep(wait / NANOS)
