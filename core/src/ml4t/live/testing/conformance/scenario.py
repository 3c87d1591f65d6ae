"""A scenario: one thing that an adapter is put through, and how it is run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from difflib import get_close_matches
from types import ModuleType
from typing import Generic, Protocol, TypeVar

from attrs import frozen

from ml4t.live.clock import SystemClock
from ml4t.live.raised import describe_with_place
from ml4t.live.testing.conformance.report import NotConformant, Outcome, Report, Result

LIMIT_SECONDS = 300.0
"""How long one scenario may take, besides twelve times the rig's patience; what waits for something has its own deadline."""


class Rig(Protocol):
    """What every rig has."""

    exempt: Mapping[str, str]
    patience: float


class NoSuchScenario(ValueError):
    """A scenario was named that there is not: nothing would have been tried, and nobody would have noticed."""


R = TypeVar("R", bound=Rig)

Run = Callable[[R], Awaitable[None]]
Needs = Callable[[R], str]
"""Returns what an adapter does not declare, so that a scenario is not about it; empty when it declares it."""


def nothing(_: Rig) -> str:
    """Return that a scenario is about every adapter."""
    return ""


@frozen
class Scenario(Generic[R]):
    """One scenario. It raises NotConformant, or whatever the adapter raised, when the adapter fails it."""

    name: str
    summary: str
    run: Run[R]
    needs: Needs[R]


def scenario(needs: Needs[R] = nothing) -> Callable[[Run[R]], Scenario[R]]:
    """Make a scenario of an async function that takes a rig: its name is the name, its docstring the summary."""

    def make(run: Run[R]) -> Scenario[R]:
        return Scenario(run.__name__, (run.__doc__ or "").strip().rstrip("."), run, needs)

    return make


def scenarios_of(*modules: ModuleType) -> Iterator[Scenario[R]]:
    """Yield the scenarios of some modules, in the order in which they are written."""
    for module in modules:
        yield from (value for value in vars(module).values() if isinstance(value, Scenario))


async def examine(
    subject: str,
    scenarios: Sequence[Scenario[R]],
    maker: Callable[[], AbstractAsyncContextManager[R]],
    only: str | Collection[str] | None,
) -> Report:
    """Run the scenarios that `only` names, or all, each with a rig of its own. Raises NoSuchScenario."""
    names = [each.name for each in scenarios]
    wanted = names if only is None else [only] if isinstance(only, str) else list(only)
    refuse_unknown(wanted, names, "there is no scenario")
    results = [await _result(each, maker, names) for each in scenarios if each.name in wanted]
    return Report(subject, tuple(results))


def refuse_unknown(given: Collection[str], names: Collection[str], what: str) -> None:
    """Raise NoSuchScenario for the first of the `given` that is not among the `names`."""
    for name in given:
        if name not in names:
            near = get_close_matches(name, names, 1)
            raise NoSuchScenario(
                f"{what} {name!r}" + (f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(names)}")
            )


async def _result(each: Scenario[R], maker: Callable[[], AbstractAsyncContextManager[R]], names: Collection[str]) -> Result:
    try:
        async with maker() as rig:
            refuse_unknown(rig.exempt, names, "the rig is exempt from a scenario that there is not:")
            if each.name in rig.exempt:
                reason = rig.exempt[each.name]
                if not reason.strip():
                    raise NotConformant("the rig is exempt from it and does not say why")
                return Result(each.name, each.summary, Outcome.EXEMPT, reason)
            if missing := each.needs(rig):
                return Result(each.name, each.summary, Outcome.NOT_DECLARED, missing)
            async with SystemClock().timeout(LIMIT_SECONDS + 12 * rig.patience):
                await each.run(rig)
    except NoSuchScenario:
        raise
    except Exception as error:  # noqa: BLE001 - whatever an adapter raises is what the scenario found
        return _failure(each, error)
    return Result(each.name, each.summary, Outcome.PASSED)


def _failure(each: Scenario[R], error: Exception) -> Result:
    return Result(each.name, each.summary, Outcome.FAILED, _words(error), error)


def _words(error: BaseException) -> str:
    """Return what went wrong: what the kit found in words, anything else with where it was raised."""
    if isinstance(error, NotConformant):
        return str(error)
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(_words(each) for each in error.exceptions)
    return describe_with_place(error)
