"""Strict reading of single values: "false" is not a bool, true is not a number, and NaN is not a limit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from ml4t.live.config.problem import Mistake, shown
from ml4t.live.config.secret import HOW, Secret, SecretSource
from ml4t.live.times import parse_duration


def read_bool(value: Any) -> bool:
    """Return a bool."""
    if not isinstance(value, bool):
        raise Mistake("must be true or false, written without quotes")
    return value


def read_int(value: Any) -> int:
    """Return a whole number; true is none."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise Mistake(_not_a_number(value, "whole number"))
    return value


def read_float(value: Any) -> float:
    """Return a finite number; a whole one will do."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Mistake(_not_a_number(value, "number"))
    if not math.isfinite(value):
        raise Mistake("is not a finite number; write the number that you mean")
    return float(value)


def _not_a_number(value: Any, noun: str) -> str:
    if isinstance(value, str):
        try:
            return f"must be a {noun}; write {float(value.replace(',', '')):g} without quotes"
        except ValueError:
            return f"must be a {noun}; write digits, without quotes"
    if isinstance(value, float) and value.is_integer():
        return f"must be a {noun}; write {value:.0f}"
    return f"must be a {noun}; write digits"


def read_str(value: Any, secrets: SecretSource) -> str:
    """Return text, looked up when a reference to it is given."""
    if isinstance(value, Mapping):
        return secrets.resolve(value)
    if not isinstance(value, str):
        text = shown(value)
        remedy = f'write "{text}" in quotes' if isinstance(value, (int, float, date, time)) else "write it in quotes"
        raise Mistake(f"must be text; {remedy}")
    return value


def read_secret(value: Any, secrets: SecretSource) -> Secret:
    """Return a secret, looked up; one that is written out is refused."""
    if isinstance(value, Secret):
        return value
    if not isinstance(value, Mapping):
        raise Mistake(f"a configuration file is no place for a secret; {HOW}", hide=True)
    return Secret(secrets.resolve(value))


def read_decimal(value: Any) -> Decimal:
    """Return an exact number, which a TOML float is not."""
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise Mistake('must be an exact number; write it in quotes, as in "0.01"')
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise Mistake('must be a number; write it as in "0.01"') from None
    if not number.is_finite():
        raise Mistake("is not a finite number; write the number that you mean")
    return number


def read_duration(value: Any) -> int:
    """Return nanoseconds."""
    if not isinstance(value, str):
        raise Mistake('must be a duration in quotes; write a number and a unit, as in "5m" or "1h30m"')
    try:
        return parse_duration(value)
    except ValueError as error:
        raise Mistake(str(error).removeprefix(f"{value!r} ")) from None


def read_datetime(value: Any) -> datetime:
    """Return an aware datetime."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            value = None
    if not isinstance(value, datetime):
        raise Mistake("must be a date and time; write it as 2026-01-31T09:30:00Z, without quotes")
    if value.tzinfo is None:
        raise Mistake("has no time zone; add one, as in 2026-01-31T09:30:00Z")
    return value


def read_instance(value: Any, cls: type, noun: str) -> Any:
    """Return what the TOML parser made of a date or a time."""
    if not isinstance(value, cls) or (cls is date and isinstance(value, datetime)):
        raise Mistake(f"must be {noun}")
    return value


def read_nothing(value: Any) -> None:
    """Return None; only JSON has a word for it."""
    if value is not None:
        raise Mistake('must be empty; write "off"')
