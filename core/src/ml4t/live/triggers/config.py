"""The options of compound triggers."""

from __future__ import annotations

from typing import Any

from attrs import Attribute, field, frozen
from attrs.validators import gt

from ml4t.live.config.duration import Duration


def _several(_: object, __: Attribute[Any], value: tuple[str, ...]) -> None:
    if len(value) < 2:
        raise ValueError('names fewer than two triggers; write of = ["moves", "volume"]')


@frozen(kw_only=True)
class AnyConfig:
    """Which triggers."""

    of: tuple[str, ...] = field(validator=_several)
    """The names of the triggers, of which each one will do."""


@frozen(kw_only=True)
class WithinConfig:
    """Which triggers, and how close together."""

    of: tuple[str, ...] = field(validator=_several)
    """The names of the triggers; for `then` in the order in which they have to fire."""
    within: Duration = field(validator=gt(0))
    """From the first of the firings to the last, at most, as in "5m"."""
