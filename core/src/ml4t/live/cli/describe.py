"""One plugin in full: its components, and the settings that each takes in a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from ml4t.live.cli import output
from ml4t.live.config.docs import class_doc, field_docs
from ml4t.live.config.duration import is_duration
from ml4t.live.config.shapes import Shape, table_shape
from ml4t.live.config.table import key_types
from ml4t.live.plugins import Loaded
from ml4t.live.plugins.naming import short_name
from ml4t.live.records import Component, Kind
from ml4t.live.report.words import NOTHING

if TYPE_CHECKING:
    from rich.console import RenderableType


def describe(loaded: Loaded) -> dict[str, Any]:
    """Return everything that a plugin says of itself, as plain values."""
    found = loaded.found
    return {
        "name": found.name,
        "distribution": found.distribution,
        "version": found.version,
        "origin": found.origin,
        "target": found.target,
        "state": "ok",
        "import_seconds": round(loaded.seconds, 4),
        "modules": list(loaded.modules),
        "notes": list(loaded.notes),
        "components": [_component(found.name, kind, each) for kind, several in loaded.components.items() for each in several],
        "commands": [{"name": each.name, "summary": each.summary} for each in loaded.commands],
        "doctor": [{"name": each.name, "summary": each.summary} for each in loaded.doctor],
        "secrets": loaded.secret is not None,
    }


def sheet(description: dict[str, Any]) -> list[RenderableType]:
    """Return the description as texts and tables."""
    head = f"{description['name']}: {description['distribution']} {description['version']}"
    if description["origin"]:
        head += f", editable from {description['origin']}"
    lines: list[RenderableType] = [head, f"Imported in {description['import_seconds'] * 1000:.0f} ms"]
    lines += [f"Note: {note}" for note in description["notes"]]
    for component in description["components"]:
        lines += ["", *_component_sheet(component)]
    for sort in ("commands", "doctor"):
        if description[sort]:
            rows = ((each["name"], each["summary"]) for each in description[sort])
            lines += ["", output.table(sort.capitalize(), ("name", "summary"), rows)]
    return lines


def _component(plugin: str, kind: Kind, component: Component) -> dict[str, Any]:
    return {
        "kind": kind.value,
        "name": component.name,
        "use": short_name(plugin, component),
        "summary": component.summary,
        "capabilities": sorted(component.capabilities),
        "needs": component.needs,
        "config": class_doc(component.config),
        "settings": settings_of(component.config),
    }


def settings_of(config: type) -> list[dict[str, Any]]:
    """Return the settings of a config class: name, type, whether required, default and documentation of each."""
    docs, shape, types = field_docs(config), table_shape(config), key_types(config)
    required = shape.get("required", [])
    return [
        {
            "name": name,
            "type": "duration" if any(map(is_duration, (types[name], *get_args(types[name])))) else _type(each),
            "required": name in required,
            "default": each.get("default"),
            "doc": docs.get(name, each.get("description", "")),
        }
        for name, each in shape["properties"].items()
    ]


def _type(shape: Shape) -> str:
    """Return a JSON Schema in a word or two."""
    if "enum" in shape:
        return " | ".join(map(str, shape["enum"]))
    if "anyOf" in shape:
        # Any plain value may be a reference to one instead; that is said only where nothing else will do.
        plain = [each for each in shape["anyOf"] if "$ref" not in each and each.get("type") != "null"]
        return " | ".join(dict.fromkeys(_type(each) for each in plain or shape["anyOf"]))
    if "const" in shape:
        return str(shape["const"])
    if "$ref" in shape:
        return "{ env = ... }"
    kind = shape.get("type", "any")
    return f"list of {_type(shape['items'])}" if kind == "array" and "items" in shape else str(kind)


def _component_sheet(component: dict[str, Any]) -> list[RenderableType]:
    simulated = component["kind"] == Kind.SIMULATOR
    how = f"ml4t-live simulate {component['use']}" if simulated else f'use = "{component["use"]}"'
    lines: list[RenderableType] = [f"{component['kind']}  {how}", f"  {component['summary']}"]
    if component["capabilities"]:
        lines.append(f"  Can: {', '.join(component['capabilities'])}")
    if component["needs"]:
        lines.append(f"  Needs: {component['needs']}")
    if component["settings"]:
        rows = ((each["name"], each["type"], _default(each), each["doc"]) for each in component["settings"])
        lines.append(output.table("", ("setting", "type", "default", "meaning"), rows))
    return lines


def _default(setting: dict[str, Any]) -> str:
    if setting["required"]:
        return "required"
    return NOTHING if setting["default"] is None else str(setting["default"])
