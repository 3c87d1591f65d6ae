"""The schema says what the decoder accepts."""

from __future__ import annotations

import json
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import attrs
from attrs.validators import and_, deep_iterable, ge, in_, instance_of, le, lt, matches_re, optional

from ml4t.live.config import Duration, Secret, json_schema
from ml4t.live.config.docs import class_doc, field_docs
from ml4t.live.config.shapes import table_shape
from ml4t.live.records import FeedRecord, Kind
from ml4t.live.risk.config import LiveRiskConfig


class Speed(Enum):
    SLOW = 1
    FAST = 2


@attrs.frozen(kw_only=True)
class Base:
    host: str = "localhost"
    """Where the gateway
    listens."""


@attrs.frozen(kw_only=True)
class Config(Base):
    """A made-up feed.

    More about it.
    """

    symbols: tuple[str, ...]
    key: Secret
    """The key."""
    every: Duration = 60 * 10**9
    port: int = attrs.field(default=7497, validator=and_(instance_of(int), ge(1), le(65_535)))
    share: float | None = attrs.field(default=None, validator=optional(lt(1)))
    kind: Literal["a", "b"] = "a"
    speed: Speed = Speed.SLOW
    level: int = attrs.field(default=1, validator=in_([1, 2]))
    code: str = attrs.field(default="x", validator=matches_re("[a-z]"))
    pair: tuple[int, str] = (1, "a")
    table: dict[str, float] = attrs.field(factory=dict)
    names: frozenset[str] = attrs.field(default=frozenset({"b", "a"}), validator=deep_iterable(instance_of(str)))
    folder: Path | None = None
    tick: Decimal = Decimal("0.01")
    inner: Base | None = None
    anything: Any = None


TEXT = [{"type": "string"}, {"$ref": "#/$defs/reference"}]
OFF = {"enum": ["off", "none"]}


def test_types_bounds_defaults_and_docstrings():
    shape = table_shape(Config)
    assert shape["description"] == "A made-up feed."
    assert shape["required"] == ["symbols", "key"]
    assert shape["additionalProperties"] is False
    found = shape["properties"]
    assert found["host"] == {"anyOf": TEXT, "description": "Where the gateway listens.", "default": "localhost"}
    assert found["symbols"] == {"type": "array", "items": {"anyOf": TEXT}}
    assert found["key"] == {"$ref": "#/$defs/reference", "description": "The key."}
    assert found["every"]["default"] == "1m"
    assert found["port"] == {"type": "integer", "minimum": 1, "maximum": 65_535, "default": 7497}
    assert found["share"] == {"anyOf": [{"type": "number", "exclusiveMaximum": 1}, OFF]}
    assert found["kind"] == {"enum": ["a", "b"], "default": "a"}
    assert found["speed"] == {"enum": [1, 2], "default": 1}
    assert found["level"] == {"type": "integer", "enum": [1, 2], "default": 1}
    assert found["code"]["anyOf"][0] == {"type": "string", "pattern": "^(?:[a-z])$"}
    assert found["pair"]["prefixItems"] == [{"type": "integer"}, {"anyOf": TEXT}]
    assert found["table"] == {"type": "object", "additionalProperties": {"type": "number"}}
    assert found["names"]["default"] == ["a", "b"]
    assert found["folder"] == {"anyOf": [*TEXT, OFF]}
    assert found["tick"] == {"type": ["string", "integer"]}
    assert found["inner"]["anyOf"][0]["properties"].keys() == {"host"}
    assert found["anything"] == {}


def test_the_limits_have_bounds_units_and_both_spellings():
    risk = json_schema()["properties"]["risk"]["properties"]
    assert risk["max_order_value"]["anyOf"] == [{"type": "number", "exclusiveMinimum": 0}, OFF]
    assert risk["max_drawdown_pct"]["anyOf"][0] == {"type": "number", "exclusiveMinimum": 0, "maximum": 1}
    assert risk["max_shares"] == risk["max_position_shares"]
    assert risk["shadow_mode"] == {"type": "boolean"}
    assert "in money" in risk["max_daily_loss"]["description"]
    assert risk["checks"]["items"]["required"] == ["use"]
    assert all(field_docs(LiveRiskConfig).get(field.name) for field in attrs.fields(LiveRiskConfig)), "every limit has its unit"


def test_use_chooses_the_keys():
    record = FeedRecord(name="made-up", config=Config, factory="gone:Feed", summary="Made up.")
    schema = json_schema({Kind.FEED: {"made-up": record}})
    feed = schema["properties"]["feeds"]["additionalProperties"]
    assert feed["properties"]["use"]["oneOf"] == [{"const": "made-up", "description": "Made up."}]
    assert feed["unevaluatedProperties"] is False
    [branch] = feed["allOf"]
    assert branch["if"]["properties"] == {"use": {"const": "made-up"}}
    assert branch["then"]["required"] == ["symbols", "key"]
    assert "port" in branch["then"]["properties"]
    assert "symbols" not in branch["then"]["properties"], "the core's key has the core's shape"
    assert schema["properties"]["broker"]["additionalProperties"] is True
    assert json.loads(json.dumps(schema)) == schema


def test_a_class_without_source_has_no_docstrings():
    made = attrs.make_class("Made", {"x": attrs.field(default=1, type=int)})
    assert field_docs(made) == {}
    assert class_doc(made) == ""
    assert table_shape(made)["properties"] == {"x": {"type": "integer", "default": 1}}
