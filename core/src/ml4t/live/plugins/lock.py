"""The lock: which distributions may run as plugins, in which version and with which files, as a TOML file."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen
from packaging.utils import canonicalize_name

from ml4t.live.errors import PluginError
from ml4t.live.plugins.code import Code
from ml4t.live.plugins.finder import Entry, Found

LOCK_NAME = "ml4t-live.lock"
"""What a lock is called unless somebody calls it something else."""

FORMAT = 1
"""The version of the file's format."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_HEAD = """\
# The plugins that may run, as they were when somebody looked at them. Written by `ml4t-live plugins lock`; compare with
# `ml4t-live plugins lock --check`. A live run whose configuration names this file refuses any other plugin.
"""


@frozen
class Locked:
    """One distribution: its version, its plugins with what their entry points name, and the hashes of its files."""

    version: str
    plugins: Mapping[str, str]
    files: Mapping[str, str]


@frozen
class Lock:
    """What may run, by the distribution's name in its canonical spelling."""

    distributions: Mapping[str, Locked]

    @classmethod
    def of(cls, entries: Iterable[Entry], code: Callable[[Found], Code]) -> Lock:
        """Return the lock of what is installed. A name that two distributions claim is in none."""
        by_distribution: dict[str, list[Found]] = {}
        for entry in entries:
            if isinstance(entry, Found):
                by_distribution.setdefault(canonicalize_name(entry.distribution), []).append(entry)
        return cls({name: _locked(several, code) for name, several in sorted(by_distribution.items())})

    def plugin(self, name: str) -> tuple[str, Locked] | None:
        """Return the distribution that may provide a plugin, None when no such plugin may run."""
        return next((each for each in self.distributions.items() if name in each[1].plugins), None)

    @property
    def plugins(self) -> list[str]:
        """The names of all plugins that may run, sorted."""
        return sorted(name for each in self.distributions.values() for name in each.plugins)

    def dumps(self) -> str:
        """Return the lock as TOML: equal for equal plugins, on every machine, however they were installed."""
        return _HEAD + "\n".join(_lines(self)) + "\n"


def read_lock(path: Path) -> Lock:
    """Return the lock in a file. Raises PluginError when it is not there, cannot be read, or is none."""
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
        if written.get("lock") != FORMAT:
            raise ValueError(f"its format is {written.get('lock')!r}, and this ml4t-live reads {FORMAT}")
        return Lock({name: _read(table) for name, table in written["distributions"].items()})
    except FileNotFoundError:
        raise PluginError(f"there is no lock at {path}; write it: ml4t-live plugins lock --output {path}") from None
    except OSError as error:
        raise PluginError(f"the lock {path} cannot be read ({error.strerror}); check its permissions") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        why = error if isinstance(error, ValueError) else "it does not have the form of one"
        raise PluginError(f"{path} is no lock ({why}); write it anew: ml4t-live plugins lock --output {path}") from None


def _read(table: Mapping[str, Any]) -> Locked:
    """Return one distribution. Raises what a table of another form raises."""
    version, plugins, files = table["version"], dict(table["plugins"]), dict(table["files"])
    if not all(isinstance(text, str) for text in (version, *plugins.values(), *files.values())):
        raise TypeError
    return Locked(version, plugins, files)


def _locked(several: list[Found], code: Callable[[Found], Code]) -> Locked:
    return Locked(several[0].version, {each.name: each.target for each in several}, code(several[0]).files)


def _lines(lock: Lock) -> Iterator[str]:
    yield f"lock = {FORMAT}"
    for name, locked in sorted(lock.distributions.items()):
        yield f"\n[distributions.{_key(name)}]"
        yield f"version = {_quoted(locked.version)}"
        for table, values in (("plugins", locked.plugins), ("files", locked.files)):
            yield f"\n[distributions.{_key(name)}.{table}]"
            yield from (f"{_key(key)} = {_quoted(value)}" for key, value in sorted(values.items()))


def _key(text: str) -> str:
    return text if _BARE.fullmatch(text) else _quoted(text)


def _quoted(text: Any) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
