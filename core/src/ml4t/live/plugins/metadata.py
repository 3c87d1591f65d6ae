"""The one door to installed metadata: the standard library from Python 3.13, the backport below it.

Below 3.13 the standard library cannot say where an editable install comes from (`Distribution.origin`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

if sys.version_info >= (3, 13):
    from importlib.metadata import Distribution, EntryPoint, PackageNotFoundError, distribution, distributions, version
else:
    from importlib_metadata import Distribution, EntryPoint, PackageNotFoundError, distribution, distributions, version

__all__ = ["Distribution", "EntryPoint", "PackageNotFoundError", "distribution", "installed", "version"]


def installed(path: Sequence[str] | None = None) -> Iterable[Distribution]:
    """Return the distributions on `sys.path`, or in the folders given, in the order of the path."""
    # The backport promises a protocol of its own that leaves out `origin`; what it returns has it.
    found: Any = distributions() if path is None else distributions(path=list(path))
    result: Iterable[Distribution] = found
    return result
