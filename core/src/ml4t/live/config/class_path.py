"""Finds a class of the user's own, with the folder of the configuration on the import path."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from ml4t.live.config.problem import Mistake, did_you_mean
from ml4t.live.raised import describe_with_place


@frozen
class ClassPath:
    """A class of the user's own: "module:Class", and the folder of the configuration that names it.

    The type of a config field that holds one: a configuration writes the text alone.
    """

    text: str
    folder: Path

    def find(self) -> Any:
        """Return what it names. Raises `Mistake`, a ValueError, with the remedy."""
        module, colon, name = self.text.partition(":")
        if not (module and colon and name):
            raise Mistake(f'{self.text!r} is no import path; write "module:Class", as in "my_models:Momentum"')
        return find_class(self.text, self.folder)


def find_class(reference: str, folder: Path) -> Any:
    """Return what `module:Class` names, looking in `folder` first; the folder stays on `sys.path`.

    Raises `Mistake`, a ValueError, with the remedy.
    """
    module_name, _, attributes = reference.partition(":")
    target: Any = _import(module_name, folder)
    for attribute in attributes.split("."):
        if not hasattr(target, attribute):
            names = [name for name, value in vars(target).items() if callable(value) and not name.startswith("_")]
            hint = did_you_mean(attribute, names) or f"; it has {', '.join(names) or 'nothing to call'}"
            raise Mistake(f"{module_name} has no {attribute}{hint}")
        target = getattr(target, attribute)
    return target


def check_options(target: Callable[..., Any], options: Mapping[str, Any], key: str) -> None:
    """Raise `Mistake` unless a class takes these keyword arguments, which `key` of the configuration holds."""
    try:
        signature = inspect.signature(target)
    except (ValueError, TypeError):  # a class written in C does not say
        return
    try:
        signature.bind(**options)
    except TypeError as error:
        names = ", ".join(name for name in signature.parameters if name != "self") or "none"
        raise Mistake(f"does not fit {key}: {error}; its arguments are: {names}") from None


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
        from ml4t.live.plugins.known import KNOWN  # noqa: PLC0415 - a config class has this for a type, and is to be light

        host = next((known.distribution for known in KNOWN.values() if missing == known.strategies_of), "")
        remedy = f"pip install {host}" if host else "install what it needs, or mend its import"
        raise Mistake(f"importing {module_name} failed: {error}; {remedy}") from error
    except Exception as error:
        raise Mistake(f"importing {module_name} failed: {describe_with_place(error)}; mend it and try again") from error
