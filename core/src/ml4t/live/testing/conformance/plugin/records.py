"""What a plugin's records promise: factories that exist, options that are documented, secrets that are kept."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from typing import Any, get_args

import attrs

from ml4t.live.config.docs import class_doc, field_docs
from ml4t.live.config.secret import Secret
from ml4t.live.config.shapes import table_shape
from ml4t.live.config.table import key_types
from ml4t.live.errors import PluginError
from ml4t.live.plugins import resolve_factory
from ml4t.live.records import Component
from ml4t.live.testing.conformance.plugin.rig import PluginRig, components, rigs
from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.scenario import scenario

SECRETIVE = frozenset({"key", "secret", "password", "passphrase", "token"})
"""Words in the name of an option that is a secret."""


@scenario(components)
async def its_factories_take_their_config(rig: PluginRig) -> None:
    """Every factory can be imported and is called with one argument; so can its commands and checks for `doctor`."""
    loaded = rig.loaded()
    for each in rig.components():
        factory = _resolved(rig, each.factory)
        try:
            inspect.signature(factory).bind(None)
        except TypeError as error:
            raise NotConformant(f"{each.factory} is not called with its config alone: {error}") from error
        except ValueError:  # written in C: it says nothing of its arguments
            continue
    for check in loaded.doctor:
        _resolved(rig, check.factory)
    for command in loaded.commands:
        _resolved(rig, command.factory)


@scenario(components)
async def every_component_says_what_it_is(rig: PluginRig) -> None:
    """Every record has a summary in a sentence, and every config class a docstring: `plugins show` prints them."""
    for each in rig.components():
        if len(each.summary.split()) < 3 or not each.summary.endswith("."):
            raise NotConformant(f"the summary of {each.name} is {each.summary!r}; write a sentence")
        if not class_doc(each.config):
            raise NotConformant(f"{each.config.__name__} has no docstring; say in a sentence what it configures")


@scenario(components)
async def every_option_is_documented(rig: PluginRig) -> None:
    """Every field of a config class has a docstring of its own, below it: what it is, in which unit."""
    for each in rig.components():
        docs = field_docs(each.config)
        silent = [name for name, _ in _options(each) if name in attrs.fields_dict(each.config) and not docs.get(name)]
        if silent:
            raise NotConformant(f"{', '.join(silent)} of {each.config.__name__}: no docstring below the field")


@scenario(components)
async def every_option_has_a_schema(rig: PluginRig) -> None:
    """Every option has a type that a table in a file can hold, so that `config schema` can tell editors of it."""
    for each in rig.components():
        shape = table_shape(each.config)
        open_ones = [name for name, option in shape["properties"].items() if not option.keys() - {"description", "default"}]
        if open_ones:
            raise NotConformant(f"{', '.join(open_ones)} of {each.config.__name__}: a type that no file can hold")
        try:
            json.dumps(shape, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise NotConformant(f"the schema of {each.config.__name__} is no JSON: {error}") from error


@scenario(components)
async def its_options_cannot_be_changed(rig: PluginRig) -> None:
    """Config classes are frozen: what was journalled of a run is what it ran with."""
    for each in rig.components():
        blank: Any = object.__new__(each.config)
        try:
            for name, _ in _options(each):
                setattr(blank, name, None)
        except attrs.exceptions.FrozenError:
            continue
        if attrs.fields(each.config):
            raise NotConformant(f"{each.config.__name__} can be changed; decorate it with attrs.frozen")


@scenario(components)
async def what_is_secret_is_kept(rig: PluginRig) -> None:
    """An option that is a key, a password or a token has the type `Secret`, which no log and no repr shows."""
    for each in rig.components():
        told = [name for name, kind in _options(each) if _is_secretive(name) and not _is_secret(kind)]
        if told:
            raise NotConformant(f"{', '.join(told)} of {each.config.__name__}: type it `Secret` from ml4t.live.config")


@scenario(rigs)
async def its_rigs_can_be_made(rig: PluginRig) -> None:
    """Every rig that a record names can be imported and called without arguments."""
    for each in rig.components():
        if each.rig:
            try:
                inspect.signature(_resolved(rig, each.rig)).bind()
            except TypeError as error:
                raise NotConformant(f"{each.rig} is not called without arguments: {error}") from error


def _resolved(rig: PluginRig, reference: str) -> Any:
    try:
        return resolve_factory(rig.loaded().found, reference)
    except PluginError as error:
        raise NotConformant(str(error)) from error


def _options(component: Component) -> Iterator[tuple[str, Any]]:
    yield from key_types(component.config).items()


def _is_secretive(name: str) -> bool:
    return not SECRETIVE.isdisjoint(name.lower().split("_"))


def _is_secret(kind: Any) -> bool:
    return kind is Secret or any(_is_secret(part) for part in get_args(kind))
