"""How an observer behaves: it takes everything, changes nothing, and holds nobody up."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable
from math import inf

from ml4t.live.contracts.observer import Observer, RuntimeEvent
from ml4t.live.engine.observers import ObserverQueue
from ml4t.live.journal import RecordKind
from ml4t.live.testing.conformance.leftovers import nothing_left, running
from ml4t.live.testing.conformance.observer.occasions import every_kind, many
from ml4t.live.testing.conformance.observer.rig import ObserverRig
from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.scenario import scenario
from ml4t.live.testing.conformance.stepping import HOLD_SECONDS, Stepped
from ml4t.live.testing.conformance.waiting import clock, until, within

STORM = 2_000
ROUNDS = 3
"""A busy machine is slow now and then; an observer that holds up the loop does so every time."""
TURNS = (0, 1, 2, 5)
"""Turns of the loop after which an event is cancelled."""


def wanted(observer: Observer) -> list[RuntimeEvent]:
    """Return an event of every kind that it wants."""
    kinds = frozenset(getattr(observer, "kinds", ()))
    return [event for event in every_kind() if not kinds or event.kind in kinds]


def destination(rig: ObserverRig) -> str:
    """Tell whether it sends what it is told anywhere."""
    return "" if rig.unanswered is not None else "the rig knows of no destination that could leave it without an answer"


@scenario()
async def its_kinds_are_kinds(rig: ObserverRig) -> None:
    """What `kinds` names are kinds of record: of one that is misspelt it would never hear."""
    kinds = getattr(rig.observer(), "kinds", ())
    if isinstance(kinds, str):
        raise NotConformant(f'`kinds` is the text {kinds!r}, whose letters would be the kinds; write kinds = ("{kinds}",)')
    if unknown := sorted(set(map(str, kinds)) - set(RecordKind)):
        raise NotConformant(f"there is no kind {', '.join(map(repr, unknown))}; kinds are {', '.join(RecordKind)}")


@scenario()
async def every_kind_of_event_is_taken(rig: ObserverRig) -> None:
    """It is told of everything that happens in a run, and of a kind that it does not know yet, and raises nothing."""
    observer = rig.observer()
    for event in wanted(observer):
        try:
            await within(observer.on_event(event), f"the observer, told of a {event.kind},", rig.patience)
        except NotConformant:
            raise
        except Exception as error:
            raise NotConformant(f"told of a {event.kind} it raises {type(error).__name__}: {error}") from error


@scenario()
async def it_changes_nothing(rig: ObserverRig) -> None:
    """What it is shown is as it was afterwards: others are shown it, too."""
    observer = rig.observer()
    for event in wanted(observer):
        before = repr(event)
        await within(observer.on_event(event), f"the observer, told of a {event.kind},", rig.patience)
        if repr(event) != before:
            raise NotConformant(f"it changes the {event.kind} that it is shown, from {before} to {event!r}")


@scenario()
async def it_does_not_hold_up_the_loop(rig: ObserverRig) -> None:
    """It waits by awaiting: it neither sleeps nor asks another machine on the loop, nor computes for long."""
    observer = rig.observer()
    for event in wanted(observer):
        quickest = inf
        for _ in range(ROUNDS):
            stepped = Stepped(observer.on_event(event))
            await within(stepped, f"the observer, told of a {event.kind},", rig.patience)
            if stepped.waited_in:
                called = ", ".join(sorted(stepped.waited_in))
                raise NotConformant(f"told of a {event.kind} it calls {called} on the loop; await instead, or use a thread")
            quickest = min(quickest, stepped.longest)
            if quickest <= HOLD_SECONDS:
                break
        else:
            raise NotConformant(f"told of a {event.kind} it computes for {quickest:.2f} s on the loop; use a thread")


@scenario()
async def a_storm_leaves_nothing_running(rig: ObserverRig) -> None:
    """Thousands of events come at once: it is told one after the other, and no task stays for each of them."""
    queue = ObserverQueue("tried", rig.observer())
    before = len(running())
    told = asyncio.create_task(queue.run())
    for event in many(STORM):
        queue.offer(event)
    queue.close()
    await within(asyncio.wait({told}), f"an observer that is told of {STORM:,} events", 60.0)
    await clock.sleep(0)
    if queue.errors:
        raise NotConformant(f"it raised {queue.errors} times in {STORM:,} events")
    with contextlib.suppress(NotConformant):  # what has only just been told needs a turn to end
        await until(lambda: len(running()) - before <= 2, "the end of its tasks")
    if (left := len(running()) - before) > 2:
        raise NotConformant(f"{left} tasks run on after {STORM:,} events; a slow destination would make them ever more")


@scenario()
async def a_cancel_ends_it(rig: ObserverRig) -> None:
    """The run ends while it is told of something: it ends, too, and leaves nothing behind."""
    observer = rig.observer()
    for turns, event in zip(TURNS, wanted(observer), strict=False):
        async with nothing_left(lambda: 0, rig.patience):
            await _cancelled(observer.on_event(event), turns, rig.patience)


@scenario(destination)
async def a_destination_that_does_not_answer_does_not_hold_it(rig: ObserverRig) -> None:
    """When nobody answers it gives up in time: for the same observer other events wait, of which the oldest get lost."""
    assert rig.unanswered is not None
    observer = rig.unanswered()
    async with nothing_left(lambda: 0, rig.patience):
        event = wanted(observer)[0]
        with contextlib.suppress(_Unheard):
            await within(_heard(observer, event), f"the observer, told of a {event.kind} that nobody takes,", rig.patience)


class _Unheard(Exception):
    """It said that nobody took it: that is fine, and counted by the engine."""


async def _heard(observer: Observer, event: RuntimeEvent) -> None:
    try:
        await observer.on_event(event)
    except Exception as error:
        raise _Unheard from error


async def _cancelled(work: Awaitable[None], turns: int, patience: float) -> None:
    task = asyncio.ensure_future(work)
    for _ in range(turns):
        await clock.sleep(0)
    task.cancel()
    await within(asyncio.wait({task}), "the end of an observer that is cancelled", patience)
    if not task.cancelled() and task.exception() is not None:
        raise NotConformant(f"an observer that is cancelled ends with {task.exception()!r}; let CancelledError pass")
