"""What can go wrong: each fault begins, lasts, and ends."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from attrs import frozen

from ml4t.live.testing.chaos import ChaosProxy
from ml4t.live.testing.soak.plan import WholeRig


def _nothing() -> None:
    """Nothing is to be undone."""


@frozen
class Fault:
    """Something that goes wrong. `lasting`: it is there until it is ended."""

    name: str
    begin: Callable[[], object]
    end: Callable[[], object] = _nothing
    lasting: bool = False


def faults(rig: WholeRig, orders: ChaosProxy, data: ChaosProxy, rng: random.Random) -> Sequence[Fault]:
    """Return the faults of a venue and of the lines to it, for orders and for data."""

    def line(name: str, proxy: ChaosProxy) -> list[Fault]:
        whole = _both(lambda: proxy.half_open(False), proxy.reset)  # no line that lives lets bytes get lost
        return [
            Fault(f"{name}: FIN", proxy.finish),
            Fault(f"{name}: RST", proxy.reset),
            Fault(f"{name}: frozen", proxy.freeze, _both(proxy.thaw, proxy.reset), lasting=True),
            Fault(f"{name}: half open", lambda: proxy.half_open(True), whole, lasting=True),
            Fault(
                f"{name}: refused", _both(lambda: proxy.refuse(True), proxy.reset), lambda: proxy.refuse(False), lasting=True
            ),
            Fault(f"{name}: cut in a message", lambda: setattr(proxy.to_client, "cut_after", rng.randrange(400))),
        ]

    venue = rig.venue
    return [
        *line("line of orders", orders),
        *line("line of data", data),
        Fault("venue: closes everything", venue.drop),
        Fault("venue: resets everything", lambda: venue.drop(reset=True)),
        Fault("venue: mute", lambda: venue.mute(True), _both(lambda: venue.mute(False), venue.drop), lasting=True),
        Fault("venue: restarts", venue.restart),
        Fault("venue: loses an answer", venue.lose_next_answer),
        Fault("venue: loses a request", venue.lose_next_request),
        Fault("venue: rejects", lambda: venue.reject_next("soak")),
        Fault("venue: executes before it acknowledges", venue.execute_before_acknowledging),
        Fault("venue: repeats an execution", lambda: _repeat(rig, rng)),
    ]


def _both(first: Callable[[], object], second: Callable[[], object]) -> Callable[[], None]:
    def both() -> None:
        first()
        second()

    return both


def _repeat(rig: WholeRig, rng: random.Random) -> None:
    fills = rig.venue.fills()
    if fills:
        rig.venue.repeat(rng.choice(fills).execution_id)
