"""Imports what a string names, and explains to a user why that failed."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator

from attrs import frozen

from ml4t.live.errors import PluginError
from ml4t.live.plugins.contract import in_the_name_of
from ml4t.live.plugins.finder import Found
from ml4t.live.plugins.requirements import running_version, unmet
from ml4t.live.raised import describe, their_place


class Contained(Exception):
    """Wraps whatever a plugin's code raised, so that callers can catch one type."""

    def __init__(self, original: BaseException) -> None:
        self.original = original
        super().__init__(describe(original))


@frozen
class Failure:
    """Why an import failed, and what mends it; both are for the user."""

    reason: str
    remedy: str


@contextlib.contextmanager
def contained() -> Iterator[None]:
    """Run somebody else's code. Raises Contained for anything it raises, `sys.exit()` included, except Ctrl-C."""
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as exception:
        raise Contained(exception) from exception


def import_reference(reference: str) -> object:
    """Return the module or the `module:attribute` that a string names. Raises whatever importing it raises."""
    module, _, attributes = reference.partition(":")
    target: object = importlib.import_module(module)
    for attribute in filter(None, attributes.split(".")):
        target = getattr(target, attribute)
    return target


def resolve_factory(found: Found, reference: str) -> Callable[..., object]:
    """Return the callable that a record's factory names; this is where a vendor's SDK gets imported.

    Raises PluginError that names the distribution and the remedy.
    """
    try:
        with in_the_name_of(found), contained():
            factory = import_reference(reference)
    except Contained as failed:
        failure = explain(failed.original, found, reference)
        what = f"{reference} of the plugin {found.name} ({found.provenance})"
        raise PluginError(f"{what} cannot be imported: {failure.reason}. {failure.remedy}") from failed.original
    if not callable(factory):
        what = f"{reference} of the plugin {found.name} ({found.provenance}) is a {type(factory).__name__}"
        raise PluginError(f"{what}, which cannot be called. {newer(found)}")
    return factory


def newer(found: Found) -> str:
    """Return what mends a plugin whose own code is wrong: a release of its author, or the folder that it is edited in."""
    if found.origin:
        return f"Mend it in {found.origin}, where it is installed from as editable"
    return f"A newer release may mend it: `pip install --upgrade {found.source}`"


def explain(exception: BaseException, found: Found, reference: str) -> Failure:
    """Return what a failed import of `reference` means for the user of the plugin `found`."""
    missing = exception.name if isinstance(exception, ModuleNotFoundError) else None
    at = f" (at {where})" if (where := their_place(exception)) else ""
    if missing is None:
        return Failure(f"{describe(exception)}{at}", newer(found))
    if _is_own(missing, found, reference):
        afresh = f"Install it afresh: `pip install --force-reinstall --no-deps {found.source}`"
        return Failure(f"its own module {missing} is not there{at}", newer(found) if found.origin else afresh)
    if missing.startswith("ml4t.live."):
        reason = f"it imports {missing}, which ml4t-live {running_version()} does not have{at}"
        fitting = f"Install versions that fit: `pip install --upgrade ml4t-live {found.source}`"
        return Failure(reason, newer(found) if found.origin else fitting)
    return _missing_dependency(missing, found)


def _is_own(missing: str, found: Found, reference: str) -> bool:
    """Return whether a missing module is the one asked for, a parent of it, or a sibling in the plugin's package."""
    package = found.target.partition(":")[0].rpartition(".")[0]
    asked = reference.partition(":")[0]
    return f"{asked}.".startswith(f"{missing}.") or bool(package and missing.startswith(f"{package}."))


def _missing_dependency(missing: str, found: Found) -> Failure:
    absent = unmet(found)
    if absent:
        reason = f"it imports {missing}, which is not installed ({found.distribution} needs {', '.join(absent)})"
        return Failure(reason, f"Install what it needs: `pip install {found.source}`")
    reason = f"it imports {missing}, which is not installed and which {found.distribution} does not declare"
    return Failure(reason, f"Install the package that provides {missing}, and tell the author of {found.distribution}")
