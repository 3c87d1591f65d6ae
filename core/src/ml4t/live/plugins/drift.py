"""How what is installed differs from a lock, each difference as a sentence that says how to mend it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from attrs import frozen
from packaging.utils import canonicalize_name

from ml4t.live.plugins.code import Code
from ml4t.live.plugins.finder import Conflict, Entry, Found, is_core
from ml4t.live.plugins.lock import Lock, Locked

AGAIN = "ml4t-live plugins lock"
"""The command that locks what is installed."""


@frozen
class Drift:
    """One difference: what it is, and what to do."""

    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.what}. {self.remedy}"


def drift(lock: Lock, name: str, entry: Entry | None, code: Callable[[Found], Code]) -> Drift | None:
    """Return how one plugin differs from the lock, None when it does not; `entry` is None when it is not installed."""
    held = lock.plugin(name)
    if held is None:
        if not isinstance(entry, Found) or entry.problem:  # nothing that could run
            return None
        what = f"the plugin {name} of {entry.distribution} {entry.version} is not in the lock"
        return Drift(what, f"If it may run, lock it: {AGAIN}")
    distribution, locked = held
    of, exactly = f"{distribution} {locked.version}", f'pip install "{distribution}=={locked.version}"'
    if entry is None:
        return Drift(f"the plugin {name} of {of} is in the lock and not installed", f"Run: {exactly}")
    if isinstance(entry, Conflict):
        return Drift(f"the lock has the plugin {name} from {of}, and {entry.message}", entry.remedy)
    if canonicalize_name(entry.distribution) != distribution:
        away = "" if is_core(entry.distribution) else f"pip uninstall {entry.distribution}; "
        taken = f"{entry.distribution} {entry.version} ({entry.target}) has taken over the name"
        return Drift(f"the lock has the plugin {name} from {of}, and {taken}", f"Run: {away}{exactly}")
    what = _within(entry, distribution, locked, code)
    afresh = f'pip install --force-reinstall --no-deps "{distribution}=={locked.version}"'
    return Drift(what, f"Run: {afresh}; or, if this is what you want to run, lock it: {AGAIN}") if what else None


def drifts(lock: Lock, entries: Iterable[Entry], code: Callable[[Found], Code]) -> list[Drift]:
    """Return every difference between the lock and these plugins, each once."""
    by_name = {entry.name: entry for entry in entries}
    found = (drift(lock, name, by_name.get(name), code) for name in sorted({*by_name, *lock.plugins}))
    return list(dict.fromkeys(each for each in found if each is not None))


def _within(found: Found, distribution: str, locked: Locked, code: Callable[[Found], Code]) -> str:
    """Return how a distribution differs from itself as it was locked, empty when it does not."""
    if found.version != locked.version:
        return f"{distribution} is version {found.version}, and {locked.version} is locked"
    if found.target != (was := locked.plugins[found.name]):
        return f"the plugin {found.name} of {distribution} is {found.target}, and {was} is locked"
    changes = _changes(locked.files, code(found).files)
    return f"the files of {distribution} {locked.version} are not those that were locked: {changes}" if changes else ""


def _changes(was: Mapping[str, str], files: Mapping[str, str]) -> str:
    sorts = {
        "changed": [path for path in was if path in files and files[path] != was[path]],
        "new": [path for path in files if path not in was],
        "gone": [path for path in was if path not in files],
    }
    return "; ".join(f"{sort} {', '.join(sorted(paths))}" for sort, paths in sorts.items() if paths)
