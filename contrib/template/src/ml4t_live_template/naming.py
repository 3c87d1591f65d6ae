"""Names: of the plugin, and what follows from it."""

from __future__ import annotations

import re
from collections.abc import Collection

from attrs import frozen

LONGEST = 30
"""A distribution, a package and some classes are called so, and their names stand in lines of a hundred characters."""
PREFIX = "ml4t-live-"
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@frozen
class Names:
    """What a plugin is called, and what is called after it."""

    name: str
    """As a configuration names it, and its entry point."""

    @property
    def distribution(self) -> str:
        """What is installed."""
        return PREFIX + self.name

    @property
    def package(self) -> str:
        """What is imported."""
        return self.distribution.replace("-", "_")

    @property
    def class_(self) -> str:
        """What the names of its classes begin with."""
        return "".join(word[0].upper() + word[1:] for word in self.name.split("-"))


def named(name: str, taken: Collection[str]) -> Names:
    """Return the names of a plugin. Raises ValueError, with a name that would do, for one that will not."""
    if name.lower().startswith(PREFIX) and len(name) > len(PREFIX):
        raise ValueError(f"{name!r} will be called {PREFIX} by itself: write {_mended(name[len(PREFIX) :])}")
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"a plugin cannot be called {name!r}: a name is small letters and digits with single hyphens between them, and "
            f"begins with a letter{_suggestion(name)}"
        )
    if len(name) > LONGEST:
        raise ValueError(f"{name!r} has {len(name)} characters; a name has at most {LONGEST}")
    if name in taken:
        raise ValueError(f"there is a plugin called {name} already; find another name, or nobody could tell them apart")
    return Names(name)


def _suggestion(name: str) -> str:
    mended = _mended(name)
    return f"; write {mended}" if _NAME.fullmatch(mended) else ""


def _mended(name: str) -> str:
    """Return a name as PEP 503 normalises it, with what may not be in one taken for hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
