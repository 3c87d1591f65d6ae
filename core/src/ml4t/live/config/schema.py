"""The JSON Schema of a configuration, for editors: completion and checks of every key, the plugins' included."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml4t.live.config.build import NAMED, PLAIN
from ml4t.live.config.docs import class_doc
from ml4t.live.config.settings import BrokerSettings, HostSettings, RiskCheckSettings
from ml4t.live.config.shapes import REFERENCE, Shape, table_shape
from ml4t.live.config.table import key_types
from ml4t.live.records import Component, Kind

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Offers = Mapping[Kind, Mapping[str, Component]]
"""The installed components of each kind, by what `use` says."""


def json_schema(offers: Offers | None = None) -> Shape:
    """Return the schema of a configuration, draft 2020-12. Without `offers`, any key is allowed in a component's table."""
    offers = offers or {}
    properties: dict[str, Any] = {section: table_shape(cls) for section, cls in PLAIN.items()}
    for section, (kind, cls) in NAMED.items():
        properties[section] = {
            "type": "object",
            "description": f"Tables [{section}.NAME], one a {kind}.",
            "additionalProperties": component_shape(cls, offers.get(kind), without={"name"}),
        }
    properties["broker"] = component_shape(BrokerSettings, offers.get(Kind.BROKER))
    properties["host"] = component_shape(HostSettings, offers.get(Kind.HOST))
    check = component_shape(RiskCheckSettings, offers.get(Kind.RISK_CHECK))
    check["required"] = ["use"]  # the name is `use` unless given
    properties["risk"]["properties"]["checks"] = {"type": "array", "items": check, "description": "More checks, in order."}
    return {
        "$schema": DIALECT,
        "title": "ml4t-live configuration",
        "type": "object",
        "properties": properties,
        "required": ["feeds"],
        "additionalProperties": False,
        "$defs": {"reference": REFERENCE},
    }


def component_shape(cls: type, offered: Mapping[str, Component] | None, *, without: set[str] | None = None) -> Shape:
    """Return the shape of a component's table: the core's keys, and those of the config class that `use` chooses."""
    shape = table_shape(cls, without={"options", *(without or set())})
    if offered is None:
        return shape | {"additionalProperties": True}
    owned = shape["properties"]
    owned["use"] = {
        "description": owned["use"].get("description", ""),
        "oneOf": [{"const": use, "description": component.summary} for use, component in sorted(offered.items())],
    }
    if not offered:
        owned["use"] = {"type": "string"}
    shape["allOf"] = [_branch(use, component, set(owned)) for use, component in sorted(offered.items())]
    del shape["additionalProperties"]
    # Unlike additionalProperties, this one knows what the branches allow.
    shape["unevaluatedProperties"] = False
    return shape


def _branch(use: str, component: Component, owned: set[str]) -> Shape:
    own = table_shape(component.config)
    shared = owned & set(key_types(component.config))
    then = {
        "description": class_doc(component.config),
        "properties": {key: value for key, value in own["properties"].items() if key not in shared},
        "required": own.get("required", []),
    }
    return {"if": {"properties": {"use": {"const": use}}, "required": ["use"]}, "then": then}
