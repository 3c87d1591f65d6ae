"""The way in: from a file to settings, with every problem in one exception."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from ml4t.live.config.build import NAMED, Builder, Finder
from ml4t.live.config.check import Draft, cross_check, in_mode, live_check
from ml4t.live.config.decode import make_converter
from ml4t.live.config.document import MISSING, Document, Source, read
from ml4t.live.config.mask import is_telling, show
from ml4t.live.config.problem import Problem, dotted, shown
from ml4t.live.config.secret import MASK, Resolver, SecretSource
from ml4t.live.config.settings import EngineSettings, MarketSettings, PluginSettings, Settings
from ml4t.live.config.shadow import ShadowSettings
from ml4t.live.config.trust import Trust, trust
from ml4t.live.config.vault import plugin_secrets
from ml4t.live.errors import ConfigError
from ml4t.live.plugins import Catalogue
from ml4t.live.risk.config import LiveRiskConfig

_SHORT = 4


def load(
    source: Source,
    *,
    catalogue: Finder,
    overlays: Iterable[Source] = (),
    assignments: Iterable[str] = (),
    environ: Mapping[str, str] = os.environ,
    resolver: Resolver | None = None,
    deep: bool = False,
    idle: bool = False,
) -> Settings:
    """Return the settings of a TOML or JSON file, or of a mapping.

    `overlays` are merged over it and `assignments` (`risk.max_order_value=5000`) made last; then references to secrets are
    looked up: in `environ`, in files, and other schemes by `resolver`, or without one by the plugin named like the scheme.
    `deep` also imports the strategy and the factory of every component, makes the calendar, and looks for the files. `idle`
    takes a configuration that has neither a strategy nor a forecaster, because the program brings its own. Raises ConfigError
    with every problem, each with its path and its remedy.
    """
    document = read(source, overlays=overlays, assignments=assignments)
    return settle(document, catalogue=catalogue, environ=environ, resolver=resolver, deep=deep, idle=idle)


def settle(
    document: Document,
    *,
    catalogue: Finder,
    environ: Mapping[str, str] = os.environ,
    resolver: Resolver | None = None,
    deep: bool = False,
    idle: bool = False,
) -> Settings:
    """Return the settings of a document that was read before. Raises ConfigError as `load` does."""
    plugins, problems = plugin_settings(document, environ)
    drift: tuple[Problem, ...] = ()
    if isinstance(catalogue, Catalogue):
        trusted = trust_in(document, plugins, catalogue)
        catalogue, drift = trusted.catalogue, trusted.drift
        resolver = resolver or plugin_secrets(catalogue)
    secrets = SecretSource(environ, document.folder, resolver)
    builder = Builder(document, make_converter(document.folder, secrets), catalogue)
    builder.problems += problems
    settings = _build(builder, document, plugins, idle=idle)
    if deep:
        builder.look_around()
    if builder.problems or settings is None:
        raise ConfigError(_report(builder.problems, document, secrets), source=str(document.path or ""))
    return attrs.evolve(settings, drift=tuple(_report(drift, document, secrets)))


def trust_in(document: Document, plugins: PluginSettings | None, catalogue: Catalogue) -> Trust:
    """Return what a document, with its table [plugins], lets in of a catalogue. Imports nothing.

    Raises ConfigError with every plugin that is not as the document's lock says, when the run is live.
    """
    trusted = trust(document, plugins, catalogue)
    if trusted.refuses and trusted.drift:
        report = _report(trusted.drift, document, SecretSource({}, document.folder, None))
        raise ConfigError(report, source=str(document.path or ""))
    return trusted


def plugin_settings(document: Document, environ: Mapping[str, str] = os.environ) -> tuple[PluginSettings | None, list[Problem]]:
    """Return the table [plugins], None when it has mistakes, and the mistakes. No plugin is asked for a value of it."""
    converter = make_converter(document.folder, SecretSource(environ, document.folder, None))
    builder = Builder(document, converter, Catalogue(entries=()))
    return builder.plain("plugins", PluginSettings), builder.problems


def _build(builder: Builder, document: Document, plugins: PluginSettings | None, *, idle: bool) -> Settings | None:
    """Return the settings, None when a section is missing from them; the builder then has the problems."""
    builder.unknown_sections()
    live = builder.live()
    engine = builder.plain("engine", EngineSettings)
    market = builder.plain("market", MarketSettings)
    risk = builder.plain("risk", LiveRiskConfig, without=("checks",))
    shadow = builder.plain("shadow", ShadowSettings)
    builder.allow(plugins.allow if plugins else (), quietly=plugins is None)
    named: dict[str, Any] = {section: builder.named(section) for section in NAMED}
    broker, host, checks = builder.broker(), builder.host(), builder.checks()
    draft = Draft(
        data=document.data,
        live=live,
        risk=risk,
        feeds=named["feeds"],
        broker=broker,
        checks=checks,
        triggers=named["triggers"],
        forecasters=named["forecasters"],
        idle=idle,
    )
    builder.problems += cross_check(draft)
    if live is None or engine is None or market is None or risk is None or shadow is None or plugins is None:
        return None
    live, risk = in_mode(live, risk, draft)
    if live.mode == "live":
        builder.problems += live_check(builder.offers)
    return Settings(
        live=live,
        engine=engine,
        market=market,
        broker=broker,
        host=host,
        risk=risk,
        checks=checks,
        shadow=shadow,
        plugins=plugins,
        path=document.path,
        folder=document.folder,
        digest=document.digest,
        document=show(document),
        where=document.where,
        **named,
    )


def _report(problems: Iterable[Problem], document: Document, secrets: SecretSource) -> list[str]:
    """Return the lines of the report: one problem a value, no secret in any of them."""
    lines: dict[Any, str] = {}
    for problem in problems:
        lines.setdefault(problem.route or problem.text, _line(problem, document, secrets.revealed))
    return list(lines.values())


def _line(problem: Problem, document: Document, revealed: Iterable[str]) -> str:
    value = document.value(problem.route)
    text = None if problem.hide or value is MISSING else shown(value)
    if isinstance(value, (str, list)) and any(is_telling(str(part)) for part in problem.route):
        text = MASK
    where = document.where(problem.route)
    head = dotted(problem.route) + (f" = {text}" if text is not None else "") + (f" ({where})" if where else "")
    said = problem.text
    for secret in sorted(revealed, key=len, reverse=True):
        # A short one is a coincidence in any other message, and would make it unreadable.
        if len(secret) >= _SHORT or isinstance(value, Mapping):
            said = said.replace(secret, MASK)
    return f"{head}: {said}"
