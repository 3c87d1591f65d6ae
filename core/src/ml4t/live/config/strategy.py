"""Finds the strategy's class."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ml4t.live.config.class_path import check_options, find_class
from ml4t.live.config.problem import Mistake


def load_strategy(reference: str, folder: Path, options: Mapping[str, Any] | None = None) -> Callable[..., Any]:
    """Return the class (or factory) that `module:Class` names, looking in `folder` first; the folder stays on `sys.path`.

    With `options`, check that the class takes them as keyword arguments. Raises `Mistake`, a ValueError, with the remedy.
    """
    target = find_class(reference, folder)
    _check_shape(reference, target)
    if options is not None:
        check_options(target, options, "live.strategy_options")
    checked: Callable[..., Any] = target
    return checked


def _check_shape(reference: str, target: Any) -> None:
    if inspect.isclass(target):
        if not callable(getattr(target, "on_data", None)):
            raise Mistake(f"{reference} has no method on_data; derive it from ml4t.live.Strategy, or add on_data")
        if missing := sorted(getattr(target, "__abstractmethods__", ())):
            raise Mistake(f"{reference} does not define {', '.join(missing)}; add it")
    elif not callable(target):
        raise Mistake(f"{reference} is a {type(target).__name__}; name a class with on_data, or a function that makes one")
