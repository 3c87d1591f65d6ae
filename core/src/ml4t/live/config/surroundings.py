"""What a configuration needs besides itself: the strategy, the calendar, the factories of its components, their files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from attrs import evolve

from ml4t.live.config.document import Document
from ml4t.live.config.problem import Problem, Route
from ml4t.live.config.settings import LiveSettings
from ml4t.live.config.strategy import load_strategy
from ml4t.live.raised import describe_with_place
from ml4t.live.sessions import calendar_of


def live_problems(live: LiveSettings | None, document: Document) -> Iterator[Problem]:
    """Import the strategy and make the calendar, and yield what cannot be had of them.

    `live` is None when that table has problems of its own: what can be read of it is looked at all the same.
    """
    known = live or _legible(document)
    if known.strategy is not None:
        options = known.strategy_options if live else None
        strategy, folder = known.strategy, document.folder
        yield from _refused(("live", "strategy"), lambda: load_strategy(strategy, folder, options))
    yield from _refused(("live", "calendar"), lambda: calendar_of(known.calendar))


def option_problems(made: Iterable[tuple[Route, Any]]) -> Iterator[Problem]:
    """Ask the options of each component that has something to say about it what is wrong around it, such as a file."""
    for route, options in made:
        ask = getattr(options, "problems", None)
        if not callable(ask):
            continue
        try:
            yield from [Problem((*route, key), text) for key, text in ask()]
        except Exception as error:  # noqa: BLE001 - it is a plugin's code
            yield Problem(route, f"the plugin's {type(options).__name__}.problems raised {describe_with_place(error)}")


def _refused(route: Route, find: Callable[[], object]) -> Iterator[Problem]:
    try:
        find()
    except ValueError as error:
        yield Problem(route, str(error))


def _legible(document: Document) -> LiveSettings:
    """Return what can be read of a table that cannot be built: the keys that are right by themselves."""
    table = document.data.get("live")
    known = LiveSettings()
    for key in ("strategy", "calendar"):
        value = table.get(key) if isinstance(table, dict) else None
        if isinstance(value, str):
            with suppress(ValueError):
                changed: dict[str, Any] = {key: value}
                known = evolve(known, **changed)
    return known
