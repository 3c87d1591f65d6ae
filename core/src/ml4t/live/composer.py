"""From a configuration to an engine that is ready to run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import structlog

from ml4t.live.clock import Clock
from ml4t.live.config import FeedSettings, ForecasterSettings, Settings, load, load_strategy
from ml4t.live.config.document import Source
from ml4t.live.config.problem import Mistake, Route, dotted
from ml4t.live.config.shadow import ShadowSettings
from ml4t.live.config.strategy import StrategySource, code_of
from ml4t.live.config.trust import admitted
from ml4t.live.contracts.asked import missing_methods
from ml4t.live.engine.engine import Engine
from ml4t.live.engine.forecasting import ForecasterSpec
from ml4t.live.engine.parts import NamedFeed, Parts
from ml4t.live.engine.triggers import TriggerSpec
from ml4t.live.errors import ConfigError, LiveError, PluginError
from ml4t.live.hosting import hosted
from ml4t.live.plugins import Catalogue, Found, Offer
from ml4t.live.plugins.contract import in_the_name_of
from ml4t.live.plugins.finder import is_core
from ml4t.live.plugins.reference import newer
from ml4t.live.raised import describe_with_place
from ml4t.live.records import Kind
from ml4t.live.sessions import calendar_of

_log = structlog.get_logger("ml4t.live")


def compose(
    config: Source | Settings,
    *,
    overlays: Iterable[Source] = (),
    assignments: Iterable[str] = (),
    state_dir: str | Path | None = None,
    catalogue: Catalogue | None = None,
    clock: Clock | None = None,
    seed: int | None = None,
    simulated: bool = False,
    forecasters: Sequence[ForecasterSpec] = (),
) -> Engine:
    """Return the engine that a configuration (a TOML file, a mapping, or settings) describes.

    Everything is imported and built here, before any connection opens. `state_dir` replaces the configuration's own.
    `forecasters` are further ones, as objects.
    `simulated` says that simulators stand in for the vendors: the state is kept apart (see `ml4t.live.simulation`).
    Raises ConfigError with every problem.
    """
    catalogue = catalogue or Catalogue.discover()
    settings = config
    if not isinstance(settings, Settings):
        idle = bool(forecasters)
        settings = load(settings, catalogue=catalogue, overlays=overlays, assignments=assignments, deep=True, idle=idle)
    _warn(settings)
    parts = Composer(settings, admitted(settings.plugins, settings.live.mode, catalogue)).parts()
    parts = attrs.evolve(parts, simulated=simulated, forecasters=[*parts.forecasters, *forecasters])
    folder = state_dir or settings.live.state_dir or settings.folder / "state" / settings.live.name
    return Engine(parts, state_dir=folder, clock=clock, seed=seed)


def _component(offer: Offer, kind: Kind, factory: Callable[..., Any], options: Any) -> Any:
    """Return the component that an offer's factory makes. Raises PluginError for whatever it raises, and for a wrong thing.

    What the factory says on purpose, a LiveError or an error of core's own components, keeps its words.
    """
    plugin = offer.plugin
    try:
        made = factory(options)
    except Exception as error:
        if isinstance(error, LiveError) or is_core(plugin.distribution):
            raise
        what = f"the plugin {plugin.name} ({plugin.provenance}) cannot make its {kind} {offer.component.name}"
        raise PluginError(f"{what}: {describe_with_place(error)}") from error
    if not isinstance(made, ShadowSettings) and (lack := missing_methods(kind, made)):
        what = f"the {kind} {offer.component.name} of the plugin {plugin.name} ({plugin.provenance})"
        raise PluginError(f"{what} is a {type(made).__name__}, which {lack}. {newer(plugin)}")
    return made


def _strategy(reference: str, make: Callable[..., Any], options: Mapping[str, Any]) -> Any:
    try:
        return make(**options)
    except LiveError:
        raise
    except Exception as error:
        raise Mistake(f"{reference} cannot be made: {describe_with_place(error)}") from error


def _warn(settings: Settings) -> None:
    """Say what is not certain of the plugins."""
    for difference in settings.drift:
        _log.warning("a plugin is not as it was locked", difference=difference)
    if settings.live.mode == "live" and settings.plugins.lock is None:
        mend = 'ml4t-live plugins lock --config CONFIG, and in the table [plugins] lock = "ml4t-live.lock"'
        _log.warning("no lock: whatever is installed under the names of the plugins is run", mend=mend)


class Composer:
    """Builds the parts that settings name, collecting every problem before it gives up."""

    def __init__(self, settings: Settings, catalogue: Catalogue) -> None:
        self._settings = settings
        self._catalogue = catalogue
        self._problems: list[str] = []
        self._used: dict[str, Found] = {}

    def parts(self) -> Parts:
        """Return the parts. Raises ConfigError."""
        settings = self._settings
        broker, shadow = self._broker()
        feeds = [self._feed(spec) for spec in settings.feeds]
        checks = [
            (check.name, self._make(Kind.RISK_CHECK, check.use, check.options, ("risk", "checks", n)))
            for n, check in enumerate(settings.checks)
        ]
        triggers = [self._trigger(spec) for spec in settings.triggers if spec.enabled]
        forecasters = [self._forecaster(spec) for spec in settings.forecasters if spec.enabled]
        observers = [
            (spec.name, self._make(Kind.OBSERVER, spec.use, spec.options, ("observers", spec.name)))
            for spec in settings.observers
        ]
        strategy = self._strategy()
        calendar = self._attempt(("live", "calendar"), lambda: calendar_of(settings.live.calendar))
        if self._problems:
            raise ConfigError(self._problems, source=str(settings.path or ""))
        return Parts(
            name=settings.live.name,
            mode=settings.live.mode,
            feeds=tuple(feed for feed in feeds if feed is not None),
            strategy=strategy,
            source=self._source(strategy),
            broker=broker,
            limits=settings.risk,
            checks=checks,
            triggers=triggers,
            forecasters=forecasters,
            observers=observers,
            engine=settings.engine,
            market=settings.market,
            shadow=shadow,
            calendar=calendar,
            manifest=self._manifest(),
            document=settings.document,
        )

    def _broker(self) -> tuple[Any, ShadowSettings]:
        spec, shadow = self._settings.broker, self._settings.shadow
        if spec is None or (self._settings.live.mode == "shadow" and spec.use != "shadow"):
            return None, shadow  # a broker that the mode does not use is not even imported
        broker = self._make(Kind.BROKER, spec.use, spec.options, ("broker",))
        return (None, broker) if isinstance(broker, ShadowSettings) else (broker, shadow)

    def _trigger(self, spec: Any) -> TriggerSpec:
        trigger = self._make(Kind.TRIGGER, spec.use, spec.options, ("triggers", spec.name))
        return TriggerSpec(spec.name, trigger, frozenset(spec.symbols), spec.cooldown, spec.warmup, catch_up=spec.catch_up)

    def _forecaster(self, spec: ForecasterSettings) -> ForecasterSpec:
        return ForecasterSpec(
            spec.name,
            self._make(Kind.FORECASTER, spec.use, spec.options, ("forecasters", spec.name)),
            frozenset(spec.on),
            horizon=spec.horizon,
            horizon_in=spec.horizon_in,
            process=spec.process,
            weight=spec.weight,
            symbols=spec.symbols,
            budget_seconds=spec.budget_seconds or self._settings.engine.forecaster_budget_seconds,
        )

    def _strategy(self) -> Any:
        live, folder = self._settings.live, self._settings.folder
        if live.strategy is None:
            return None
        route, reference = ("live", "strategy"), live.strategy
        strategy = self._attempt(route, lambda: _strategy(reference, load_strategy(reference, folder), live.strategy_options))
        if strategy is None or self._settings.host is None:
            return self._attempt(route, lambda: hosted(strategy, self._catalogue))
        host = self._make(Kind.HOST, self._settings.host.use, self._settings.host.options, ("host",))
        return None if host is None else self._attempt(("host",), lambda: host.host(strategy))

    def _source(self, strategy: Any) -> StrategySource | None:
        live = self._settings.live
        if strategy is None or live.strategy is None:
            return None
        written = self._settings.document.get("live", {})
        options = written.get("strategy_options", {}) if isinstance(written, Mapping) else {}
        code = code_of(type(getattr(strategy, "hosted", strategy)))
        host = self._settings.document.get("host")
        return StrategySource(live.strategy, str(self._settings.folder.resolve()), options, code, host)

    def _feed(self, spec: FeedSettings) -> NamedFeed | None:
        route = ("feeds", spec.name)
        made = self._make(Kind.FEED, spec.use, spec.options, route)
        if made is None:
            return None
        named: NamedFeed | None = self._attempt(
            route, lambda: NamedFeed(name=spec.name, feed=made, bars=spec.bars, evolving=spec.evolving)
        )
        return named

    def _make(self, kind: Kind, use: str, options: Any, route: Route) -> Any:
        return self._attempt(route, lambda: self._made(kind, use, options))

    def _made(self, kind: Kind, use: str, options: Any) -> Any:
        offer = self._catalogue.find(kind, use)
        self._used[offer.plugin.name] = offer.plugin
        factory: Callable[..., Any] = self._catalogue.resolve(offer)
        with in_the_name_of(offer.plugin):
            return _component(offer, kind, factory, options)

    def _attempt(self, route: Route, build: Callable[[], Any]) -> Any:
        try:
            return build()
        except Exception as error:  # noqa: BLE001 - whatever somebody's constructor raises is a problem of the configuration
            place = f" ({where})" if (where := self._settings.where(route)) else ""
            self._problems.append(f"{dotted(route)}{place}: {error or repr(error)}")
            return None

    def _manifest(self) -> dict[str, Any]:
        return {
            "config": self._settings.digest,
            "plugins": {name: self._sealed(found) for name, found in sorted(self._used.items())},
            "risk_checks": [
                attrs.asdict(check, filter=lambda field, _: field.name != "options") for check in self._settings.checks
            ],
        }

    def _sealed(self, found: Found) -> dict[str, str]:
        code = self._catalogue.code(found)
        return {"distribution": found.distribution, "version": found.version, "digest": code.digest}
