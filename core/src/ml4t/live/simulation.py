"""Simulators in place of vendors: one started by its name, or a whole configuration without an account."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, cast

import attrs
from attrs import frozen

from ml4t.live.clock import SystemClock
from ml4t.live.composer import compose
from ml4t.live.config.decode import make_converter
from ml4t.live.config.document import Document, Source, read
from ml4t.live.config.loader import plugin_settings, settle, trust_in
from ml4t.live.config.problem import Mistake, Mistakes, dotted, problems_of
from ml4t.live.config.secret import SecretSource
from ml4t.live.config.settings import Settings
from ml4t.live.config.table import key_types, structure_table
from ml4t.live.confinement import confined
from ml4t.live.contracts.simulator import Simulator
from ml4t.live.engine.engine import Engine
from ml4t.live.errors import ConfigError, PluginError
from ml4t.live.plugins import Catalogue, Offer
from ml4t.live.plugins.finder import is_core
from ml4t.live.plugins.naming import split_use
from ml4t.live.records import Component, Kind
from ml4t.live.times import to_datetime

LOCAL = "local"
"""The capability of a feed or broker that connects to nothing."""

_ACCOUNTS = ("paper", "live")


@contextmanager
def simulator(use: str, options: Mapping[str, Any], catalogue: Catalogue) -> Iterator[Simulator]:
    """Run the simulator that `use` names until the end of the block; `options` is its table, as in a configuration.

    Raises PluginError when there is none, ConfigError for options that it does not take and for a port that is taken.
    """
    offer = catalogue.find(Kind.SIMULATOR, use)
    config = _decode(offer, options)
    made = cast(Simulator, catalogue.resolve(offer)(config))
    try:
        made.start()
        yield made
    finally:
        made.close()


@frozen(kw_only=True)
class Simulated:
    """A configuration whose vendors are simulated: the engine that it describes, and the simulators by plugin."""

    engine: Engine
    simulators: Mapping[str, Simulator]


@contextmanager
def simulated(
    config: Source,
    *,
    overlays: Iterable[Source] = (),
    assignments: Iterable[str] = (),
    state_dir: str | Path | None = None,
    catalogue: Catalogue | None = None,
) -> Iterator[Simulated]:
    """Run the simulators of a configuration's vendors until the end of the block, and compose its engine against them.

    Each feed and broker table gets the options that lead to the simulator of its plugin; each plugin is started once. Inside
    the block the process reaches nothing else, so no order can get to a venue whatever an adapter does. The state is kept
    apart from that of real runs; without a `state_dir` it is a new folder, because the books of a simulator are new as well.

    Raises ConfigError with every problem: those of `compose`, and each table whose plugin offers no simulator and is not
    itself local.
    """
    document = read(config, overlays=overlays, assignments=assignments)
    catalogue = trust_in(document, plugin_settings(document)[0], catalogue or Catalogue.discover()).catalogue
    with ExitStack() as stack:
        stack.enter_context(confined())
        running = {
            name: stack.enter_context(simulator(name, options, catalogue))
            for name, options in _wanted(document, catalogue).items()
        }
        environ = dict(os.environ)
        for each in running.values():
            environ |= each.environ
        settings = settle(_diverted(document, catalogue, running), catalogue=catalogue, environ=environ, deep=True)
        folder = state_dir or _new_folder(settings)
        engine = compose(settings, catalogue=catalogue, state_dir=folder, simulated=True)
        yield Simulated(engine=engine, simulators=running)


def options_for(component: Component, running: Simulator) -> dict[str, Any]:
    """Return the options that lead the table of a feed or broker to a simulator: those that its config class has."""
    known = key_types(component.config)
    return {key: value for key, value in running.options.items() if key in known}


def _wanted(document: Document, catalogue: Catalogue) -> dict[str, dict[str, Any]]:
    """Return the plugins whose simulators are needed, each with the simulator's options. Raises ConfigError."""
    wanted: dict[str, dict[str, Any]] = {}
    problems = []
    for path, _, offer in _connecting(document.data, catalogue):
        plugin = offer.plugin.name
        try:
            config = catalogue.find(Kind.SIMULATOR, plugin).component.config
        except PluginError:
            problems.append(
                f"{path}.use = {offer.use}: the plugin {plugin} offers no simulator, and would reach its vendor; "
                'take the table out, or use what needs no vendor, such as "replay"'
            )
            continue
        kind = _account_kind(document.data)
        wanted[plugin] = {"kind": kind} if kind and "kind" in key_types(config) else {}
    if problems:
        raise ConfigError(problems, source=str(document.path or ""))
    return wanted


def _diverted(document: Document, catalogue: Catalogue, running: Mapping[str, Simulator]) -> Document:
    """Return the document with every table of a vendor led to its simulator. Raises ConfigError when one cannot be."""
    data = copy.deepcopy(dict(document.data))
    problems = []
    for path, table, offer in _connecting(data, catalogue):
        options = options_for(offer.component, running[offer.plugin.name])
        if not options:
            problems.append(
                f"{path}.use = {offer.use}: it takes none of the options of its plugin's simulator; tell the plugin's author"
            )
        table.update(options)
    if problems:
        raise ConfigError(problems, source=str(document.path or ""))
    return attrs.evolve(document, data=data)


def _connecting(data: Mapping[str, Any], catalogue: Catalogue) -> Iterator[tuple[str, dict[str, Any], Offer]]:
    """Yield the feed and broker tables of what connects to somewhere, each with its path and what it uses.

    A table that is wrong in itself is left out: it is reported when the document is settled, and nothing runs then.
    """
    feeds = data.get("feeds")
    tables = [(Kind.FEED, f"feeds.{name}", table) for name, table in feeds.items()] if isinstance(feeds, Mapping) else []
    for kind, path, table in [*tables, (Kind.BROKER, "broker", data.get("broker"))]:
        use = table.get("use") if isinstance(table, dict) else None
        if not isinstance(use, str):
            continue
        try:
            split_use(use)
            offer = catalogue.find(kind, use)
        except PluginError:
            continue
        if not is_core(offer.plugin.distribution) and LOCAL not in offer.component.capabilities:
            yield path, table, offer


def _account_kind(data: Mapping[str, Any]) -> str:
    """Return the kind of account that the run is for, empty when it needs none."""
    for section, key in (("live", "mode"), ("risk", "execution_mode")):
        table = data.get(section)
        if isinstance(table, Mapping) and table.get(key) in _ACCOUNTS:
            return str(table[key])
    return ""


def _new_folder(settings: Settings) -> Path:
    base = settings.live.state_dir or settings.folder / "state" / settings.live.name
    stamp = to_datetime(SystemClock().now()).strftime("%Y%m%d-%H%M%S-%f")
    return base.with_name(f"{base.name}-simulated") / stamp


def _decode(offer: Offer, options: Mapping[str, Any]) -> Any:
    converter = make_converter(Path.cwd(), SecretSource(os.environ, Path.cwd()))
    try:
        return structure_table(converter, options, offer.component.config)
    except (Mistake, Mistakes) as error:
        problems = [f"{dotted(each.route) or offer.use}: {each.text}" for each in problems_of(error, ())]
        raise ConfigError(problems, source=f"the options of the simulator {offer.use}") from error
