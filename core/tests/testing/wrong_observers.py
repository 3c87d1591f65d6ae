"""Right observers, and wrong ones: each with what finds it."""

from __future__ import annotations

import asyncio
import time

from ml4t.live.testing import ObserverRig


class Listens:
    """Right: it notes what it is told."""

    def __init__(self):
        self.noted = []

    async def on_event(self, event):
        self.noted.append(f"{event.time} {event.kind} {event.subject}")


class Sends(Listens):
    """Right: it sends fills somewhere, and gives up in time."""

    kinds = ("fill", "order")
    answers = True

    async def on_event(self, event):
        async with asyncio.timeout(0.05):
            await asyncio.sleep(0 if self.answers else 3_600)


class Nowhere(Sends):
    answers = False


class MisspeltKind(Listens):
    kinds = ("fills",)


class OneKindAsText(Listens):
    kinds = "fill"


class KnowsOrdersOnly(Listens):
    async def on_event(self, event):
        self.noted.append(event.body.order_id)


class NoNewKinds(Listens):
    async def on_event(self, event):
        if event.kind == "of a later core":
            raise KeyError(event.kind)


class Tidies(Listens):
    async def on_event(self, event):
        if isinstance(event.body, dict):
            event.body.pop("count", None)


class Sleeps(Listens):
    async def on_event(self, event):
        time.sleep(0.001)  # noqa: ASYNC251 - the mistake itself


class Computes(Listens):
    async def on_event(self, event):
        until = time.perf_counter() + 0.3
        while time.perf_counter() < until:
            pass


class ATaskForEach(Listens):
    async def on_event(self, event):
        self.noted.append(asyncio.create_task(asyncio.sleep(3_600)))


class RaisesNowAndThen(Listens):
    async def on_event(self, event):
        self.noted.append(event)
        if len(self.noted) > 500:
            raise MemoryError("too many notes")


class WillNotEnd(Listens):
    async def on_event(self, event):
        for _ in range(100):
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                continue


class WaitsForEver(Sends):
    async def on_event(self, event):
        await asyncio.sleep(0 if self.answers else 3_600)


class WaitsForNobody(WaitsForEver):
    answers = False


UNANSWERED = {Sends: Nowhere, WaitsForEver: WaitsForNobody}
"""The observers of a kind whose destination does not answer."""

WRONG = {
    MisspeltKind: ["its_kinds_are_kinds"],
    OneKindAsText: ["its_kinds_are_kinds"],
    KnowsOrdersOnly: ["every_kind_of_event_is_taken"],
    NoNewKinds: ["every_kind_of_event_is_taken"],
    Tidies: ["it_changes_nothing"],
    Sleeps: ["it_does_not_hold_up_the_loop"],
    Computes: ["it_does_not_hold_up_the_loop"],
    ATaskForEach: ["a_storm_leaves_nothing_running"],
    RaisesNowAndThen: ["a_storm_leaves_nothing_running"],
    WillNotEnd: ["a_cancel_ends_it"],
    WaitsForEver: ["a_destination_that_does_not_answer_does_not_hold_it"],
}


def rig_of(kind, **rest):
    """Return the rig that tries one of them."""
    return ObserverRig(observer=kind, unanswered=UNANSWERED.get(kind), **{"patience": 0.5} | rest)
