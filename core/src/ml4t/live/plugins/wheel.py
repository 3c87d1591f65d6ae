"""What an installer left beside a distribution: the list of its files with their hashes, and where it came from."""

from __future__ import annotations

import base64
import csv
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from ml4t.live.hookspecs import GROUP
from ml4t.live.plugins.metadata import Distribution

_INFO = (".dist-info", ".egg-info")


def text(distribution: Distribution | None, name: str) -> str:
    """Return a file of the distribution's metadata, empty when it is not there or cannot be read."""
    try:
        return (distribution.read_text(name) or "") if distribution is not None else ""
    except Exception:  # noqa: BLE001 - a damaged file is as good as none
        return ""


def entry_targets(distribution: Distribution | None) -> frozenset[str]:
    """Return what the distribution's entry points of our group name."""
    try:
        points = distribution.entry_points if distribution is not None else ()
        return frozenset(point.value.partition("[")[0].strip() for point in points if point.group == GROUP)
    except Exception:  # noqa: BLE001 - as above
        return frozenset()


def recorded_files(distribution: Distribution | None) -> Mapping[str, Path]:
    """Return the code that RECORD lists, by its path from the folder that imports look in; nothing without a RECORD.

    The metadata is left out (the installer writes into it), and so is what lies elsewhere, as scripts do: they hold the path of
    one machine's interpreter. Of a package the folder is given, because a file that was put into it runs as well.
    """
    if distribution is None:
        return {}
    paths = [PurePosixPath(row[0]) for row in _rows(distribution) if _is_code(PurePosixPath(row[0]))]
    packages = {path.parent for path in paths if path.name == "__init__.py"}
    found: dict[str, Path] = {}
    for path in paths:
        place = next((each for each in reversed(path.parents) if each.parts and each in packages), path)
        found[str(place)] = Path(str(distribution.locate_file(str(place))))
    return found


def damage(distribution: Distribution) -> list[str] | None:
    """Return the files that are not as RECORD says, missing ones included; None when there is no RECORD to ask."""
    rows = list(_rows(distribution))
    if not rows:
        return None
    return sorted(path for path, said, *_ in rows if said and not _agrees(Path(str(distribution.locate_file(path))), said))


def _rows(distribution: Distribution) -> Iterator[list[Any]]:
    for row in csv.reader(text(distribution, "RECORD").splitlines()):
        if row and row[0]:
            yield [*row, "", ""][:3]


def _is_code(path: PurePosixPath) -> bool:
    first = path.parts[0] if path.parts else ".."
    return not (path.is_absolute() or first == ".." or first.endswith(_INFO) or "__pycache__" in path.parts)


def _agrees(file: Path, said: str) -> bool:
    name, _, value = said.partition("=")
    try:
        made = hashlib.new(name, file.read_bytes()).digest()
    except (OSError, ValueError):  # not there, or a hash that this Python does not know
        return False
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode() == value
