"""The features of ml4t-engineer as signals, by their names in its registry."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import polars as pl


def engineer_function(name: str, call: str) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Return what computes a feature such as `rsi` or `rsi(period=14)`, with what is left out at its defaults.

    `name` is that of the signal. Raises ValueError for what is no feature, ImportError with the pip command without
    ml4t-engineer.
    """
    feature, parameters = _parsed(call)
    try:
        from ml4t.engineer import compute_features  # noqa: PLC0415 - it compiles, and takes a second
        from ml4t.engineer.core.registry import get_registry  # noqa: PLC0415
    except ImportError as error:
        raise ImportError(f"{error}; pip install 'ml4t-live-backtest[engineer]'") from error
    known = get_registry().list_all()
    if feature not in known:
        raise ValueError(f"ml4t-engineer has no feature {feature}; it has {', '.join(sorted(known))}")
    wanted: list[str | dict[str, Any]] = [{"name": feature, "params": parameters, "output": name}]
    return lambda bars: compute_features(bars, wanted, calendar=None).lazy().collect()


def _parsed(call: str) -> tuple[str, dict[str, Any]]:
    try:
        node = ast.parse(call, mode="eval").body
        if isinstance(node, ast.Name):
            return node.id, {}
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.args:
            return node.func.id, {str(each.arg): ast.literal_eval(each.value) for each in node.keywords}
    except (SyntaxError, ValueError):
        pass
    raise ValueError(f'{call!r} is no feature; write its name, or "rsi(period=14)"')
