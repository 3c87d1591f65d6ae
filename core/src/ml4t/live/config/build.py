"""Builds the settings of every section, collecting problems instead of stopping at the first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from cattrs import Converter

from ml4t.live.config.document import Document
from ml4t.live.config.problem import Mistake, Mistakes, Problem, Route, did_you_mean, problems_of
from ml4t.live.config.settings import (
    BrokerSettings,
    EngineSettings,
    FeedSettings,
    ForecasterSettings,
    HostSettings,
    LiveSettings,
    MarketSettings,
    ObserverSettings,
    PluginSettings,
    RiskCheckSettings,
    TriggerSettings,
)
from ml4t.live.config.shadow import ShadowSettings
from ml4t.live.config.surroundings import live_problems, option_problems
from ml4t.live.config.table import key_types, structure_table
from ml4t.live.errors import PluginError
from ml4t.live.plugins.catalogue import STANDARD
from ml4t.live.records import Component, Kind
from ml4t.live.risk.config import LiveRiskConfig

T = TypeVar("T")

PLAIN: Mapping[str, type] = {
    "live": LiveSettings,
    "engine": EngineSettings,
    "market": MarketSettings,
    "risk": LiveRiskConfig,
    "shadow": ShadowSettings,
    "plugins": PluginSettings,
}
"""The sections that are one table of the core's own keys."""

NAMED: Mapping[str, tuple[Kind, type]] = {
    "feeds": (Kind.FEED, FeedSettings),
    "triggers": (Kind.TRIGGER, TriggerSettings),
    "forecasters": (Kind.FORECASTER, ForecasterSettings),
    "observers": (Kind.OBSERVER, ObserverSettings),
}
"""The sections that are named tables of components."""

SECTIONS = (
    "live",
    "engine",
    "market",
    "feeds",
    "broker",
    "host",
    "risk",
    "shadow",
    "triggers",
    "forecasters",
    "observers",
    "plugins",
)


class Offered(Protocol):
    """A component that a configuration named."""

    @property
    def component(self) -> Component:
        """The record: its `config` decodes the table."""
        ...


class Finder(Protocol):
    """What is needed of the plugins' `Catalogue`."""

    def find(self, kind: Kind, use: str) -> Any:
        """Return the `Offered` that `use` names. Raises PluginError that says how to mend it."""
        ...

    def resolve(self, offer: Any) -> Callable[..., object]:
        """Return the factory of an offer. Raises PluginError that says how to mend it."""
        ...


