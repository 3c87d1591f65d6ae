"""What no single section can tell: how the sections fit together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from attrs import evolve, frozen

from ml4t.live.config.problem import Problem, Route, did_you_mean
from ml4t.live.config.settings import (
    BrokerSettings,
    FeedSettings,
    ForecasterSettings,
    LiveSettings,
    RiskCheckSettings,
    TriggerSettings,
)
from ml4t.live.risk.config import LiveRiskConfig
from ml4t.live.triggers.parts import part_problems

NOT_LIVE = "not-live"
"""The capability that core reads."""


@frozen(kw_only=True)
class Draft:
    """The sections that could be built, and the document they come from; None is a section with problems of its own."""

    data: Mapping[str, Any]
    live: LiveSettings | None
    risk: LiveRiskConfig | None
    feeds: Sequence[FeedSettings]
    broker: BrokerSettings | None
    checks: Sequence[RiskCheckSettings]
    triggers: Sequence[TriggerSettings]
    forecasters: Sequence[ForecasterSettings]
    idle: bool = False
    """True when it may have nothing to do: a program brings that as objects."""

    def has(self, section: str, key: str) -> bool:
        """Return whether the document itself says `section.key`."""
        table = self.data.get(section)
        return isinstance(table, Mapping) and key in table

    def names(self, section: str) -> list[str]:
        """Return the names of a section's tables, whether they could be built or not."""
        table = self.data.get(section)
        return list(table) if isinstance(table, Mapping) else []


def cross_check(draft: Draft) -> Iterator[Problem]:
    """Yield what does not fit together."""
    yield from _something_to_do(draft)
    yield from _broker_for_mode(draft)
    yield from _one_mode(draft)
    yield from _known_triggers(draft)
    yield from _known_parts(draft)
    yield from _known_symbols(draft)
    yield from _distinct_checks(draft)


def in_mode(live: LiveSettings, risk: LiveRiskConfig, draft: Draft) -> tuple[LiveSettings, LiveRiskConfig]:
    """Return both with the one mode that they agree on: whichever of them the document names."""
    mode = live.mode
    if not draft.has("live", "mode") and draft.has("risk", "execution_mode") and risk.execution_mode:
        mode = risk.execution_mode
    return evolve(live, mode=mode), evolve(risk, execution_mode=mode)


def _something_to_do(draft: Draft) -> Iterator[Problem]:
    if not draft.data.get("feeds"):
        yield Problem(("feeds",), 'there is no feed; add a table [feeds.main] with use = "..." and symbols = ["..."]')
    if draft.live and not (draft.live.strategy or draft.data.get("forecasters") or draft.idle):
        text = 'there is neither a strategy nor a forecaster, so nothing to do; write live.strategy = "module:Class"'
        yield Problem(("live", "strategy"), text)
    if draft.live and draft.live.strategy_options and not draft.live.strategy:
        yield Problem(("live", "strategy_options"), "are for no strategy; name it in live.strategy, or take them out")


def live_check(offers: Iterable[tuple[Route, Any]]) -> Iterator[Problem]:
    """Yield what a live run must not depend on, of the components that were found."""
    for route, offer in offers:
        if NOT_LIVE in offer.component.capabilities:
            text = 'is for shadow and paper runs; use another, or write live.mode = "paper"'
            yield Problem((*route, "use"), text)


def _broker_for_mode(draft: Draft) -> Iterator[Problem]:
    if draft.live is None or draft.risk is None or "broker" in draft.data:
        return
    live, _ = in_mode(draft.live, draft.risk, draft)
    if live.mode != "shadow":
        yield Problem(
            ("live", "mode"), f'{live.mode} needs a broker; add a table [broker] with use = "...", or write mode = "shadow"'
        )


def _one_mode(draft: Draft) -> Iterator[Problem]:
    """Refuse two modes: what a run does to an account is said once, or twice alike."""
    if draft.live is None or draft.risk is None:
        return
    limit = draft.risk.execution_mode
    key = "execution_mode" if draft.has("risk", "execution_mode") else "shadow_mode"
    if not draft.has("risk", key):
        return
    named = draft.has("live", "mode")
    if limit is None and draft.live.mode == "shadow":
        yield Problem(("risk", key), 'says not shadow, and nothing names the mode; write live.mode = "paper" or "live"')
    elif limit is not None and named and limit != draft.live.mode:
        text = f'contradicts live.mode = "{draft.live.mode}"; name the mode once, in live.mode'
        yield Problem(("risk", key), text)


def _known_triggers(draft: Draft) -> Iterator[Problem]:
    known = draft.names("triggers")
    for forecaster in draft.forecasters:
        for position, name in enumerate(forecaster.on):
            if name not in known:
                hint = did_you_mean(name, known) or f"; triggers are {', '.join(known)}" if known else ""
                text = f"there is no trigger of this name{hint or f'; add a table [triggers.{name}]'}"
                yield Problem(("forecasters", forecaster.name, "on", position), text)


def _known_parts(draft: Draft) -> Iterator[Problem]:
    """Refuse triggers made of others that there are not, or of themselves."""
    compounds = {each.name: parts for each in draft.triggers if (parts := _parts(each.options))}
    for compound, position, text in part_problems(compounds, draft.names("triggers")):
        yield Problem(("triggers", compound, "of", position), text)


def _parts(options: Any) -> tuple[str, ...]:
    """Return the names in the `of` of a compound, as its contract asks; nothing for any other trigger."""
    parts = getattr(options, "of", ())
    return parts if isinstance(parts, tuple) and all(isinstance(part, str) for part in parts) else ()


def _known_symbols(draft: Draft) -> Iterator[Problem]:
    """Refuse symbols that no feed delivers, when every feed says what it delivers."""
    delivered = {symbol for feed in draft.feeds for symbol in feed.symbols}
    if len(draft.feeds) < len(draft.names("feeds")) or not all(feed.symbols for feed in draft.feeds):
        return
    wanted: list[tuple[str, TriggerSettings | ForecasterSettings]] = [("triggers", each) for each in draft.triggers]
    wanted += [("forecasters", each) for each in draft.forecasters]
    for section, each in wanted:
        for position, symbol in enumerate(each.symbols):
            if symbol not in delivered:
                hint = did_you_mean(symbol, delivered) or "; add it to the symbols of a feed"
                yield Problem((section, each.name, "symbols", position), f"no feed delivers this symbol{hint}")


def _distinct_checks(draft: Draft) -> Iterator[Problem]:
    seen: set[str] = set()
    for position, check in enumerate(draft.checks):
        if check.name in seen:
            text = (
                f'there is a check called "{check.name}" before it; give each a name of its own, as in name = "{check.name}-2"'
            )
            yield Problem(("risk", "checks", position), text)
        seen.add(check.name)
