"""What can go wrong at the simulated venue, by script or at random from a seed."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from attrs import define, field, frozen


class Loss(StrEnum):
    """What becomes of an order and of the answer to it."""

    ANSWER = "answer"
    """It is taken, and the connection is closed in place of an answer."""
    SILENCE = "silence"
    """It is taken, and no answer ever comes."""
    GATEWAY = "gateway"
    """It is taken, and the answer is 504."""
    REQUEST = "request"
    """It never arrives, and the connection is closed."""


@frozen
class Scripted:
    """An answer that takes the place of the venue's own, once, or for ever."""

    status: int
    body: dict[str, Any]
    path: str = ""
    stays: bool = False


@define(eq=False)
class Faults:
    """The faults that are on now."""

    rng: random.Random
    losses: deque[Loss] = field(factory=deque)
    """What happens to the next orders, in this order."""
    rejections: deque[str] = field(factory=deque)
    """The reasons for which the next orders are turned away."""
    scripted: list[Scripted] = field(factory=list)
    afterwards: list[tuple[str, Callable[[], object]]] = field(factory=list)
    """By path, what happens once when a question for it has been answered."""
    delay_seconds: float = 0.0
    """How late every answer is."""
    duplicates: float = 0.0
    """The probability that an update of an order is sent twice."""
    swaps: float = 0.0
    """The probability that an update is sent after the one that follows it."""
    partial: bool = False
    """True while the list of positions or balances breaks off in the middle."""
    fill_first: bool = False
    """True when the next order trades before it is acknowledged."""
    clock_ahead: int = 0
    """By how many milliseconds the venue's clock is ahead."""
    deaf: bool = False
    """True while not even a ping is answered."""
    muted: bool = False
    unmuted: asyncio.Event = field(factory=asyncio.Event)

    def mute(self, on: bool) -> None:
        """Say nothing any more, or begin again; what was muted is never sent."""
        self.muted = on
        if on:
            self.unmuted = asyncio.Event()
        else:
            self.unmuted.set()

    def script(self, path: str) -> Scripted | None:
        """Take the scripted answer to a request, None when there is none."""
        for each in self.scripted:
            if path.startswith(each.path):
                if not each.stays:
                    self.scripted.remove(each)
                return each
        return None

    def follow(self, path: str) -> None:
        """Let happen what is to happen after a question for a path."""
        due = [each for each in self.afterwards if each[0] == path]
        for each in due:
            self.afterwards.remove(each)
            each[1]()
