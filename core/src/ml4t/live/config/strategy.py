"""Finds the strategy's class, with the folder of the configuration on the import path."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ml4t.live.config.problem import Mistake, did_you_mean


def load_strategy(reference: str, folder: Path, options: Mapping[str, Any] | None = None) -> Callable[..., Any]:
    """Return the class (or factory) that `module:Class` names, looking in `folder` first; the folder stays on `sys.path`.

    With `options`, check that the class takes them as keyword arguments. Raises `Mistake`, a ValueError, with the remedy.
    """
    module_name, _, attributes = reference.partition(":")
    target: Any = _import(module_name, folder)
    for attribute in attributes.split("."):
        if not hasattr(target, attribute):
            names = [name for name, value in vars(target).items() if callable(value) and not name.startswith("_")]
            hint = did_you_mean(attribute, names) or f"; it has {', '.join(names) or 'nothing to call'}"
            raise Mistake(f"{module_name} has no {attribute}{hint}")
        target = getattr(target, attribute)
    _check_shape(reference, target)
    if options is not None:
        _check_options(target, options)
    checked: Callable[..., Any] = target
    return checked


def _import(module_name: str, folder: Path) -> Any:
    if str(folder) not in sys.path:
        # It stays there, as the folder of a script does: a strategy may import its neighbours late.
        sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or module_name
        if missing == module_name or module_name.startswith(f"{missing}."):
            hint = did_you_mean(missing, [path.stem for path in folder.glob("*.py")])
            raise Mistake(
                f"there is no module {missing} in {folder} or among the installed ones{hint or '; create it'}"
            ) from error
        raise Mistake(f"importing {module_name} failed: {error}; install what it needs, or mend its import") from error
    except Exception as error:
        raise Mistake(f"importing {module_name} failed: {_in_words(error)}; mend it and try again") from error


def _in_words(error: Exception) -> str:
    """Return type, text and, for the deepest frame, file and line."""
    place = ""
    trace = error.__traceback__
    while trace is not None:
        place = f" ({Path(trace.tb_frame.f_code.co_filename).name} line {trace.tb_lineno})"
        trace = trace.tb_next
    if isinstance(error, SyntaxError):
        place = f" ({Path(error.filename or '').name} line {error.lineno})"
        return f"SyntaxError: {error.msg}{place}"
    return f"{type(error).__name__}: {error}{place}"


def _check_shape(reference: str, target: Any) -> None:
    if inspect.isclass(target):
        if not callable(getattr(target, "on_data", None)):
            raise Mistake(f"{reference} has no method on_data; derive it from ml4t.live.Strategy, or add on_data")
        if missing := sorted(getattr(target, "__abstractmethods__", ())):
            raise Mistake(f"{reference} does not define {', '.join(missing)}; add it")
    elif not callable(target):
        raise Mistake(f"{reference} is a {type(target).__name__}; name a class with on_data, or a function that makes one")


def _check_options(target: Any, options: Mapping[str, Any]) -> None:
    try:
        signature = inspect.signature(target)
    except (ValueError, TypeError):  # a class written in C does not say
        return
    try:
        signature.bind(**options)
    except TypeError as error:
        names = ", ".join(name for name in signature.parameters if name != "self") or "none"
        raise Mistake(f"does not fit live.strategy_options: {error}; its arguments are: {names}") from None
