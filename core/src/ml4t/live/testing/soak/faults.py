"""What can go wrong: each fault begins, lasts, and ends."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from attrs import frozen

from ml4t.live.testing.chaos import ChaosProxy
from ml4t.live.testing.rig import SimulatedServer
from ml4t.live.testing.soak.plan import SoakRig, WholeRig, is_whole


def _nothing() -> None:
    """Nothing is to be undone."""


@frozen
class Fault:
    """Something that goes wrong. `lasting`: it is there until it is ended."""

    name: str
    begin: Callable[[], object]
    end: Callable[[], object] = _nothing
    lasting: bool = False


def faults(rig: SoakRig, orders: ChaosProxy | None, data: ChaosProxy, rng: random.Random) -> Sequence[Fault]:
    """Return the faults of a venue and of the lines to it, for orders and for data; of a source where there is no venue."""
    if not is_whole(rig) or orders is None:
        return [*_line("line of data", data, rng), *_server("source", rig.source)]
    venue = rig.venue
    return [
        *_line("line of orders", orders, rng),
        *_line("line of data", data, rng),
        *_server("venue", venue),
        Fault("venue: loses an answer", venue.lose_next_answer),
        Fault("venue: loses a request", venue.lose_next_request),
        Fault("venue: rejects", lambda: venue.reject_next("soak")),
        Fault("venue: executes before it acknowledges", venue.execute_before_acknowledging),
        Fault("venue: repeats an execution", lambda: _repeat(rig, rng)),
    ]


def _line(name: str, proxy: ChaosProxy, rng: random.Random) -> list[Fault]:
    whole = _both(lambda: proxy.half_open(False), proxy.reset)  # no line that lives lets bytes get lost
    return [
        Fault(f"{name}: FIN", proxy.finish),
        Fault(f"{name}: RST", proxy.reset),
        Fault(f"{name}: frozen", proxy.freeze, _both(proxy.thaw, proxy.reset), lasting=True),
        Fault(f"{name}: half open", lambda: proxy.half_open(True), whole, lasting=True),
        Fault(f"{name}: refused", _both(lambda: proxy.refuse(True), proxy.reset), lambda: proxy.refuse(False), lasting=True),
        Fault(f"{name}: cut in a message", lambda: setattr(proxy.to_client, "cut_after", rng.randrange(400))),
    ]


def _server(name: str, server: SimulatedServer) -> list[Fault]:
    return [
        Fault(f"{name}: closes everything", server.drop),
        Fault(f"{name}: resets everything", lambda: server.drop(reset=True)),
        Fault(f"{name}: mute", lambda: server.mute(True), _both(lambda: server.mute(False), server.drop), lasting=True),
        Fault(f"{name}: restarts", server.restart),
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
