"""Writing a plugin."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from attrs import frozen

from ml4t_live_template.kinds import find_kind
from ml4t_live_template.naming import named
from ml4t_live_template.texts import texts


@frozen
class Written:
    """A plugin that was written."""

    folder: Path
    files: tuple[Path, ...]
    component: Path
    """The file in which the component is."""


def write(kind: str, name: str, into: Path, *, taken: Collection[str] = ()) -> Written:
    """Write a plugin of a kind into a new folder of its name, in `into`, which is made when it is not there.

    `taken` are names that it may not have. No file is ever written over. Raises ValueError for a kind or a name that will
    not do, FileExistsError when there is something of that name already, and OSError when it cannot be written.
    """
    found, names = find_kind(kind), named(name, taken)
    every = [(Path(path), text) for path, text in texts(found, names)]
    into.mkdir(parents=True, exist_ok=True)
    folder = into / name
    folder.mkdir()
    for path, text in every:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    component = folder / "src" / names.package / f"{found.module}.py"
    return Written(folder, tuple(folder / path for path, _ in every), component)
