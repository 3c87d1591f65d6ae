"""The supervisors of a run: one for the broker, which outlives the other, and one for the feeds."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Literal

from ml4t.live.clock import Clock, DataClock, SystemClock
from ml4t.live.config.settings import EngineSettings
from ml4t.live.engine.backoff import FullJitter
from ml4t.live.engine.feeds import FeedGivenUp, FeedRunner, Works
from ml4t.live.engine.inbox import Inbox
from ml4t.live.engine.link import VenueLink
from ml4t.live.engine.merge import Merge
from ml4t.live.engine.parts import Parts
from ml4t.live.engine.supervisor import Beacon, Child, ChildEvent, Supervisor
from ml4t.live.engine.tasks import FOR_EVER
from ml4t.live.errors import BrokerRefused, FeedRefused

READY_SECONDS = 60.0
"""How long one attempt to connect the broker may take."""

OnEvent = Callable[[ChildEvent], None]


def supervise_broker(
    link: VenueLink, settings: EngineSettings, clock: Clock, rng: random.Random, on_event: OnEvent
) -> Supervisor:
    """Return the supervisor of the link to the broker."""
    attempts = settings.reconnect_attempts
    child = _child("broker", link.run, settings, "permanent", attempts=attempts, ready_seconds=READY_SECONDS)
    return Supervisor([child], clock, rng, on_event)


def supervise_feeds(
    parts: Parts,
    inbox: Inbox,
    works: Callable[[], Works | None],
    clock: Clock | None,
    rng: random.Random,
    on_event: OnEvent,
) -> Supervisor:
    """Return the supervisor of the feeds, whose runners count their own attempts.

    Recorded feeds, when there are several, are merged by time. Waiting to connect again is no matter of the data's time.
    """
    known = works()
    merge = Merge(inbox) if len(parts.feeds) > 1 and known is not None and known.recorded else None
    children = []
    for named in parts.feeds:
        runner = FeedRunner(
            named,
            inbox,
            works,
            silence_seconds=parts.engine.silence_seconds,
            attempts=parts.engine.reconnect_attempts,
            lane=merge.lane() if merge is not None else None,
        )
        children.append(_child(f"feed {named.name}", runner.run, parts.engine, "transient", attempts=None, ready_seconds=None))
    waiting = SystemClock() if clock is None or isinstance(clock, DataClock) else clock
    return Supervisor(children, waiting, rng, on_event)


def _child(
    name: str,
    run: Callable[[Beacon], Awaitable[None]],
    settings: EngineSettings,
    restart: Literal["permanent", "transient"],
    *,
    attempts: int | None,
    ready_seconds: float | None,
) -> Child:
    return Child(
        name,
        run,
        restart=restart,
        max_restarts=attempts if attempts is not None else FOR_EVER,
        within_seconds=settings.reconnect_max_seconds * (attempts or 1) * 2,
        ready_timeout_seconds=ready_seconds,
        fatal=(FeedRefused, FeedGivenUp, BrokerRefused, ValueError, TypeError, AttributeError, ImportError),
        backoff=lambda rng: FullJitter(rng, base=settings.reconnect_first_seconds, cap=settings.reconnect_max_seconds),
    )
