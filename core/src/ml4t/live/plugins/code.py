"""The files of a plugin that an import would run, and their hashes: found and read without importing anything."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path, PurePosixPath

from attrs import frozen

from ml4t.live.plugins.finder import Found
from ml4t.live.plugins.wheel import entry_targets, recorded_files

UNREADABLE = "unreadable"
"""What stands in place of the hash of a file that cannot be read."""

_CACHE = "__pycache__"


@frozen
class Code:
    """The files of a distribution by their path from the folder that imports look in, each with its SHA-256 in hexadecimal."""

    files: Mapping[str, str]

    @property
    def digest(self) -> str:
        """One hash for all of them: equal for equal files, wherever they are and however they were installed."""
        lines = "".join(f"{sha} {path}\n" for path, sha in sorted(self.files.items()))
        return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()


def code_of(found: Found) -> Code:
    """Return the files of a plugin's distribution, as they are on the disk now.

    They are those of the packages that its entry points name, where an import would find them: of an editable install that is
    the source folder, and a folder that hides the installed package is seen for what it is. Of a wheel come those that its
    RECORD names besides, and whatever else lies in the same packages. Bytecode that Python keeps is left out.
    """
    targets = {found.target, *entry_targets(found.installed)}
    imported = dict(filter(None, (_locate(target.partition(":")[0]) for target in targets)))
    recorded = {} if found.origin else recorded_files(found.installed)
    places = {**recorded, **imported}
    return Code(dict(sorted(pair for name, place in places.items() for pair in _hashed(name, place))))


def sha256(file: Path) -> str:
    """Return the hash of a file, `UNREADABLE` when it is not there or cannot be read."""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return UNREADABLE


def _hashed(name: str, place: Path) -> Iterator[tuple[str, str]]:
    """Yield the hash of a file, or of every file below a folder, by its path."""
    if not place.is_dir():
        yield name, sha256(place)
        return
    seen: set[str] = set()
    for folder, below, files in os.walk(place, followlinks=True):
        # A link may lead back to a folder above it.
        below[:] = sorted(each for each in below if each != _CACHE and not _again(Path(folder, each), seen))
        inside = PurePosixPath(name, *Path(folder).relative_to(place).parts)
        yield from ((str(inside / each), sha256(Path(folder, each))) for each in files)


def _again(folder: Path, seen: set[str]) -> bool:
    real = os.path.realpath(folder)
    if real in seen:
        return True
    seen.add(real)
    return False


def _locate(module: str) -> tuple[str, Path] | None:
    """Return the outermost regular package of a module, or its file when it is in none; None when nothing would be imported.

    The finders are asked as `import` asks them, and no package is imported on the way, as `importlib.util.find_spec` would.
    """
    parts = module.split(".")
    path: Sequence[str] | None = None
    for count, part in enumerate(parts, 1):
        spec = _spec(".".join(parts[:count]), path)
        if spec is None:
            return None
        if spec.origin is not None and spec.has_location:
            file, inside = Path(spec.origin), PurePosixPath(*parts[:count])
            is_package = spec.submodule_search_locations is not None
            return (str(inside), file.parent) if is_package else (str(inside.with_name(file.name)), file)
        # A namespace: a folder of that name on several parts of the path, without a file of its own.
        path = [str(Path(each, part)) for each in (sys.path if path is None else path) if Path(each, part).is_dir()]
    return None


def _spec(name: str, path: Sequence[str] | None) -> ModuleSpec | None:
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        spec: ModuleSpec | None = find(name, path) if find is not None else None
        if spec is not None:
            return spec
    return None
