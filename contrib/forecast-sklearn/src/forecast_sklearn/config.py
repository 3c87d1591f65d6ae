"""The options of the forecaster."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

from attrs import field, frozen
from attrs.validators import gt, in_, optional

from ml4t.live.config import Duration
from ml4t.live.config.class_path import ClassPath

_HASH = re.compile(r"[0-9a-f]{64}")


def _lower(value: str) -> str:
    return value.lower()


def _is_hash(_instance: object, _attribute: Any, value: str) -> None:
    if not _HASH.fullmatch(value):
        raise ValueError("is no SHA-256: 64 digits and letters from a to f; run `sha256sum` on the file")


@frozen(kw_only=True)
class SklearnConfig:
    """Which estimator, what it is given, and what its answer means."""

    model: Path = field(converter=Path)
    """The file: what `joblib.dump` wrote, an estimator or, for quantiles, a dict of them by level."""

    sha256: str = field(converter=_lower, validator=_is_hash)
    """The SHA-256 of the file. Reading one runs whatever code is in it, so one that is not this is not read."""

    features: ClassPath
    """What makes the features: "module:function". It is called with the request and a symbol, and returns numbers, in the order
    in which the estimator was fitted or by name; None abstains."""

    says: Literal["return", "log_return", "price", "direction", "quantiles"] = field(
        default="return", validator=in_(("return", "log_return", "price", "direction", "quantiles"))
    )
    """What the estimator predicts at the horizon: the simple or logarithmic return, the price, the probability of each
    direction (a classifier), or quantiles of the return."""

    candle: Duration | None = field(default=None, validator=optional(gt(0)))
    """The length of the candles that `features` reads (nanoseconds); None: it reads none."""
