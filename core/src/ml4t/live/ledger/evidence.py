"""Evidence that may be looked at after every forecast: an e-process, valid at any time however often one looks."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log

SURE = 20.0
"""Evidence above this refutes "no skill" at the 5 % level, whenever it is reached (Ville's inequality)."""

_STREAMS = 2
_MOST = 0.5
_PRIOR = 1.0
_CEILING = 600.0
"""The largest logarithm of a wealth that is kept, so that it stays a number."""


class _Stream:
    """A gambler who bets against "no skill" on every other horizon."""

    __slots__ = ("block", "cap", "gain", "latest", "squares", "sums", "wealth")

    def __init__(self) -> None:
        self.wealth = 0.0
        """The logarithm of what one has become."""
        self.sums = self.squares = 0.0
        self.block: int | None = None
        self.gain = 0.0
        self.latest = 0
        self.cap = 1
        """How many forecasts of a block count: the most that an earlier block has had."""

    @property
    def stake(self) -> float:
        """The share of the wealth that is bet, from what the blocks before have paid."""
        return min(_MOST, max(0.0, self.sums / (self.squares + _PRIOR)))

    def add(self, gain: float, block: int) -> None:
        if self.block is None or block > self.block:
            self.settle()
            self.block = block
        if block == self.block:
            self.latest += 1
            if self.latest <= self.cap:
                self.gain += gain / self.cap

    def settle(self) -> None:
        """End the block: pay it out, and learn from it how to bet next."""
        self.wealth = min(_CEILING, self.wealth_now)
        self.sums += self.gain
        self.squares += self.gain * self.gain
        self.cap = max(self.cap, self.latest)
        self.gain, self.latest = 0.0, 0

    @property
    def wealth_now(self) -> float:
        return self.wealth + log(1.0 + self.stake * self.gain)


class Evidence:
    """An e-process against "this model gains nothing over the naive one", in the way of Waudby-Smith and Ramdas (2024).

    A gain is between -1 and 1 and, without skill, has a mean of at most zero given what was known at its issue. Forecasts
    of one horizon's length (`block`) make one bet; the next bet of a stream comes two blocks later, when all of the one
    before is resolved. So there are two streams, and their mean is the evidence. How much is bet, and on how many
    forecasts of a block, follows from earlier blocks alone.
    """

    __slots__ = ("_streams",)

    def __init__(self) -> None:
        self._streams = tuple(_Stream() for _ in range(_STREAMS))

    def add(self, gain: float, block: int) -> None:
        """Take in one gain; those of a block that has ended already are left out."""
        self._streams[block % _STREAMS].add(gain, block)

    @property
    def value(self) -> float:
        """The evidence: 1 says nothing, below `SURE` is not enough, above it the model has skill."""
        return sum(exp(stream.wealth_now) for stream in self._streams) / _STREAMS

    def state(self) -> list[float | None]:
        """Return it as numbers, for the journal."""
        return [number for s in self._streams for number in (s.wealth, s.sums, s.squares, s.block, s.gain, s.latest, s.cap)]

    @classmethod
    def from_state(cls, state: Sequence[float | None]) -> Evidence:
        """Return what `state` wrote."""
        made = cls()
        size = len(state) // _STREAMS
        for number, stream in enumerate(made._streams):
            wealth, sums, squares, block, gain, latest, cap = state[number * size : (number + 1) * size]
            stream.wealth, stream.sums, stream.squares, stream.gain = (float(v or 0.0) for v in (wealth, sums, squares, gain))
            stream.block = None if block is None else int(block)
            stream.latest, stream.cap = int(latest or 0), int(cap or 1)
        return made
