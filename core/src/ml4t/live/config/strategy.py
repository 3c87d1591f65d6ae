"""Finds the strategy's class."""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from ml4t.live.config.class_path import check_options, find_class
from ml4t.live.config.problem import Mistake


@frozen
class StrategySource:
    """How a strategy is made: its class by "module:Class", the folder that is searched first, and its arguments.

    `options` hold references in place of secrets; None means that a program made the strategy, and nobody knows how. `code`
    tells one state of the class's file from another.
    """

    reference: str
    folder: str
    options: Mapping[str, Any] | None = None
    code: str = ""
    host: Mapping[str, Any] | None = None
    """The table [host] of one that was written for another framework. None: its host has its defaults."""

    @classmethod
    def of(cls, strategy: Any) -> StrategySource:
        """Return what can be told from the object itself; of one that stands for another, of that one."""
        host = getattr(strategy, "host_table", None)
        strategy = getattr(strategy, "hosted", strategy)
        kind = type(strategy)
        module, folder = kind.__module__, Path.cwd()
        script = getattr(sys.modules.get(module), "__file__", None)
        if module == "__main__" and script is not None:  # under that name nobody else finds it
            module, folder = Path(script).stem, Path(script).resolve().parent
        return cls(f"{module}:{kind.__qualname__}", str(folder), None, code_of(kind), host)


def code_of(target: Any) -> str:
    """Return the digest of the file that a class or function stands in, empty when it stands in none."""
    try:
        path = inspect.getsourcefile(target)
        return "" if path is None else hashlib.blake2b(Path(path).read_bytes(), digest_size=16).hexdigest()
    except (OSError, TypeError):
        return ""


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
