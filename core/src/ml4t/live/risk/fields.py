"""The kinds of field that a limit can be: what each takes, and what it says of anything else."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any

from attrs import Attribute, field, frozen

from ml4t.live.model import OrderType, TimeInForce

Symbols = Iterable[str]

_OFF = 'None (in a file: "off") switches the limit off'


def wrong(name: str, value: object, text: str) -> ValueError:
    """Return the error that a value is, in words."""
    return ValueError(f"{name} = {value!r}: {text}")


@frozen
class Above:
    """Validator: a finite number above zero, not above `highest`, or None. Its `json_schema` is read by the schema export."""

    whole: bool = False
    highest: float | None = None

    @property
    def json_schema(self) -> dict[str, float]:
        """The range, as a schema has it."""
        return {"exclusiveMinimum": 0} | ({} if self.highest is None else {"maximum": self.highest})

    def __call__(self, _: object, attribute: Attribute[Any], value: object) -> None:
        """Raise ValueError for anything else."""
        if value is None:
            return
        name, noun = attribute.name, "whole number" if self.whole else "number"
        kinds = (int,) if self.whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not math.isfinite(value):
            raise wrong(name, value, f"must be a {noun}; {_OFF}")
        if value <= 0:
            raise wrong(name, value, f"must be a {noun} greater than 0; {_OFF}")
        if self.highest is not None and value > self.highest:
            raise wrong(name, value, f"is a share between 0 and {self.highest:g}; write {value / 100:g} for {value:g} per cent")


def amount(default: float | None) -> float | None:
    """Return the field of an amount, None for no limit."""
    return field(default=default, validator=Above())


def count(default: int | None) -> int | None:
    """Return the field of a whole number, None for no limit."""
    return field(default=default, validator=Above(whole=True))


def share(default: float | None) -> float | None:
    """Return the field of a share from 0 to 1, None for no limit."""
    return field(default=default, validator=Above(highest=1))


def one_of(*choices: object) -> Callable[[object, Attribute[Any], object], None]:
    """Return the validator of a choice."""

    def check(_: object, attribute: Attribute[Any], value: object) -> None:
        if value not in choices:
            raise wrong(attribute.name, value, f"must be one of {', '.join(map(repr, choices))}")

    return check


def flag(_: object, attribute: Attribute[Any], value: object) -> None:
    """Validate True or False."""
    if not isinstance(value, bool):
        raise wrong(attribute.name, value, "must be True or False")


def _symbols(name: str, value: Symbols) -> frozenset[str]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise wrong(name, value, f"must be several symbols; write [{value!r}]")
    symbols = list(value)
    for symbol in symbols:
        if not isinstance(symbol, str) or not symbol.strip():
            raise wrong(name, symbols, f"{symbol!r} is no symbol; write one such as 'AAPL'")
    return frozenset(symbols)


def allowed(value: Symbols) -> frozenset[str]:
    """Convert `allowed_assets`."""
    return _symbols("allowed_assets", value)


def blocked(value: Symbols) -> frozenset[str]:
    """Convert `blocked_assets`."""
    return _symbols("blocked_assets", value)


def shortable(value: Symbols) -> frozenset[str]:
    """Convert `shortable_assets`."""
    return _symbols("shortable_assets", value)


def order_types(value: Iterable[str]) -> frozenset[str]:
    """Convert `allowed_order_types`."""
    return _members("allowed_order_types", OrderType, value)


def times_in_force(value: Iterable[str]) -> frozenset[str]:
    """Convert `allowed_times_in_force`."""
    return _members("allowed_times_in_force", TimeInForce, value)


def _members(name: str, kind: type[StrEnum], value: Iterable[str]) -> frozenset[str]:
    members = _symbols(name, value)
    unknown = sorted(members - {member.value for member in kind})
    if unknown:
        raise wrong(name, unknown, f"must be among {', '.join(kind)}")
    return members


def groups(value: Mapping[str, Symbols]) -> dict[str, frozenset[str]]:
    """Convert `asset_groups`."""
    if not isinstance(value, Mapping):
        raise wrong("asset_groups", value, "must be a table of groups; write {'tech': ['AAPL', 'MSFT']}")
    return {name: _symbols(f"asset_groups.{name}", symbols) for name, symbols in value.items()}
