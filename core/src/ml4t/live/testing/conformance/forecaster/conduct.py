"""How a forecaster behaves: the same every time, in good time, without holding anybody up, and so that it can be ended."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Mapping
from itertools import chain
from math import inf
from typing import Any, cast

from ml4t.live.contracts.forecaster import Answer, Forecaster, ForecastRequest, StatefulForecaster
from ml4t.live.engine.answer import answer_of
from ml4t.live.market import MarketState
from ml4t.live.testing.conformance.forecaster.asking import answers, ask, is_coroutine, is_stateful
from ml4t.live.testing.conformance.forecaster.rig import REQUESTS, ForecasterRig
from ml4t.live.testing.conformance.leftovers import nothing_left
from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.scenario import scenario
from ml4t.live.testing.conformance.stepping import HOLD_SECONDS, Stepped
from ml4t.live.testing.conformance.waiting import clock, within

TURNS = (0, 1, 2, 5, 20)
"""Turns of the loop after which a request is cancelled."""


@scenario()
async def the_same_request_has_the_same_answer(rig: ForecasterRig) -> None:
    """Two of them, made alike and asked alike, answer the same: chance comes from a seed of its own."""
    first, second = [[answer for _, answer in await answers(rig, rig.forecaster(), rig.horizons[0])] for _ in range(2)]
    for number, (one, other) in enumerate(zip(first, second, strict=True)):
        if one != other:
            raise NotConformant(f"request {number} gets {_shown(one)} from one and {_shown(other)} from another that is alike")


@scenario()
async def it_changes_nothing(rig: ForecasterRig) -> None:
    """Market and request are after the answer as they were before: others are asked about them, too."""
    forecaster = rig.forecaster()
    for request in rig.requests(forecaster, rig.horizons[0]):
        before = _picture(request)
        await ask(rig, forecaster, request)
        changed = [name for name, value in _picture(request).items() if value != before[name]]
        if changed:
            raise NotConformant(f"it changed {', '.join(changed)}")


@scenario(is_coroutine)
async def it_does_not_hold_up_the_loop(rig: ForecasterRig) -> None:
    """A coroutine waits by awaiting: it neither sleeps nor asks another machine on the loop, nor computes for long."""
    forecaster, quickest = rig.forecaster(), inf
    for request in rig.requests(forecaster, rig.horizons[0]):
        stepped = Stepped(cast("Awaitable[Answer]", forecaster.forecast(request)))
        answer_of(await within(stepped, "an answer", rig.budget_seconds))
        if stepped.waited_in:
            raise NotConformant(
                f"it calls {', '.join(sorted(stepped.waited_in))} on the loop, where everything waits for it; await instead, "
                "or make `forecast` a plain function"
            )
        quickest = min(quickest, stepped.longest)
    if quickest > HOLD_SECONDS:
        raise NotConformant(f"it computes for {quickest:.2f} s on the loop; make `forecast` a plain function")


@scenario(is_coroutine)
async def a_cancel_ends_it(rig: ForecasterRig) -> None:
    """A request that is cancelled ends at once and leaves nothing running, and the next one is answered."""
    forecaster = rig.forecaster()
    requests = list(rig.requests(forecaster, rig.horizons[0]))
    for turns, request in zip(TURNS, requests, strict=False):
        async with nothing_left(lambda: 0, rig.patience):
            await _cancelled(rig, forecaster, request, turns)
    await ask(rig, forecaster, requests[-1])


@scenario(is_stateful)
async def a_restart_changes_nothing(rig: ForecasterRig) -> None:
    """Another process goes on with what `state` returned, and answers as this one would have."""
    unbroken = [answer for _, answer in await answers(rig, rig.forecaster(), rig.horizons[0])]
    for cut in range(1, REQUESTS):
        forecaster, said = rig.forecaster(), []
        for number, request in enumerate(rig.requests(forecaster, rig.horizons[0])):
            if number == cut:
                forecaster = _successor(rig, forecaster)
            said.append(await ask(rig, forecaster, request))
        if said != unbroken:
            place = next(number for number, pair in enumerate(zip(said, unbroken, strict=True)) if pair[0] != pair[1])
            raise NotConformant(
                f"with a restart before request {cut} it answers request {place} with {_shown(said[place])}, "
                f"and without one with {_shown(unbroken[place])}"
            )


@scenario(is_stateful)
async def what_it_remembers_is_plain_and_its_own(rig: ForecasterRig) -> None:
    """What `state` returns is JSON, and stays as it was when it goes on: it is written later."""
    forecaster = rig.forecaster()
    for number, request in enumerate(rig.requests(forecaster, rig.horizons[0])):
        kept = cast("StatefulForecaster", forecaster).state()
        written = _json(kept)
        await ask(rig, forecaster, request)
        if _json(kept) != written:
            raise NotConformant(f"what `state` returned before request {number} is changed by it; return a copy")


async def _cancelled(rig: ForecasterRig, forecaster: Forecaster, request: ForecastRequest, turns: int) -> None:
    task = asyncio.ensure_future(cast("Awaitable[Answer]", forecaster.forecast(request)))
    for _ in range(turns):
        await clock.sleep(0)
    if task.done():
        await task
        return
    task.cancel()
    await within(asyncio.wait({task}), "the end of a request that is cancelled", rig.patience)
    if not task.cancelled():
        raise NotConformant(
            f"a request that is cancelled ends with {task.exception() or task.result()!r}; let CancelledError pass"
        )


def _successor(rig: ForecasterRig, before: Forecaster) -> Forecaster:
    after = rig.forecaster()
    cast("StatefulForecaster", after).restore(json.loads(_json(cast("StatefulForecaster", before).state())))
    return after


def _picture(request: ForecastRequest) -> dict[str, Any]:
    """Return everything that it could change, as text."""
    market = cast("MarketState", request.market)
    fields = ("positions", "weights", "forecasts", "orders", "cash", "equity", "symbols", "time", "horizon")
    told = {f"the {name} of the request": repr(getattr(request, name)) for name in fields}
    return told | {f"the market of {symbol}": repr(state.state()) for symbol, state in market.symbols.items()}


def _shown(answer: Any) -> str:
    said = list(chain(answer.forecasts, answer.orders, answer.weights))
    return repr(said[0]) if len(said) == 1 else repr(said)


def _json(kept: Mapping[str, Any]) -> str:
    try:
        return json.dumps(kept, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise NotConformant(f"what `state` returns is no plain JSON ({error}); it is {kept!r}") from error