class Builder:
    """Turns the sections of one document into settings; `problems` and `offers` fill up on the way.

    A section that cannot be built is None, or left out of its tuple: settings made while there are problems are not whole.
    """

    def __init__(self, document: Document, converter: Converter, catalogue: Finder) -> None:
        self.document = document
        self.problems: list[Problem] = []
        self.offers: list[tuple[Route, Any]] = []
        self._converter = converter
        self._catalogue = catalogue
        self._allowed: frozenset[str] | None = None
        self._quietly = False
        self._live: LiveSettings | None = None
        self._made: list[tuple[Route, Any]] = []

    def unknown_sections(self) -> None:
        """Report every section that there is not, with where its key belongs if that is known."""
        for section in self.document.data:
            if section in SECTIONS:
                continue
            homes = [f"[{home}]" for home, cls in PLAIN.items() if section in key_types(cls)]
            hint = f"; {section} belongs in {' or '.join(homes)}" if homes else did_you_mean(section, SECTIONS)
            text = f"unknown section{hint or '; sections are ' + ', '.join(SECTIONS)}"
            self.problems.append(Problem((section,), text, hide=True))

    def plain(self, section: str, cls: type[T], *, without: Iterable[str] = ()) -> T | None:
        """Return the settings of a section without components; an absent section has its defaults."""
        raw = self.document.data.get(section, {})
        if isinstance(raw, Mapping):
            raw = {key: value for key, value in raw.items() if key not in set(without)}
        return self._table(raw, cls, (section,), also_known=without)

    def live(self) -> LiveSettings | None:
        """Return the settings of the table [live], None when it has problems."""
        self._live = self.plain("live", LiveSettings)
        return self._live

    def allow(self, names: Iterable[str] | None, *, quietly: bool = False) -> None:
        """Use no plugins but these and those of the core, from now on; `quietly` leaves the others out without a word."""
        self._allowed = None if names is None else STANDARD | frozenset(names)
        self._quietly = quietly

    def named(self, section: str) -> tuple[Any, ...]:
        """Return the settings of every named table of a section, in the order written."""
        kind, cls = NAMED[section]
        tables = self.document.data.get(section, {})
        if not isinstance(tables, Mapping):
            text = f"must be named tables; head each [{section}.NAME], with one pair of brackets"
            self.problems.append(Problem((section,), text))
            return ()
        if "use" in tables and not isinstance(tables["use"], Mapping):
            self.problems.append(Problem((section,), f"needs a name; head the table [{section}.main] instead of [{section}]"))
            return ()
        made = [self._component(kind, raw, (section, name), cls, {"name": name}) for name, raw in tables.items()]
        return tuple(each for each in made if each is not None)

    def broker(self) -> BrokerSettings | None:
        """Return the settings of the broker, None when there is none."""
        raw = self.document.data.get("broker")
        return None if raw is None else self._component(Kind.BROKER, raw, ("broker",), BrokerSettings, {})

    def host(self) -> HostSettings | None:
        """Return the settings of the strategy host, None when none is named."""
        raw = self.document.data.get("host")
        return None if raw is None else self._component(Kind.HOST, raw, ("host",), HostSettings, {})

    def checks(self) -> tuple[RiskCheckSettings, ...]:
        """Return the settings of the additional risk checks, in the order written."""
        risk = self.document.data.get("risk")
        tables = risk.get("checks", []) if isinstance(risk, Mapping) else []
        if not isinstance(tables, Sequence) or isinstance(tables, str):
            text = "must be an array of tables, because the order matters; head each one [[risk.checks]] in double brackets"
            self.problems.append(Problem(("risk", "checks"), text))
            return ()
        made = [
            self._component(Kind.RISK_CHECK, raw, ("risk", "checks", i), RiskCheckSettings, {}) for i, raw in enumerate(tables)
        ]
        return tuple(each for each in made if each is not None)

    def look_around(self) -> None:
        """Import the strategy and what every component is made by, make the calendar, look for files: report what is not."""
        self.problems += live_problems(self._live, self.document)
        self.problems += option_problems(self._made)
        for route, offer in self.offers:
            try:
                self._catalogue.resolve(offer)
            except PluginError as error:
                self.problems.append(Problem((*route, "use"), _without_use(error)))

    def _component(self, kind: Kind, raw: Any, route: Route, cls: type[T], given: Mapping[str, Any]) -> T | None:
        """Return the settings of one component: the core's keys and, as `options`, those of its own config class."""
        if not isinstance(raw, Mapping):
            self.problems.append(Problem(route, "must be a table; write the component's settings under a heading in brackets"))
            return None
        owned = [key for key in key_types(cls, without=given) if key != "options"]
        core = {key: value for key, value in raw.items() if key in owned}
        if "name" in owned:
            use = raw.get("use")
            core.setdefault("name", use if use and isinstance(use, str) else "check")
        offer = self._find(kind, raw, route)
        options = None
        if offer is not None:
            options = self._options(offer.component.config, raw, route, owned)
            self._made.append((route, options))
        return self._table(core, cls, route, given={**given, "options": options})

    def _find(self, kind: Kind, raw: Mapping[str, Any], route: Route) -> Offered | None:
        use = raw.get("use")
        if not isinstance(use, str):  # the section's own class reports it
            return None
        plugin = use.partition(".")[0]
        if self._allowed is not None and plugin not in self._allowed:
            text = f"the plugin {plugin} is not in plugins.allow; add {plugin!r} there to use it"
            if not self._quietly:
                self.problems.append(Problem((*route, "use"), text))
            return None
        try:
            offer: Offered = self._catalogue.find(kind, use)
        except PluginError as error:
            self.problems.append(Problem((*route, "use"), _without_use(error)))
            return None
        self.offers.append((route, offer))
        return offer

    def _options(self, config: type, raw: Mapping[str, Any], route: Route, owned: Sequence[str]) -> Any:
        """Return an instance of the component's config class.

        A key of the core's that the class has a field for goes to both: that is how a feed gets its symbols.
        """
        try:
            own = key_types(config)
        except Mistake as error:
            self.problems.append(Problem(route, str(error)))
            return None
        mine = {key: value for key, value in raw.items() if key in own or key not in owned}
        if "use" not in own:
            mine.pop("use", None)
        return self._table(mine, config, route, also_known=owned)

    def _table(
        self, raw: Any, cls: type[T], route: Route, *, given: Mapping[str, Any] | None = None, also_known: Iterable[str] = ()
    ) -> T | None:
        try:
            return structure_table(self._converter, raw, cls, given=given, also_known=also_known)
        except (Mistake, Mistakes) as error:
            self.problems += problems_of(error, route)
            return None


def _without_use(error: PluginError) -> str:
    """Cut the `use = "..."` that the message opens with: the report says it already."""
    opening, quote, rest = str(error).partition('": ')
    return rest if quote and opening.startswith('use = "') else str(error)
